with days as (

    select
        creative_id,
        device,
        landed_date
    from {{ ref('base_ads__performance_hourly') }}
    where creative_id is not null
    group by creative_id, device, landed_date
    having not {{ is_one_load_of_a_day() }}

),

owners as (

    select
        creative_id,
        max(line_item_id) as line_item_id,
        max(campaign_id) as campaign_id
    from {{ ref('base_ads__performance_hourly') }}
    group by creative_id

),

landed as (

    select base.*
    from {{ ref('base_ads__performance_hourly') }} as base
    inner join days
        on
            base.creative_id = days.creative_id
            and base.device = days.device
            and base.landed_date = days.landed_date

    union all

    select base.*
    from {{ ref('base_ads__performance_hourly') }} as base
    where base.creative_id is null

),

-- a load of 24 hours that does not start at midnight is a day of another time zone
foreign_loads as (

    select
        creative_id,
        device,
        loaded_at,
        case
            when extract(hour from min(hour_ts)) <= 12 then extract(hour from min(hour_ts))
            else extract(hour from min(hour_ts)) - 24
        end as hours_ahead
    from landed
    where creative_id is not null
    group by creative_id, device, loaded_at
    having
        count(distinct hour_ts) = 24
        and max(hour_ts) = {{ dbt.dateadd('hour', 23, 'min(hour_ts)') }}
        and extract(hour from min(hour_ts)) <> 0

),

placed as (

    select
        landed.*,
        coalesce(landed.campaign_id, owners.campaign_id) as owner_campaign_id,
        coalesce(landed.line_item_id, owners.line_item_id) as owner_line_item_id,
        coalesce(
            landed.campaign_id is null
            or landed.line_item_id is null
            or landed.creative_id is null,
            false
        ) as lacked_an_id,
        foreign_loads.hours_ahead is not null as was_shifted,
        cast(
            {{ dbt.dateadd(
                'hour', '-1 * cast(coalesce(foreign_loads.hours_ahead, 0) as integer)', 'landed.hour_ts'
            ) }} as timestamp
        ) as utc_hour_ts
    from landed
    left join owners
        on landed.creative_id = owners.creative_id
    left join foreign_loads
        on
            landed.creative_id = foreign_loads.creative_id
            and landed.device = foreign_loads.device
            and landed.loaded_at = foreign_loads.loaded_at

),

versions as (

    select
        *,
        row_number() over (
            partition by creative_id, device, utc_hour_ts
            order by loaded_at desc, requests desc, impressions desc, spend_micros desc
        ) as number_from_last,
        row_number() over (
            partition by creative_id, device, utc_hour_ts, loaded_at
            order by requests desc, impressions desc, spend_micros desc
        ) as copy_number,
        dense_rank() over (
            partition by creative_id, device, utc_hour_ts order by loaded_at
        ) as load_number
    from placed

),

final as (

    select
        -- identifiers
        owner_campaign_id as campaign_id,
        owner_line_item_id as line_item_id,
        creative_id,

        -- dimensions
        device,
        utc_hour_ts as hour_ts,
        landed_date,
        creative_id is null or number_from_last = 1 as is_valid,
        creative_id is not null and copy_number > 1 as is_copy,
        creative_id is not null and copy_number = 1 and load_number > 1 as is_restatement,
        (creative_id is null or load_number = 1)
        and {{ landed_late('utc_hour_ts', 'loaded_at') }} as is_late,
        was_shifted,
        lacked_an_id,
        has_drifted,

        -- facts
        {{ raw_counts() | join(",\n        ") }},

        -- metadata
        loaded_at

    from versions

)

select * from final
