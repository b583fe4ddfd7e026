{%- set view_days = var('attribution_view_window_days') -%}

with impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

performance as (

    select * from {{ ref('fct_performance_hourly') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

counted as (

    select distinct
        campaign_id,
        conversion_type
    from touchpoints

),

-- Which impression of such a cell has which creative is left to chance.
cells as (

    select
        line_item_id,
        creative_id,
        device,
        hour_ts,
        impressions,
        sum(impressions) over (partition by line_item_id, device, hour_ts) as of_all_creatives
    from performance
    where impressions > 0

),

rewards as (

    select
        impression_id,
        conversion_type,
        count(*) as conversions
    from touchpoints
    where conversion_ts <= {{ dbt.dateadd('day', view_days, 'touch_ts') }}
    group by impression_id, conversion_type

),

final as (

    select
        -- identifiers
        impressions.impression_id,
        impressions.campaign_id,
        impressions.line_item_id,
        impressions.creative_id,
        impressions.household_id,

        -- dimensions
        counted.conversion_type,
        impressions.device,
        impressions.event_ts,
        impressions.exposure_number,
        impressions.is_clicked,

        -- facts
        {{ safe_divide('cells.impressions', 'cells.of_all_creatives') }} as creative_propensity,
        coalesce(rewards.conversions, 0) as conversions

    from impressions
    inner join counted
        on impressions.campaign_id = counted.campaign_id
    inner join cells
        on
            impressions.line_item_id = cells.line_item_id
            and impressions.creative_id = cells.creative_id
            and impressions.device = cells.device
            and impressions.hour_ts = cells.hour_ts
    left join rewards
        on
            impressions.impression_id = rewards.impression_id
            and counted.conversion_type = rewards.conversion_type
    where cells.impressions < cells.of_all_creatives

)

select * from final
