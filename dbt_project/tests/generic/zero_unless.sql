{#-
    Fails on every row in which `column` is not 0 although `condition` is not true. The condition may use
    the columns of `lookup`, the relation that has one row per `key`; a row without one has no excuse.
-#}
{% test zero_unless(model, column, condition, lookup=none, key=none) %}

select {{ "model_row.*" if lookup else "*" }}
from {{ model }} as model_row
{%- if lookup %}
left join {{ lookup }} as lookup_row using ({{ key }})
{%- endif %}
where
    coalesce({{ column }} <> 0, true)
    and not coalesce({{ condition }}, false)

{% endtest %}
