with source as (

    select * from {{ source('ads', 'profiles') }}

),

final as (

    select
        -- identifiers
        profile_id,
        household_id,

        -- dimensions
        profile_number,
        age_range,
        gender,
        interest_category

    from source

)

select * from final
