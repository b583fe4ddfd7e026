{#- Rates that move from day to day: shape, the part, the whole, the least whole of a day. -#}
{% set rates = [
    ("days_beyond_chance_completion", "video_q100", "video_starts", 200),
    ("days_beyond_chance_viewability", "viewable_impressions", "measurable_impressions", 200),
    ("days_beyond_chance_clicks", "clicks", "impressions", 5000),
    ("days_beyond_chance_errors", "error_count", "auctions_won", 1000),
] %}

with performance as (

    select * from {{ ref('fct_performance_hourly') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

delivery as (

    select * from {{ ref('int_delivery_by_creative_device') }}

),

inventory as (

    select * from {{ ref('stg_ads__inventory_hourly') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and device = 'CTV'
        and ad_opportunities > 0

),

creative_days as (

    select
        performance.creative_id,
        performance.device,
        performance.activity_date,
        {% for _, part, whole, _ in rates -%}
            cast(sum(performance.{{ part }}) as {{ type_double() }}) as {{ part }},
            cast(sum(performance.{{ whole }}) as {{ type_double() }}) as {{ whole }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from performance
    inner join campaigns
        on performance.campaign_id = campaigns.campaign_id
    group by performance.creative_id, performance.device, performance.activity_date

),

-- Pearson's chi-squared of a creative's days on a device around its own rate, over its freedom
{% for shape_id, part, whole, least in rates %}
    {{ shape_id }}_rates as (

        select
            creative_days.creative_id,
            creative_days.device,
            creative_days.{{ part }} as part,
            creative_days.{{ whole }} as whole,
            {{ safe_divide('delivery.' ~ part, 'delivery.' ~ whole) }} as rate
        from creative_days
        inner join delivery
            on
                creative_days.creative_id = delivery.creative_id
                and creative_days.device = delivery.device
        where creative_days.{{ whole }} >= {{ least }}

    ),

    {{ shape_id }} as (

        select
            '{{ shape_id }}' as shape_id,
            {{ safe_divide(
                'sum(power(part - whole * rate, 2) / (whole * rate * (1 - rate)))',
                "count(*) - count(distinct " ~ dbt.concat(['creative_id', "' '", 'device']) ~ ")",
            ) }} as measured_value
        from {{ shape_id }}_rates
        where rate > 0 and rate < 1

    ),
{% endfor %}

-- a bad file or release: the worst day of errors of any creative on a device, over its own rate
worst_day_of_errors as (

    select
        'worst_day_of_errors' as shape_id,
        max({{ safe_divide('part', 'whole * rate') }}) as measured_value
    from {{ rates[-1][0] }}_rates
    where whole >= 10000

),

campaign_rates as (

    select
        campaign_id,
        device,
        {{ safe_divide('sum(viewable_impressions)', 'sum(measurable_impressions)') }} as viewability
    from delivery
    group by campaign_id, device
    having sum(measurable_impressions) >= 100000

),

viewability_by_device as (

    select
        device,
        count(*) as campaigns,
        stddev_samp(ln(viewability / (1 - viewability))) as spread
    from campaign_rates
    where viewability > 0 and viewability < 1
    group by device
    having count(*) >= 20

),

viewability_between_campaigns as (

    select
        'viewability_between_campaigns' as shape_id,
        {{ safe_divide('sum(campaigns * spread)', 'sum(campaigns)') }} as measured_value
    from viewability_by_device

),

creative_rates as (

    select
        creative_id,
        device,
        {{ safe_divide('video_q100', 'video_starts') }} as completion_rate,
        {{ safe_divide('clicks', 'impressions') }} as ctr
    from delivery
    where
        video_starts >= 5000
        and video_q100 < video_starts
        and video_q100 > 0
        and clicks >= 30

),

across_devices as (

    select
        'completion_across_devices' as shape_id,
        ln(mobile.completion_rate / (1 - mobile.completion_rate)) as one,
        ln(other.completion_rate / (1 - other.completion_rate)) as other
    from creative_rates as mobile
    inner join creative_rates as other
        on mobile.creative_id = other.creative_id
    where mobile.device = 'MOBILE' and other.device = 'CTV'

    union all

    select
        'clicks_across_devices' as shape_id,
        ln(mobile.ctr) as one,
        ln(other.ctr) as other
    from creative_rates as mobile
    inner join creative_rates as other
        on mobile.creative_id = other.creative_id
    where mobile.device = 'MOBILE' and other.device = 'DESKTOP'

),

correlations as (

    select
        shape_id,
        case
            when count(*) >= 30
                then {{ safe_divide(
                    'avg(one * other) - avg(one) * avg(other)',
                    'stddev_pop(one) * stddev_pop(other)',
                ) }}
        end as measured_value
    from across_devices
    group by shape_id

),

week_over_week as (

    select
        inventory.country,
        inventory.hour_ts,
        cast(inventory.hour_ts as date) as activity_date,
        ln(inventory.ad_opportunities) - ln(earlier.ad_opportunities) as log_ratio
    from inventory
    inner join inventory as earlier
        on
            inventory.country = earlier.country
            and inventory.hour_ts = {{ dbt.dateadd('day', 7, 'earlier.hour_ts') }}

),

changes_within_days as (

    select
        country,
        activity_date,
        stddev_samp(log_ratio) as spread
    from week_over_week
    group by country, activity_date

),

supply_within_days as (

    select
        'supply_within_days' as shape_id,
        avg(spread) as measured_value
    from changes_within_days

),

steps as (

    select
        cast(extract(hour from hour_ts) as integer) as hour_of_day,
        log_ratio - lag(log_ratio) over (partition by country order by hour_ts) as step
    from week_over_week

),

supply_at_midnight as (

    select
        'supply_step_at_midnight' as shape_id,
        {{ safe_divide(
            'sqrt(avg(case when hour_of_day = 0 then step * step end))',
            'sqrt(avg(case when hour_of_day <> 0 then step * step end))',
        ) }} as measured_value
    from steps

),

-- by hour of the day, in UTC: what times out of what American campaigns ask for
timeouts_by_hour as (

    select
        cast(extract(hour from performance.hour_ts) as integer) as hour_of_day,
        ln(
            {{ safe_divide('sum(performance.timeout_count)', 'sum(performance.requests)') }}
        ) as log_rate
    from performance
    inner join campaigns
        on performance.campaign_id = campaigns.campaign_id
    where campaigns.currency_code = 'USD'
    group by cast(extract(hour from performance.hour_ts) as integer)
    having sum(performance.timeout_count) > 1000

),

supply_by_hour as (

    select
        cast(extract(hour from hour_ts) as integer) as hour_of_day,
        ln(avg(cast(ad_opportunities as {{ type_double() }}))) as log_supply
    from inventory
    where country = 'US'
    group by cast(extract(hour from hour_ts) as integer)

),

timeouts_on_load as (

    select
        'timeouts_on_load' as shape_id,
        {{ safe_divide(
            'avg(log_supply * log_rate) - avg(log_supply) * avg(log_rate)',
            'avg(log_supply * log_supply) - avg(log_supply) * avg(log_supply)',
        ) }} as measured_value
    from timeouts_by_hour
    inner join supply_by_hour
        on timeouts_by_hour.hour_of_day = supply_by_hour.hour_of_day

),

line_item_days as (

    select
        performance.line_item_id,
        performance.activity_date,
        cast(sum(performance.impressions) as {{ type_double() }}) as impressions
    from performance
    inner join campaigns
        on performance.campaign_id = campaigns.campaign_id
    where
        performance.activity_date > campaigns.first_flight_date
        and performance.activity_date < campaigns.last_flight_date
    group by performance.line_item_id, performance.activity_date

),

line_items as (

    select
        line_item_id,
        {{ safe_divide('stddev_pop(impressions)', 'avg(impressions)') }} as variation,
        row_number() over (
            order by {{ safe_divide('stddev_pop(impressions)', 'avg(impressions)') }}
        ) as position_from_below,
        count(*) over () as line_items
    from line_item_days
    group by line_item_id
    having count(*) >= 19 and avg(impressions) >= 500

),

daily_variation as (

    select
        'daily_variation_of_line_items' as shape_id,
        case
            when count(*) > 0
                then max(case when 2 * position_from_below <= line_items + 1 then variation end)
        end as measured_value
    from line_items

),

measured as (

    {% for shape_id, _, _, _ in rates -%}
        select * from {{ shape_id }}
        union all
    {% endfor -%}
    select * from worst_day_of_errors
    union all
    select * from viewability_between_campaigns
    union all
    select * from correlations
    union all
    select * from supply_within_days
    union all
    select * from supply_at_midnight
    union all
    select * from timeouts_on_load
    union all
    select * from daily_variation

),

final as (

    select
        -- identifiers
        shape_id,

        -- facts
        {{ to_nine_decimals('measured_value') }} as measured_value

    from measured

)

select * from final
