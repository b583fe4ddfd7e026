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
        {{ select_sums() }}
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
        totals.{{ delivery_facts() | join(",\n        totals.") }}

    from totals
    inner join creatives
        on totals.creative_id = creatives.creative_id
    inner join line_items
        on creatives.line_item_id = line_items.line_item_id
    inner join campaigns
        on creatives.campaign_id = campaigns.campaign_id

)

select * from final
