with findings as (

    select * from {{ ref('int_quality_findings') }}

),

fault_log as (

    select * from {{ ref('stg_ads__fault_log') }}
    where affected_table = 'performance_hourly'

),

fault_types as (

    select * from {{ ref('fault_types') }}
    where not is_incident

),

labelled as (

    select
        fault_type,
        campaign_id,
        activity_date,
        sum(rows_touched) as rows_touched
    from fault_log
    group by fault_type, campaign_id, activity_date

),

compared as (

    select
        coalesce(labelled.fault_type, findings.fault_type) as fault_type,
        labelled.rows_touched,
        findings.findings
    from labelled
    full outer join findings
        on
            labelled.fault_type = findings.fault_type
            and labelled.campaign_id = findings.campaign_id
            and labelled.activity_date = findings.activity_date

),

counted as (

    select
        fault_type,
        count(rows_touched) as labelled_days,
        count(findings) as found_days,
        count(rows_touched + findings) as found_and_labelled_days,
        sum(rows_touched) as rows_touched,
        sum(findings) as findings
    from compared
    group by fault_type

),

final as (

    select
        -- dimensions
        fault_types.fault_type,
        fault_types.is_recoverable,
        fault_types.found_by,

        -- facts
        cast(coalesce(counted.labelled_days, 0) as integer) as labelled_days,
        cast(coalesce(counted.found_days, 0) as integer) as found_days,
        cast(coalesce(counted.found_and_labelled_days, 0) as integer) as found_and_labelled_days,
        cast(coalesce(counted.rows_touched, 0) as bigint) as rows_touched,
        cast(coalesce(counted.findings, 0) as bigint) as findings,

        -- metrics
        {{ safe_divide('counted.found_and_labelled_days', 'counted.found_days') }}
            as detection_precision,
        {{ safe_divide('counted.found_and_labelled_days', 'counted.labelled_days') }}
            as detection_recall

    from fault_types
    left join counted
        on fault_types.fault_type = counted.fault_type

)

select * from final
