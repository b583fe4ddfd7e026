with line_items as (

    select * from {{ ref('stg_ads__line_items') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

creatives as (

    select * from {{ ref('stg_ads__creatives') }}

),

rotations as (

    select
        line_item_id,
        case
            when count(*) = count(rotation_start_date) then min(rotation_start_date)
        end as start_date,
        case when count(*) = count(rotation_end_date) then max(rotation_end_date) end
            as end_date
    from creatives
    group by line_item_id

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
        rotations.start_date,
        rotations.end_date,

        -- facts
        {{ micros_to_currency('line_items.bid_cpm_micros') }} as bid_cpm,
        line_items.budget_share,
        line_items.pacing_pct

    from line_items
    inner join campaigns
        on line_items.campaign_id = campaigns.campaign_id
    left join rotations
        on line_items.line_item_id = rotations.line_item_id

)

select * from final
