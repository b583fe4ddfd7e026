with performance as (

    select * from {{ ref('stg_ads__performance_hourly') }}
    {% if is_incremental() %}
        where cast(hour_ts as date) in ({{ stale_days(ref('int_source_days'), 'performance_hourly') }})
    {% endif %}

),

creatives as (

    select * from {{ ref('dim_creatives') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

source_days as (

    select * from {{ ref('int_source_days') }}
    where raw_table = 'performance_hourly'

),

final as (

    select
        -- identifiers
        performance.campaign_id,
        performance.line_item_id,
        performance.creative_id,
        campaigns.advertiser_id,

        -- dimensions
        performance.device,
        creatives.placement,
        campaigns.currency_code,
        performance.hour_ts,
        cast(performance.hour_ts as date) as activity_date,

        -- facts: supply funnel
        performance.requests,
        performance.responses,
        performance.eligible_impressions,
        performance.auctions_won,
        performance.impressions,
        performance.error_count,
        performance.timeout_count,

        -- facts: quality
        performance.measurable_impressions,
        performance.viewable_impressions,
        performance.audible_impressions,
        performance.invalid_impressions,

        -- facts: video
        case when creatives.is_video then performance.impressions else 0 end as video_impressions,
        performance.video_starts,
        performance.video_q25,
        performance.video_q50,
        performance.video_q75,
        performance.video_q100,
        case
            when creatives.is_skippable then performance.video_starts else 0
        end as skippable_video_starts,
        performance.skips,
        cast(
            coalesce(creatives.duration_seconds, 0) * (
                0.125 * (performance.video_starts - performance.video_q25)
                + 0.375 * (performance.video_q25 - performance.video_q50)
                + 0.625 * (performance.video_q50 - performance.video_q75)
                + 0.875 * (performance.video_q75 - performance.video_q100)
                + performance.video_q100
            ) as decimal(18, 3)
        ) as watch_seconds,

        -- facts: interaction
        performance.clicks,
        case when creatives.has_qr_code then performance.impressions else 0 end as qr_impressions,
        performance.qr_scans,
        case
            when creatives.is_interactive then performance.impressions else 0
        end as interactive_impressions,
        performance.interactive_engagements,

        -- facts: cost
        {{ micros_to_currency('performance.spend_micros') }} as spend,

        -- metadata
        {{ digest_of_build('source_days.source_digest') }} as source_digest

    from performance
    inner join creatives
        on performance.creative_id = creatives.creative_id
    inner join campaigns
        on performance.campaign_id = campaigns.campaign_id
    inner join source_days
        on cast(performance.hour_ts as date) = source_days.activity_date

)

select * from final
