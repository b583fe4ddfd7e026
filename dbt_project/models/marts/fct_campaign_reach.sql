with reach as (

    select * from {{ ref('stg_ads__campaign_reach') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

final as (

    select
        -- identifiers
        reach.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        reach.reach_window,
        reach.window_start,
        cast(reach.window_start as date) as activity_date,

        -- facts
        reach.impressions,
        reach.reach,
        reach.reach_2plus,
        reach.reach_3plus,
        reach.reach_5plus,
        reach.reach_10plus,

        -- metrics
        {{ metric('frequency') }} as frequency

    from reach
    inner join campaigns
        on reach.campaign_id = campaigns.campaign_id

)

select * from final
