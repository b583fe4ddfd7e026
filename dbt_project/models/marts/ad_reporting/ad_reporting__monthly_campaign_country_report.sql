with regions as (

    select * from {{ ref('ad_reporting__monthly_campaign_region_report') }}

),

final as (

    select
        -- identifiers
        source_relation,
        date_month,
        platform,
        account_id,
        account_name,
        campaign_id,
        campaign_name,
        country,

        -- facts
        {{ total("clicks") }} as clicks,
        {{ total("impressions") }} as impressions,
        {{ total_spend() }} as spend,
        cast(null as {{ type_double() }}) as conversions,
        cast(null as {{ type_double() }}) as conversions_value,

        -- dimensions
        currency_code

    from regions
    group by
        source_relation, date_month, platform, account_id,
        account_name, campaign_id, campaign_name, country, currency_code

)

select * from final
