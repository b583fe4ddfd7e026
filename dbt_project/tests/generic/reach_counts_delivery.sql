{#-
    Fails on every reach window with impressions that are not what `delivery` has for the campaign in the same
    hour, UTC day, ISO week or flight to date, and on every window that delivered but has no reach.
-#}
{% test reach_counts_delivery(model, delivery) %}

with hours as (

    select
        campaign_id,
        hour_ts,
        sum(impressions) as impressions
    from {{ delivery }}
    group by campaign_id, hour_ts

),

days as (

    select
        campaign_id,
        {{ dbt.date_trunc("day", "hour_ts") }} as day_ts,
        sum(impressions) as impressions
    from hours
    group by campaign_id, {{ dbt.date_trunc("day", "hour_ts") }}

),

-- a flight to date goes on over the days on which no creative is in rotation
days_of_either as (

    select
        campaign_id,
        day_ts,
        sum(impressions) as impressions
    from (
        select * from days
        union all
        select
            campaign_id,
            window_start as day_ts,
            0 as impressions
        from {{ model }}
        where reach_window = 'FLIGHT_TO_DATE'
    ) as of_delivery_and_reach
    group by campaign_id, day_ts

),

windows as (

    select
        campaign_id,
        'HOUR' as reach_window,
        hour_ts as window_start,
        impressions
    from hours

    union all

    select
        campaign_id,
        'DAY' as reach_window,
        day_ts as window_start,
        impressions
    from days

    union all

    select
        campaign_id,
        'WEEK' as reach_window,
        {{ dbt.date_trunc("week", "day_ts") }} as window_start,
        sum(impressions) as impressions
    from days
    group by campaign_id, {{ dbt.date_trunc("week", "day_ts") }}

    union all

    select
        campaign_id,
        'FLIGHT_TO_DATE' as reach_window,
        day_ts as window_start,
        sum(impressions) over (
            partition by campaign_id order by day_ts
            rows between unbounded preceding and current row
        ) as impressions
    from days_of_either

)

select
    campaign_id,
    reach_window,
    window_start,
    windows.impressions as delivered_impressions,
    reach.impressions as reach_impressions
from windows
full outer join {{ model }} as reach using (campaign_id, reach_window, window_start)
where
    coalesce(windows.impressions, 0) <> coalesce(reach.impressions, 0)
    and {{ has_landed(end_of_window()) }}

{% endtest %}
