with source as (

    select * from {{ source('ads', 'audience_daily') }}

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        activity_date,
        dimension,
        segment,

        -- facts
        impressions,
        video_q100,
        clicks

    from source

)

select * from final
