{#- Each event: when an impression has it, and its place in the video in quarters. -#}
{%- set events = [
    ("impression", "true", 0),
    ("start", "furthest_event <> 'NOT_STARTED'", 0),
    ("firstQuartile", "furthest_event not in ('NOT_STARTED', 'START')", 1),
    ("midpoint", "furthest_event in ('MIDPOINT', 'THIRD_QUARTILE', 'COMPLETE')", 2),
    ("thirdQuartile", "furthest_event in ('THIRD_QUARTILE', 'COMPLETE')", 3),
    ("complete", "furthest_event = 'COMPLETE'", 4),
    ("skip", "is_skipped", none),
    ("clickThrough", "is_clicked", 0),
    ("scan", "is_scanned", 0),
    ("acceptInvitation", "is_engaged", 0),
    ("viewable", "is_viewable", 0),
    ("notViewable", "is_measurable and not is_viewable", 0),
    ("viewUndetermined", "not is_measurable", 0),
] -%}

with impressions as (

    select * from {{ ref('fct_ad_impressions') }}

),

errors as (

    select * from {{ ref('stg_ads__ad_errors') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

combined as (

    {% for name, condition, quarters in events %}
        select
            impression_id as ad_id,
            campaign_id,
            line_item_id,
            creative_id,
            advertiser_id,
            household_id,
            device_id,
            session_id,
            '{{ name }}' as event_name,
            device,
            event_ts as ad_began_at,
            {% if quarters is none %}milliseconds_watched
            {%- else %}{{ 250 * quarters }} * coalesce(duration_seconds, 0)
            {%- endif %} as milliseconds_into_ad,
            cast(null as integer) as vast_error_code,
            activity_date
        from impressions
        where {{ condition }}

        union all
    {% endfor %}

    select
        errors.error_id as ad_id,
        errors.campaign_id,
        errors.line_item_id,
        errors.creative_id,
        campaigns.advertiser_id,
        cast(null as bigint) as household_id,
        cast(null as bigint) as device_id,
        cast(null as bigint) as session_id,
        'error' as event_name,
        errors.device,
        errors.event_ts as ad_began_at,
        0 as milliseconds_into_ad,
        errors.vast_error_code,
        cast(errors.hour_ts as date) as activity_date
    from errors
    inner join campaigns
        on errors.campaign_id = campaigns.campaign_id

),

final as (

    select
        -- identifiers
        ad_id,
        campaign_id,
        line_item_id,
        creative_id,
        advertiser_id,
        household_id,
        device_id,
        session_id,

        -- dimensions
        event_name,
        device,
        cast(
            {{ dbt.dateadd('millisecond', 'cast(milliseconds_into_ad as integer)', 'ad_began_at') }}
            as timestamp
        ) as event_ts,
        activity_date,
        vast_error_code

    from combined

)

select * from final
