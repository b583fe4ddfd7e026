with impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

profiles as (

    select * from {{ ref('stg_ads__profiles') }}

),

households as (

    select * from {{ ref('stg_ads__households') }}

),

final as (

    select
        -- identifiers
        impressions.campaign_id,

        -- dimensions
        households.country,
        profiles.age_range,
        profiles.gender,

        -- facts
        count(distinct impressions.profile_id) as viewers,
        count(*) as impressions,
        {{ total("case when furthest_event = 'COMPLETE' then 1 else 0 end") }} as video_q100,
        {{ total("case when is_clicked then 1 else 0 end") }} as clicks

    from impressions
    inner join profiles
        on impressions.profile_id = profiles.profile_id
    inner join households
        on impressions.household_id = households.household_id
    group by impressions.campaign_id, households.country, profiles.age_range, profiles.gender
    having count(distinct impressions.profile_id) >= {{ var('clean_room_min_viewers') }}

)

select * from final
