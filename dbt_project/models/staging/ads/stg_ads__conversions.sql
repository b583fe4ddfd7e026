with source as (

    select * from {{ source('ads', 'conversions') }}

),

valid as (

    {{ last_landed('source', 'conversion_id', 'received_at') }}

),

repeated as (

    select
        conversion_id as repeated_id,
        count(*) as landings
    from source
    group by conversion_id
    having count(*) > 1

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
        cast(coalesce(repeated.landings, 1) as integer) as landings

    from valid
    left join repeated
        on valid.conversion_id = repeated.repeated_id

)

select * from final
