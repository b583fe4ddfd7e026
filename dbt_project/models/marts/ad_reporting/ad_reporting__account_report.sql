with campaigns as (

    select * from {{ ref('ad_reporting__campaign_report') }}

),

final as (

    {{ sums_of_report('campaigns', [
        "source_relation",
        "date_day",
        "platform",
        "account_id",
        "account_name",
    ]) }}

)

select * from final
