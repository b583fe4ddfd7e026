{#-
    Fails on every row in which an expression of `columns` is smaller than the next one, or in which two
    neighbours cannot be compared because one is NULL.
-#}
{% test ordered(model, columns) %}

select *
from {{ model }}
where not (
    {%- for smaller in columns[1:] %}
    {% if not loop.first %}and {% endif %}{{ is_at_least(columns[loop.index0], smaller) }}
    {%- endfor %}
)

{% endtest %}
