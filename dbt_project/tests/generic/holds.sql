{#-
    Fails on every row in which `condition` is false. As in an SQL CHECK, a condition that is NULL holds.
    With `lookup` and `key` the condition may use the columns of another relation, too.
-#}
{% test holds(model, condition, lookup=none, key=none) %}

select {{ "model_row.*" if lookup else "*" }}
from {{ model }} as model_row
{%- if lookup %}
inner join {{ lookup }} as lookup_row using ({{ key }})
{%- endif %}
where not ({{ condition }})

{% endtest %}
