-- One row per campaign and day.
select
    campaigns.campaign_name,
    campaigns.advertiser_name,
    pacing.activity_date,
    pacing.currency_code,
    cast(pacing.spend_to_date as double) as spend_to_date,
    cast(pacing.budget_total as double) as budget,
    pacing.pacing_index,
    pacing.pacing_status,
from marts.fct_campaign_pacing_daily as pacing
inner join marts.dim_campaigns as campaigns
    on pacing.campaign_id = campaigns.campaign_id
