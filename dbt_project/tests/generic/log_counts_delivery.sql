{#-
    Fails on every line item, creative, device and hour of which the log has more of something than `delivery`.
    If all households are logged, also on each of which it has less.
-#}
{% test log_counts_delivery(model, delivery) %}

{%- set counted = {
    "impressions": "1",
    "video_starts": "case when furthest_event <> 'NOT_STARTED' then 1 else 0 end",
    "video_q25": "case when furthest_event not in ('NOT_STARTED', 'START') then 1 else 0 end",
    "video_q50":
        "case when furthest_event in ('MIDPOINT', 'THIRD_QUARTILE', 'COMPLETE') then 1 else 0 end",
    "video_q75": "case when furthest_event in ('THIRD_QUARTILE', 'COMPLETE') then 1 else 0 end",
    "video_q100": "case when furthest_event = 'COMPLETE' then 1 else 0 end",
    "skips": "case when is_skipped then 1 else 0 end",
    "clicks": "case when is_clicked then 1 else 0 end",
    "qr_scans": "case when is_scanned then 1 else 0 end",
    "interactive_engagements": "case when is_engaged then 1 else 0 end",
    "measurable_impressions": "case when is_measurable then 1 else 0 end",
    "viewable_impressions": "case when is_viewable then 1 else 0 end",
    "audible_impressions": "case when is_audible then 1 else 0 end",
    "spend": "spend",
} %}
{%- set keys = ["campaign_id", "line_item_id", "creative_id", "device", "hour_ts"] %}

with logged_share as (

    select max(log_share) as log_share
    from {{ ref("stg_ads__runs") }}

),

sides as (

    select
        {{ keys | join(",\n        ") }},
        {%- for count, expression in counted.items() %}
        {{ expression }} as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}

    union all

    select
        {{ keys | join(",\n        ") }},
        {%- for count in counted %}
        -1 * {{ count }} as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ delivery }}

),

differences as (

    select
        {{ keys | join(",\n        ") }},
        {%- for count in counted %}
        sum({{ count }}) as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from sides
    group by {{ keys | join(", ") }}

)

select differences.*
from differences
cross join logged_share
where
    {{ has_landed(dbt.dateadd("hour", 1, "differences.hour_ts")) }}
    and (
        {%- for count in counted %}
        {% if not loop.first %}or {% endif %}differences.{{ count }} > 0
        or (logged_share.log_share = 1 and differences.{{ count }} < 0)
        {%- endfor %}
    )

{% endtest %}
