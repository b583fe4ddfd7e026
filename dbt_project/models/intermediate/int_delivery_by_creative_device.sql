with performance as (

    select * from {{ ref('fct_performance_hourly') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}
    where platform = '{{ var("scorecard_platform") }}'

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

creatives as (

    select * from {{ ref('dim_creatives') }}

),

totals as (

    select
        creative_id,
        device,
        {{ total('requests') }} as requests,
        {{ total('responses') }} as responses,
        {{ total('eligible_impressions') }} as eligible_impressions,
        {{ total('auctions_won') }} as auctions_won,
        {{ total('impressions') }} as impressions,
        {{ total('measurable_impressions') }} as measurable_impressions,
        {{ total('viewable_impressions') }} as viewable_impressions,
        {{ total('audible_impressions') }} as audible_impressions,
        {{ total('invalid_impressions') }} as invalid_impressions,
        {{ total('video_starts') }} as video_starts,
        {{ total('video_q25') }} as video_q25,
        {{ total('video_q50') }} as video_q50,
        {{ total('video_q75') }} as video_q75,
        {{ total('video_q100') }} as video_q100,
        {{ total('clicks') }} as clicks,
        {{ total('qr_impressions') }} as qr_impressions,
        {{ total('qr_scans') }} as qr_scans,
        {{ total('interactive_impressions') }} as interactive_impressions,
        {{ total('interactive_engagements') }} as interactive_engagements,
        {{ total_spend() }} as spend
    from performance
    group by creative_id, device

),

final as (

    select
        -- identifiers
        totals.creative_id,
        creatives.line_item_id,
        creatives.campaign_id,

        -- dimensions
        totals.device,
        creatives.placement,
        creatives.duration_seconds,
        creatives.is_skippable,
        {{ json_text('line_items.targeting', 'DEVICE') }} is not null as is_device_targeted,
        campaigns.buy_type,
        campaigns.currency_code,

        -- facts
        totals.requests,
        totals.responses,
        totals.eligible_impressions,
        totals.auctions_won,
        totals.impressions,
        totals.measurable_impressions,
        totals.viewable_impressions,
        totals.audible_impressions,
        totals.invalid_impressions,
        totals.video_starts,
        totals.video_q25,
        totals.video_q50,
        totals.video_q75,
        totals.video_q100,
        totals.clicks,
        totals.qr_impressions,
        totals.qr_scans,
        totals.interactive_impressions,
        totals.interactive_engagements,
        totals.spend

    from totals
    inner join creatives
        on totals.creative_id = creatives.creative_id
    inner join line_items
        on creatives.line_item_id = line_items.line_item_id
    inner join campaigns
        on creatives.campaign_id = campaigns.campaign_id

)

select * from final
