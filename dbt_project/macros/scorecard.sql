{#-
    How a measured value is judged: by the range low to high, or, where the benchmark is an order, by
    its sign, since the value is then the margin by which the order holds. A value that is not there
    is not judged.
-#}
{% macro scorecard_status() -%}
    case
        when measured_value is null then 'NOT_APPLICABLE'
        when unit = 'order' and measured_value > 0 then 'INSIDE'
        when measured_value >= low and measured_value <= high then 'INSIDE'
        else 'OUTSIDE'
    end
{%- endmacro %}

{#- How far outside of its range a value lies, in widths of the range; 0 inside, NULL for an order. -#}
{% macro distance_in_widths() -%}
    {{ safe_divide(
        'case when measured_value < low then low - measured_value'
        ~ ' when measured_value > high then measured_value - high'
        ~ ' when measured_value is not null then 0 end',
        'high - low',
    ) }}
{%- endmacro %}

{#- A measured value to nine decimals, so that every adapter says the same. -#}
{% macro to_nine_decimals(value) -%}
    cast(cast({{ value }} as decimal(28, 9)) as {{ type_double() }})
{%- endmacro %}
