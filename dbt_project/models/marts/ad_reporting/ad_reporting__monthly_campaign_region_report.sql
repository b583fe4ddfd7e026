with geography as (

    select * from {{ ref('fct_geography_daily') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

totals as (

    select
        campaign_id,
        country_code,
        region_code,
        currency_code,
        {{ start_of('month', 'activity_date') }} as date_month,
        {{ total("clicks") }} as clicks,
        {{ total("impressions") }} as impressions,
        {{ total_spend() }} as spend
    from geography
    group by
        campaign_id, country_code, region_code, currency_code,
        {{ start_of('month', 'activity_date') }}

),

final as (

    select
        -- identifiers
        '' as source_relation,
        totals.date_month,
        campaigns.platform,
        cast(campaigns.advertiser_id as {{ dbt.type_string() }}) as account_id,
        campaigns.advertiser_name as account_name,
        cast(campaigns.campaign_id as {{ dbt.type_string() }}) as campaign_id,
        campaigns.campaign_name,
        totals.country_code as country,
        totals.region_code as region,

        -- facts
        totals.clicks,
        totals.impressions,
        totals.spend,
        cast(null as {{ type_double() }}) as conversions,
        cast(null as {{ type_double() }}) as conversions_value,

        -- dimensions
        totals.currency_code

    from totals
    inner join campaigns
        on totals.campaign_id = campaigns.campaign_id

)

select * from final
