{#- Whether a version of a history dimension holds at a moment: the condition of an as-of join. -#}
{% macro holds_at(version, moment) -%}
    {{ version }}.valid_from <= {{ moment }}
    and coalesce({{ moment }} < {{ version }}.valid_to, true)
{%- endmacro %}

{% macro holds_from_date(moment) -%}
case
            when {{ moment }} = {{ dbt.date_trunc('day', moment) }} then cast({{ moment }} as date)
            else cast({{ dbt.dateadd('day', 1, moment) }} as date)
        end
{%- endmacro %}
