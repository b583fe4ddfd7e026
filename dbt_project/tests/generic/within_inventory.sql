{#-
    Fails on every platform, device and hour in which all campaigns together won more slots
    than there were ad opportunities in all countries. No inventory at all counts as 0 opportunities.
-#}
{% test within_inventory(model) %}

with delivered as (

    select
        campaigns.platform,
        model_row.device,
        model_row.hour_ts,
        sum(model_row.auctions_won) as auctions_won
    from {{ model }} as model_row
    inner join {{ ref("stg_ads__campaigns") }} as campaigns
        on model_row.campaign_id = campaigns.campaign_id
    group by campaigns.platform, model_row.device, model_row.hour_ts

),

offered as (

    select
        platform,
        device,
        hour_ts,
        sum(ad_opportunities) as ad_opportunities
    from {{ ref("stg_ads__inventory_hourly") }}
    group by platform, device, hour_ts

)

select
    platform,
    device,
    hour_ts,
    delivered.auctions_won,
    offered.ad_opportunities
from delivered
left join offered using (platform, device, hour_ts)
where delivered.auctions_won > coalesce(offered.ad_opportunities, 0)

{% endtest %}
