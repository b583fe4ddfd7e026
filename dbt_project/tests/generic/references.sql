{#-
    Fails on every row that has in one of `columns` a value that the relation given for it does not have
    in the column of the same name, or in the one that `fields` names; the last column, `broken_rules`,
    says which. NULL refers to nothing.
-#}
{% test references(model, columns, fields={}) %}

{%- set parents = [] -%}
{%- for column, parent in columns.items() -%}
    {%- set key = "parent_" ~ loop.index -%}
    {%- set label = column ~ " is not in " ~ parent.identifier -%}
    {%- do parents.append((column, parent, fields.get(column, column), key, label)) -%}
{%- endfor -%}

select
    model_row.*,
    concat_ws('; '
        {%- for column, _, _, key, label in parents %},
        case when model_row.{{ column }} is not null and {{ key }}.{{ key }} is null then '{{ label }}' end
        {%- endfor %}
    ) as broken_rules
from {{ model }} as model_row
{%- for column, parent, field, key, _ in parents %}
left join (select distinct {{ field }} as {{ key }} from {{ parent }}) as {{ key }}
    on model_row.{{ column }} = {{ key }}.{{ key }}
{%- endfor %}
where
    {%- for column, _, _, key, _ in parents %}
    {% if not loop.first %}or {% endif %}(model_row.{{ column }} is not null and {{ key }}.{{ key }} is null)
    {%- endfor %}

{% endtest %}
