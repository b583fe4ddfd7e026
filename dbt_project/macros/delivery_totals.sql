{#- One row: the sums of a part of int_delivery_by_creative_device, ready for `metric`. -#}
{% macro delivery_totals(relation, condition) -%}
    {%- set counts = [
        "requests", "responses", "eligible_impressions", "auctions_won", "impressions",
        "measurable_impressions", "viewable_impressions", "audible_impressions",
        "invalid_impressions", "video_starts", "video_q25", "video_q50", "video_q75", "video_q100",
        "clicks", "qr_impressions", "qr_scans", "interactive_impressions", "interactive_engagements",
    ] -%}
    select
        {% for count in counts -%}
            {{ total(count) }} as {{ count }},
        {% endfor -%}
        {{ total_spend() }} as spend
    from {{ relation }}
    where {{ condition }}
{%- endmacro %}
