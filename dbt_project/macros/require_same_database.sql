{#-
    dbt does not read ads.yml, where the generator may find another database. Building the old one
    without a word would be wrong, so the run stops. ADS_DATABASE is read by both and comes first.
    Another project, which has this one as a package, has its own profile and settings.
-#}
{% macro require_same_database() %}
    {%- set building = ["build", "run", "seed", "snapshot", "test", "retry"] -%}
    {%- set is_root = project_name == "streaming_ads" -%}
    {%- if execute and is_root and target.name == "dev" and flags.WHICH in building -%}
        {%- set database, place = env_var("ADS_DATABASE", ""), "ADS_DATABASE" -%}
        {%- if not database and run_query("select count(*) from glob('ads.yml')").rows[0][0] -%}
            {%- set text = run_query("select content from read_text('ads.yml')").rows[0][0] -%}
            {%- set database = (fromyaml(text) or {}).get("database") or "" -%}
            {%- set place = "ads.yml" -%}
            {{- refuse_other_database(database, place) -}}
        {%- elif database -%}
            {{- refuse_other_database(database, place) -}}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{% macro refuse_other_database(database, place) %}
    {%- set file = database.removeprefix("duckdb:").removeprefix("./") -%}
    {%- if file and file != target.path.removeprefix("./") -%}
        {#- An address can hold a password. -#}
        {%- set shown = file.split("://")[0] ~ "://…" if "://" in file else file -%}
        {%- do exceptions.raise_compiler_error(
            place ~ " sets the database " ~ shown ~ ", but dbt would build "
            ~ ("a DuckDB file" if target.path == ":memory:" else target.path) ~ ": run `python -m generator dbt " ~ flags.WHICH ~ "`, which uses the generator's settings"
        ) -%}
    {%- endif -%}
{% endmacro %}
