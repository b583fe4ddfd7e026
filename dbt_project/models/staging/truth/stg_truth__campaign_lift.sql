with source as (

    select * from {{ source('truth', 'campaign_lift') }}

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,
        window_days,

        -- facts
        impressions,
        spend_micros,
        caused_conversions,
        caused_value_micros,
        expected_conversions,
        expected_value,
        marginal_conversions,
        marginal_value

    from source

)

select * from final
