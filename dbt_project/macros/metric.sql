{#- A metric by its name: the only way in which a mart divides. -#}
{% macro metric(name) -%}
    {%- set formulas = dict(metric_formulas(), **further_formulas()) -%}
    {%- if name not in formulas -%}
        {%- do exceptions.raise_compiler_error(
            "no metric is called '" ~ name ~ "'; there are " ~ formulas | sort | join(", ")
        ) -%}
    {%- endif -%}
    {%- set numerator, denominator = formulas[name] -%}
    {{- safe_divide(numerator, denominator) -}}
{%- endmacro %}
