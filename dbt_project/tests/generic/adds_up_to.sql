{#- Fails on every group of `by` in which the sum of `column` is not `whole`, to a billionth. -#}
{% test adds_up_to(model, column, whole, by) %}

select
    {{ by | join(",\n    ") }},
    sum({{ column }}) as total
from {{ model }}
group by {{ by | join(", ") }}
having not coalesce(abs(sum({{ column }}) - {{ whole }}) <= 0.000000001, false)

{% endtest %}
