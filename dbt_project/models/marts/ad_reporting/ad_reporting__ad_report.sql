with performance as (

    select * from {{ ref('fct_creative_performance_daily') }}

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

final as (

    select
        -- identifiers
        '' as source_relation,
        performance.activity_date as date_day,
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
        performance.clicks,
        performance.impressions,
        performance.spend,
        cast(null as {{ type_double() }}) as conversions,
        cast(null as {{ type_double() }}) as conversions_value,

        -- dimensions
        performance.currency_code

    from performance
    inner join campaigns
        on performance.campaign_id = campaigns.campaign_id
    inner join line_items
        on performance.line_item_id = line_items.line_item_id
    inner join creatives
        on performance.creative_id = creatives.creative_id

)

select * from final
