with impressions as (

    select * from {{ ref('stg_ads__ad_impressions') }}
    {% if is_incremental() %}
        where cast(hour_ts as date) in ({{ stale_days(ref('int_source_days'), 'ad_impressions') }})
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
    where raw_table = 'ad_impressions'

),

final as (

    select
        -- identifiers
        impressions.impression_id,
        creatives.campaign_id,
        creatives.line_item_id,
        impressions.creative_id,
        campaigns.advertiser_id,
        impressions.household_id,
        impressions.profile_id,
        impressions.device_id,
        impressions.session_id,

        -- dimensions
        campaigns.platform,
        impressions.device,
        impressions.ifa_type,
        impressions.limit_ad_tracking,
        creatives.placement,
        impressions.content_genre,
        campaigns.currency_code,
        impressions.hour_ts,
        impressions.event_ts,
        cast(impressions.hour_ts as date) as activity_date,
        impressions.break_number,
        impressions.pod_size,
        impressions.slot_in_pod,
        impressions.exposure_number,
        impressions.furthest_event,
        impressions.is_skipped,
        impressions.is_clicked,
        impressions.is_scanned,
        impressions.is_engaged,
        impressions.is_measurable,
        impressions.is_viewable,
        impressions.is_audible,

        -- facts
        creatives.duration_seconds,
        impressions.milliseconds_watched,
        {{ micros_to_currency('impressions.spend_micros') }} as spend,

        -- metadata
        {{ digest_of_build('source_days.source_digest') }} as source_digest

    from impressions
    inner join creatives
        on impressions.creative_id = creatives.creative_id
    inner join campaigns
        on creatives.campaign_id = campaigns.campaign_id
    inner join source_days
        on cast(impressions.hour_ts as date) = source_days.activity_date

)

select * from final
