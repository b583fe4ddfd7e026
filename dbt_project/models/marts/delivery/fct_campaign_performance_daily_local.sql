with performance as (

    select * from {{ ref('int_performance_local') }}
    {% if is_incremental() %}
        where local_date in (
            {{ stale_days(ref('int_source_local_days'), 'performance_hourly', 'local_date') }}
        )
    {% endif %}

),

totals as (

    select
        campaign_id,
        advertiser_id,
        currency_code,
        time_zone,
        local_date,
        {{ select_sums() }},
        cast(count(*) as integer) as active_hours,
        min(source_digest) as source_digest
    from performance
    group by campaign_id, advertiser_id, currency_code, time_zone, local_date

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        currency_code,
        time_zone,
        local_date,
        {{ iso_day_of_week('local_date') }} as day_of_week,
        {{ start_of('week', 'local_date') }} as week_start_date,
        {{ start_of('month', 'local_date') }} as month_start_date,

        -- facts
        active_hours,

        {{ select_facts() }},

        {{ select_metrics() }},

        -- metadata
        {{ digest_of_build('source_digest') }} as source_digest

    from totals

)

select * from final
