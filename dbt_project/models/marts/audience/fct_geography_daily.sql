with audience as (

    select * from {{ ref('fct_audience_daily') }}
    where dimension = 'REGION'

),

performance as (

    select * from {{ ref('fct_campaign_performance_daily') }}

),

-- The regions of a campaign's day in a row, each with the part of the day up to it and before it.
regions as (

    select
        audience.*,
        performance.currency_code,
        performance.spend as day_spend,
        sum(audience.impressions) over (
            partition by audience.campaign_id, audience.activity_date
            order by audience.segment
            rows between unbounded preceding and current row
        ) as impressions_so_far
    from audience
    inner join performance
        on
            audience.campaign_id = performance.campaign_id
            and audience.activity_date = performance.activity_date

),

-- Spend up to a region less spend before it: the regions add up to the day, to the micro.
apportioned as (

    select
        *,
        {{ spend_of_part('impressions_so_far') }}
        - {{ spend_of_part('(impressions_so_far - impressions)') }} as spend_micros
    from regions

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        platform,
        activity_date,
        left(segment, 2) as country_code,
        segment as region_code,
        currency_code,

        -- facts
        impressions,
        video_q100,
        clicks,
        day_impressions,
        {{ micros_to_currency('spend_micros') }} as spend,
        day_spend,

        -- metrics
        impression_share,
        segment_ctr

    from apportioned

)

select * from final
