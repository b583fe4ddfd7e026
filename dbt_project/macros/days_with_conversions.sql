{#-
    What the CTE `performance` has of each day of an `id`, and the conversions of the CTE `conversions`,
    which come on days after a flight as well. What counts none has NULL conversions.
-#}
{% macro days_with_conversions(id) -%}
    select
        coalesce(performance.{{ id }}, converted.{{ id }}) as {{ id }},
        coalesce(performance.activity_date, converted.activity_date) as date_day,
        coalesce(performance.clicks, 0) as clicks,
        coalesce(performance.impressions, 0) as impressions,
        cast(coalesce(performance.spend, 0) as decimal(18, 6)) as spend,
        cast(converted.conversions as {{ type_double() }}) as conversions,
        cast(converted.conversions_value as {{ type_double() }}) as conversions_value
    from performance
    full outer join (
        select
            {{ id }},
            activity_date,
            {{ total("conversions") }} as conversions,
            {{ total_spend("conversions_value") }} as conversions_value
        from conversions
        group by {{ id }}, activity_date
    ) as converted
        on
            performance.{{ id }} = converted.{{ id }}
            and performance.activity_date = converted.activity_date
{%- endmacro %}
