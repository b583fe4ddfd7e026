with frequency as (

    select * from {{ ref('fct_household_frequency_daily') }}

),

households as (

    select
        campaign_id,
        advertiser_id,
        household_id,
        cast(sum(impressions) as integer) as exposures
    from frequency
    group by campaign_id, advertiser_id, household_id

),

counted as (

    select
        campaign_id,
        advertiser_id,
        exposures,
        count(*) as households
    from households
    group by campaign_id, advertiser_id, exposures

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        exposures,

        -- facts
        households,
        cast(
            sum(households) over (partition by campaign_id order by exposures desc) as bigint
        ) as effective_reach,
        cast(exposures * households as bigint) as impressions

    from counted

)

select * from final
