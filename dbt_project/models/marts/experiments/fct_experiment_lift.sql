{#- In standard errors: half of the width of 95 % confidence, and the effect that four of five
    experiments find. -#}
{%- set half_width = '1.959964' -%}
{%- set detectable = '2.801585' -%}

with households as (

    select * from {{ ref('fct_experiment_households') }}

),

experiments as (

    select * from {{ ref('stg_ads__experiments') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

spends as (

    select
        experiments.experiment_id,
        cast(sum(impressions.spend) as decimal(18, 6)) as spend
    from experiments
    inner join impressions
        on experiments.campaign_id = impressions.campaign_id
    group by experiments.experiment_id

),

-- What a conversion of the advertiser is worth in the time of the experiment.
worths as (

    select
        experiments.experiment_id,
        conversions.conversion_type,
        avg(cast(conversions.conversion_value as {{ type_double() }})) as mean_value
    from experiments
    inner join campaigns
        on experiments.campaign_id = campaigns.campaign_id
    inner join conversions
        on
            campaigns.advertiser_id = conversions.advertiser_id
            and experiments.starts_at <= conversions.event_ts
            and experiments.ends_at > conversions.event_ts
    group by experiments.experiment_id, conversions.conversion_type

),

-- y is what a household did, x what it did before the experiment.
cells as (

    select
        experiment_id,
        conversion_type,
        experiment_arm,
        is_reached,
        count(*) as households,
        sum(1e0 * conversions) as y,
        sum(1e0 * conversions * conversions) as yy,
        sum(1e0 * prior_conversions) as x,
        sum(1e0 * prior_conversions * prior_conversions) as xx,
        sum(1e0 * conversions * prior_conversions) as xy
    from households
    group by experiment_id, conversion_type, experiment_arm, is_reached

),

methods as (

    select
        'NAIVE' as lift_method,
        cells.is_reached as is_treated,
        cells.*
    from cells
    where cells.experiment_arm = 'TEST'
    union all
    select
        'INTENT_TO_TREAT' as lift_method,
        cells.experiment_arm = 'TEST' as is_treated,
        cells.*
    from cells
    union all
    select
        'GHOST_ADS' as lift_method,
        cells.experiment_arm = 'TEST' as is_treated,
        cells.*
    from cells
    inner join experiments
        on cells.experiment_id = experiments.experiment_id
    where cells.is_reached and experiments.experiment_design != 'INTENT_TO_TREAT'
    union all
    select
        'CUPED' as lift_method,
        cells.experiment_arm = 'TEST' as is_treated,
        cells.*
    from cells
    inner join experiments
        on cells.experiment_id = experiments.experiment_id
    where cells.is_reached or experiments.experiment_design = 'INTENT_TO_TREAT'

),

sums as (

    select
        experiment_id,
        conversion_type,
        lift_method,
        is_treated,
        cast(sum(households) as bigint) as households,
        sum(y) as y,
        sum(yy) as yy,
        sum(x) as x,
        sum(xx) as xx,
        sum(xy) as xy
    from methods
    group by experiment_id, conversion_type, lift_method, is_treated

),

moments as (

    select
        experiment_id,
        conversion_type,
        lift_method,
        is_treated,
        households,
        y,
        {{ safe_divide('y', 'households') }} as mean_y,
        {{ safe_divide('x', 'households') }} as mean_x,
        yy - {{ safe_divide('y * y', 'households') }} as syy,
        xx - {{ safe_divide('x * x', 'households') }} as sxx,
        xy - {{ safe_divide('x * y', 'households') }} as sxy
    from sums

),

slopes as (

    select
        experiment_id,
        conversion_type,
        lift_method,
        case
            when lift_method = 'CUPED' then coalesce({{ safe_divide('sum(sxy)', 'sum(sxx)') }}, 0e0)
            else 0e0
        end as slope
    from moments
    group by experiment_id, conversion_type, lift_method

),

-- what earlier conversions explain wholly leaves nothing, and rounded less than nothing
adjusted as (

    select
        moments.*,
        slopes.slope,
        {{ safe_divide(
            'greatest(syy - 2 * slope * sxy + slope * slope * sxx, 0e0)',
            '(households - 1) * households',
        ) }} as variance_of_mean
    from moments
    inner join slopes
        on
            moments.experiment_id = slopes.experiment_id
            and moments.conversion_type = slopes.conversion_type
            and moments.lift_method = slopes.lift_method

),

compared as (

    select
        test.experiment_id,
        test.conversion_type,
        test.lift_method,
        test.households as test_households,
        control.households as control_households,
        cast(test.y as bigint) as test_conversions,
        cast(control.y as bigint) as control_conversions,
        test.mean_y as test_rate,
        test.mean_y - control.mean_y - test.slope * (test.mean_x - control.mean_x) as effect,
        test.variance_of_mean as test_variance,
        control.variance_of_mean as control_variance,
        sqrt(test.variance_of_mean + control.variance_of_mean) as standard_error
    from adjusted as test
    inner join adjusted as control
        on
            test.experiment_id = control.experiment_id
            and test.conversion_type = control.conversion_type
            and test.lift_method = control.lift_method
    where test.is_treated and not control.is_treated

),

lifts as (

    select
        *,
        test_rate - effect as control_rate,
        {{ safe_divide('effect', 'test_rate - effect') }} as lift
    from compared

),

intervals as (

    select
        *,
        {{ safe_divide(
            'sqrt(test_variance + (1 + lift) * (1 + lift) * control_variance)',
            'control_rate',
        ) }} as error_of_lift
    from lifts

),

final as (

    select
        -- identifiers
        intervals.experiment_id,
        experiments.campaign_id,

        -- dimensions
        intervals.conversion_type,
        intervals.lift_method,
        cast(experiments.starts_at as date) as started_on,
        abs(intervals.effect) > {{ half_width }} * intervals.standard_error as is_significant,

        -- facts
        coalesce(spends.spend, 0) as spend,
        intervals.test_households,
        intervals.control_households,
        intervals.test_conversions,
        intervals.control_conversions,
        intervals.effect * intervals.test_households as incremental_conversions,
        (intervals.effect - {{ half_width }} * intervals.standard_error)
        * intervals.test_households as incremental_conversions_low,
        (intervals.effect + {{ half_width }} * intervals.standard_error)
        * intervals.test_households as incremental_conversions_high,
        intervals.control_rate * intervals.test_households as conversions_without_ads,
        intervals.effect * intervals.test_households * coalesce(worths.mean_value, 0)
            as incremental_value,

        -- metrics
        intervals.test_rate,
        intervals.control_rate,
        intervals.effect,
        intervals.standard_error,
        intervals.lift,
        intervals.lift - {{ half_width }} * intervals.error_of_lift as lift_low,
        intervals.lift + {{ half_width }} * intervals.error_of_lift as lift_high,
        {{ safe_divide(detectable ~ ' * intervals.standard_error', 'intervals.control_rate') }}
            as detectable_lift,
        case
            when intervals.lift_method != 'NAIVE'
                then {{ safe_divide(
                    'intervals.control_households'
                    ~ ' - (intervals.test_households + intervals.control_households)'
                    ~ ' * experiments.control_share',
                    'sqrt((intervals.test_households + intervals.control_households)'
                    ~ ' * experiments.control_share * (1 - experiments.control_share))',
                ) }}
        end as sample_ratio_score

    from intervals
    inner join experiments
        on intervals.experiment_id = experiments.experiment_id
    left join spends
        on intervals.experiment_id = spends.experiment_id
    left join worths
        on
            intervals.experiment_id = worths.experiment_id
            and intervals.conversion_type = worths.conversion_type

)

select * from final
