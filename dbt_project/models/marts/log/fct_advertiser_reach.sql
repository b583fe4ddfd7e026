with frequency as (

    select * from {{ ref('fct_household_frequency_daily') }}

),

households as (

    select
        advertiser_id,
        platform,
        household_id,
        count(distinct campaign_id) as campaigns,
        sum(impressions) as impressions
    from frequency
    group by advertiser_id, platform, household_id

),

totals as (

    select
        advertiser_id,
        platform,
        count(*) as reach,
        {{ total('campaigns') }} as reach_of_campaigns,
        {{ total('case when campaigns > 1 then 1 else 0 end') }} as shared_reach,
        {{ total('impressions') }} as impressions
    from households
    group by advertiser_id, platform

),

final as (

    select
        -- identifiers
        advertiser_id,

        -- dimensions
        platform,

        -- facts
        reach,
        reach_of_campaigns,
        shared_reach,
        impressions,

        -- metrics
        {{ metric('frequency') }} as frequency

    from totals

)

select * from final
