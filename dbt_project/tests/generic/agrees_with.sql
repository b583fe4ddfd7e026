{#-
    Fails on every row where `column` differs from `field` of the row of `to` with the same `key`: that a
    fact's campaign is the campaign of its line item, say. A row without a counterpart is a matter of
    `relationships`.
-#}
{% test agrees_with(model, column, to, field, key) %}

select model_row.*
from {{ model }} as model_row
inner join {{ to }} as other_row on model_row.{{ key }} = other_row.{{ key }}
where not coalesce(model_row.{{ column }} = other_row.{{ field }}, false)

{% endtest %}
