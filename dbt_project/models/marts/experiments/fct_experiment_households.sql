with experiments as (

    select * from {{ ref('stg_ads__experiments') }}

),

assignments as (

    select * from {{ ref('stg_ads__experiment_assignments') }}

),

ghosts as (

    select * from {{ ref('stg_ads__ghost_impressions') }}

),

impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

converted as (

    select
        experiments.experiment_id,
        conversions.conversion_type,
        conversions.household_id,
        count(*) as conversions
    from experiments
    inner join campaigns
        on experiments.campaign_id = campaigns.campaign_id
    inner join conversions
        on
            campaigns.advertiser_id = conversions.advertiser_id
            and experiments.starts_at <= conversions.event_ts
            and experiments.ends_at > conversions.event_ts
    group by experiments.experiment_id, conversions.conversion_type, conversions.household_id

),

counted as (

    select distinct
        experiment_id,
        conversion_type
    from converted

),

delivered as (

    select
        experiments.experiment_id,
        impressions.household_id,
        count(*) as impressions
    from experiments
    inner join impressions
        on experiments.campaign_id = impressions.campaign_id
    group by experiments.experiment_id, impressions.household_id

),

withheld as (

    select
        experiment_id,
        household_id,
        count(*) as ghost_impressions
    from ghosts
    group by experiment_id, household_id

),

final as (

    select
        -- identifiers
        assignments.experiment_id,
        experiments.campaign_id,
        assignments.household_id,

        -- dimensions
        counted.conversion_type,
        assignments.experiment_arm,
        coalesce(delivered.impressions, withheld.ghost_impressions, 0) > 0 as is_reached,
        cast(
            ntile(10) over (
                partition by assignments.experiment_id, counted.conversion_type
                order by assignments.prior_viewing_hours desc, assignments.household_id asc
            ) as integer
        ) as viewing_decile,

        -- facts
        assignments.prior_conversions,
        assignments.prior_viewing_hours,
        coalesce(delivered.impressions, 0) as impressions,
        coalesce(withheld.ghost_impressions, 0) as ghost_impressions,
        coalesce(converted.conversions, 0) as conversions

    from assignments
    inner join experiments
        on assignments.experiment_id = experiments.experiment_id
    inner join counted
        on assignments.experiment_id = counted.experiment_id
    left join delivered
        on
            assignments.experiment_id = delivered.experiment_id
            and assignments.household_id = delivered.household_id
    left join withheld
        on
            assignments.experiment_id = withheld.experiment_id
            and assignments.household_id = withheld.household_id
    left join converted
        on
            counted.experiment_id = converted.experiment_id
            and counted.conversion_type = converted.conversion_type
            and assignments.household_id = converted.household_id

)

select * from final
