{%- set columns = ["campaign_id", "line_item_id", "creative_id", "device", "hour_ts", "loaded_at"]
    + raw_counts() -%}

with irregular_days as (

    select distinct
        creative_id,
        device,
        landed_date
    from {{ ref('base_ads__performance_irregular') }}
    where creative_id is not null

),

valid as (

    select
        landed.{{ columns | join(",\n        landed.") }}
    from {{ ref('base_ads__performance_hourly') }} as landed
    left join irregular_days
        on
            landed.creative_id = irregular_days.creative_id
            and landed.device = irregular_days.device
            and landed.landed_date = irregular_days.landed_date
    where
        irregular_days.creative_id is null
        and landed.creative_id is not null

    union all

    select
        {{ columns | join(",\n        ") }}
    from {{ ref('base_ads__performance_irregular') }}
    where is_valid

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        device,
        hour_ts,

        -- facts
        {{ raw_counts() | join(",\n        ") }},

        -- metadata
        loaded_at

    from valid

)

select * from final
