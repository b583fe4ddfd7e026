with regions as (

    select * from {{ ref('ad_reporting__monthly_campaign_region_report') }}

),

final as (

    {{ sums_of_report('regions', [
        "source_relation",
        "date_month",
        "platform",
        "account_id",
        "account_name",
        "campaign_id",
        "campaign_name",
        "country",
    ]) }}

)

select * from final
