{#-
    Fails on every group of `by` in which the two relations disagree on the sum of one of `measures`:
    exact, and in both directions. A group that only one of them has counts as 0 in the other. `to_by`
    and `to_measures` name the same things in the other relation where it has other names for them.
-#}
{% test reconciles(model, to, by, measures, to_by=none, to_measures=none) %}

with sides as (

    select
        {%- for expression in by %}
        {{ expression }} as group_{{ loop.index }},
        {%- endfor %}
        {%- for expression in measures %}
        {{ expression }} as measure_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}

    union all

    select
        {%- for expression in to_by or by %}
        {{ expression }} as group_{{ loop.index }},
        {%- endfor %}
        {%- for expression in to_measures or measures %}
        -1 * ({{ expression }}) as measure_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ to }}

)

select
    {%- for expression in by %}
    group_{{ loop.index }},
    {%- endfor %}
    {%- for expression in measures %}
    sum(measure_{{ loop.index }}) as difference_{{ loop.index }}{{ "," if not loop.last }}
    {%- endfor %}
from sides
group by {% for expression in by %}group_{{ loop.index }}{{ ", " if not loop.last }}{% endfor %}
having
    {%- for expression in measures %}
    {% if not loop.first %}or {% endif %}sum(measure_{{ loop.index }}) <> 0
    {%- endfor %}

{% endtest %}
