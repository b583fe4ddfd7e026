{#-
    Fails on every row in which one of `columns` is infinite, not a number, below `at_least` or above
    `at_most`. NULL passes: it is how an undefined ratio is shown. NaN compares as larger than every number
    in DuckDB, PostgreSQL and Spark, so the bounds catch it and no adapter needs a special function.
-#}
{% test finite(model, columns, at_least=0, at_most=none) %}

select *
from {{ model }}
where not (
    {%- for column in columns %}
    {% if not loop.first %}and {% endif %}coalesce(
        {{- column }} >= {{ at_least }} and {{ column }} <= {{ "1.7976931348623157e308" if at_most is none else at_most -}}
        , true)
    {%- endfor %}
)

{% endtest %}
