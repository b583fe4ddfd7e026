{#-
    Descriptions as comments of the tables and views, as persist_docs asks for. DuckDB rewrites the rows
    of a table at each comment that is made in the transaction that fills it, 36 times for a delivery mart;
    so there the comments are made at the end of the run, when the rows are committed, and only those that
    are not there: a table to which a day was added has kept its own.
-#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) %}{% endmacro %}

{% macro comment_on_relations(results) %}
    {%- if execute and target.type == "duckdb" and flags.WHICH in ["build", "run"] -%}
        {%- set present = {} -%}
        {%- for row in run_query(comments_present()).rows -%}
            {%- do present.update({row[0]: row[1]}) -%}
        {%- endfor -%}
        {%- set statements = [] -%}
        {%- set built = results | selectattr("status", "equalto", "success") | map(attribute="node") -%}
        {%- for node in of_this_package(built) if node.resource_type == "model" -%}
            {%- set name = node.schema ~ "." ~ node.alias -%}
            {%- set kind = "view" if node.config.materialized == "view" else "table" -%}
            {%- if present.get(name) != node.description -%}
                {%- do statements.append(comment_on(kind, name, node.description)) -%}
            {%- endif -%}
            {%- for column in node.columns.values() -%}
                {%- set column_name = name ~ "." ~ column.name -%}
                {%- if present.get(column_name) != column.description -%}
                    {%- do statements.append(comment_on("column", column_name, column.description)) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {#- In one transaction, as each one waits for the disk. #}
        {%- if statements -%}
            {%- do run_query("begin;\n" ~ statements | join(";\n") ~ ";\ncommit") -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro comment_on(kind, name, description) -%}
    comment on {{ kind }} {{ name }} is {{ duckdb_escape_comment(description) | trim }}
{%- endmacro %}

{% macro comments_present() -%}
    select
        schema_name || '.' || table_name as name,
        comment
    from duckdb_tables()
    where comment is not null
    union all
    select
        schema_name || '.' || view_name as name,
        comment
    from duckdb_views()
    where comment is not null
    union all
    select
        schema_name || '.' || table_name || '.' || column_name as name,
        comment
    from duckdb_columns()
    where comment is not null
{%- endmacro %}
