with source as (

    select * from {{ source('ads', 'holidays') }}

),

final as (

    select
        -- dimensions
        platform,
        country,
        holiday_date
    from source

)

select * from final
