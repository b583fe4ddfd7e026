{#- Whether a version of a history dimension holds at a moment: the condition of an as-of join. -#}
{% macro holds_at(version, moment) -%}
    {{ version }}.valid_from <= {{ moment }}
    and coalesce({{ moment }} < {{ version }}.valid_to, true)
{%- endmacro %}
