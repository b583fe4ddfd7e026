{#-
    The rows of a table that may land more than once, each as it landed last; copies of one load are one
    row. Only keys that landed twice are sorted out, since nearly all landed once.
-#}
{% macro last_landed(landed, key, landed_at="loaded_at") -%}
    {%- set repeated -%}
        select
            {{ key }} as repeated_key,
            max({{ landed_at }}) as last_loaded_at
        from {{ landed }}
        group by {{ key }}
        having count(*) > 1
    {%- endset -%}
    select {{ landed }}.*
    from {{ landed }}
    left join ({{ repeated }}) as repeated
        on {{ landed }}.{{ key }} = repeated.repeated_key
    where repeated.repeated_key is null

    union all

    select distinct {{ landed }}.*
    from {{ landed }}
    inner join ({{ repeated }}) as repeated
        on
            {{ landed }}.{{ key }} = repeated.repeated_key
            and {{ landed }}.{{ landed_at }} = repeated.last_loaded_at
{%- endmacro %}
