{#-
    The project's own profile has the schema `marts`, and there a schema is called what the configuration
    says. Under any other schema of a profile it has that one in front, as dbt does it: `alice_marts`.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name and target.schema == "marts" -%}
        {{- custom_schema_name | trim -}}
    {%- else -%}
        {{- dbt.default__generate_schema_name(custom_schema_name, node) -}}
    {%- endif -%}
{%- endmacro %}
