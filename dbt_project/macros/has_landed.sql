{#-
    Whether all rows of a time that ends at a moment have landed: a condition, and a question only
    while a live run fills the database. Hours and days land five minutes after they are over.
-#}
{% macro has_landed(end_ts) -%}
    {%- set state = none -%}
    {%- if execute and target.type in ["duckdb", "postgres"] -%}
        {%- set state = adapter.get_relation(target.database, "live", "state") -%}
    {%- endif -%}
    {%- if state -%}
        cast({{ end_ts }} as timestamp) <= coalesce(
            (
                select {{ dbt.dateadd("minute", -5, "min(next_slice)") }}
                from {{ state }}
                where not is_complete
            ),
            cast('9999-12-31' as timestamp)
        )
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}

{#- The moment at which a reach window ends. -#}
{% macro end_of_window() -%}
    case reach_window
        when 'HOUR' then {{ dbt.dateadd("hour", 1, "window_start") }}
        when 'WEEK' then {{ dbt.dateadd("day", 7, "window_start") }}
        else {{ dbt.dateadd("day", 1, "window_start") }}
    end
{%- endmacro %}
