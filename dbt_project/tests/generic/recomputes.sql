{#-
    Fails on every row of a coarser delivery mart of which a sum or a metric is not what
    fct_performance_hourly gives for the same `by`, and on every group that only one of them has. Exact:
    a ratio of equal sums is equal to the last bit. With `period`, the last of `by` is the first day of
    that period (week, month), as start_of() has it.
-#}
{% test recomputes(model, by, period=none) %}

{%- set counts = [
    "requests", "responses", "eligible_impressions", "auctions_won", "impressions", "error_count",
    "timeout_count", "measurable_impressions", "viewable_impressions", "audible_impressions",
    "invalid_impressions", "video_impressions", "video_starts", "video_q25", "video_q50",
    "video_q75", "video_q100", "skippable_video_starts", "skips", "clicks", "qr_impressions",
    "qr_scans", "interactive_impressions", "interactive_engagements",
] -%}
{%- set columns = counts + ["spend", "watch_seconds"] + metric_formulas().keys() | list %}

with placed as (

    select
        *
        {%- if period %},
        {{ start_of(period, "activity_date") }} as {{ by | last }}
        {%- endif %}
    from {{ ref("fct_performance_hourly") }}

),

totals as (

    select
        {{ by | join(",\n        ") }},
        {{ total_spend() }} as spend,
        {{ total_seconds() }} as watch_seconds
        {%- for count in counts %},
        {{ total(count) }} as {{ count }}
        {%- endfor %}
    from placed
    group by {{ by | join(", ") }}

),

recomputed as (

    select
        *
        {%- for name in metric_formulas() %},
        {{ metric(name) }} as {{ name }}
        {%- endfor %}
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
