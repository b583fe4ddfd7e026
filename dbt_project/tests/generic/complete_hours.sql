{#-
    Fails on every rotation of `schedule` (line item, creative, device and flight, with its first hour and
    the hour after its last) of which the model does not have each hour once, and on every row of the
    model that lies in no rotation. With `vars: sparse_rows` hours may be absent. Rotations are whole UTC days, so
    days are placed, not hours.
-#}
{% test complete_hours(model, schedule) %}

with hours as (

    select distinct
        line_item_id,
        creative_id,
        device,
        hour_ts,
        case
            when hour_ts = {{ dbt.date_trunc("hour", "hour_ts") }} then {{ dbt.date_trunc("day", "hour_ts") }}
        end as day_ts
    from {{ model }}

),

days as (

    select
        line_item_id,
        creative_id,
        device,
        day_ts,
        count(*) as hours
    from hours
    group by line_item_id, creative_id, device, day_ts

),

delivered as (

    select
        days.line_item_id,
        days.creative_id,
        days.device,
        rotations.flight_id,
        sum(days.hours) as hours
    from days
    left join {{ schedule }} as rotations
        on
            days.line_item_id = rotations.line_item_id
            and days.creative_id = rotations.creative_id
            and days.device = rotations.device
            and days.day_ts >= rotations.first_hour_ts
            and days.day_ts < rotations.end_ts
    group by days.line_item_id, days.creative_id, days.device, rotations.flight_id

)

select
    line_item_id,
    creative_id,
    device,
    flight_id,
    rotations.hours as scheduled_hours,
    delivered.hours as delivered_hours
from {{ schedule }} as rotations
full outer join delivered using (line_item_id, creative_id, device, flight_id)
where
    coalesce(delivered.hours, 0) > coalesce(rotations.hours, 0)
    {%- if not var("sparse_rows") %}
    or (
        coalesce(delivered.hours, 0) < coalesce(rotations.hours, 0)
        and {{ has_landed("rotations.end_ts") }}
    )
    {%- endif %}

{% endtest %}
