{% set hours_of_day = [
    ("prime_time_share", "20", "22"),
    ("daytime_share", "10", "16"),
] %}

with viewing as (

    select * from {{ ref('int_viewing_by_local_hour') }}

),

audience as (

    select * from {{ ref('fct_audience_daily') }}
    where
        platform = '{{ var("scorecard_platform") }}'
        and dimension = 'LOCAL_HOUR'

),

delivery as (

    select * from {{ ref('int_delivery_by_creative_device') }}

),

platforms as (

    select * from {{ ref('stg_ads__platforms') }}
    where platform = '{{ var("scorecard_platform") }}'

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

runs as (

    select * from {{ ref('stg_ads__runs') }}

),

hours as (

    select
        segment,
        {{ total('impressions') }} as impressions
    from audience
    group by segment

),

shares_of_hours as (

    {% for benchmark_id, first, last in hours_of_day -%}
        select
            '{{ benchmark_id }}' as benchmark_id,
            {{ safe_divide(
                "sum(case when segment between '" ~ first ~ "' and '" ~ last
                ~ "' then impressions end)",
                "sum(impressions)",
            ) }} as measured_value,
            {{ total('impressions') }} as impressions
        from hours
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

ordered_hours as (

    select
        cast(segment as integer) as local_hour,
        sum(impressions) over () as impressions,
        row_number() over (order by impressions, segment) as place_from_least
    from hours
    where impressions > 0

),

trough as (

    select
        'night_trough' as benchmark_id,
        cast(local_hour as {{ type_double() }}) as measured_value,
        cast(impressions as bigint) as impressions
    from ordered_hours
    where place_from_least = 1

),

days as (

    select
        country,
        local_date,
        {{ total('ad_opportunities') }} as ad_opportunities
    from viewing
    group by country, local_date
    having count(distinct local_hour) = 24

),

weekparts as (

    select
        country,
        sum(ad_opportunities) as ad_opportunities,
        avg(
            case when {{ iso_day_of_week('local_date') }} >= 6 then ad_opportunities end
        ) as of_weekend_day,
        avg(
            case when {{ iso_day_of_week('local_date') }} < 6 then ad_opportunities end
        ) as of_weekday
    from days
    group by country
    having count(*) >= 28

),

weekend as (

    select
        'weekend_over_weekday' as benchmark_id,
        {{ safe_divide('sum(of_weekend_day)', 'sum(of_weekday)') }} as measured_value,
        {{ total('ad_opportunities') }} as impressions
    from weekparts

),

months as (

    select
        country,
        cast(extract(month from local_date) as integer) as month_of_year,
        sum(ad_opportunities) as ad_opportunities,
        avg(ad_opportunities) as of_day
    from days
    group by country, cast(extract(month from local_date) as integer)
    having count(*) >= 28

),

whole_years as (

    select country
    from months
    group by country
    having count(*) = 12

),

months_of_markets as (

    select
        months.month_of_year,
        sum(months.ad_opportunities) as ad_opportunities,
        sum(months.of_day) as of_day
    from months
    inner join whole_years
        on months.country = whole_years.country
    group by months.month_of_year

),

year as (

    select
        'month_amplitude' as benchmark_id,
        {{ safe_divide('0.5 * (max(of_day) - min(of_day))', 'avg(of_day)') }} as measured_value,
        {{ total('ad_opportunities') }} as impressions
    from months_of_markets

),

plans as (

    select
        'ad_load' as benchmark_id,
        ad_minutes_per_hour as measured_value,
        cast(null as bigint) as impressions
    from platforms

    union all

    select
        'hours_per_member_month' as benchmark_id,
        hours_per_household_day * {{ safe_divide('365.25', '12') }} as measured_value,
        cast(null as bigint) as impressions
    from platforms

),

delivered as (

    select
        {{ total('impressions') }} as impressions,
        sum(cast(impressions as {{ type_double() }}) * coalesce(duration_seconds, 0))
            as delivered_seconds
    from delivery

),

offered as (

    select
        {{ total('ad_opportunities') }} as ad_opportunities,
        count(distinct local_date) as number_of_days
    from days

),

-- how many times as many campaigns the whole market has
sample as (

    select
        max(runs.market_campaigns) as of_market,
        count(*) as campaigns
    from campaigns
    cross join runs

),

fill as (

    select
        'platform_fill' as benchmark_id,
        {{ safe_divide(
            'delivered.impressions', '(offered.ad_opportunities * sample.campaigns)',
        ) }} * sample.of_market as measured_value,
        delivered.impressions
    from delivered
    cross join offered
    cross join sample

    union all

    select
        'delivered_ad_minutes' as benchmark_id,
        {{ safe_divide(
            'delivered.delivered_seconds * sample.of_market',
            '(60 * offered.number_of_days * platforms.households'
            ~ ' * platforms.hours_per_household_day * sample.campaigns)',
        ) }} as measured_value,
        delivered.impressions
    from delivered
    cross join offered
    cross join platforms
    cross join sample

),

measured as (

    select * from shares_of_hours
    union all
    select * from trough
    union all
    select * from weekend
    union all
    select * from year
    union all
    select * from plans
    union all
    select * from fill

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
