with source as (

    select * from {{ source('ads', 'audience_daily') }}

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        activity_date,
        cast(dimension as {{ dbt.type_string() }}) as dimension,
        cast(segment as {{ dbt.type_string() }}) as segment,

        -- facts
        impressions,
        video_q100,
        clicks

    from source

)

select * from final
