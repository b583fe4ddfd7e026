with impressions as (

    select * from {{ ref('fct_ad_impressions') }}
    {% if is_incremental() %}
        where activity_date in ({{ stale_days(ref('int_source_days'), 'ad_impressions') }})
    {% endif %}

),

final as (

    select
        -- identifiers
        campaign_id,
        household_id,
        advertiser_id,

        -- dimensions
        platform,
        activity_date,

        -- facts
        count(*) as impressions,
        max(exposure_number) as impressions_to_date,
        {{ total("case when furthest_event = 'COMPLETE' then 1 else 0 end") }} as video_q100,
        {{ total("case when is_clicked then 1 else 0 end") }} as clicks,

        -- metadata
        {{ digest_of_build('min(source_digest)') }} as source_digest

    from impressions
    group by campaign_id, household_id, advertiser_id, platform, activity_date

)

select * from final
