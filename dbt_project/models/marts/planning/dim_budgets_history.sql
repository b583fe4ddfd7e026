with budgets as (

    select * from {{ ref('stg_ads__budgets') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

changes as (

    select * from {{ ref('stg_ads__campaign_changes') }}
    where entity_type = 'BUDGET' and field = 'amount_micros'

),

numbered as (

    select
        entity_id as budget_id,
        cast(old_value as bigint) as amount_before_micros,
        cast(new_value as bigint) as amount_micros,
        changed_at,
        reason,
        row_number() over (partition by entity_id order by changed_at, change_id) as change_number
    from changes

),

versions as (

    select
        budgets.budget_id,
        1 as version_number,
        coalesce(numbered.amount_before_micros, budgets.amount_micros) as amount_micros,
        campaigns.created_at as valid_from,
        cast(null as {{ dbt.type_string() }}) as reason
    from budgets
    inner join campaigns
        on budgets.campaign_id = campaigns.campaign_id
    left join numbered
        on
            budgets.budget_id = numbered.budget_id
            and numbered.change_number = 1

    union all

    select
        budget_id,
        change_number + 1 as version_number,
        amount_micros,
        changed_at as valid_from,
        reason
    from numbered

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
        case
            when bounded.valid_from = {{ dbt.date_trunc('day', 'bounded.valid_from') }}
                then cast(bounded.valid_from as date)
            else cast({{ dbt.dateadd('day', 1, 'bounded.valid_from') }} as date)
        end as holds_from_date,

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
