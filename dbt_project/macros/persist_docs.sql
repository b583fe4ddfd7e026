{#-
    Descriptions as comments of the tables, as persist_docs asks for. DuckDB rewrites the rows of a table
    at each comment that is made in the transaction that fills it, 36 times for a delivery mart; so there
    the comments are made at the end of the run, when the rows are committed.
-#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) %}{% endmacro %}

{% macro comment_on_tables(results) %}
    {%- if target.type == "duckdb" and flags.WHICH in ["build", "run"] -%}
        {%- for result in results if result.status == "success" -%}
            {%- set node = result.node -%}
            {%- if node.config.materialized in ["table", "incremental"] -%}
                {%- set table = node.schema ~ "." ~ node.name -%}
                {%- set comments = [
                    "comment on table " ~ table ~ " is " ~ duckdb_escape_comment(node.description)
                ] -%}
                {%- for column in node.columns.values() -%}
                    {%- do comments.append(
                        "comment on column " ~ table ~ "." ~ column.name ~ " is "
                        ~ duckdb_escape_comment(column.description)
                    ) -%}
                {%- endfor -%}
                {%- do run_query(comments | join(";\n")) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
