with campaigns as (

    select * from {{ ref('ad_reporting__campaign_report') }}

),

final as (

    select
        -- identifiers
        source_relation,
        date_day,
        platform,
        account_id,
        account_name,

        -- facts
        {{ total("clicks") }} as clicks,
        {{ total("impressions") }} as impressions,
        {{ total_spend() }} as spend,
        cast(null as {{ type_double() }}) as conversions,
        cast(null as {{ type_double() }}) as conversions_value,

        -- dimensions
        currency_code

    from campaigns
    group by
        source_relation, date_day, platform, account_id,
        account_name, currency_code

)

select * from final
