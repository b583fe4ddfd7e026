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
        reach.reach_2plus
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

-- Negative binomial laws on a grid, in steps of 5 %: how often those reached saw the campaign, and
-- the part of them that saw it twice.
steps as (

    {% for step in range(-50, 101) %}
        select {{ step }} as step
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

laws as (

    select
        power(1.05e0, shapes.step) as shape_k,
        power(1.05e0, means.step) as mean_exposure
    from steps as shapes
    cross join steps as means
    where shapes.step <= 25

),

unseen as (

    select
        shape_k,
        mean_exposure,
        power(1 + mean_exposure / shape_k, -shape_k) as unseen_part
    from laws

),

exposures as (

    select
        shape_k,
        mean_exposure / (1 - unseen_part) as frequency,
        1 - shape_k * mean_exposure / (mean_exposure + shape_k)
        * unseen_part / (1 - unseen_part) as seen_twice
    from unseen

),

-- the laws with a campaign's frequency, and of them the one whose part that saw it twice is nearest
fits as (

    select
        lives.impressions,
        exposures.shape_k,
        row_number() over (
            partition by lives.campaign_id
            order by
                abs(exposures.seen_twice - 1e0 * lives.reach_2plus / lives.reach), exposures.shape_k
        ) as place
    from lives
    inner join exposures
        on
            exposures.frequency > lives.impressions * 0.975e0 / lives.reach
            and exposures.frequency < lives.impressions * 1.025e0 / lives.reach
    where
        lives.frequency_cap is null
        and lives.reach > 0

),

household_shape as (

    select
        'nbd_k_platform' as benchmark_id,
        {{ safe_divide('sum(impressions * shape_k)', 'sum(impressions)') }} as measured_value,
        {{ total('impressions') }} as impressions
    from fits
    where place = 1

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
