with source as (

    select * from {{ source('ads', 'experiment_assignments') }}

),

final as (

    select
        -- identifiers
        experiment_id,
        household_id,

        -- dimensions
        cast(experiment_arm as {{ dbt.type_string() }}) as experiment_arm,

        -- facts
        prior_conversions,
        prior_viewing_hours

    from source

)

select * from final
