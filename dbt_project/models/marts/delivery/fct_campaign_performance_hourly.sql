with performance as (

    select * from {{ ref('fct_performance_hourly') }}
    {% if is_incremental() %}
        where activity_date in ({{ stale_days(ref('int_source_days'), 'performance_hourly') }})
    {% endif %}

),

totals as (

    select
        campaign_id,
        advertiser_id,
        currency_code,
        hour_ts,
        activity_date,
        {{ select_sums() }},
        min(source_digest) as source_digest
    from performance
    group by campaign_id, advertiser_id, currency_code, hour_ts, activity_date

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        currency_code,
        hour_ts,
        activity_date,
        cast(extract(hour from hour_ts) as integer) as hour_of_day,
        {{ iso_day_of_week('hour_ts') }} as day_of_week,
        {{ is_business_hour('hour_ts') }} as is_business_hour,
        {{ start_of('week', 'activity_date') }} as week_start_date,
        {{ start_of('month', 'activity_date') }} as month_start_date,

        -- facts and metrics
        {{ select_facts() }},

        {{ select_metrics() }},

        -- metadata
        {{ digest_of_build('source_digest') }} as source_digest

    from totals

)

select * from final
