{#-
    What staging knows of deliveries that are not as they should be: how a regular day is recognised, when a row
    is late, and what a column may be called.
-#}

{#- The columns that a relation has in the database; none while nothing is executed. -#}
{% macro columns_of(relation) -%}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {{ return(adapter.get_columns_in_relation(relation) | map(attribute="name") | list) }}
{%- endmacro %}

{#- A column under its own name, or under those that it is known to have been given. -#}
{% macro as_landed(column, present) -%}
    {%- set names = [column] + var("column_synonyms").get(column, []) -%}
    {%- set found = names | select("in", present) | list -%}
    {%- if found | length > 1 -%}
        coalesce({{ found | join(", ") }})
    {%- else -%}
        {{ found[0] if found else column }}
    {%- endif -%}
{%- endmacro %}

{#- Whether a value of the row is in a column that the table's model does not have. -#}
{% macro has_drifted(table, present) -%}
    {%- set known = [] -%}
    {%- if execute -%}
        {%- for source in sources_of_this_package() if source.name == table -%}
            {%- do known.extend(source.columns) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set conditions = [] -%}
    {%- for column in present | reject("in", known) -%}
        {%- do conditions.append(adapter.quote(column) ~ " is not null") -%}
    {%- endfor -%}
    ({{ conditions | join(" or ") or "1 = 0" }})
{%- endmacro %}

{#-
    Over the rows of a creative's day on a device: whether they are one load of the 24 hours, each once, on
    time and whole. The hours are added as powers of two: 24 of them make 2^24 - 1 only if each is
    another one, which a fifth of the time tells that count(distinct …) takes. Where rows without
    requests do not land (`vars: sparse_rows`), it may have fewer hours.
-#}
{% macro is_one_load_of_a_day() -%}
    (
        {% if var("sparse_rows") -%}
        count(*) = count(distinct hour_ts)
        {%- else -%}
        count(*) = 24
        and sum(power(2, cast(extract(hour from hour_ts) as integer))) = 16777215
        {%- endif %}
        and min(loaded_at) = max(loaded_at)
        and not {{ landed_late("max(hour_ts)", "max(loaded_at)") }}
        and count(line_item_id) = count(*)
        and count(campaign_id) = count(*)
        and sum(case when has_drifted then 1 else 0 end) = 0
    )
{%- endmacro %}

{% macro landed_late(hour_ts, loaded_at) -%}
    {%- set hours = 24 + var("late_after_hours") -%}
    ({{ loaded_at }} > {{ dbt.dateadd("hour", hours, dbt.date_trunc("day", hour_ts)) }})
{%- endmacro %}
