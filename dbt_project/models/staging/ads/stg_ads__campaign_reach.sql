with source as (

    select * from {{ source('ads', 'campaign_reach') }}

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        cast(reach_window as {{ dbt.type_string() }}) as reach_window,
        window_start,

        -- facts
        impressions,
        reach,
        reach_2plus,
        reach_3plus,
        reach_5plus,
        reach_10plus

    from source

)

select * from final
