{%- set present = columns_of(source('ads', 'performance_hourly')) -%}

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
        cast(device as {{ dbt.type_string() }}) as device,
        hour_ts,
        cast(hour_ts as date) as landed_date,

        -- facts
        {{ as_landed('requests', present) }} as requests,
        {{ as_landed('responses', present) }} as responses,
        {{ as_landed('eligible_impressions', present) }} as eligible_impressions,
        {{ as_landed('auctions_won', present) }} as auctions_won,
        {{ as_landed('impressions', present) }} as impressions,
        {{ as_landed('measurable_impressions', present) }} as measurable_impressions,
        {{ as_landed('viewable_impressions', present) }} as viewable_impressions,
        {{ as_landed('audible_impressions', present) }} as audible_impressions,
        {{ as_landed('invalid_impressions', present) }} as invalid_impressions,
        {{ as_landed('video_starts', present) }} as video_starts,
        {{ as_landed('video_q25', present) }} as video_q25,
        {{ as_landed('video_q50', present) }} as video_q50,
        {{ as_landed('video_q75', present) }} as video_q75,
        {{ as_landed('video_q100', present) }} as video_q100,
        {{ as_landed('clicks', present) }} as clicks,
        {{ as_landed('skips', present) }} as skips,
        {{ as_landed('qr_scans', present) }} as qr_scans,
        {{ as_landed('interactive_engagements', present) }} as interactive_engagements,
        {{ as_landed('spend_micros', present) }} as spend_micros,
        {{ as_landed('error_count', present) }} as error_count,
        {{ as_landed('timeout_count', present) }} as timeout_count,

        -- metadata
        loaded_at,
        {{ has_drifted('performance_hourly', present) }} as has_drifted

    from source

)

select * from final
