{#-
    A raw table that not every sender has is made, empty, where the others are; as a view where they
    are views, so that one on files can replace it. What a hook does is rolled back unless it commits.
-#}
{% macro make_what_is_optional() %}
    {%- if reads_raw_data() -%}
        {%- set sources = sources_of_this_package() -%}
        {%- set kind = "view" if target.name == "parquet" else "table" -%}
        {%- set present = [] -%}
        {%- set needed = [] -%}
        {%- for table in sources -%}
            {%- if adapter.get_relation(table.database, table.schema, table.identifier) -%}
                {%- do present.append(table.name) -%}
                {%- if not table.config.meta.get("is_optional") -%}
                    {%- do needed.append(table.name) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for table in sources
            if needed and table.config.meta.get("is_optional") and table.name not in present -%}
            {%- set columns = [] -%}
            {%- for column in table.columns.values() -%}
                {%- set nothing = "cast(null as " ~ type_here(column.data_type) ~ ")" -%}
                {%- do columns.append(nothing ~ " as " ~ adapter.quote(column.name)) -%}
            {%- endfor -%}
            {%- call statement(auto_begin=true) -%}
                create schema if not exists {{ adapter.quote(table.schema) }}
            {%- endcall -%}
            {%- call statement(auto_begin=true) -%}
                create {{ kind }} {{ adapter.quote(table.schema) }}.{{ adapter.quote(table.identifier) }} as
                select {{ columns | join(", ") }} where 1 = 0
            {%- endcall -%}
            {%- do adapter.commit() -%}
            {%- do adapter.cache_added(
                api.Relation.create(table.database, table.schema, table.identifier, type=kind)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{#-
    Runs before the first node that reads data: a missing raw table would otherwise be a
    catalog error per model. `dbt compile` and `dbt docs generate` render the hook, too, but need no
    data.
-#}
{% macro require_raw_data() %}
    {%- if reads_raw_data() -%}
        {%- set missing = [] -%}
        {%- set needed = [] -%}
        {%- set sources = sources_of_this_package() -%}
        {%- for table in sources -%}
            {%- if not table.config.meta.get("is_optional") -%}
                {%- do needed.append(table.schema ~ "." ~ table.identifier) -%}
            {%- endif -%}
            {%- if not adapter.get_relation(table.database, table.schema, table.identifier) -%}
                {%- do missing.append(table.schema ~ "." ~ table.identifier) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set file = target.get("path", "database " ~ target.database) -%}
        {%- set remedy = "run `make generate`" -%}
        {%- if target.name in ["parquet", "spark"] -%}
            {%- set folder = (env_var("ADS_PARQUET", "") or "data/parquet") -%}
            {%- set file = "folder " ~ folder -%}
            {%- set remedy = "run `python -m generator generate --to 'parquet:" ~ folder ~ "'`" -%}
        {%- endif -%}
        {%- set schemas = of_this_package(graph.nodes.values()) | map(attribute="schema") | unique | list -%}
        {%- if target.type == "duckdb" and target.database in schemas + sources | map(attribute="schema") | list -%}
            {%- do exceptions.raise_compiler_error(
                target.path ~ " is called like one of its schemas, and DuckDB cannot tell them apart: "
                ~ "give the file another name"
            ) -%}
        {%- endif -%}
        {%- if needed | reject("in", missing) | list | length == 0 -%}
            {%- do exceptions.raise_compiler_error(
                "no raw data in " ~ file ~ ": " ~ remedy
            ) -%}
        {%- elif missing -%}
            {%- do exceptions.raise_compiler_error(
                file ~ " has no " ~ missing | sort | join(", ") ~ ": " ~ remedy
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
