-- One row per campaign, device and day.
select
    campaigns.campaign_name,
    campaigns.advertiser_name,
    delivery.device,
    delivery.activity_date,
    delivery.currency_code,
    delivery.impressions,
    delivery.clicks,
    delivery.video_starts,
    delivery.video_q100 as video_completes,
    cast(delivery.spend as double) as spend,
from marts.fct_device_performance_daily as delivery
inner join marts.dim_campaigns as campaigns
    on delivery.campaign_id = campaigns.campaign_id
