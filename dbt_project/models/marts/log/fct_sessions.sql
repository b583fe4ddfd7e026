with impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

final as (

    select
        -- identifiers
        session_id,
        household_id,

        -- dimensions
        platform,
        device,
        min(event_ts) as first_ad_at,
        max(event_ts) as last_ad_at,
        min(activity_date) as activity_date,

        -- facts
        count(distinct campaign_id) as campaigns,
        count(distinct break_number) as ad_breaks,
        count(*) as impressions,
        {{ total("case when furthest_event = 'COMPLETE' then 1 else 0 end") }} as video_q100,
        {{ total("case when is_clicked then 1 else 0 end") }} as clicks,
        {{ total("milliseconds_watched") }} as milliseconds_watched

    from impressions
    group by session_id, household_id, platform, device

)

select * from final
