with plan as (

    select * from {{ ref('int_pacing_plan') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

performance as (

    select * from {{ ref('fct_campaign_performance_daily') }}

),

billed as (

    select * from {{ ref('int_billed_daily') }}

),

runs as (

    select * from {{ ref('stg_ads__runs') }}

),

reported as (

    select max(as_of_date) as as_of_date
    from runs

),

days as (

    select
        plan.*,
        campaigns.advertiser_id,
        campaigns.currency_code,
        coalesce(performance.impressions, 0) as impressions,
        coalesce(billed.billed_impressions, 0) as billed_impressions,
        cast(
            case
                when campaigns.buy_type <> 'PRIVATE_AUCTION'
                    then
                        floor(
                            1000 * {{ safe_divide('plan.budget_total', 'campaigns.target_cpm') }}
                        )
            end as bigint
        ) as goal_impressions,
        cast(coalesce(performance.spend, 0) as decimal(18, 6)) as spend
    from plan
    inner join campaigns
        on plan.campaign_id = campaigns.campaign_id
    cross join reported
    left join performance
        on
            plan.campaign_id = performance.campaign_id
            and plan.activity_date = performance.activity_date
    left join billed
        on
            plan.campaign_id = billed.campaign_id
            and plan.activity_date = billed.activity_date
    where plan.activity_date < reported.as_of_date

),

judged as (

    select
        *,
        {{ metric('daily_pacing_index') }} as daily_pacing_index,
        cast({{ var('pacing_tolerance_pct') }} as {{ type_double() }}) as pacing_tolerance_pct
    from days

),

to_date as (

    select
        *,
        cast(sum(impressions) over campaign_to_date as bigint) as impressions_to_date,
        cast(sum(billed_impressions) over campaign_to_date as bigint)
            as billed_impressions_to_date,
        cast(sum(spend) over campaign_to_date as decimal(18, 6)) as spend_to_date,
        cast(
            sum(
                case when daily_pacing_index < 100 - pacing_tolerance_pct then 1 else 0 end
            ) over campaign_to_date as integer
        ) as under_delivery_days,
        cast(
            sum(
                case when daily_pacing_index > 100 + pacing_tolerance_pct then 1 else 0 end
            ) over campaign_to_date as integer
        ) as over_delivery_days
    from judged
    window campaign_to_date as (
        partition by campaign_id
        order by activity_date
        rows between unbounded preceding and current row
    )

),

measured as (

    select
        *,
        {{ metric('pacing_index') }} as pacing_index,
        {{ metric('budget_spent_pct') }} as budget_spent_pct,
        {{ metric('goal_delivered_pct') }} as goal_delivered_pct
    from to_date

),

final as (

    select
        -- identifiers
        campaign_id,
        flight_id,
        advertiser_id,

        -- dimensions
        currency_code,
        activity_date,
        budget_type,
        flight_day,
        flight_days,
        case
            when pacing_index < 100 - pacing_tolerance_pct then 'UNDER'
            when pacing_index > 100 + pacing_tolerance_pct then 'OVER'
            when pacing_index is not null then 'ON_TRACK'
        end as pacing_status,
        pacing_tolerance_pct,

        -- facts
        impressions,
        billed_impressions,
        impressions_to_date,
        billed_impressions_to_date,
        goal_impressions,
        budget_total,
        spend,
        expected_spend,
        spend_to_date,
        expected_spend_to_date,
        cast(budget_total - spend_to_date as decimal(18, 6)) as budget_remaining,
        greatest(
            spend_to_date,
            case
                when pacing_index < 100
                    then
                        least(
                            budget_total,
                            cast(budget_total * pacing_index * 0.01 as decimal(18, 6))
                        )
                else budget_total
            end
        ) as projected_spend,
        under_delivery_days,
        over_delivery_days,

        -- metrics
        daily_pacing_index,
        pacing_index,
        budget_spent_pct,
        goal_delivered_pct

    from measured

)

select * from final
