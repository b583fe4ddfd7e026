with source as (

    select * from {{ source('ads', 'devices') }}

),

final as (

    select
        -- identifiers
        device_id,
        household_id,

        -- dimensions
        cast(device as {{ dbt.type_string() }}) as device,
        device_number,
        cast(device_family as {{ dbt.type_string() }}) as device_family,
        cast(ifa_type as {{ dbt.type_string() }}) as ifa_type,
        limit_ad_tracking

    from source

)

select * from final
