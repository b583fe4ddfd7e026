with source as (

    select * from {{ source('ads', 'frequency_caps') }}

),

final as (

    select
        -- identifiers
        frequency_cap_id,
        campaign_id,

        -- dimensions
        time_unit,
        scope,

        -- facts
        max_impressions,
        time_units

    from source

)

select * from final
