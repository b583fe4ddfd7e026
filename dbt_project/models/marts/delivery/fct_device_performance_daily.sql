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
        device,
        currency_code,
        activity_date,
        {{ select_sums() }},
        min(source_digest) as source_digest
    from performance
    group by campaign_id, advertiser_id, device, currency_code, activity_date

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        device,
        currency_code,
        activity_date,
        {{ iso_day_of_week('activity_date') }} as day_of_week,
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
