with source as (

    select * from {{ source('ads', 'platforms') }}

),

final as (

    select
        -- identifiers
        platform,

        -- dimensions
        name as platform_name,
        is_skippable_allowed,

        -- facts
        households,
        ad_minutes_per_hour,
        hours_per_household_day,
        min_response_ratio,
        min_eligible_ratio,
        min_win_ratio,
        min_render_ratio

    from source

)

select * from final
