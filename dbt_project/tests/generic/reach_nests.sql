{#-
    Fails on every window that reached more households, once or n times, than a window that contains it:
    hour in day, day in ISO week, day in flight to date, and flight to date in the next day's. So the
    largest day is at most the flight to date, which never decreases.
-#}
{% test reach_nests(model) %}

{%- set counts = ["reach", "reach_2plus", "reach_3plus", "reach_5plus", "reach_10plus"] %}

with reach as (

    select * from {{ model }}

),

parts as (

    select
        *,
        'DAY' as whole_window,
        {{ dbt.date_trunc("day", "window_start") }} as whole_start
    from reach
    where reach_window = 'HOUR'

    union all

    select
        *,
        'WEEK' as whole_window,
        {{ dbt.date_trunc("week", "window_start") }} as whole_start
    from reach
    where reach_window = 'DAY'

    union all

    select
        *,
        'FLIGHT_TO_DATE' as whole_window,
        window_start as whole_start
    from reach
    where reach_window = 'DAY'

    union all

    select
        *,
        'FLIGHT_TO_DATE' as whole_window,
        lead(window_start) over (partition by campaign_id order by window_start) as whole_start
    from reach
    where reach_window = 'FLIGHT_TO_DATE'

)

select
    parts.campaign_id,
    parts.reach_window,
    parts.window_start,
    parts.whole_window,
    parts.whole_start
from parts
inner join reach as whole
    on
        parts.campaign_id = whole.campaign_id
        and parts.whole_window = whole.reach_window
        and parts.whole_start = whole.window_start
where
    {%- for count in counts %}
    {% if not loop.first %}or {% endif %}parts.{{ count }} > whole.{{ count }}
    {%- endfor %}

{% endtest %}
