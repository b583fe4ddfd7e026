{#-
    On the target `parquet` the raw tables are views: on the file NAME.parquet in the folder of
    ADS_PARQUET, or on all Parquet files below its folder NAME. A table without files has no view, which
    require_raw_data() reports like a missing table.
-#}
{% macro read_parquet() %}
    {%- if execute and target.name == "parquet" and flags.WHICH in reading_commands() -%}
        {%- set folder = env_var("ADS_PARQUET", "data/parquet") -%}
        {%- do run_query("create schema if not exists raw") -%}
        {%- for table in graph.sources.values() -%}
            {%- set patterns = [
                folder ~ "/" ~ table.name ~ ".parquet", folder ~ "/" ~ table.name ~ "/**/*.parquet",
            ] -%}
            {%- set found = [] -%}
            {%- for pattern in patterns -%}
                {%- set files = run_query("select count(*) from glob('" ~ pattern ~ "')") -%}
                {%- if files.rows[0][0] -%}{%- do found.append("'" ~ pattern ~ "'") -%}{%- endif -%}
            {%- endfor -%}
            {%- set view = "raw." ~ table.name -%}
            {%- if found -%}
                {%- do run_query(
                    "create or replace view " ~ view ~ " as select * from read_parquet(["
                    ~ found | join(", ") ~ "])"
                ) -%}
            {%- else -%}
                {%- do run_query("drop view if exists " ~ view) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro reading_commands() %}
    {{- return(["build", "run", "test", "snapshot", "retry"]) -}}
{% endmacro %}
