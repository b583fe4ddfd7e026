{#- What always holds: invariant, in words, what it is checked on, the condition of a row. -#}
{% set invariants = [
    (
        "supply_funnel", "Requests ≥ responses ≥ eligible ≥ won ≥ impressions", "performance",
        "requests >= responses and responses >= eligible_impressions "
        ~ "and eligible_impressions >= auctions_won and auctions_won >= impressions",
    ),
    (
        "video_funnel", "Impressions ≥ starts ≥ each quartile ≥ completed views", "performance",
        "video_impressions >= video_starts and video_starts >= video_q25 "
        ~ "and video_q25 >= video_q50 and video_q50 >= video_q75 and video_q75 >= video_q100",
    ),
    (
        "quality", "Impressions ≥ measurable ≥ viewable and audible", "performance",
        "impressions >= measurable_impressions and measurable_impressions >= viewable_impressions "
        ~ "and measurable_impressions >= audible_impressions",
    ),
    (
        "interaction", "Clicks, scans and engagements ≤ impressions; skips ≤ views not completed",
        "performance",
        "clicks <= impressions and qr_scans <= qr_impressions "
        ~ "and interactive_engagements <= interactive_impressions "
        ~ "and skips <= video_starts - video_q100",
    ),
    (
        "losses", "Time-outs, errors and invalid traffic fit into what was lost", "performance",
        "timeout_count <= requests - responses "
        ~ "and error_count + invalid_impressions <= auctions_won - impressions",
    ),
    (
        "nothing_negative", "No count and no amount is below zero", "performance",
        "least(" ~ delivery_facts() | join(", ") ~ ") >= 0",
    ),
    (
        "no_spend_without_delivery", "Nothing is spent without impressions", "performance",
        "impressions > 0 or spend = 0",
    ),
    (
        "within_budget", "Never more spent than the budget; spent + left = budget", "pacing",
        "budget_remaining >= 0 and budget_remaining + spend_to_date = budget_total",
    ),
    (
        "whole_days", "Every day of delivery has its 24 hours", "campaign_days",
        "hours <= 24" if var("sparse_rows") else "hours = 24",
    ),
    (
        "days_add_up", "The hours of a day add up to what its devices add up to", "campaign_days",
        "impressions = device_impressions and spend = device_spend",
    ),
    (
        "segments_add_up", "The segments of an audience dimension add up to the day", "dimensions",
        "impressions = day_impressions",
    ),
    (
        "reach_orders", "Impressions ≥ reach ≥ 2+ ≥ 3+ ≥ 5+ ≥ 10+", "reach",
        "impressions >= reach and reach >= reach_2plus and reach_2plus >= reach_3plus "
        ~ "and reach_3plus >= reach_5plus and reach_5plus >= reach_10plus and reach_10plus >= 0",
    ),
    (
        "reach_is_counted", "Some households have the tiers and impressions of a window", "reach",
        "reach + reach_2plus + reach_3plus + 2 * reach_5plus + 5 * reach_10plus <= impressions "
        ~ "and (reach_10plus > 0 or "
        ~ "impressions <= reach + reach_2plus + 2 * reach_3plus + 5 * reach_5plus)",
    ),
    (
        "reach_grows", "Reach to date never falls, and is at least that of each day", "reach_to_date",
        "reach >= reach_before and reach >= reach_of_day",
    ),
] %}

with performance as (

    select * from {{ ref('fct_performance_hourly') }}

),

campaign_hours as (

    select * from {{ ref('fct_campaign_performance_hourly') }}

),

device_days as (

    select * from {{ ref('fct_device_performance_daily') }}

),

pacing as (

    select * from {{ ref('fct_campaign_pacing_daily') }}

),

reach as (

    select * from {{ ref('fct_campaign_reach') }}

),

audience as (

    select * from {{ ref('fct_audience_daily') }}

),

hours_of_day as (

    select
        campaign_id,
        activity_date,
        count(*) as hours,
        sum(impressions) as impressions,
        sum(spend) as spend
    from campaign_hours
    group by campaign_id, activity_date

),

devices_of_day as (

    select
        campaign_id,
        activity_date,
        sum(impressions) as impressions,
        sum(spend) as spend
    from device_days
    group by campaign_id, activity_date

),

campaign_days as (

    select
        hours_of_day.hours,
        hours_of_day.impressions,
        hours_of_day.spend,
        coalesce(devices_of_day.impressions, -1) as device_impressions,
        coalesce(devices_of_day.spend, -1) as device_spend
    from hours_of_day
    left join devices_of_day
        on
            hours_of_day.campaign_id = devices_of_day.campaign_id
            and hours_of_day.activity_date = devices_of_day.activity_date

),

dimensions as (

    select
        sum(impressions) as impressions,
        max(day_impressions) as day_impressions
    from audience
    group by campaign_id, activity_date, dimension

),

reach_to_date as (

    select
        to_date.reach,
        coalesce(
            lag(to_date.reach) over (
                partition by to_date.campaign_id
                order by to_date.activity_date
            ), 0
        ) as reach_before,
        coalesce(of_day.reach, 0) as reach_of_day
    from reach as to_date
    left join reach as of_day
        on
            to_date.campaign_id = of_day.campaign_id
            and to_date.activity_date = of_day.activity_date
            and of_day.reach_window = 'DAY'
    where to_date.reach_window = 'FLIGHT_TO_DATE'

),

{# each relation is read once for all its invariants -#}
{% for relation, own in invariants | groupby(2) -%}
    checked_{{ relation }} as (

        select
            {% for invariant_id, _, _, condition in own -%}
                sum(case when {{ condition }} then 0 else 1 end) as {{ invariant_id }},
            {% endfor -%}
            count(*) as checked_rows
        from {{ relation }}

    ),

{% endfor -%}
checked as (

    {% for invariant_id, sentence, relation, _ in invariants -%}
        select
            cast({{ loop.index }} as integer) as place,
            '{{ invariant_id }}' as invariant_id,
            '{{ sentence }}' as invariant,
            cast(checked_rows as bigint) as checked_rows,
            cast(coalesce({{ invariant_id }}, 0) as bigint) as violations
        from checked_{{ relation }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        -- identifiers
        invariant_id,

        -- dimensions
        place,
        invariant,

        -- facts
        checked_rows,
        violations

    from checked

)

select * from final
