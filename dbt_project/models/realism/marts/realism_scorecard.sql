{% set of_other_platforms -%}
    benchmarks.segment like '%platform=%'
    and benchmarks.segment not like '%platform={{ var("scorecard_platform") }}%'
{%- endset %}
{% set of_a_market -%}
    benchmarks.segment like '%market and calibration workflows%'
    and latest_run.market_campaigns is null
{%- endset %}

with benchmarks as (

    select * from {{ ref('industry_benchmarks') }}

),

runs as (

    select * from {{ ref('stg_ads__runs') }}

),

measured as (

    select * from {{ ref('int_rates_measured') }}
    union all
    select * from {{ ref('int_prices_measured') }}
    union all
    select * from {{ ref('int_viewing_measured') }}
    union all
    select * from {{ ref('int_campaigns_measured') }}
    union all
    select * from {{ ref('int_conversions_measured') }}

),

numbered_runs as (

    select
        workflow,
        market_campaigns,
        row_number() over (order by run_id desc) as position_from_end
    from runs

),

latest_run as (

    select
        workflow,
        market_campaigns
    from numbered_runs
    where position_from_end = 1

),

compared as (

    select
        benchmarks.*,
        latest_run.workflow,
        case
            when measured.benchmark_id is null then 'the data has no such figure'
            when {{ of_other_platforms }} then 'about another platform'
            when {{ of_a_market }} then 'needs a market'
            when measured.measured_value is null then 'nothing of the kind was delivered'
        end as why_not_applicable,
        measured.impressions,
        measured.measured_value as value_found
    from benchmarks
    cross join latest_run
    left join measured
        on benchmarks.benchmark_id = measured.benchmark_id

),

applicable as (

    select
        *,
        case when why_not_applicable is null then value_found end as measured_value
    from compared

),

final as (

    select
        -- identifiers
        benchmark_id,

        -- dimensions
        '{{ var("scorecard_platform") }}' as platform,
        workflow,
        metric,
        segment,
        unit,
        {{ scorecard_status() }} as status,
        why_not_applicable,
        evidence in ('published', 'press', 'derived') as is_binding,

        -- facts
        case when why_not_applicable is null then impressions end as impressions,
        measured_value,
        low,
        point,
        high,
        {{ distance_in_widths() }} as distance_in_widths,

        -- metadata
        evidence,
        source,
        published,
        note

    from applicable

)

select * from final
