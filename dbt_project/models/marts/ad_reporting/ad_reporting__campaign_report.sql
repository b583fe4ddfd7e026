with performance as (

    select * from {{ ref('fct_campaign_performance_daily') }}

),

conversions as (

    select * from {{ ref('fct_conversions_daily') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

days as (

    {{ days_with_conversions("campaign_id") }}

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

        -- facts
        days.clicks,
        days.impressions,
        days.spend,
        days.conversions,
        days.conversions_value,

        -- dimensions
        campaigns.currency_code

    from days
    inner join campaigns
        on days.campaign_id = campaigns.campaign_id

)

select * from final
