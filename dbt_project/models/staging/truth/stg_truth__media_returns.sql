with source as (

    select * from {{ source('truth', 'media_returns') }}

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,
        cast(device as {{ dbt.type_string() }}) as device,
        country,
        region_code,

        -- facts
        impressions,
        spend_micros,
        expected_conversions,
        expected_value,
        marginal_conversions,
        marginal_value

    from source

)

select * from final
