with source as (

    select * from {{ source('ads', 'conversions') }}

),

numbered as (

    select
        *,
        count(*) over (partition by conversion_id) as landings,
        row_number() over (partition by conversion_id order by received_at) as landing_number
    from source

),

final as (

    select
        -- identifiers
        conversion_id,
        data_set_id,
        advertiser_id,
        order_id,
        household_id,
        device_id,
        click_id,

        -- dimensions
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,
        cast(conversion_source as {{ dbt.type_string() }}) as conversion_source,
        event_ts,
        received_at,
        cast(currency_code as {{ dbt.type_string() }}) as currency_code,
        is_new_customer,

        -- facts
        value_micros,

        -- metadata
        cast(landings as integer) as landings

    from numbered
    where landing_number = 1

)

select * from final
