with source as (

    select * from {{ source('ads', 'ad_errors') }}

),

valid as (

    {{ last_landed('source', 'error_id') }}

),

final as (

    select
        -- identifiers
        cast(error_id as {{ dbt.type_string() }}) as error_id,
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        cast(device as {{ dbt.type_string() }}) as device,
        hour_ts,
        event_ts,
        vast_error_code,

        -- metadata
        loaded_at

    from valid

)

select * from final
