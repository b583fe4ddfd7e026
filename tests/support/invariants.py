"""Every invariant of the data model as SQL that counts violations, on the raw tables of a database.

Row constraints that the schema models state are checked by the DDL when rows are landed; here is
what crosses rows or tables. Written apart from the dbt tests on purpose: two hands, one promise.
"""

from __future__ import annotations

import duckdb

HOURS = """
    select
        f.campaign_id, li.line_item_id, cr.creative_id, d.device,
        unnest(generate_series(
            greatest(f.start_date, coalesce(cr.rotation_start_date, f.start_date))::timestamp,
            least(
                f.end_date + 1,
                coalesce(cr.rotation_end_date + 1, f.end_date + 1),
                (select as_of_date from raw.runs)
            )::timestamp - interval 1 hour,
            interval 1 hour
        )) as hour_ts
    from raw.flights f
    join raw.line_items li using (campaign_id)
    join raw.creatives cr using (line_item_id)
    join (values ('CTV'), ('MOBILE'), ('TABLET'), ('DESKTOP')) d(device)
        on json_extract(li.targeting, '$.DEVICE') is null
        or json_contains(json_extract(li.targeting, '$.DEVICE'), to_json(d.device))
"""
DAILY = """
    select campaign_id, cast(hour_ts as date) as day, sum(impressions) as impressions,
        sum(video_q100) as video_q100, sum(clicks) as clicks, sum(spend_micros) as spend_micros
    from raw.performance_hourly group by all
"""
# The hours of guaranteed buys, and what was delivered without being paid (thousandths of a micro).
GUARANTEED = """
    select p.campaign_id, line_item_id, hour_ts, spend_micros,
        least(target_cpm_micros, bid_cpm_micros) as cpm, impressions * cpm - spend_micros * 1000
            as unbilled
    from raw.performance_hourly p join raw.line_items li using (line_item_id)
    join raw.campaigns c on c.campaign_id = p.campaign_id
    where buy_type <> 'PRIVATE_AUCTION'
"""
# What each reach window must have delivered: zeros where a day of a flight had no rows at all.
WINDOWS = """
    with hours as (
        select f.campaign_id, unnest(generate_series(
            f.start_date::timestamp,
            least(f.end_date + 1, (select as_of_date from raw.runs))::timestamp - interval 1 hour,
            interval 1 hour)) as hour_ts
        from raw.flights f
    ),
    delivered as (
        select campaign_id, hour_ts, coalesce(sum(p.impressions), 0) as impressions
        from hours left join raw.performance_hourly p using (campaign_id, hour_ts) group by all
    ),
    days as (
        select campaign_id, date_trunc('day', hour_ts) as day, sum(impressions) as impressions
        from delivered group by all
    )
    select campaign_id, 'HOUR' as reach_window, hour_ts as window_start, impressions from delivered
    union all select campaign_id, 'DAY', day, impressions from days
    union all select campaign_id, 'WEEK', date_trunc('week', day), sum(impressions) from days
        group by all
    union all select campaign_id, 'FLIGHT_TO_DATE', day,
        sum(impressions) over (partition by campaign_id order by day) from days
"""
VIOLATIONS: dict[str, str] = {
    "funnel floors": """
        select count(*) from raw.performance_hourly p
        join raw.campaigns c using (campaign_id) join raw.platforms f on f.platform = c.platform
        where responses < f.min_response_ratio * requests
            or eligible_impressions < f.min_eligible_ratio * responses
            or auctions_won < f.min_win_ratio * eligible_impressions
            or impressions < f.min_render_ratio * auctions_won""",
    "an hour without impressions is zero": """
        select count(*) from raw.performance_hourly
        where impressions = 0 and (requests > 0 or spend_micros > 0)""",
    "what a creative cannot do": """
        select count(*) from raw.performance_hourly p join raw.creatives c using (creative_id)
        where (skips > 0 and not is_skippable) or (qr_scans > 0 and qr_code_url is null)
            or (interactive_engagements > 0 and not is_interactive)
            or (placement = 'PAUSE' and video_starts > 0)""",
    "lifetime budgets": """
        select count(*) from (
            select campaign_id, sum(spend_micros) as spend from raw.performance_hourly group by all
        ) join raw.budgets using (campaign_id)
        where budget_type = 'LIFETIME' and spend > amount_micros""",
    "daily budgets": f"""
        select count(*) from ({DAILY}) join raw.budgets using (campaign_id)
        where budget_type = 'DAILY' and spend_micros > amount_micros""",
    "no one pays more than the bid": """
        select count(*) from raw.performance_hourly p join raw.line_items li using (line_item_id)
        where spend_micros * 1000 > impressions * li.bid_cpm_micros""",
    "guaranteed buys pay the booked price": f"""
        select count(*) from ({GUARANTEED}) where unbilled < 0 or unbilled % cpm <> 0""",
    "nothing is free before the budget of a flight is spent": f"""
        select count(*) from (
            select max(hour_ts) filter (spend_micros > 0) > min(hour_ts) filter (unbilled > 0)
                as is_free
            from ({GUARANTEED}) join raw.flights f using (campaign_id)
            where hour_ts::date between f.start_date and f.end_date
            group by line_item_id, flight_id
        ) where is_free""",
    "missing or stray hours": f"""
        select count(*) from ({HOURS}) h full join raw.performance_hourly p
            using (campaign_id, line_item_id, creative_id, device, hour_ts)
        where h.campaign_id is null or p.requests is null""",
    "one row per grain": """
        select count(*) - count(distinct (line_item_id, creative_id, device, hour_ts))
        from raw.performance_hourly""",
    "segments add up to the day": f"""
        select count(*) from (
            select campaign_id, activity_date as day, dimension, sum(impressions) as i,
                sum(video_q100) as v, sum(clicks) as c
            from raw.audience_daily group by all
        ) a full join (select d.*, x.dimension from ({DAILY}) d cross join (
            values ('AGE_RANGE'), ('GENDER'), ('LIFE_STAGE'), ('INTEREST_CATEGORY'),
                ('CONTENT_GENRE'), ('COUNTRY'), ('REGION'), ('LOCAL_HOUR')) x(dimension)) d
            using (campaign_id, day, dimension)
        where coalesce(a.i, 0) <> coalesce(d.impressions, 0)
            or coalesce(a.v, 0) <> coalesce(d.video_q100, 0)
            or coalesce(a.c, 0) <> coalesce(d.clicks, 0)""",
    "regions add up to their country": """
        select count(*) from (
            select campaign_id, activity_date, left(segment, 2) as country,
                sum(if(dimension = 'REGION', 1, -1) * impressions) as i,
                sum(if(dimension = 'REGION', 1, -1) * video_q100) as v,
                sum(if(dimension = 'REGION', 1, -1) * clicks) as c
            from raw.audience_daily where dimension in ('REGION', 'COUNTRY') group by all
        ) where i <> 0 or v <> 0 or c <> 0""",
    "impressions of a reach window": f"""
        select count(*) from ({WINDOWS}) w full join raw.campaign_reach r
            using (campaign_id, reach_window, window_start)
        where w.impressions is distinct from r.impressions""",
    "someone was reached": """
        select count(*) from raw.campaign_reach where (impressions > 0) <> (reach > 0)""",
    "tiers claim no more than was delivered": """
        select count(*) from raw.campaign_reach where impressions
            < reach + reach_2plus + reach_3plus + 2 * reach_5plus + 5 * reach_10plus""",
    "tiers are those of some households": """
        select count(*) from raw.campaign_reach where reach_10plus = 0
            and impressions > reach + reach_2plus + 2 * reach_3plus + 5 * reach_5plus""",
    "reach to date between best day and sum of days": """
        select count(*) from (
            select f.campaign_id, f.window_start, any_value(f.reach) as reach,
                max(d.reach) as best, sum(d.reach) as total
            from raw.campaign_reach f join raw.campaign_reach d on d.campaign_id = f.campaign_id
                and d.reach_window = 'DAY' and d.window_start <= f.window_start
            where f.reach_window = 'FLIGHT_TO_DATE' group by all
        ) where reach < best or reach > total""",
    "reach to date never falls": """
        select count(*) from (
            select reach < lag(reach) over w or reach_10plus < lag(reach_10plus) over w as falls
            from raw.campaign_reach where reach_window = 'FLIGHT_TO_DATE'
            window w as (partition by campaign_id order by window_start)
        ) where falls""",
    "a day reaches between its best hour and the sum of its hours": """
        select count(*) from (
            select d.campaign_id, d.window_start, any_value(d.reach) as reach,
                max(h.reach) as best, sum(h.reach) as total
            from raw.campaign_reach d join raw.campaign_reach h on h.campaign_id = d.campaign_id
                and h.reach_window = 'HOUR' and h.window_start::date = d.window_start::date
            where d.reach_window = 'DAY' group by all
        ) where reach < best or reach > total""",
    "a week reaches between its best day and the sum of its days": """
        select count(*) from (
            select w.campaign_id, w.window_start, any_value(w.reach) as reach,
                max(d.reach) as best, sum(d.reach) as total
            from raw.campaign_reach w join raw.campaign_reach d on d.campaign_id = w.campaign_id
                and d.reach_window = 'DAY'
                and date_trunc('week', d.window_start) = w.window_start
            where w.reach_window = 'WEEK' group by all
        ) where reach < best or reach > total""",
    "a capped household": """
        select count(*) from raw.campaign_reach r join raw.frequency_caps f using (campaign_id)
        where f.time_unit = 'DAY' and f.time_units = 1 and r.reach_window in ('HOUR', 'DAY')
            and (r.impressions > f.max_impressions * r.reach
                or (f.max_impressions < 2 and r.reach_2plus > 0)
                or (f.max_impressions < 3 and r.reach_3plus > 0)
                or (f.max_impressions < 5 and r.reach_5plus > 0))""",
    "a household that is capped for life": """
        select count(*) from raw.campaign_reach r join raw.frequency_caps f using (campaign_id)
        where f.time_unit = 'LIFETIME'
            and (r.impressions > f.max_impressions * r.reach
                or (f.max_impressions < 2 and r.reach_2plus > 0)
                or (f.max_impressions < 3 and r.reach_3plus > 0)
                or (f.max_impressions < 5 and r.reach_5plus > 0))""",
    "supply, with every hour of it there": """
        select count(*) from (
            select campaign_id, device, hour_ts, any_value(c.platform) as platform,
                sum(auctions_won) as won
            from raw.performance_hourly p join raw.campaigns c using (campaign_id) group by all
        ) left join (
            select platform, device, hour_ts, sum(ad_opportunities) as opportunities
            from raw.inventory_hourly group by all
        ) using (platform, device, hour_ts)
        where won > opportunities or opportunities is null""",
    "conversions come within the window after a touch": """
        with touched as (
            select campaign_id, line_item_id, creative_id, device, hour_ts::date as day,
                sum(impressions) as impressions, sum(clicks) as clicks
            from raw.performance_hourly group by all
        )
        select count(*) from raw.conversions_daily v anti join touched t
            on t.campaign_id = v.campaign_id and t.line_item_id = v.line_item_id
                and t.creative_id = v.creative_id and t.device = v.device
                and t.day between v.activity_date - v.window_days and v.activity_date
                and if(v.touch_type = 'POST_CLICK', t.clicks, t.impressions) > 0""",
    "conversions are counted before the day that the data is seen on": """
        select count(*) from raw.conversions_daily
        where activity_date >= (select as_of_date from raw.runs)""",
    "no one orders before becoming a customer": """
        select count(*) from raw.campaigns c join raw.advertisers a using (advertiser_id)
        where c.created_at < a.created_at""",
    "a campaign is booked before it begins": """
        select count(*) from raw.campaigns join raw.flights using (campaign_id)
        where created_at::date >= start_date""",
    "nothing happens after the day that the data is seen on": """
        select count(*) from (
            select created_at, updated_at from raw.campaigns
            union all select created_at, updated_at from raw.advertisers
        ) where created_at >= (select as_of_date from raw.runs)
            or updated_at > (select as_of_date from raw.runs) or updated_at < created_at""",
}
REFERENCES = (
    ("campaigns", "advertisers", "advertiser_id"),
    ("campaigns", "platforms", "platform"),
    ("flights", "campaigns", "campaign_id"),
    ("budgets", "campaigns", "campaign_id"),
    ("frequency_caps", "campaigns", "campaign_id"),
    ("line_items", "campaigns", "campaign_id"),
    ("creatives", "line_items", "line_item_id"),
    ("performance_hourly", "creatives", "creative_id, line_item_id"),
    ("performance_hourly", "line_items", "line_item_id, campaign_id"),
)
VIOLATIONS |= {
    f"{child} have {parent}": f"""
        select count(*) from raw.{child} anti join raw.{parent} using ({key})"""
    for child, parent, key in REFERENCES
}


def violations(connection: duckdb.DuckDBPyConnection, only: str | None = None) -> dict[str, int]:
    """The invariants that do not hold, with the number of rows that break them."""
    asked = VIOLATIONS if only is None else {only: VIOLATIONS[only]}
    counts = {name: connection.execute(sql).fetchone()[0] for name, sql in asked.items()}
    return {name: count for name, count in counts.items() if count}
