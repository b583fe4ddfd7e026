with source as (

    select * from {{ source('ads', 'experiments') }}

),

final as (

    select
        -- identifiers
        experiment_id,
        campaign_id,

        -- dimensions
        cast(experiment_design as {{ dbt.type_string() }}) as experiment_design,
        cast(experiment_unit as {{ dbt.type_string() }}) as experiment_unit,
        starts_at,
        ends_at,

        -- facts
        control_share

    from source

)

select * from final
