with source as (

    select * from {{ source('ads', 'flights') }}

),

final as (

    select
        -- identifiers
        flight_id,
        campaign_id,

        -- dimensions
        start_date,
        end_date

    from source

)

select * from final
