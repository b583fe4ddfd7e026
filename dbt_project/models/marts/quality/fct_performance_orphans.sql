with performance as (

    select * from {{ ref('stg_ads__performance_hourly') }}

),

creatives as (

    select * from {{ ref('dim_creatives') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

orphans as (

    select
        performance.*,
        case
            when performance.creative_id is null then 'NO_CREATIVE_ID'
            when performance.campaign_id is null then 'NO_CAMPAIGN_ID'
            when creatives.creative_id is null then 'UNKNOWN_CREATIVE'
            else 'UNKNOWN_CAMPAIGN'
        end as reason
    from performance
    left join creatives
        on performance.creative_id = creatives.creative_id
    left join campaigns
        on performance.campaign_id = campaigns.campaign_id
    where
        creatives.creative_id is null
        or campaigns.campaign_id is null

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        reason,
        device,
        hour_ts,
        cast(hour_ts as date) as activity_date,

        -- facts
        cast(count(*) as integer) as performance_rows,
        {{ total('requests') }} as requests,
        {{ total('impressions') }} as impressions,
        {{ total('video_q100') }} as video_q100,
        {{ total('clicks') }} as clicks,
        {{ total_spend(micros_to_currency('spend_micros')) }} as spend

    from orphans
    group by campaign_id, line_item_id, creative_id, reason, device, hour_ts

)

select * from final
