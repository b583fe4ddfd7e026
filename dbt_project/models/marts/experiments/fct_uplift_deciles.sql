with households as (

    select * from {{ ref('fct_experiment_households') }}

),

sums as (

    select
        experiment_id,
        campaign_id,
        conversion_type,
        viewing_decile,
        min(prior_viewing_hours) as least_viewing_hours,
        sum(case when experiment_arm = 'TEST' then 1 else 0 end) as test_households,
        sum(case when experiment_arm = 'CONTROL' then 1 else 0 end) as control_households,
        sum(case when experiment_arm = 'TEST' then conversions else 0 end) as test_conversions,
        sum(case when experiment_arm = 'CONTROL' then conversions else 0 end)
            as control_conversions,
        sum(case when experiment_arm = 'TEST' then 1e0 * conversions * conversions else 0e0 end)
            as test_squares,
        sum(case when experiment_arm = 'CONTROL' then 1e0 * conversions * conversions else 0e0 end)
            as control_squares
    from households
    group by experiment_id, campaign_id, conversion_type, viewing_decile

),

rates as (

    select
        *,
        {{ safe_divide('test_conversions', 'test_households') }} as test_rate,
        {{ safe_divide('control_conversions', 'control_households') }} as control_rate,
        {{ safe_divide(
            'test_squares - '
            ~ safe_divide('1e0 * test_conversions * test_conversions', 'test_households'),
            '1e0 * test_households * (test_households - 1)',
        ) }} as test_variance,
        {{ safe_divide(
            'control_squares - '
            ~ safe_divide('1e0 * control_conversions * control_conversions', 'control_households'),
            '1e0 * control_households * (control_households - 1)',
        ) }} as control_variance
    from sums

),

final as (

    select
        -- identifiers
        experiment_id,
        campaign_id,

        -- dimensions
        conversion_type,
        viewing_decile,
        least_viewing_hours,

        -- facts
        cast(test_households as bigint) as test_households,
        cast(control_households as bigint) as control_households,
        cast(test_conversions as bigint) as test_conversions,
        cast(control_conversions as bigint) as control_conversions,
        sum((test_rate - control_rate) * test_households) over (
            partition by experiment_id, conversion_type
            order by viewing_decile
            rows between unbounded preceding and current row
        ) as incremental_conversions_so_far,

        -- metrics
        test_rate,
        control_rate,
        test_rate - control_rate as uplift,
        test_rate - control_rate - 1.959964 * sqrt(test_variance + control_variance)
            as uplift_low,
        test_rate - control_rate + 1.959964 * sqrt(test_variance + control_variance)
            as uplift_high

    from rates

)

select * from final
