{#-
    Fails on every campaign that spent more than its lifetime budget, and on every UTC day on which a
    campaign spent more than its daily budget: exact to the micro. `spend` and `day` are expressions
    over the model.
-#}
{% test within_budget(model, spend, day) %}

with spent as (

    select
        budgets.campaign_id,
        budgets.budget_type,
        budgets.amount_micros * 0.000001 as amount,
        case when budgets.budget_type = 'DAILY' then {{ day }} end as budget_day,
        {{ spend }} as spend
    from {{ model }} as model_row
    inner join {{ ref("stg_ads__budgets") }} as budgets
        on model_row.campaign_id = budgets.campaign_id

)

select
    campaign_id,
    budget_type,
    budget_day,
    amount,
    sum(spend) as spend
from spent
group by campaign_id, budget_type, budget_day, amount
having sum(spend) > amount

{% endtest %}
