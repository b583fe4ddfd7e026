with performance as (

    select * from {{ ref('fct_creative_performance_daily') }}

),

conversions as (

    select * from {{ ref('fct_conversions_daily') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

line_items as (

    select * from {{ ref('dim_line_items') }}

),

creatives as (

    select * from {{ ref('dim_creatives') }}

),

days as (

    {{ days_with_conversions("creative_id") }}

),

final as (

    select
        -- identifiers
        '' as source_relation,
        days.date_day,
        campaigns.platform,
        cast(campaigns.advertiser_id as {{ dbt.type_string() }}) as account_id,
        campaigns.advertiser_name as account_name,
        cast(campaigns.campaign_id as {{ dbt.type_string() }}) as campaign_id,
        campaigns.campaign_name,
        cast(line_items.line_item_id as {{ dbt.type_string() }}) as ad_group_id,
        line_items.line_item_name as ad_group_name,
        cast(creatives.creative_id as {{ dbt.type_string() }}) as ad_id,
        creatives.creative_name as ad_name,

        -- facts
        days.clicks,
        days.impressions,
        days.spend,
        days.conversions,
        days.conversions_value,

        -- dimensions
        campaigns.currency_code

    from days
    inner join creatives
        on days.creative_id = creatives.creative_id
    inner join line_items
        on creatives.line_item_id = line_items.line_item_id
    inner join campaigns
        on line_items.campaign_id = campaigns.campaign_id

)

select * from final
