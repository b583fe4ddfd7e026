with findings as (

    select * from {{ ref('int_quality_findings') }}

),

source_days as (

    select * from {{ ref('int_source_days') }}
    where raw_table = 'performance_hourly'

),

fault_log as (

    select * from {{ ref('stg_ads__fault_log') }}
    where affected_table = 'performance_hourly'

),

fault_types as (

    select * from {{ ref('fault_types') }}

),

days as (

    select activity_date from source_days
    union
    select activity_date from findings

),

found as (

    select
        fault_type,
        activity_date,
        sum(findings) as findings,
        count(*) as campaigns
    from findings
    group by fault_type, activity_date

),

logged as (

    select
        fault_type,
        activity_date,
        sum(rows_touched) as logged_rows,
        count(distinct campaign_id) as logged_campaigns
    from fault_log
    group by fault_type, activity_date

),

final as (

    select
        -- dimensions
        fault_types.fault_type,
        fault_types.is_incident,
        days.activity_date,

        -- facts
        coalesce(source_days.raw_rows, 0) as performance_rows,
        cast(coalesce(found.findings, 0) as bigint) as findings,
        cast(coalesce(found.campaigns, 0) as integer) as campaigns,
        cast(coalesce(logged.logged_rows, 0) as bigint) as logged_rows,
        cast(coalesce(logged.logged_campaigns, 0) as integer) as logged_campaigns

    from fault_types
    cross join days
    left join source_days
        on days.activity_date = source_days.activity_date
    left join found
        on
            fault_types.fault_type = found.fault_type
            and days.activity_date = found.activity_date
    left join logged
        on
            fault_types.fault_type = logged.fault_type
            and days.activity_date = logged.activity_date

)

select * from final
