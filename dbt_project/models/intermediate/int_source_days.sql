with performance as (

    select * from {{ ref('stg_ads__performance_hourly') }}

),

reach as (

    select * from {{ ref('stg_ads__campaign_reach') }}

),

audience as (

    select * from {{ ref('stg_ads__audience_daily') }}

),

log as (

    select * from {{ ref('stg_ads__ad_impressions') }}

),

creatives as (

    select * from {{ ref('stg_ads__creatives') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

population as (

    select * from {{ ref('platform_population') }}

),

booked as (

    select
        {{ row_hash([
            'creative_id', 'line_item_id', 'duration_seconds', 'placement', 'is_skippable',
            'is_interactive', 'qr_code_url is null',
        ]) }} as row_digest
    from creatives

    union all

    select
        {{ row_hash(['campaign_id', 'advertiser_id', 'platform', 'currency_code']) }} as row_digest
    from campaigns

    union all

    select
        {{ row_hash(['platform', 'dimension', 'segment', 'population_share']) }} as row_digest
    from population

),

bookings as (

    select coalesce(cast(sum(row_digest) as {{ dbt.type_string() }}), '') as digest
    from booked

),

hashed as (

    select
        'performance_hourly' as raw_table,
        cast(hour_ts as date) as activity_date,
        {{ row_hash(
            ['campaign_id', 'line_item_id', 'creative_id', 'device', 'hour_ts'] + raw_counts()
        ) }} as row_digest
    from performance

    union all

    select
        'campaign_reach' as raw_table,
        cast(window_start as date) as activity_date,
        {{ row_hash([
            'campaign_id', 'reach_window', 'window_start', 'impressions', 'reach', 'reach_2plus',
            'reach_3plus', 'reach_5plus', 'reach_10plus',
        ]) }} as row_digest
    from reach

    union all

    select
        'audience_daily' as raw_table,
        activity_date,
        {{ row_hash([
            'campaign_id', 'activity_date', 'dimension', 'segment', 'impressions', 'video_q100',
            'clicks',
        ]) }} as row_digest
    from audience

    union all

    select
        'ad_impressions' as raw_table,
        cast(hour_ts as date) as activity_date,
        {{ row_hash([
            'impression_id', 'campaign_id', 'creative_id', 'device', 'event_ts', 'household_id',
            'profile_id', 'device_id', 'session_id', 'content_genre', 'break_number', 'pod_size',
            'slot_in_pod', 'exposure_number', 'furthest_event', 'milliseconds_watched',
            'is_skipped', 'is_clicked', 'is_scanned', 'is_engaged', 'is_measurable',
            'is_viewable', 'is_audible', 'spend_micros',
        ]) }} as row_digest
    from log

),

days as (

    select
        raw_table,
        activity_date,
        cast(count(*) as bigint) as raw_rows,
        cast(sum(row_digest) as {{ dbt.type_string() }}) as digest
    from hashed
    group by raw_table, activity_date

),

final as (

    select
        -- identifiers
        days.raw_table,
        days.activity_date,

        -- facts
        days.raw_rows,

        -- metadata
        md5(
            cast(days.raw_rows as {{ dbt.type_string() }})
            || '-' || days.digest || '-' || bookings.digest
        ) as source_digest

    from days
    cross join bookings

)

select * from final
