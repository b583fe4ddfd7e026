with irregular as (

    select * from {{ ref('base_ads__performance_irregular') }}

),

performance as (

    select * from {{ ref('stg_ads__performance_hourly') }}

),

line_items as (

    select * from {{ ref('stg_ads__line_items') }}

),

reach as (

    select * from {{ ref('stg_ads__campaign_reach') }}
    where reach_window = 'HOUR'

),

rotations as (

    select * from {{ ref('int_rotations_scheduled') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

landings as (

    select
        campaign_id,
        cast(hour_ts as date) as activity_date,
        sum(case when is_late then 1 else 0 end) as late_rows,
        sum(case when is_copy then 1 else 0 end) as duplicates,
        sum(case when is_restatement then 1 else 0 end) as restated_days,
        sum(case when lacked_an_id then 1 else 0 end) as null_ids,
        sum(case when was_shifted then 1 else 0 end) as time_zone_shift,
        sum(case when has_drifted then 1 else 0 end) as schema_drift
    from irregular
    group by campaign_id, cast(hour_ts as date)

),

hours as (

    select
        performance.campaign_id,
        performance.hour_ts,
        count(*) as rows_there,
        sum(performance.impressions) as impressions,
        sum(case when performance.requests = 0 then 1 else 0 end) as silent_rows,
        sum(
            case
                when
                    performance.video_q25 = 0
                    and performance.video_starts >= {{ var('tracking_loss_min_starts') }}
                    then 1
                else 0
            end
        ) as untracked_rows,
        sum(
            case
                when
                    performance.error_count
                    > {{ var('vast_error_share') }} * performance.auctions_won
                    then 1
                else 0
            end
        ) as refused_rows,
        sum(
            case
                when
                    1000 * performance.spend_micros
                    > line_items.bid_cpm_micros * cast(performance.impressions as bigint) + 500
                    then 1
                else 0
            end
        ) as overpriced_rows
    from performance
    left join line_items
        on performance.line_item_id = line_items.line_item_id
    group by performance.campaign_id, performance.hour_ts

),

-- reach is counted separately: hour by hour it knows the impressions that delivery does
compared as (

    select
        hours.*,
        cast(hours.hour_ts as date) as activity_date,
        coalesce(reach.impressions, 0) as reach_impressions,
        max(hours.rows_there) over (
            partition by hours.campaign_id, cast(hours.hour_ts as date)
        ) as most_rows_there
    from hours
    left join reach
        on
            hours.campaign_id = reach.campaign_id
            and hours.hour_ts = reach.window_start

),

deliveries as (

    select
        campaign_id,
        activity_date,
        sum(rows_there) as rows_there,
        sum(
            case
                when
                    impressions < reach_impressions
                    and refused_rows = 0
                    and rows_there = most_rows_there
                    then silent_rows
                else 0
            end
        ) as outage,
        sum(untracked_rows) as tracking_loss,
        sum(case when impressions > reach_impressions then rows_there else 0 end) as bot_spike,
        sum(overpriced_rows) as runaway_spend,
        sum(refused_rows) as vast_401
    from compared
    group by campaign_id, activity_date

),

scheduled as (

    select
        rotations.campaign_id,
        dates.date_day as activity_date,
        24 * count(*) as rows_due
    from rotations
    inner join dates
        on
            rotations.first_hour_ts <= dates.date_day
            and rotations.end_ts > dates.date_day
    group by rotations.campaign_id, dates.date_day

),

found as (

    {% for fault_type in [
        'late_rows', 'duplicates', 'restated_days', 'null_ids', 'time_zone_shift', 'schema_drift',
    ] %}
        select
            '{{ fault_type | upper }}' as fault_type,
            campaign_id,
            activity_date,
            {{ fault_type }} as findings
        from landings

        union all

    {% endfor %}
    {% for fault_type in [
        'outage', 'tracking_loss', 'bot_spike', 'runaway_spend', 'vast_401',
    ] %}
        select
            '{{ fault_type | upper }}' as fault_type,
            campaign_id,
            activity_date,
            {{ fault_type }} as findings
        from deliveries

        union all

    {% endfor %}
    select
        'MISSING_HOURS' as fault_type,
        scheduled.campaign_id,
        scheduled.activity_date,
        {% if var('sparse_rows') -%}
            0 * scheduled.rows_due
        {%- else -%}
            scheduled.rows_due - coalesce(deliveries.rows_there, 0)
        {%- endif %} as findings
    from scheduled
    left join deliveries
        on
            scheduled.campaign_id = deliveries.campaign_id
            and scheduled.activity_date = deliveries.activity_date

),

final as (

    select
        -- identifiers
        campaign_id,

        -- dimensions
        fault_type,
        activity_date,

        -- facts
        cast(findings as bigint) as findings

    from found
    where findings > 0

)

select * from final
