with line_items as (

    select * from {{ ref('stg_ads__line_items') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

final as (

    select
        -- identifiers
        line_items.line_item_id,
        line_items.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        line_items.line_item_name,
        line_items.status,
        line_items.ad_format,
        line_items.pacing,
        line_items.ad_server_type,
        line_items.verification_vendor,
        line_items.geo_tier,
        line_items.targeting,
        campaigns.currency_code,

        -- facts
        {{ micros_to_currency('line_items.bid_cpm_micros') }} as bid_cpm,
        line_items.budget_share,
        line_items.pacing_pct

    from line_items
    inner join campaigns
        on line_items.campaign_id = campaigns.campaign_id

)

select * from final
