{#-
    Fails on every impression with which a household has seen a campaign more often than a frequency cap allows
    in the hours before it. A cap of a day or more counts UTC days.
-#}
{% test caps_hold(model) %}

with caps as (

    select
        campaign_id,
        max_impressions,
        cast(time_units * case time_unit
            when 'HOUR' then 1
            when 'DAY' then 24
            when 'WEEK' then 168
            when 'MONTH' then 720
        end as integer) as window_hours
    from {{ ref("stg_ads__frequency_caps") }}

),

capped as (

    select
        impressions.impression_id,
        impressions.campaign_id,
        impressions.household_id,
        impressions.exposure_number,
        impressions.hour_ts,
        impressions.activity_date,
        caps.max_impressions,
        caps.window_hours,
        cast(ceil(caps.window_hours / 24e0) as integer) as window_days
    from {{ model }} as impressions
    inner join caps
        on impressions.campaign_id = caps.campaign_id

)

-- a cap without a window is for the whole campaign
select
    capped.impression_id,
    capped.campaign_id,
    capped.household_id
from capped
left join {{ model }} as earlier
    on
        capped.campaign_id = earlier.campaign_id
        and capped.household_id = earlier.household_id
        and capped.exposure_number = earlier.exposure_number + capped.max_impressions
where
    capped.exposure_number > capped.max_impressions
    and coalesce(
        case
            when capped.window_hours < 24
                then capped.hour_ts < {{ dbt.dateadd("hour", "capped.window_hours", "earlier.hour_ts") }}
            else
                capped.activity_date
                < {{ dbt.dateadd("day", "capped.window_days", "earlier.activity_date") }}
        end,
        true
    )

{% endtest %}
