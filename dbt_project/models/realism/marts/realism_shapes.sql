with expectations as (

    select * from {{ ref('shape_expectations') }}

),

runs as (

    select * from {{ ref('stg_ads__runs') }}

),

measured as (

    select * from {{ ref('int_shapes_measured') }}
    union all
    select * from {{ ref('int_bookings_measured') }}
    union all
    select * from {{ ref('int_life_measured') }}
    union all
    select * from {{ ref('int_goals_measured') }}
    union all
    select * from {{ ref('int_competition_measured') }}
    union all
    select * from {{ ref('int_audience_measured') }}
    union all
    select * from {{ ref('int_features_measured') }}

),

numbered_runs as (

    select
        workflow,
        row_number() over (order by run_id desc) as position_from_end
    from runs

),

compared as (

    select
        expectations.*,
        numbered_runs.workflow,
        measured.measured_value
    from expectations
    inner join numbered_runs
        on numbered_runs.position_from_end = 1
    left join measured
        on expectations.shape_id = measured.shape_id

),

final as (

    select
        -- identifiers
        shape_id,

        -- dimensions
        '{{ var("scorecard_platform") }}' as platform,
        workflow,
        shape,
        figure,
        unit,
        {{ scorecard_status() }} as status,

        -- facts
        measured_value,
        low,
        high,
        {{ distance_in_widths() }} as distance_in_widths,

        -- metadata
        evidence,
        source

    from compared

)

select * from final
