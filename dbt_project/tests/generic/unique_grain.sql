{#- Fails on every combination of `columns` that is in several rows or has a NULL in it. -#}
{% test unique_grain(model, columns) %}

select
    {{ columns | join(",\n    ") }},
    count(*) as number_of_rows
from {{ model }}
group by {{ columns | join(", ") }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}

{% endtest %}
