{#- The 64-bit float. dbt's own type_float() is the 32-bit one on DuckDB. -#}
{% macro type_double() -%}
    {{ return(adapter.dispatch("type_double")()) }}
{%- endmacro %}

{% macro default__type_double() %}{{ return("double") }}{% endmacro %}

{% macro postgres__type_double() %}{{ return("double precision") }}{% endmacro %}

{#- A type of a contract, a seed or a source as the adapter calls it; DuckDB and PostgreSQL share the names. -#}
{% macro type_here(data_type) -%}
    {{ return(adapter.dispatch("type_here")(data_type)) }}
{%- endmacro %}

{% macro default__type_here(data_type) %}{{ return(data_type) }}{% endmacro %}

{% macro spark__type_here(data_type) %}
    {%- set names = {"varchar": "string", "text": "string", "double precision": "double"} -%}
    {{- return(names.get(data_type | lower, data_type)) -}}
{% endmacro %}
