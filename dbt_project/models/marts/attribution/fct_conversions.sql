with conversions as (

    select * from {{ ref('stg_ads__conversions') }}

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
        conversion_type,
        conversion_source,
        event_ts,
        cast(event_ts as date) as activity_date,
        received_at,
        currency_code,
        is_new_customer,

        -- facts
        {{ micros_to_currency('value_micros') }} as conversion_value

    from conversions

)

select * from final
