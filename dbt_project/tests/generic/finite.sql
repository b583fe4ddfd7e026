{#-
    Fails on every row in which one of `columns` is infinite, not a number, below `at_least` or above
    `at_most`. NULL passes: it is how an undefined ratio is shown.
-#}
{% test finite(model, columns, at_least=0, at_most=none) %}

select *
from {{ model }}
where not (
    {%- for column in columns %}
    {% if not loop.first %}and {% endif %}{{ is_within(column, at_least, at_most) }}
    {%- endfor %}
)

{% endtest %}
