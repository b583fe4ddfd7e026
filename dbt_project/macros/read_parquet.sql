{#-
    On the targets `parquet` and `spark` the raw tables are views on Parquet files in the folder
    ADS_PARQUET. A table without files is not there, which require_raw_data() reports like any other
    missing table.
-#}
{% macro read_parquet() %}
    {%- if target.name in ["parquet", "spark"] and reads_raw_data() -%}
        {%- set folder = (env_var("ADS_PARQUET", "") or "data/parquet") | replace("'", "''") -%}
        {%- for schema in sources_of_this_package() | map(attribute="schema") | unique -%}
            {%- do run_query("create schema if not exists " ~ adapter.quote(schema)) -%}
        {%- endfor -%}
        {%- do adapter.dispatch("raw_tables_on_parquet")(folder, sources_of_this_package()) -%}
    {%- endif -%}
{% endmacro %}

{#- The schema of the raw tables, as SQL writes it. -#}
{% macro raw_schema() -%}
    {{- return(adapter.quote(var("raw_schema"))) -}}
{%- endmacro %}

{#- dbt looks for a variant on every target, also where none is called. -#}
{% macro default__raw_tables_on_parquet(folder, tables) %}
    {{ exceptions.raise_compiler_error("raw tables on Parquet files need DuckDB or Spark") }}
{% endmacro %}

{#- Those that the manifest names, or without one NAME.parquet and all that is below folder NAME. -#}
{% macro duckdb__raw_tables_on_parquet(folder, tables) %}
    {%- set landed = run_query(
        "select table_name from duckdb_tables() where schema_name in ('"
        ~ tables | map(attribute="schema") | unique | join("', '") ~ "')"
        ~ " and database_name = current_database()"
    ).columns[0].values() -%}
    {%- if tables | selectattr("name", "in", landed) | list -%}
        {%- do exceptions.raise_compiler_error(
            target.path ~ " has its raw tables, which the target parquet does not read: "
            ~ "name another file in ADS_DATABASE, or build with `--target dev`"
        ) -%}
    {%- endif -%}
    {%- for table in tables -%}
        {%- set view = adapter.quote(table.schema) ~ "." ~ table.name -%}
        {%- set files = parquet_files(folder, table.name) -%}
        {%- if files -%}
            {#- A partition's column is a way to find files, and no column of the table. -#}
            {%- do run_query(
                "create or replace view " ~ view ~ " as select * from read_parquet(["
                ~ files | join(", ") ~ "], hive_partitioning = false)"
            ) -%}
        {%- else -%}
            {%- do run_query("drop view if exists " ~ view) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{#-
    Those of the run that the manifest names: a file's name ends in the first digits of the identity of
    its run. A recursive look-up takes no columns from the names of folders. Dropping such a table
    leaves its files.
-#}
{% macro spark__raw_tables_on_parquet(folder, tables) %}
    {%- set manifest = raw_schema() ~ ".manifest" -%}
    {%- do run_query("drop table if exists " ~ manifest) -%}
    {%- do run_query(
        "create table " ~ manifest ~ " using text options (path '" ~ folder
        ~ "/manifest.json', wholetext 'true')"
    ) -%}
    {%- set manifests = run_query(
        "select get_json_object(value, '$.identity'), get_json_object(value, '$.files[*].table')"
        ~ " from " ~ manifest
    ).rows -%}
    {%- do run_query("drop table " ~ manifest) -%}
    {%- for table in tables -%}
        {%- set relation = adapter.quote(table.schema) ~ "." ~ table.name -%}
        {%- do run_query("drop table if exists " ~ relation) -%}
        {%- for identity, tables_with_files in manifests if table.name in fromjson(tables_with_files) -%}
            {%- do run_query(
                "create table " ~ relation ~ " using parquet options (path '"
                ~ folder ~ "/" ~ table.name ~ "', recursiveFileLookup 'true', pathGlobFilter '*-" ~ identity[:8]
                ~ ".parquet')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}

{#- The files of a raw table, as string literals; `folder` is the inside of one. -#}
{% macro parquet_files(folder, name) %}
    {%- set manifest = "'" ~ folder ~ "/manifest.json'" -%}
    {%- if run_query("select count(*) from glob(" ~ manifest ~ ")").rows[0][0] -%}
        {#- DuckDB reads no JSON object larger than this, 16 MB by default. -#}
        {%- set size = run_query("select size from read_blob(" ~ manifest ~ ")").rows[0][0] -%}
        {%- set largest = [16777216, size | int + 1] | max -%}
        {%- set query -%}
            select '{{ folder }}/' || file.path
            from (
                select unnest(files) as file
                from read_json({{ manifest }}, maximum_object_size = {{ largest }})
            )
            where file."table" = '{{ name }}'
            order by 1
        {%- endset -%}
    {%- else -%}
        {%- set query -%}
            select file from glob('{{ folder }}/{{ name }}.parquet')
            union all
            select file from glob('{{ folder }}/{{ name }}/**/*.parquet')
        {%- endset -%}
    {%- endif -%}
    {%- set files = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do files.append("'" ~ row[0] | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{- return(files) -}}
{% endmacro %}
