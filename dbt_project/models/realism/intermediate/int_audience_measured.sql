with campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

reach as (

    select * from {{ ref('fct_campaign_reach') }}
    where
        reach_window = 'DAY'
        and reach >= 20000

),

audience as (

    select * from {{ ref('fct_audience_daily') }}
    where dimension = 'AGE_RANGE'

),

reached_days as (

    select
        reach.campaign_id,
        ln(reach.impressions) as log_impressions,
        ln(reach.reach) as log_reach
    from reach
    inner join campaigns
        on reach.campaign_id = campaigns.campaign_id
    where campaigns.frequency_cap is null

),

-- what is left of a campaign's days around a line through them
reach_lines as (

    select
        campaign_id,
        stddev_pop(log_reach) * sqrt(
            greatest(
                1 - power(
                    {{ safe_divide(
                        'avg(log_reach * log_impressions) - avg(log_reach) * avg(log_impressions)',
                        'stddev_pop(log_reach) * stddev_pop(log_impressions)',
                    ) }},
                    2
                ),
                0
            )
        ) as spread
    from reached_days
    group by campaign_id
    having count(*) >= 14 and avg(log_impressions - log_reach) > 0.03

),

ages as (

    select
        audience.campaign_id,
        audience.segment,
        audience.activity_date,
        cast(audience.impressions as {{ type_double() }}) as impressions,
        cast(audience.day_impressions as {{ type_double() }}) as day_impressions,
        audience.clicks
    from audience
    inner join campaigns
        on audience.campaign_id = campaigns.campaign_id

),

ages_of_campaigns as (

    select
        campaign_id,
        segment,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        {{ safe_divide('sum(impressions)', 'sum(day_impressions)') }} as age_share
    from ages
    group by campaign_id, segment

),

-- Pearson's chi-squared of an age's days around its share of the campaign, over its freedom
drifts as (

    select
        ages.campaign_id,
        ages.segment,
        {{ safe_divide(
            'sum('
            ~ 'power(ages.impressions - ages.day_impressions * whole.age_share, 2)'
            ~ ' / (ages.day_impressions * whole.age_share * (1 - whole.age_share)))',
            '(count(*) - 1)',
        ) }} as drift
    from ages
    inner join ages_of_campaigns as whole
        on
            ages.campaign_id = whole.campaign_id
            and ages.segment = whole.segment
    where
        whole.age_share > 0
        and whole.age_share < 1
        and ages.day_impressions * whole.age_share >= 50
    group by ages.campaign_id, ages.segment
    having count(*) > 10

),

ranked as (

    select
        'days_off_the_reach_curve' as shape_id,
        spread as measured_value,
        row_number() over (order by spread) as position_from_below,
        count(*) over () as members
    from reach_lines

    union all

    select
        'days_beyond_chance_ages' as shape_id,
        drift as measured_value,
        row_number() over (order by drift) as position_from_below,
        count(*) over () as members
    from drifts

),

medians as (

    select
        shape_id,
        max(case when 2 * position_from_below <= members + 1 then measured_value end)
            as measured_value
    from ranked
    group by shape_id

),

untargeted as (

    select
        campaign_id,
        segment,
        ln(age_share) as log_share,
        count(*) over (partition by campaign_id) as ages,
        row_number() over (partition by campaign_id order by segment) as position_from_youngest
    from ages_of_campaigns
    where age_share >= 0.02

),

neighbours as (

    select
        younger.segment,
        case
            when count(*) >= 30
                then {{ safe_divide(
                    'avg(younger.log_share * older.log_share)'
                    ~ ' - avg(younger.log_share) * avg(older.log_share)',
                    'stddev_pop(younger.log_share) * stddev_pop(older.log_share)',
                ) }}
        end as likeness
    from untargeted as younger
    inner join untargeted as older
        on
            younger.campaign_id = older.campaign_id
            and younger.position_from_youngest + 1 = older.position_from_youngest
    where younger.ages = 6
    group by younger.segment

),

neighbouring_ages as (

    select
        'neighbouring_ages' as shape_id,
        avg(likeness) as measured_value
    from neighbours

),

campaign_clicks as (

    select
        campaign_id,
        {{ safe_divide('sum(clicks)', 'sum(impressions)') }} as ctr
    from ages_of_campaigns
    group by campaign_id

),

-- clicks over those that the campaign's rate would give
clicks_by_age as (

    select
        'clicks_of_old_over_young' as shape_id,
        {{ safe_divide(
            safe_divide(
                "sum(case when ages.segment = '65+' then ages.clicks end)",
                "sum(case when ages.segment = '65+' then ages.impressions * campaign_clicks.ctr end)",
            ),
            safe_divide(
                "sum(case when ages.segment = '18-24' then ages.clicks end)",
                "sum(case when ages.segment = '18-24'"
                ~ " then ages.impressions * campaign_clicks.ctr end)",
            ),
        ) }} as measured_value
    from ages_of_campaigns as ages
    inner join campaign_clicks
        on ages.campaign_id = campaign_clicks.campaign_id

),

measured as (

    select
        shape_id,
        measured_value
    from medians
    union all
    select * from neighbouring_ages
    union all
    select * from clicks_by_age

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
