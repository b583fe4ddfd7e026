{#-
    Fails on every reach window of which the log has more impressions or households, once or n times, than
    `reach` says. If all households are logged, also on each of which it has less.
-#}
{% test log_counts_reach(model, reach) %}

{%- set tiers = {"reach": 1, "reach_2plus": 2, "reach_3plus": 3, "reach_5plus": 5, "reach_10plus": 10} %}
{%- set windows = {
    "HOUR": "hour_ts",
    "DAY": dbt.date_trunc("day", "hour_ts"),
    "WEEK": dbt.date_trunc("week", "hour_ts"),
} %}

with logged_share as (

    select max(log_share) as log_share
    from {{ ref("stg_ads__runs") }}

),

seen as (

    {%- for window, window_start in windows.items() %}
    select
        campaign_id,
        '{{ window }}' as reach_window,
        {{ window_start }} as window_start,
        household_id,
        count(*) as impressions
    from {{ model }}
    group by campaign_id, {{ window_start }}, household_id
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}

),

-- a household is reached n times to date from the day of its impression number n
days as (

    select
        campaign_id,
        {{ windows["DAY"] }} as day_ts,
        count(*) as impressions
        {%- for tier, least in tiers.items() %},
        sum(case when exposure_number = {{ least }} then 1 else 0 end) as {{ tier }}
        {%- endfor %}
    from {{ model }}
    group by campaign_id, {{ windows["DAY"] }}

),

counted as (

    select
        campaign_id,
        reach_window,
        window_start,
        sum(impressions) as impressions
        {%- for tier, least in tiers.items() %},
        sum(case when impressions >= {{ least }} then 1 else 0 end) as {{ tier }}
        {%- endfor %}
    from seen
    group by campaign_id, reach_window, window_start

    union all

    select
        to_date.campaign_id,
        to_date.reach_window,
        to_date.window_start,
        sum(days.impressions) as impressions
        {%- for tier in tiers %},
        sum(days.{{ tier }}) as {{ tier }}
        {%- endfor %}
    from {{ reach }} as to_date
    inner join days
        on
            to_date.campaign_id = days.campaign_id
            and to_date.window_start >= days.day_ts
    where to_date.reach_window = 'FLIGHT_TO_DATE'
    group by to_date.campaign_id, to_date.reach_window, to_date.window_start

)

select
    campaign_id,
    reach_window,
    window_start,
    counted.reach as logged_reach,
    published.reach
from counted
full outer join {{ reach }} as published using (campaign_id, reach_window, window_start)
cross join logged_share
where
    {{ has_landed(end_of_window()) }}
    and (
        {%- for count in ["impressions"] + tiers | list %}
        {% if not loop.first %}or {% endif %}coalesce(counted.{{ count }}, 0) > coalesce(published.{{ count }}, 0)
        or (
            logged_share.log_share = 1
            and coalesce(counted.{{ count }}, 0) < coalesce(published.{{ count }}, 0)
        )
        {%- endfor %}
    )

{% endtest %}
