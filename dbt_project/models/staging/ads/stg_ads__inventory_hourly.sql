with source as (

    select * from {{ source('ads', 'inventory_hourly') }}

),

final as (

    select
        -- dimensions
        platform,
        country,
        cast(device as {{ dbt.type_string() }}) as device,
        hour_ts,

        -- facts
        ad_opportunities,
        price_index,
        booked_share

    from source

)

select * from final
