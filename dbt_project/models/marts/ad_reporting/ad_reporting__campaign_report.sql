with performance as (

    select * from {{ ref('fct_campaign_performance_daily') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

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

)

select * from final
