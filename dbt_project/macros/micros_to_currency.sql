{#- Micros as units of the currency, exactly: a decimal product; `/ 1000000` would be a float. -#}
{% macro micros_to_currency(column) -%}
    cast({{ column }} * 0.000001 as decimal(18, 6))
{%- endmacro %}
