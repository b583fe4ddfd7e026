{#- The value under a top-level key of a JSON text, as JSON text; NULL without such a key. -#}
{% macro json_text(column, key) -%}
    {{ return(adapter.dispatch("json_text")(column, key)) }}
{%- endmacro %}

{% macro default__json_text(column, key) -%}
    cast(json_extract({{ column }}, '$.{{ key }}') as varchar)
{%- endmacro %}

{% macro postgres__json_text(column, key) -%}
    (cast({{ column }} as json) ->> '{{ key }}')
{%- endmacro %}

{% macro spark__json_text(column, key) -%}
    get_json_object({{ column }}, '$.{{ key }}')
{%- endmacro %}
