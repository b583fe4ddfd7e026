{#- A report of ad_reporting at a coarser grain: its sums by these columns, and by currency. -#}
{% macro sums_of_report(report, columns) -%}
    select
        -- identifiers
        {{ columns | join(",\n        ") }},

        -- facts
        {{ total("clicks") }} as clicks,
        {{ total("impressions") }} as impressions,
        {{ total_spend() }} as spend,
        sum(conversions) as conversions,
        sum(conversions_value) as conversions_value,

        -- dimensions
        currency_code

    from {{ report }}
    group by
        {{ columns | join(", ") }}, currency_code
{%- endmacro %}
