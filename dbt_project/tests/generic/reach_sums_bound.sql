{#-
    Fails on every window that reached more households than its parts did together: a day more than its
    hours, an ISO week or a flight to date more than its days. Reach never adds up, but it cannot exceed
    the sum either.
-#}
{% test reach_sums_bound(model) %}

with reach as (

    select * from {{ model }}

),

wholes as (

    select
        *,
        case when reach_window = 'DAY' then 'HOUR' else 'DAY' end as part_window,
        case
            when reach_window <> 'FLIGHT_TO_DATE' then window_start
        end as first_part_start,
        cast(
            case reach_window
                when 'WEEK' then {{ dbt.dateadd("day", 6, "window_start") }}
                when 'DAY' then {{ dbt.dateadd("hour", 23, "window_start") }}
                else window_start
            end as timestamp
        ) as last_part_start
    from reach
    where reach_window in ('DAY', 'WEEK', 'FLIGHT_TO_DATE')

)

select
    wholes.campaign_id,
    wholes.reach_window,
    wholes.window_start,
    wholes.reach,
    sum(parts.reach) as sum_of_parts
from wholes
left join reach as parts
    on
        wholes.campaign_id = parts.campaign_id
        and wholes.part_window = parts.reach_window
        and coalesce(parts.window_start >= wholes.first_part_start, true)
        and parts.window_start <= wholes.last_part_start
group by wholes.campaign_id, wholes.reach_window, wholes.window_start, wholes.reach
having wholes.reach > coalesce(sum(parts.reach), 0)

{% endtest %}
