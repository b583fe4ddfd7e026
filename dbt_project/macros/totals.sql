{#- Sums of one type on every adapter: DuckDB's own are HUGEINT and DECIMAL(38, s). -#}
{% macro total(column) -%}
    cast(sum({{ column }}) as bigint)
{%- endmacro %}

{% macro total_spend(column="spend") -%}
    cast(sum({{ column }}) as decimal(18, 6))
{%- endmacro %}

{% macro total_seconds(column="watch_seconds") -%}
    cast(sum({{ column }}) as decimal(18, 3))
{%- endmacro %}
