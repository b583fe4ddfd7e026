{#-
    Runs before the first node of whatever reads data: a missing raw table would otherwise be a
    catalog error per model. `dbt compile` and `dbt docs generate` render the hook, too, but need no
    data.
-#}
{% macro require_raw_data() %}
    {%- if execute and flags.WHICH in reading_commands() -%}
        {%- set missing = [] -%}
        {%- set sources = graph.sources.values() | list -%}
        {%- for table in sources -%}
            {%- if not adapter.get_relation(table.database, table.schema, table.identifier) -%}
                {%- do missing.append(table.schema ~ "." ~ table.identifier) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set file = target.get("path", "database " ~ target.database) -%}
        {%- if target.name == "parquet" -%}
            {%- set file = "folder " ~ env_var("ADS_PARQUET", "data/parquet") -%}
        {%- endif -%}
        {%- set schemas = graph.nodes.values() | map(attribute="schema") | unique | list -%}
        {%- if target.type == "duckdb" and target.database in schemas + ["raw"] -%}
            {%- do exceptions.raise_compiler_error(
                target.path ~ " is called like one of its schemas, and DuckDB cannot tell them apart: "
                ~ "give the file another name"
            ) -%}
        {%- endif -%}
        {%- if missing | length == sources | length -%}
            {%- do exceptions.raise_compiler_error(
                "no raw data in " ~ file ~ ": run `make generate`"
            ) -%}
        {%- elif missing -%}
            {%- do exceptions.raise_compiler_error(
                file ~ " has no " ~ missing | sort | join(", ") ~ ": run `make generate`"
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
