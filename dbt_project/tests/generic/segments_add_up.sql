{#-
    Fails on every campaign, UTC day and dimension with segments that do not add up to what `delivery` has for
    the campaign's day: impressions, completed views and clicks. Every dimension splits every day that
    delivered anything.
-#}
{% test segments_add_up(model, delivery, delivery_day) %}

with days as (

    select
        campaign_id,
        {{ delivery_day }} as activity_date,
        sum(impressions) as impressions,
        sum(video_q100) as video_q100,
        sum(clicks) as clicks
    from {{ delivery }}
    group by campaign_id, {{ delivery_day }}

),

dimensions as (

    select distinct dimension from {{ model }}

),

whole as (

    select *
    from days
    cross join dimensions

),

parts as (

    select
        campaign_id,
        activity_date,
        dimension,
        sum(impressions) as impressions,
        sum(video_q100) as video_q100,
        sum(clicks) as clicks
    from {{ model }}
    group by campaign_id, activity_date, dimension

)

select
    campaign_id,
    activity_date,
    dimension,
    whole.impressions as delivered_impressions,
    parts.impressions as segment_impressions,
    whole.video_q100 as delivered_video_q100,
    parts.video_q100 as segment_video_q100,
    whole.clicks as delivered_clicks,
    parts.clicks as segment_clicks
from whole
full outer join parts using (campaign_id, activity_date, dimension)
where
    (
        coalesce(whole.impressions, 0) <> coalesce(parts.impressions, 0)
        or coalesce(whole.video_q100, 0) <> coalesce(parts.video_q100, 0)
        or coalesce(whole.clicks, 0) <> coalesce(parts.clicks, 0)
    )
    and {{ has_landed(dbt.dateadd("day", 1, "activity_date")) }}

{% endtest %}
