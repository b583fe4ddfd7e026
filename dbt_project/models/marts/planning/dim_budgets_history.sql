with budgets as (

    select * from {{ ref('stg_ads__budgets') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

logged as (

    select * from {{ ref('int_logged_versions') }}
    where entity_type = 'BUDGET' and field = 'amount_micros'

),

versions as (

    select
        budgets.budget_id,
        coalesce(logged.version_number, 1) as version_number,
        coalesce(cast(logged.value_text as bigint), budgets.amount_micros) as amount_micros,
        coalesce(logged.valid_from, campaigns.created_at) as valid_from,
        logged.reason
    from budgets
    inner join campaigns
        on budgets.campaign_id = campaigns.campaign_id
    left join logged
        on budgets.budget_id = logged.entity_id

),

bounded as (

    select
        *,
        lead(valid_from) over (partition by budget_id order by version_number) as valid_to
    from versions

),

final as (

    select
        -- identifiers
        budgets.budget_id,
        cast(bounded.version_number as integer) as version_number,
        budgets.campaign_id,

        -- dimensions
        budgets.budget_type,
        budgets.currency_code,
        bounded.reason,
        bounded.valid_to is null as is_present,
        {{ holds_from_date('bounded.valid_from') }} as holds_from_date,

        -- facts
        {{ micros_to_currency('bounded.amount_micros') }} as budget_amount,

        -- metadata
        bounded.valid_from,
        bounded.valid_to

    from bounded
    inner join budgets
        on bounded.budget_id = budgets.budget_id

)

select * from final
