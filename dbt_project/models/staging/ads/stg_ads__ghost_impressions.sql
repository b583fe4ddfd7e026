with source as (

    select * from {{ source('ads', 'ghost_impressions') }}

),

final as (

    select
        -- identifiers
        cast(ghost_id as {{ dbt.type_string() }}) as ghost_id,
        experiment_id,
        campaign_id,
        line_item_id,
        creative_id,
        household_id,

        -- dimensions
        cast(device as {{ dbt.type_string() }}) as device,
        hour_ts,
        event_ts,
        exposure_number

    from source

)

select * from final
