{#-
    Fails on every combination of `by` in which the numbers of a column, from the first to the last, leave one
    out or have one twice: then there are more or fewer of them, or they add up to something else.
-#}
{% test numbered_without_gaps(model, column, by) %}

select
    {{ by | join(", ") }},
    count(*) as numbers,
    min({{ column }}) as first_number,
    max({{ column }}) as last_number
from {{ model }}
group by {{ by | join(", ") }}
having
    count(*) <> max({{ column }}) - min({{ column }}) + 1
    or 2 * sum({{ column }}) <> count(*) * (max({{ column }}) + min({{ column }}))

{% endtest %}
