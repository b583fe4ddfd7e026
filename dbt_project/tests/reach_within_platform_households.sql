with reach as (

    select * from {{ ref('stg_ads__campaign_reach') }}

),

campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

platforms as (

    select * from {{ ref('stg_ads__platforms') }}

)

select
    reach.campaign_id,
    reach.reach_window,
    reach.window_start,
    reach.reach,
    platforms.households
from reach
inner join campaigns
    on reach.campaign_id = campaigns.campaign_id
inner join platforms
    on campaigns.platform = platforms.platform
where reach.reach > platforms.households
