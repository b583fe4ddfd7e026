{%- set present = columns_of(source('ads', 'performance_hourly')) -%}

with source as (

    select * from {{ source('ads', 'performance_hourly') }}

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,

        -- dimensions
        cast(device as {{ dbt.type_string() }}) as device,
        hour_ts,
        cast(hour_ts as date) as landed_date,

        -- facts
        {% for count in raw_counts() -%}
            {{ as_landed(count, present) }} as {{ count }},
        {% endfor %}
        -- metadata
        loaded_at,
        {{ has_drifted('performance_hourly', present) }} as has_drifted

    from source

)

select * from final
