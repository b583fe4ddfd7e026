{#-
    On the target `parquet` the raw tables are views on Parquet files in the folder ADS_PARQUET: on those
    that its manifest names, or without one on NAME.parquet and all that is below folder NAME. A table
    without files has no view, which require_raw_data() reports like a missing table.
-#}
{% macro read_parquet() %}
    {%- if execute and target.name == "parquet" and flags.WHICH in reading_commands() -%}
        {%- set folder = env_var("ADS_PARQUET", "data/parquet") | replace("'", "''") -%}
        {%- do run_query("create schema if not exists raw") -%}
        {%- for table in graph.sources.values() -%}
            {%- set view = "raw." ~ table.name -%}
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
    {%- endif -%}
{% endmacro %}

{#- The files of a raw table, as string literals; `folder` is the inside of one. -#}
{% macro parquet_files(folder, name) %}
    {%- set manifest = "'" ~ folder ~ "/manifest.json'" -%}
    {%- if run_query("select count(*) from glob(" ~ manifest ~ ")").rows[0][0] -%}
        {%- set query -%}
            select '{{ folder }}/' || file.path
            from (select unnest(files) as file from read_json({{ manifest }}))
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

{% macro reading_commands() %}
    {{- return(["build", "run", "test", "snapshot", "retry"]) -}}
{% endmacro %}
