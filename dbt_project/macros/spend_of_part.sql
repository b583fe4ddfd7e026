{#-
    The micros of `day_spend` that some of `day_impressions` cost, when all cost the same. All of them
    cost all of it, exactly: a share of 1 is exact.
-#}
{% macro spend_of_part(impressions) -%}
    cast(
        floor(
            cast(day_spend as {{ type_double() }}) * 1000000
            * coalesce({{ safe_divide(impressions, 'day_impressions') }}, 0) + 0.5e0
        ) as bigint
    )
{%- endmacro %}
