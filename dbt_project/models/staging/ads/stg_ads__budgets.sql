with source as (

    select * from {{ source('ads', 'budgets') }}

),

final as (

    select
        -- identifiers
        budget_id,
        campaign_id,

        -- dimensions
        budget_type,
        currency_code,

        -- facts
        amount_micros

    from source

)

select * from final
