with conversions as (

    select * from {{ ref('stg_ads__conversions') }}

),

fault_log as (

    select * from {{ ref('stg_ads__fault_log') }}
    where affected_table = 'conversions'

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

hours_of_a_day as (

    {{ dbt.generate_series(24) }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

landed as (

    select
        advertiser_id,
        cast(event_ts as date) as activity_date,
        cast(extract(hour from event_ts) as integer) as hour_of_day,
        count(*) as conversions,
        sum(landings - 1) as copies,
        sum(case when household_id is null then 1 else 0 end) as unmatched,
        sum(
            case
                when
                    received_at > {{ dbt.dateadd(
                        'hour', var('late_conversion_after_hours'), 'event_ts'
                    ) }}
                    then 1
                else 0
            end
        ) as late
    from conversions
    group by
        advertiser_id,
        cast(event_ts as date),
        cast(extract(hour from event_ts) as integer)

),

spans as (

    select
        advertiser_id,
        min(activity_date) as first_date,
        max(activity_date) as last_date
    from landed
    group by advertiser_id

),

-- Every hour between the first and the last day of an advertiser, and how many conversions such an
-- hour of the day has on average in two weeks before and after.
hours as (

    select
        spans.advertiser_id,
        dates.date_day as activity_date,
        hours_of_a_day.generated_number - 1 as hour_of_day,
        coalesce(landed.conversions, 0) as conversions,
        coalesce(landed.copies, 0) as copies,
        coalesce(landed.unmatched, 0) as unmatched,
        coalesce(landed.late, 0) as late,
        avg(1e0 * coalesce(landed.conversions, 0)) over (
            partition by spans.advertiser_id, hours_of_a_day.generated_number
            order by dates.date_day
            rows between 14 preceding and 14 following
        ) as usual_conversions,
        row_number() over (
            partition by spans.advertiser_id
            order by dates.date_day, hours_of_a_day.generated_number
        ) as hour_number
    from spans
    inner join dates
        on dates.date_day between spans.first_date and spans.last_date
    cross join hours_of_a_day
    left join landed
        on
            spans.advertiser_id = landed.advertiser_id
            and dates.date_day = landed.activity_date
            and hours_of_a_day.generated_number - 1 = landed.hour_of_day

),

-- Hours without a conversion that follow one another have the same difference of both numbers.
silences as (

    select
        advertiser_id,
        activity_date,
        usual_conversions,
        hour_number - row_number() over (
            partition by advertiser_id
            order by hour_number
        ) as silence_id
    from hours
    where conversions = 0

),

measured as (

    select
        *,
        sum(usual_conversions) over (partition by advertiser_id, silence_id) as missing_conversions,
        count(*) over (partition by advertiser_id, silence_id) as hours_of_silence
    from silences

),

silent as (

    select
        advertiser_id,
        activity_date,
        count(*) as silent_hours
    from measured
    where
        missing_conversions >= {{ var('silence_min_conversions') }}
        and hours_of_silence <= 72
    group by advertiser_id, activity_date

),

days as (

    select
        advertiser_id,
        activity_date,
        sum(conversions) as conversions,
        sum(copies) as copies,
        sum(unmatched) as unmatched,
        sum(late) as late
    from hours
    group by advertiser_id, activity_date

),

logged as (

    select
        campaigns.advertiser_id,
        fault_log.activity_date,
        sum(case when fault_log.fault_type = 'LATE_ROWS' then fault_log.rows_touched else 0 end)
            as logged_late,
        sum(case when fault_log.fault_type = 'DUPLICATES' then fault_log.rows_touched else 0 end)
            as logged_copies,
        sum(case when fault_log.fault_type = 'NULL_IDS' then fault_log.rows_touched else 0 end)
            as logged_unmatched,
        sum(case when fault_log.fault_type = 'MISSING_HOURS' then fault_log.rows_touched else 0 end)
            as logged_missing
    from fault_log
    inner join campaigns
        on fault_log.campaign_id = campaigns.campaign_id
    group by campaigns.advertiser_id, fault_log.activity_date

),

final as (

    select
        -- identifiers
        days.advertiser_id,

        -- dimensions
        days.activity_date,

        -- facts
        cast(days.conversions as bigint) as conversions,
        cast(days.late as bigint) as late_conversions,
        cast(days.copies as bigint) as repeated_conversions,
        cast(days.unmatched as bigint) as unmatched_conversions,
        cast(coalesce(silent.silent_hours, 0) as integer) as silent_hours,
        cast(coalesce(logged.logged_late, 0) as bigint) as logged_late_conversions,
        cast(coalesce(logged.logged_copies, 0) as bigint) as logged_repeated_conversions,
        cast(coalesce(logged.logged_unmatched, 0) as bigint) as logged_unmatched_conversions,
        cast(coalesce(logged.logged_missing, 0) as bigint) as logged_missing_conversions

    from days
    left join silent
        on
            days.advertiser_id = silent.advertiser_id
            and days.activity_date = silent.activity_date
    left join logged
        on
            days.advertiser_id = logged.advertiser_id
            and days.activity_date = logged.activity_date

)

select * from final
