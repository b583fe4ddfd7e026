with deciles as (

    select * from {{ ref('fct_uplift_deciles') }}

),

households as (

    select * from {{ ref('fct_experiment_households') }}
    where experiment_arm = 'TEST'

),

outcomes as (

    select * from {{ ref('stg_truth__household_outcomes') }}

),

caused as (

    select
        households.experiment_id,
        households.conversion_type,
        households.viewing_decile,
        cast(
            sum(outcomes.conversions_with_ads - outcomes.conversions_without_ads) as bigint
        ) as caused_conversions
    from households
    inner join outcomes
        on
            households.campaign_id = outcomes.campaign_id
            and households.household_id = outcomes.household_id
            and households.conversion_type = outcomes.conversion_type
    group by households.experiment_id, households.conversion_type, households.viewing_decile

),

final as (

    select
        -- identifiers
        deciles.experiment_id,
        deciles.campaign_id,

        -- dimensions
        deciles.conversion_type,
        deciles.viewing_decile,

        -- facts
        deciles.incremental_conversions_so_far,
        coalesce(caused.caused_conversions, 0) as caused_conversions,
        cast(
            sum(coalesce(caused.caused_conversions, 0)) over (
                partition by deciles.experiment_id, deciles.conversion_type
                order by deciles.viewing_decile
                rows between unbounded preceding and current row
            ) as bigint
        ) as caused_conversions_so_far,

        -- metrics
        deciles.uplift,
        deciles.uplift_low,
        deciles.uplift_high,
        {{ safe_divide('coalesce(caused.caused_conversions, 0)', 'deciles.test_households') }}
            as true_uplift

    from deciles
    left join caused
        on
            deciles.experiment_id = caused.experiment_id
            and deciles.conversion_type = caused.conversion_type
            and deciles.viewing_decile = caused.viewing_decile

)

select * from final
