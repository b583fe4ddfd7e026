with performance as (

    select * from {{ ref('stg_ads__performance_hourly') }}

),

creatives as (

    select * from {{ ref('stg_ads__creatives') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

booked as (

    select
        {{ row_hash([
            'creative_id', 'duration_seconds', 'placement', 'is_skippable', 'is_interactive',
            'qr_code_url is null',
        ]) }} as row_digest
    from creatives

    union all

    select {{ row_hash(['campaign_id', 'advertiser_id', 'currency_code']) }} as row_digest
    from campaigns

),

bookings as (

    select coalesce(cast(sum(row_digest) as {{ dbt.type_string() }}), '') as digest
    from booked

),

hashed as (

    select
        cast(hour_ts as date) as activity_date,
        {{ row_hash([
            'campaign_id', 'line_item_id', 'creative_id', 'device', 'hour_ts', 'requests',
            'responses', 'eligible_impressions', 'auctions_won', 'impressions', 'error_count',
            'timeout_count', 'measurable_impressions', 'viewable_impressions',
            'audible_impressions', 'invalid_impressions', 'video_starts', 'video_q25',
            'video_q50', 'video_q75', 'video_q100', 'skips', 'clicks', 'qr_scans',
            'interactive_engagements', 'spend_micros',
        ]) }} as row_digest
    from performance

),

days as (

    select
        activity_date,
        cast(count(*) as bigint) as performance_rows,
        cast(sum(row_digest) as {{ dbt.type_string() }}) as digest
    from hashed
    group by activity_date

),

final as (

    select
        -- identifiers
        days.activity_date,

        -- facts
        days.performance_rows,

        -- metadata
        cast(
            cast(days.performance_rows as {{ dbt.type_string() }})
            || '-' || days.digest || '-' || bookings.digest as {{ dbt.type_string() }}
        ) as source_digest

    from days
    cross join bookings

)

select * from final
