{%- set columns = [
    "campaign_id", "line_item_id", "creative_id", "device", "hour_ts", "requests", "responses",
    "eligible_impressions", "auctions_won", "impressions", "measurable_impressions",
    "viewable_impressions", "audible_impressions", "invalid_impressions", "video_starts",
    "video_q25", "video_q50", "video_q75", "video_q100", "clicks", "skips", "qr_scans",
    "interactive_engagements", "spend_micros", "error_count", "timeout_count", "loaded_at",
] -%}

with irregular_days as (

    select distinct
        creative_id,
        device,
        landed_date
    from {{ ref('base_ads__performance_irregular') }}
    where creative_id is not null

),

valid as (

    select
        landed.{{ columns | join(",\n        landed.") }}
    from {{ ref('base_ads__performance_hourly') }} as landed
    left join irregular_days
        on
            landed.creative_id = irregular_days.creative_id
            and landed.device = irregular_days.device
            and landed.landed_date = irregular_days.landed_date
    where
        irregular_days.creative_id is null
        and landed.creative_id is not null

    union all

    select
        {{ columns | join(",\n        ") }}
    from {{ ref('base_ads__performance_irregular') }}
    where is_valid

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        device,
        hour_ts,

        -- facts
        requests,
        responses,
        eligible_impressions,
        auctions_won,
        impressions,
        measurable_impressions,
        viewable_impressions,
        audible_impressions,
        invalid_impressions,
        video_starts,
        video_q25,
        video_q50,
        video_q75,
        video_q100,
        clicks,
        skips,
        qr_scans,
        interactive_engagements,
        spend_micros,
        error_count,
        timeout_count,

        -- metadata
        loaded_at

    from valid

)

select * from final
