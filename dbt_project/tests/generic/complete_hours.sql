{#-
    Fails on every rotation of `schedule` (line item, creative, device and flight, with its first hour and
    the hour after its last) of which the model does not have each hour once, and on every row of the
    model that lies in no rotation.
-#}
{% test complete_hours(model, schedule) %}

with placed as (

    select
        model_row.line_item_id,
        model_row.creative_id,
        model_row.device,
        model_row.hour_ts,
        rotations.flight_id
    from {{ model }} as model_row
    left join {{ schedule }} as rotations
        on
            model_row.line_item_id = rotations.line_item_id
            and model_row.creative_id = rotations.creative_id
            and model_row.device = rotations.device
            and model_row.hour_ts >= rotations.first_hour_ts
            and model_row.hour_ts < rotations.end_ts
            and model_row.hour_ts = {{ dbt.date_trunc("hour", "model_row.hour_ts") }}

),

delivered as (

    select
        line_item_id,
        creative_id,
        device,
        flight_id,
        count(distinct hour_ts) as hours
    from placed
    group by line_item_id, creative_id, device, flight_id

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
where coalesce(rotations.hours, 0) <> coalesce(delivered.hours, 0)

{% endtest %}
