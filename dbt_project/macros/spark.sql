{#-
    What the project needs of dbt-spark and finds otherwise there: seeds have empty fields and quotes in
    text, times have no zone, lists have an order.
-#}
{% macro spark__get_empty_schema_sql(columns) %}
    select
    {%- for column in columns.values() %}
        cast(null as {{ type_here(column.data_type) }}) as {{ column.name }}{{ "," if not loop.last }}
    {%- endfor %}
{% endmacro %}

{#- The names of a query's columns, for which it need not run. -#}
{% macro spark__get_columns_in_query(select_sql) %}
    {{ return(adapter.get_column_schema_from_query(select_sql) | map(attribute="name") | list) }}
{% endmacro %}

{#- The type of each column of a seed, in order. -#}
{% macro seed_types(seed, agate_table) -%}
    {%- set types = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- set inferred = adapter.convert_type(agate_table, loop.index0) -%}
        {%- do types.append(type_here(seed.config.column_types.get(name, inferred))) -%}
    {%- endfor -%}
    {{- return(types) -}}
{%- endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
    {%- set types = seed_types(model, agate_table) -%}
    {%- set sql -%}
        create table {{ this }} (
        {%- for name in agate_table.column_names %}
            {{ name }} {{ types[loop.index0] }}{{ "," if not loop.last }}
        {%- endfor %}
        ) using parquet
    {%- endset -%}
    {%- do run_query(sql) -%}
    {{- return(sql) -}}
{% endmacro %}

{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = seed_types(model, agate_table) -%}
    {%- set sql -%}
        insert into {{ this }} values
        {%- for row in agate_table.rows %}
            (
            {%- for value in row -%}
                cast({{ spark_literal(value) }} as {{ types[loop.index0] }}){{ ", " if not loop.last }}
            {%- endfor -%}
            ){{ "," if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- do run_query(sql) -%}
    {{- return(sql) -}}
{% endmacro %}

{% macro spark_literal(value) -%}
    {%- if value is none -%}
        null
    {%- else -%}
        '{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
    {%- endif -%}
{%- endmacro %}

{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{#- How many starts of an hour, a day or another unit lie between two moments. -#}
{% macro spark__datediff(first_date, second_date, datepart) -%}
    timestampdiff(
        {{ datepart }},
        {{ dbt.date_trunc(datepart, first_date) }}, {{ dbt.date_trunc(datepart, second_date) }}
    )
{%- endmacro %}

{% macro spark__date_trunc(datepart, date) -%}
    cast(date_trunc('{{ datepart }}', {{ date }}) as timestamp)
{%- endmacro %}

{% macro spark__generate_series(upper_bound) -%}
    select explode(sequence(1, {{ upper_bound }})) as generated_number
{%- endmacro %}

{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }})
    {%- if order_by_clause %} within group ({{ order_by_clause }}){% endif %}
{%- endmacro %}

{#- An incremental model is a table, built again (`full_refresh` in dbt_project.yml): dbt-spark cannot delete. -#}
{% materialization incremental, adapter="spark", supported_languages=["sql"] %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}
