with ads as (

    select * from {{ ref('ad_reporting__ad_report') }}

),

final as (

    select
        -- identifiers
        source_relation,
        date_day,
        platform,
        account_id,
        account_name,
        campaign_id,
        campaign_name,
        ad_group_id,
        ad_group_name,

        -- facts
        {{ total("clicks") }} as clicks,
        {{ total("impressions") }} as impressions,
        {{ total_spend() }} as spend,
        cast(null as {{ type_double() }}) as conversions,
        cast(null as {{ type_double() }}) as conversions_value,

        -- dimensions
        currency_code

    from ads
    group by
        source_relation, date_day, platform, account_id,
        account_name, campaign_id, campaign_name, ad_group_id, ad_group_name, currency_code

)

select * from final
