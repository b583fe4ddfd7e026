with source as (

    select * from {{ source('ads', 'conversions_daily') }}

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        cast(device as {{ dbt.type_string() }}) as device,
        activity_date,
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,
        cast(touch_type as {{ dbt.type_string() }}) as touch_type,
        window_days,

        -- facts
        conversions,
        value_micros

    from source

)

select * from final
