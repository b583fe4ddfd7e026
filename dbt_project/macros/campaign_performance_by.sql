{#-
    Campaigns' days summed over periods: the whole of fct_campaign_performance_weekly and _monthly.
    `period_start` is the column of fct_campaign_performance_daily with the first day of the period.
-#}
{% macro campaign_performance_by(period_start) -%}
with performance as (

    select * from {{ ref('fct_campaign_performance_daily') }}

),

totals as (

    select
        campaign_id,
        advertiser_id,
        currency_code,
        {{ period_start }},
        {{ select_sums() }},
        cast(count(*) as integer) as active_days
    from performance
    group by campaign_id, advertiser_id, currency_code, {{ period_start }}

),

final as (

    select
        -- identifiers
        campaign_id,
        advertiser_id,

        -- dimensions
        currency_code,
        {{ period_start }},

        -- facts: span
        active_days,

        {{ select_facts() }},

        {{ select_metrics() }}

    from totals

)

select * from final
{%- endmacro %}
