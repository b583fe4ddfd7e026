{#-
    A table with a contract is filled again where it is, in one transaction: with dbt's own way, a new
    table in its place, the views, indexes and rights that others made on it would go with the old one.
    A table with other columns, and a run with `--full-refresh`, are built in dbt's own way.
-#}
{% materialization table, adapter="postgres" %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if should_full_refresh() or not has_columns_of_contract(existing) -%}
        {{ return(materialization_table_default()) }}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement("main") -%}
        {{ get_assert_columns_equivalent(sql) }}
        delete from {{ existing }};
        insert into {{ existing }} ({{ model.columns | join(", ") }})
        select {{ model.columns | join(", ") }} from ({{ sql }}) as filled
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do apply_grants(existing, config.get("grants"), should_revoke=True) -%}
    {%- do persist_docs(existing, model) -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [existing]}) }}
{% endmaterialization %}

{#- Whether a relation is a table with the columns that the model's contract asks for, in their order. -#}
{% macro has_columns_of_contract(relation) -%}
    {%- if not relation or not relation.is_table or not config.get("contract").enforced -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set present, wanted = [], [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- set data_type = column.data_type | replace(" without time zone", "") -%}
        {%- do present.append((column.name, data_type | replace("numeric", "decimal") | replace(" ", ""))) -%}
    {%- endfor -%}
    {%- for column in model.columns.values() -%}
        {%- do wanted.append((column.name, column.data_type | lower | replace(" ", ""))) -%}
    {%- endfor -%}
    {{ return(present == wanted) }}
{%- endmacro %}
