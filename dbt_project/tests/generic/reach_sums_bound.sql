{#-
    Fails on every window that reached more households than its parts did together: a day more than its
    hours, an ISO week or a flight to date more than its days. Reach never adds up, but it cannot exceed
    the sum either.
-#}
{% test reach_sums_bound(model) %}

with reach as (

    select * from {{ model }}

),

parts as (

    select
        campaign_id,
        'DAY' as reach_window,
        {{ dbt.date_trunc("day", "window_start") }} as window_start,
        sum(reach) as sum_of_parts
    from reach
    where reach_window = 'HOUR'
    group by campaign_id, {{ dbt.date_trunc("day", "window_start") }}

    union all

    select
        campaign_id,
        'WEEK' as reach_window,
        {{ dbt.date_trunc("week", "window_start") }} as window_start,
        sum(reach) as sum_of_parts
    from reach
    where reach_window = 'DAY'
    group by campaign_id, {{ dbt.date_trunc("week", "window_start") }}

),

to_date as (

    select
        campaign_id,
        reach_window,
        window_start,
        reach,
        sum(case when reach_window = 'DAY' then reach else 0 end) over (
            partition by campaign_id
            order by window_start
            range between unbounded preceding and current row
        ) as sum_of_parts
    from reach
    where reach_window in ('DAY', 'FLIGHT_TO_DATE')

),

wholes as (

    select
        reach.campaign_id,
        reach.reach_window,
        reach.window_start,
        reach.reach,
        coalesce(parts.sum_of_parts, 0) as sum_of_parts
    from reach
    left join parts
        on
            reach.campaign_id = parts.campaign_id
            and reach.reach_window = parts.reach_window
            and reach.window_start = parts.window_start
    where reach.reach_window in ('DAY', 'WEEK')

    union all

    select
        campaign_id,
        reach_window,
        window_start,
        reach,
        sum_of_parts
    from to_date
    where reach_window = 'FLIGHT_TO_DATE'

)

select *
from wholes
where reach > sum_of_parts

{% endtest %}
