with lifts as (

    select * from {{ ref('fct_experiment_lift') }}

),

truth as (

    select * from {{ ref('stg_truth__experiment_lift') }}

),

final as (

    select
        -- identifiers
        lifts.experiment_id,
        lifts.campaign_id,

        -- dimensions
        lifts.conversion_type,
        lifts.lift_method,
        lifts.is_significant,
        truth.expected_conversions between lifts.incremental_conversions_low
        and lifts.incremental_conversions_high as covers_truth,

        -- facts
        lifts.incremental_conversions,
        lifts.incremental_conversions_low,
        lifts.incremental_conversions_high,
        truth.caused_conversions,
        truth.expected_conversions,
        truth.leaked_conversions,

        -- metrics
        lifts.lift,
        lifts.lift_low,
        lifts.lift_high,
        {{ safe_divide('truth.expected_conversions', 'truth.conversions_without_ads') }}
            as true_lift,
        {{ safe_divide('lifts.incremental_conversions', 'truth.expected_conversions') }}
            as overstatement

    from lifts
    inner join truth
        on
            lifts.experiment_id = truth.experiment_id
            and lifts.conversion_type = truth.conversion_type

)

select * from final
