with source as (

    select * from {{ source('truth', 'household_outcomes') }}

),

final as (

    select
        -- identifiers
        campaign_id,
        household_id,

        -- dimensions
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,

        -- facts
        impressions,
        conversions_without_ads,
        conversions_with_ads

    from source

)

select * from final
