with runs as (

    select * from {{ ref('stg_ads__runs') }}

),

flights as (

    select * from {{ ref('stg_ads__flights') }}

),

line_items as (

    select * from {{ ref('stg_ads__line_items') }}

),

creatives as (

    select * from {{ ref('stg_ads__creatives') }}

),

devices as (

    {% for device in devices() -%}
        select '{{ device }}' as device
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

reported as (

    select {{ dbt.dateadd('day', -1, 'max(as_of_date)') }} as last_date
    from runs

),

targeted_devices as (

    select
        line_items.line_item_id,
        line_items.campaign_id,
        devices.device
    from line_items
    cross join devices
    where coalesce(
        {{ json_text('line_items.targeting', 'DEVICE') }} like '%"' || devices.device || '"%',
        true
    )

),

rotations as (

    select
        targeted_devices.campaign_id,
        targeted_devices.line_item_id,
        creatives.creative_id,
        targeted_devices.device,
        flights.flight_id,
        greatest(
            flights.start_date,
            coalesce(creatives.rotation_start_date, flights.start_date)
        ) as first_date,
        least(
            flights.end_date,
            coalesce(creatives.rotation_end_date, flights.end_date),
            cast(reported.last_date as date)
        ) as last_date
    from targeted_devices
    inner join creatives
        on targeted_devices.line_item_id = creatives.line_item_id
    inner join flights
        on targeted_devices.campaign_id = flights.campaign_id
    cross join reported

),

final as (

    select
        -- identifiers
        campaign_id,
        line_item_id,
        creative_id,
        flight_id,

        -- dimensions
        device,
        cast(first_date as timestamp) as first_hour_ts,
        cast({{ dbt.dateadd('day', 1, 'last_date') }} as timestamp) as end_ts,

        -- facts
        24 * (
            {{ dbt.datediff('first_date', 'last_date', 'day') }}
            + 1
        ) as hours

    from rotations
    where first_date <= last_date

)

select * from final
