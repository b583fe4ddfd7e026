{#-
    Fails on every row of a coarser delivery mart of which a sum or a metric is not what
    fct_performance_hourly gives for the same `by`, and on every group that only one of them has. Exact:
    a ratio of equal sums is equal to the last bit. With `period`, the last of `by` is the first day of
    that period (week, month), as start_of() has it. With `is_local`, local_date is the advertiser's day.
-#}
{% test recomputes(model, by, period=none, is_local=false) %}

{%- set columns = delivery_facts() + metric_formulas().keys() | list %}

with placed as (

    select
        performance.*
        {%- if period %},
        {{ start_of(period, "performance.activity_date") }} as {{ by | last }}
        {%- endif %}
        {%- if is_local %},
        {{ local_date("performance.hour_ts", "advertisers.time_zone") }} as local_date
        {%- endif %}
    from {{ ref("fct_performance_hourly") }} as performance
    {%- if is_local %}
    inner join {{ ref("dim_advertisers") }} as advertisers
        on performance.advertiser_id = advertisers.advertiser_id
    {%- endif %}

),

totals as (

    select
        {{ by | join(",\n        ") }},
        {{ select_sums() }}
    from placed
    group by {{ by | join(", ") }}

),

recomputed as (

    select
        *,
        {{ select_metrics() }}
    from totals

)

select
    {{ by | join(",\n    ") }}
from recomputed
full outer join {{ model }} as reported using ({{ by | join(", ") }})
where
    {%- for column in columns %}
    {% if not loop.first %}or {% endif %}recomputed.{{ column }} is distinct from reported.{{ column }}
    {%- endfor %}

{% endtest %}
