with performance as (

    select * from {{ ref('fct_campaign_performance_hourly') }}

),

advertisers as (

    select * from {{ ref('dim_advertisers') }}

),

source_days as (

    select * from {{ ref('int_source_local_days') }}
    where raw_table = 'performance_hourly'

),

placed as (

    select
        performance.*,
        advertisers.time_zone,
        {{ local_date('performance.hour_ts', 'advertisers.time_zone') }} as local_date
    from performance
    inner join advertisers
        on performance.advertiser_id = advertisers.advertiser_id

),

totals as (

    select
        campaign_id,
        advertiser_id,
        currency_code,
        time_zone,
        local_date,
        {{ select_sums() }},
        cast(count(*) as integer) as active_hours
    from placed
    {% if is_incremental() %}
        where local_date in (
            {{ stale_days(ref('int_source_local_days'), 'performance_hourly', 'local_date') }}
        )
    {% endif %}
    group by campaign_id, advertiser_id, currency_code, time_zone, local_date

),

final as (

    select
        -- identifiers
        totals.campaign_id,
        totals.advertiser_id,

        -- dimensions
        totals.currency_code,
        totals.time_zone,
        totals.local_date,
        {{ iso_day_of_week('totals.local_date') }} as day_of_week,
        {{ start_of('week', 'totals.local_date') }} as week_start_date,
        {{ start_of('month', 'totals.local_date') }} as month_start_date,

        -- facts: span
        totals.active_hours,

        -- facts and metrics
        {{ select_facts() }},

        {{ select_metrics() }},

        -- metadata
        {{ digest_of_build('source_days.source_digest') }} as source_digest

    from totals
    inner join source_days
        on totals.local_date = source_days.local_date

)

select * from final
