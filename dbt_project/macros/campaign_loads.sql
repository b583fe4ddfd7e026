{#-
    The query of what each load has shown of a campaign, in the columns of campaigns_snapshot. Spark has
    no snapshot, so there the load of today is the only one.
-#}
{% macro campaign_loads() -%}
    {{ return(adapter.dispatch("campaign_loads")()) }}
{%- endmacro %}

{% macro default__campaign_loads() -%}
    select * from {{ ref("campaigns_snapshot") }}
{%- endmacro %}

{% macro spark__campaign_loads() -%}
    select
        *,
        as_of as dbt_valid_from,
        cast(null as timestamp) as dbt_valid_to
    from {{ ref("int_campaigns_as_of") }}
{%- endmacro %}
