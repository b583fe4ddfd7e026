with source as (

    select * from {{ source('truth', 'experiment_lift') }}

),

final as (

    select
        -- identifiers
        experiment_id,

        -- dimensions
        cast(conversion_type as {{ dbt.type_string() }}) as conversion_type,

        -- facts
        contamination,
        test_households,
        control_households,
        reached_households,
        conversions_without_ads,
        caused_conversions,
        expected_conversions,
        leaked_conversions

    from source

)

select * from final
