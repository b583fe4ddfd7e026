{#-
    In another project that has this one as a package, the graph and the results of a run are of all
    packages. These are what this package has of them.
-#}
{% macro of_this_package(nodes) -%}
    {{- return(nodes | selectattr("package_name", "equalto", "streaming_ads") | list) -}}
{%- endmacro %}

{% macro sources_of_this_package() -%}
    {{- return(of_this_package(graph.get("sources", {}).values())) -}}
{%- endmacro %}

{% macro models_of_this_package() -%}
    {%- set nodes = of_this_package(graph.get("nodes", {}).values()) -%}
    {{- return(nodes | selectattr("resource_type", "equalto", "model") | list) -}}
{%- endmacro %}

{#- Whether the run reads raw data: seeds and tests of seeds do not, nor do nodes of other packages. -#}
{% macro reads_raw_data() -%}
    {%- set readers = [] -%}
    {%- if execute and flags.WHICH in ["build", "run", "test", "snapshot", "retry", "freshness"] -%}
        {%- for unique_id in selected_resources if unique_id.split(".")[1] == "streaming_ads" -%}
            {%- set kind = unique_id.split(".")[0] -%}
            {%- set read = graph.nodes[unique_id].depends_on.nodes if kind == "test" else [unique_id] -%}
            {%- for node in read if node.split(".")[0] in ["source", "model", "snapshot", "unit_test"] -%}
                {%- do readers.append(node) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(readers | length > 0) -}}
{%- endmacro %}
