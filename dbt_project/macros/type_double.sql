{#- The 64-bit float. dbt's own type_float() is the 32-bit one on DuckDB. -#}
{% macro type_double() -%}
    {{ return(adapter.dispatch("type_double")()) }}
{%- endmacro %}

{% macro default__type_double() %}{{ return("double") }}{% endmacro %}

{% macro postgres__type_double() %}{{ return("double precision") }}{% endmacro %}
