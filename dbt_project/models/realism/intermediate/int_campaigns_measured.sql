{% set metrics_of_sizes = [
    ("frequency_mean", "frequency", "impressions between 20000000 and 39000000"),
    ("frequency_large", "frequency", "impressions > 200000000"),
] %}
{% set guaranteed = "('DIRECT_IO', 'PROGRAMMATIC_GUARANTEED')" %}

with campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

reach as (

    select * from {{ ref('fct_campaign_reach') }}
    where reach_window = 'FLIGHT_TO_DATE'

),

pacing as (

    select * from {{ ref('fct_campaign_pacing_daily') }}

),

device_days as (

    select * from {{ ref('fct_device_performance_daily') }}

),

-- the whole life of the campaigns that are over
lives as (

    select
        campaigns.campaign_id,
        campaigns.buy_type,
        campaigns.frequency_cap,
        reach.impressions,
        reach.reach,
        reach.reach - reach.reach_2plus as once,
        reach.reach_2plus - reach.reach_3plus as twice,
        reach.reach_3plus - reach.reach_5plus as three_or_four_times
    from campaigns
    inner join reach
        on
            campaigns.campaign_id = reach.campaign_id
            and campaigns.last_flight_date = reach.activity_date
    where reach.impressions > 0

),

frequencies as (

    {% for benchmark_id, name, size in metrics_of_sizes -%}
        select
            '{{ benchmark_id }}' as benchmark_id,
            {{ metric(name) }} as measured_value,
            impressions
        from (
            select
                {{ total('impressions') }} as impressions,
                {{ total('reach') }} as reach
            from lives
            where {{ size }}
        ) as of_size
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

sizes as (

    select
        'campaign_size_log_sd' as benchmark_id,
        stddev_samp(ln(impressions)) as measured_value,
        {{ total('impressions') }} as impressions
    from lives

),

-- Of a negative binomial law, P(2) / P(1) = s (k + 1) / 2 and (P(3) + P(4)) / P(2) =
-- s (k + 2) / 3 (1 + s (k + 3) / 4), with s = mean / (mean + k). Without s: a quadratic in k.
exposures as (

    select
        impressions,
        {{ safe_divide('twice', 'once') }} as two_to_one,
        {{ safe_divide('three_or_four_times', 'twice') }} as more_to_two
    from lives
    where frequency_cap is null

),

quadratics as (

    select
        impressions,
        3 * more_to_two - two_to_one * (2 + two_to_one) as square,
        6 * more_to_two - two_to_one * (6 + 5 * two_to_one) as linear,
        3 * more_to_two - two_to_one * (4 + 6 * two_to_one) as constant
    from exposures

),

shapes as (

    select
        impressions,
        {{ safe_divide(
            'sqrt(linear * linear - 4 * square * constant) - linear', '(2 * square)',
        ) }} as shape_k
    from quadratics
    where linear * linear >= 4 * square * constant

),

household_shape as (

    select
        'nbd_k_platform' as benchmark_id,
        {{ safe_divide('sum(impressions * shape_k)', 'sum(impressions)') }} as measured_value,
        {{ total('impressions') }} as impressions
    from shapes
    where shape_k > 0

),

delivered as (

    select
        lives.impressions,
        pacing.budget_spent_pct * 0.01 as part_of_budget
    from lives
    inner join campaigns
        on lives.campaign_id = campaigns.campaign_id
    inner join pacing
        on
            campaigns.campaign_id = pacing.campaign_id
            and campaigns.last_flight_date = pacing.activity_date
    where lives.buy_type in {{ guaranteed }}

),

guarantee as (

    select
        'delivery_of_guarantee' as benchmark_id,
        avg(part_of_budget) as measured_value,
        {{ total('impressions') }} as impressions
    from delivered

),

-- how often those reached had seen it in the middle of the day
exposed_days as (

    select
        campaign_id,
        activity_date,
        0.5 * (
            frequency
            + coalesce(lag(frequency) over (partition by campaign_id order by activity_date), 1)
        ) as exposures
    from reach

),

worn as (

    select
        device_days.campaign_id,
        device_days.device,
        sum(case when exposed_days.exposures <= 1.3 then device_days.clicks end) as early_clicks,
        sum(
            case when exposed_days.exposures <= 1.3 then device_days.impressions end
        ) as early_impressions,
        sum(
            case when exposed_days.exposures between 4 and 6 then device_days.clicks end
        ) as late_clicks,
        sum(
            case when exposed_days.exposures between 4 and 6 then device_days.impressions end
        ) as late_impressions
    from device_days
    inner join campaigns
        on device_days.campaign_id = campaigns.campaign_id
    inner join exposed_days
        on
            device_days.campaign_id = exposed_days.campaign_id
            and device_days.activity_date = exposed_days.activity_date
    group by device_days.campaign_id, device_days.device

),

weighed as (

    select
        *,
        {{ safe_divide('late_impressions', 'early_impressions + late_impressions') }} as late_part
    from worn
    where early_impressions > 0 and late_impressions > 0

),

-- the ratio of Mantel and Haenszel: within each campaign and device, weighed by what is known
wear_out as (

    select
        'ctr_wearout_5' as benchmark_id,
        {{ safe_divide(
            'sum(late_clicks * (1 - late_part))', 'sum(early_clicks * late_part)',
        ) }} as measured_value,
        cast(sum(early_impressions + late_impressions) as bigint) as impressions
    from weighed

),

measured as (

    select * from frequencies
    union all
    select * from sizes
    union all
    select * from household_shape
    union all
    select * from guarantee
    union all
    select * from wear_out

),

final as (

    select
        -- identifiers
        benchmark_id,

        -- facts
        impressions,
        {{ to_nine_decimals('measured_value') }} as measured_value

    from measured

)

select * from final
