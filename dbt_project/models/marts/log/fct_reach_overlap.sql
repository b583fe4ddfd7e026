with frequency as (

    select * from {{ ref('fct_household_frequency_daily') }}

),

reached as (

    select distinct
        platform,
        campaign_id,
        household_id
    from frequency

),

sizes as (

    select
        campaign_id,
        count(*) as reach
    from reached
    group by campaign_id

),

pairs as (

    select
        one.platform,
        one.campaign_id,
        other.campaign_id as other_campaign_id,
        count(*) as shared_reach
    from reached as one
    inner join reached as other
        on
            one.household_id = other.household_id
            and one.platform = other.platform
            and one.campaign_id < other.campaign_id
    group by one.platform, one.campaign_id, other.campaign_id

),

final as (

    select
        -- identifiers
        pairs.campaign_id,
        pairs.other_campaign_id,

        -- dimensions
        pairs.platform,

        -- facts
        sizes.reach,
        other_sizes.reach as other_reach,
        pairs.shared_reach,

        -- metrics
        {{ safe_divide('pairs.shared_reach', 'least(sizes.reach, other_sizes.reach)') }}
            as overlap_rate

    from pairs
    inner join sizes
        on pairs.campaign_id = sizes.campaign_id
    inner join sizes as other_sizes
        on pairs.other_campaign_id = other_sizes.campaign_id

)

select * from final
