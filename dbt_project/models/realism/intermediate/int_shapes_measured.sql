{#- Parts of the day in which one device is watched more: shape, hours, device, other. -#}
{% set leanings = [
    ("evening_ctv_over_desktop", 19, 22, "CTV", "DESKTOP"),
    ("office_hours_desktop_over_ctv", 9, 16, "DESKTOP", "CTV"),
    ("daytime_mobile_over_ctv", 9, 16, "MOBILE", "CTV"),
] %}

with viewing as (

    select * from {{ ref('int_viewing_by_local_hour') }}

),

delivery as (

    select * from {{ ref('int_delivery_by_creative_device') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

campaign_hours as (

    select * from {{ ref('fct_campaign_performance_hourly') }}

),

pacing as (

    select * from {{ ref('fct_campaign_pacing_daily') }}

),

reach as (

    select * from {{ ref('fct_campaign_reach') }}
    where reach_window = 'FLIGHT_TO_DATE'

),

device_hours as (

    select
        device,
        local_hour,
        sum(ad_opportunities) as ad_opportunities
    from viewing
    group by device, local_hour

),

leanings as (

    {% for shape_id, first, last, device, other in leanings -%}
        select
            '{{ shape_id }}' as shape_id,
            {{ safe_divide(
                safe_divide(
                    "sum(case when device = '" ~ device ~ "' and local_hour between " ~ first
                    ~ " and " ~ last ~ " then ad_opportunities end)",
                    "sum(case when device = '" ~ device ~ "' then ad_opportunities end)",
                ),
                safe_divide(
                    "sum(case when device = '" ~ other ~ "' and local_hour between " ~ first
                    ~ " and " ~ last ~ " then ad_opportunities end)",
                    "sum(case when device = '" ~ other ~ "' then ad_opportunities end)",
                ),
            ) }} as measured_value
        from device_hours
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

country_devices as (

    select
        country,
        {{ safe_divide(
            "sum(case when device = 'CTV' then ad_opportunities end)", "sum(ad_opportunities)",
        ) }} as television,
        {{ safe_divide(
            "sum(case when device = 'CTV' and local_hour >= 21 then ad_opportunities end)",
            "sum(case when device = 'CTV' then ad_opportunities end)",
        ) }} as late_television
    from viewing
    group by country

),

habits as (

    select
        'late_television_of_countries' as shape_id,
        case
            when count(*) > 1
                then {{ safe_divide('max(late_television)', 'min(late_television)') }}
        end as measured_value
    from country_devices

    union all

    select
        'television_share_of_countries' as shape_id,
        case when count(*) > 1 then max(television) - min(television) end as measured_value
    from country_devices

),

days as (

    select
        country,
        local_date,
        {{ iso_day_of_week('local_date') }} as day_of_week,
        cast(extract(month from local_date) as integer) as month_of_year,
        sum(ad_opportunities) as ad_opportunities
    from viewing
    group by country, local_date
    having count(distinct local_hour) = 24

),

weekdays as (

    select
        day_of_week,
        avg(ad_opportunities) as of_day
    from days
    group by day_of_week

),

peak_weekday as (

    select
        'peak_weekday' as shape_id,
        case
            when count(*) = 7
                then cast(
                    max(case when position_from_top = 1 then day_of_week end)
                    as {{ type_double() }}
                )
        end as measured_value
    from (
        select
            day_of_week,
            row_number() over (order by of_day desc, day_of_week asc) as position_from_top
        from weekdays
    ) as ranked

),

months as (

    select
        month_of_year,
        avg(ad_opportunities) as of_day
    from days
    group by month_of_year
    having count(*) >= 28

),

seasons as (

    select
        'summer_and_winter_over_spring_and_autumn' as shape_id,
        case
            when count(*) = 12
                then {{ safe_divide(
                    "sum(case when month_of_year in (1, 6, 7, 12) then of_day end)",
                    "sum(case when month_of_year in (4, 5, 9, 10) then of_day end)",
                ) }}
        end as measured_value
    from months

),

quartiles as (

    select
        device,
        {{ safe_divide('sum(video_q50)', 'sum(video_starts)') }} as half_seen,
        {{ safe_divide('sum(video_starts - video_q50)', 'sum(video_q50 - video_q100)') }}
            as first_over_second_half
    from delivery
    where placement <> 'PAUSE'
    group by device

),

quartile_curves as (

    select
        'leaving_in_first_over_second_half' as shape_id,
        min(first_over_second_half) as measured_value
    from quartiles

    union all

    select
        'quartile_curves_of_devices_in_order' as shape_id,
        case
            when count(*) = 4
                then least(
                    max(case when device = 'CTV' then half_seen end)
                    - max(case when device = 'TABLET' then half_seen end),
                    max(case when device = 'TABLET' then half_seen end)
                    - max(case when device in ('MOBILE', 'DESKTOP') then half_seen end)
                )
        end as measured_value
    from quartiles

),

lives as (

    select
        campaigns.campaign_id,
        ln(reach.impressions) as log_impressions,
        ln(reach.frequency) as log_frequency,
        reach.impressions,
        reach.reach
    from campaigns
    inner join reach
        on
            campaigns.campaign_id = reach.campaign_id
            and campaigns.last_flight_date = reach.activity_date
    where reach.impressions > 0

),

mean_size as (

    select
        avg(log_impressions) as log_impressions,
        avg(log_frequency) as log_frequency,
        stddev_samp(log_impressions) as spread
    from lives

),

sizes as (

    select
        'skewness_of_log_campaign_size' as shape_id,
        case
            when count(*) >= 30
                then avg(
                    power({{ safe_divide(
                        'lives.log_impressions - mean_size.log_impressions', 'mean_size.spread',
                    ) }}, 3)
                )
        end as measured_value
    from lives
    cross join mean_size

    union all

    select
        'frequency_grows_with_size' as shape_id,
        case
            when count(*) >= 30
                then {{ safe_divide(
                    'sum((lives.log_impressions - mean_size.log_impressions)'
                    ~ ' * (lives.log_frequency - mean_size.log_frequency))',
                    'sum((lives.log_impressions - mean_size.log_impressions)'
                    ~ ' * (lives.log_impressions - mean_size.log_impressions))',
                ) }}
        end as measured_value
    from lives
    cross join mean_size

),

-- what an hour would have been, had each day of the kind had the campaign's mean profile
campaign_day_hours as (

    select
        campaign_hours.campaign_id,
        campaign_hours.activity_date,
        campaign_hours.hour_of_day,
        campaign_hours.day_of_week >= 6 as is_weekend,
        cast(campaign_hours.impressions as {{ type_double() }}) as impressions,
        sum(campaign_hours.impressions) over (
            partition by campaign_hours.campaign_id, campaign_hours.activity_date
        ) as of_day
    from campaign_hours
    inner join campaigns
        on campaign_hours.campaign_id = campaigns.campaign_id
    where campaign_hours.activity_date < campaigns.last_flight_date

),

profiled as (

    select
        campaign_id,
        activity_date,
        hour_of_day,
        impressions,
        of_day * {{ safe_divide(
            'sum(impressions) over (partition by campaign_id, is_weekend, hour_of_day)',
            'sum(impressions) over (partition by campaign_id, is_weekend)',
        ) }} as expected
    from campaign_day_hours

),

residuals as (

    select
        campaign_id,
        expected,
        {{ safe_divide('impressions', 'expected') }} - 1 as residual,
        lag({{ safe_divide('impressions', 'expected') }} - 1) over (
            partition by campaign_id, activity_date
            order by hour_of_day
        ) as residual_before
    from profiled
    where expected >= 100

),

hourly_counts as (

    select
        'hourly_spread_beyond_chance' as shape_id,
        case
            when count(*) > 0
                then sqrt(
                    greatest(avg(residual * residual - {{ safe_divide('1', 'expected') }}), 0)
                )
        end as measured_value
    from residuals

    union all

    select
        'hourly_autocorrelation' as shape_id,
        {{ safe_divide('sum(residual * residual_before)', 'sum(residual * residual)') }}
            as measured_value
    from residuals
    where residual_before is not null

),

-- the distance of a day to its plan
deviations as (

    select
        pacing.campaign_id,
        pacing.activity_date,
        ln(pacing.daily_pacing_index) as deviation
    from pacing
    inner join campaigns
        on pacing.campaign_id = campaigns.campaign_id
    where
        pacing.budget_type = 'LIFETIME'
        and pacing.flight_day between 2 and pacing.flight_days - 1
        and pacing.daily_pacing_index > 0

),

campaign_deviations as (

    select
        campaign_id,
        avg(deviation) as mean_deviation,
        stddev_samp(deviation) as spread
    from deviations
    group by campaign_id
    having count(*) >= 7

),

deviating_days as (

    select
        deviations.activity_date,
        count(*) as campaigns,
        sum(
            {{ safe_divide(
                'deviations.deviation - campaign_deviations.mean_deviation',
                'campaign_deviations.spread',
            ) }}
        ) as deviation
    from deviations
    inner join campaign_deviations
        on deviations.campaign_id = campaign_deviations.campaign_id
    group by deviations.activity_date

),

-- the mean product of two campaigns' deviations on a day; each has a variance of 1
co_movement as (

    select
        'co_movement_of_campaigns' as shape_id,
        {{ safe_divide(
            'sum(deviation * deviation - campaigns)', 'sum(campaigns * (campaigns - 1))',
        ) }} as measured_value
    from deviating_days

),

spend_curves as (

    select
        'distance_from_plan' as shape_id,
        avg(abs(pacing.pacing_index - 100)) as measured_value
    from pacing
    inner join campaigns
        on pacing.campaign_id = campaigns.campaign_id
    where 2 * pacing.flight_day >= pacing.flight_days

),

reach_curves as (

    select
        'reach_after_half_the_impressions' as shape_id,
        avg(part_of_reach) as measured_value
    from (
        select
            reach.campaign_id,
            {{ safe_divide('max(reach.reach)', 'max(lives.reach)') }} as part_of_reach
        from reach
        inner join lives
            on reach.campaign_id = lives.campaign_id
        where 2 * reach.impressions <= lives.impressions
        group by reach.campaign_id
    ) as half_way

),

measured as (

    select * from leanings
    union all
    select * from habits
    union all
    select * from peak_weekday
    union all
    select * from seasons
    union all
    select * from quartile_curves
    union all
    select * from sizes
    union all
    select * from hourly_counts
    union all
    select * from co_movement
    union all
    select * from spend_curves
    union all
    select * from reach_curves

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
