{%- set seen_at = 'impressions.event_ts' -%}
{%- set view_days = var('attribution_view_window_days') -%}
{%- set click_days = var('attribution_click_window_days') -%}
{%- set hours_before = dbt.datediff('touch_ts', 'conversion_ts', 'hour') -%}

with conversions as (

    select * from {{ ref('fct_conversions') }}

),

impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

-- A click counts longer than a view.
within_windows as (

    select
        conversions.conversion_id,
        impressions.impression_id,
        impressions.campaign_id,
        impressions.creative_id,
        conversions.advertiser_id,
        conversions.household_id,
        conversions.conversion_type,
        impressions.device,
        conversions.currency_code,
        impressions.event_ts as touch_ts,
        conversions.event_ts as conversion_ts,
        conversions.conversion_value,
        case when impressions.is_clicked then 'POST_CLICK' else 'POST_VIEW' end as touch_type
    from conversions
    inner join impressions
        on
            conversions.household_id = impressions.household_id
            and conversions.advertiser_id = impressions.advertiser_id
            and conversions.event_ts >= impressions.event_ts
    where
        conversions.event_ts <= {{ dbt.dateadd('day', view_days, seen_at) }}
        or (
            impressions.is_clicked
            and conversions.event_ts <= {{ dbt.dateadd('day', click_days, seen_at) }}
        )

),

final as (

    select
        -- identifiers
        conversion_id,
        impression_id,
        campaign_id,
        creative_id,
        advertiser_id,
        household_id,

        -- dimensions
        conversion_type,
        touch_type,
        device,
        currency_code,
        touch_ts,
        conversion_ts,

        -- facts
        cast(
            row_number() over (
                partition by conversion_id order by touch_ts, impression_id
            ) as bigint
        ) as touch_number,
        count(*) over (partition by conversion_id) as touches,
        cast({{ hours_before }} as bigint) as hours_before,
        conversion_value

    from within_windows

)

select * from final
