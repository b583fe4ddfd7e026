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
        {{ total('requests') }} as requests,
        {{ total('responses') }} as responses,
        {{ total('eligible_impressions') }} as eligible_impressions,
        {{ total('auctions_won') }} as auctions_won,
        {{ total('impressions') }} as impressions,
        {{ total('error_count') }} as error_count,
        {{ total('timeout_count') }} as timeout_count,
        {{ total('measurable_impressions') }} as measurable_impressions,
        {{ total('viewable_impressions') }} as viewable_impressions,
        {{ total('audible_impressions') }} as audible_impressions,
        {{ total('invalid_impressions') }} as invalid_impressions,
        {{ total('video_impressions') }} as video_impressions,
        {{ total('video_starts') }} as video_starts,
        {{ total('video_q25') }} as video_q25,
        {{ total('video_q50') }} as video_q50,
        {{ total('video_q75') }} as video_q75,
        {{ total('video_q100') }} as video_q100,
        {{ total('skippable_video_starts') }} as skippable_video_starts,
        {{ total('skips') }} as skips,
        {{ total_seconds() }} as watch_seconds,
        {{ total('clicks') }} as clicks,
        {{ total('qr_impressions') }} as qr_impressions,
        {{ total('qr_scans') }} as qr_scans,
        {{ total('interactive_impressions') }} as interactive_impressions,
        {{ total('interactive_engagements') }} as interactive_engagements,
        {{ total_spend() }} as spend,
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

        -- facts: supply funnel
        requests,
        responses,
        eligible_impressions,
        auctions_won,
        impressions,
        error_count,
        timeout_count,

        -- facts: quality
        measurable_impressions,
        viewable_impressions,
        audible_impressions,
        invalid_impressions,

        -- facts: video
        video_impressions,
        video_starts,
        video_q25,
        video_q50,
        video_q75,
        video_q100,
        skippable_video_starts,
        skips,
        watch_seconds,

        -- facts: interaction
        clicks,
        qr_impressions,
        qr_scans,
        interactive_impressions,
        interactive_engagements,

        -- facts: cost
        spend,

        -- metrics: supply funnel
        {{ metric('response_rate') }} as response_rate,
        {{ metric('eligibility_rate') }} as eligibility_rate,
        {{ metric('auction_win_rate') }} as auction_win_rate,
        {{ metric('render_rate') }} as render_rate,
        {{ metric('fill_rate') }} as fill_rate,
        {{ metric('supply_funnel_efficiency') }} as supply_funnel_efficiency,
        {{ metric('error_rate') }} as error_rate,
        {{ metric('timeout_rate') }} as timeout_rate,

        -- metrics: quality
        {{ metric('measurable_rate') }} as measurable_rate,
        {{ metric('viewability_rate') }} as viewability_rate,
        {{ metric('audibility_rate') }} as audibility_rate,
        {{ metric('invalid_traffic_rate') }} as invalid_traffic_rate,

        -- metrics: video
        {{ metric('video_start_rate') }} as video_start_rate,
        {{ metric('q25_rate') }} as q25_rate,
        {{ metric('q50_rate') }} as q50_rate,
        {{ metric('q75_rate') }} as q75_rate,
        {{ metric('video_completion_rate') }} as video_completion_rate,
        {{ metric('vcr_impressions') }} as vcr_impressions,
        {{ metric('video_skip_rate') }} as video_skip_rate,
        {{ metric('avg_watch_time_seconds') }} as avg_watch_time_seconds,

        -- metrics: interaction
        {{ metric('ctr') }} as ctr,
        {{ metric('qr_scan_rate') }} as qr_scan_rate,
        {{ metric('interactive_rate') }} as interactive_rate,

        -- metrics: cost
        {{ metric('effective_cpm') }} as effective_cpm,
        {{ metric('vcpm') }} as vcpm,
        {{ metric('cpc') }} as cpc,
        {{ metric('cpcv') }} as cpcv,

        -- metadata
        {{ digest_of_build('source_digest') }} as source_digest

    from totals

)

select * from final
