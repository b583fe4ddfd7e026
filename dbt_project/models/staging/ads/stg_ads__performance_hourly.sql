with source as (

    select * from {{ source('ads', 'performance_hourly') }}

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
        timeout_count

    from source

)

select * from final
