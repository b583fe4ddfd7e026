with source as (

    select * from {{ source('ads', 'households') }}

),

final as (

    select
        -- identifiers
        household_id,

        -- dimensions
        platform,
        country,
        region,
        time_zone,
        household_income,
        life_stage,
        cast(viewing_band as {{ dbt.type_string() }}) as viewing_band,

        -- facts
        profiles

    from source

)

select * from final
