with source as (

    select * from {{ source('ads', 'ad_impressions') }}

),

valid as (

    {{ last_landed('source', 'impression_id') }}

),

final as (

    select
        -- identifiers
        cast(impression_id as {{ dbt.type_string() }}) as impression_id,
        campaign_id,
        line_item_id,
        creative_id,
        household_id,
        profile_id,
        device_id,
        session_id,

        -- dimensions
        cast(device as {{ dbt.type_string() }}) as device,
        cast(ifa_type as {{ dbt.type_string() }}) as ifa_type,
        limit_ad_tracking,
        cast(content_genre as {{ dbt.type_string() }}) as content_genre,
        hour_ts,
        event_ts,
        break_number,
        pod_size,
        slot_in_pod,
        exposure_number,
        cast(furthest_event as {{ dbt.type_string() }}) as furthest_event,
        is_skipped,
        is_clicked,
        is_scanned,
        is_engaged,
        is_measurable,
        is_viewable,
        is_audible,

        -- facts
        milliseconds_watched,
        spend_micros,

        -- metadata
        loaded_at

    from valid

)

select * from final
