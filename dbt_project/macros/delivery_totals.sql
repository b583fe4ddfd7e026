{#- One row: the sums of a part of int_delivery_by_creative_device, ready for `metric`. -#}
{% macro delivery_totals(relation, condition) -%}
    select
        {{ select_sums() }}
    from {{ relation }}
    where {{ condition }}
{%- endmacro %}
