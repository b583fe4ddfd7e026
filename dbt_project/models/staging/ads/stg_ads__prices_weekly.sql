with source as (

    select * from {{ source('ads', 'prices_weekly') }}

),

final as (

    select
        -- identifiers
        advertiser_id,

        -- dimensions
        platform,
        week_start_date,

        -- facts
        price_index,
        discount

    from source

)

select * from final
