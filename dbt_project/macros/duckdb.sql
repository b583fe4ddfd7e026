{#-
    Tables and views are replaced under their names, in one transaction. dbt's own way makes each under
    another name and renames twice, which is for databases where views go with the table that they read.
-#}
{% materialization table, adapter="duckdb" %}
    {{ return(replace_relation("table")) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {{ return(replace_relation("view")) }}
{% endmaterialization %}

{% macro replace_relation(kind) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type=kind) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- if existing and existing.type != kind -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement("main") -%}
        drop {{ kind }} if exists {{ relation }};
        {{ create_table_as(false, relation, sql) if kind == "table" else get_create_view_as_sql(relation, sql) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do apply_grants(relation, config.get("grants"), should_revoke=false) -%}
    {%- do persist_docs(relation, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [relation]}) }}
{%- endmacro %}
