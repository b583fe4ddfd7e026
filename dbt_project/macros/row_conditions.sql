{#-
    What tests ask of a row, as SQL that is never NULL. NaN compares as larger than every number in
    DuckDB, PostgreSQL and Spark, so the bounds catch it and no adapter needs a special function.
-#}
{% macro is_within(column, at_least=0, at_most=none) -%}
    coalesce(
        {{- column }} >= {{ at_least }} and {{ column }} <= {{ "1.7976931348623157e308" if at_most is none else at_most -}}
        , true)
{%- endmacro %}

{% macro is_at_least(larger, smaller) -%}
    coalesce(({{ larger }}) >= ({{ smaller }}), false)
{%- endmacro %}
