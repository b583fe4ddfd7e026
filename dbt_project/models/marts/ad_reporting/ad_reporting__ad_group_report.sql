with ads as (

    select * from {{ ref('ad_reporting__ad_report') }}

),

final as (

    {{ sums_of_report('ads', [
        "source_relation",
        "date_day",
        "platform",
        "account_id",
        "account_name",
        "campaign_id",
        "campaign_name",
        "ad_group_id",
        "ad_group_name",
    ]) }}

)

select * from final
