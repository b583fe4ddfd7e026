"""What the report reads: the marts of a DuckDB file, as rows that the page adds up.

Counts are by day, so that the page can filter them, sum them and divide after that, as in the
marts. Each of the largest campaigns has rows. The others share rows with an id below 1.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from generator.scenario.errors import bad_input
from generator.sinks.duckdb import failure

MARTS = (
    "dim_campaigns",
    "dim_creatives",
    "fct_performance_hourly",
    "fct_campaign_performance_daily",
    "fct_creative_performance_daily",
    "fct_device_performance_daily",
    "fct_conversions_daily",
    "fct_campaign_pacing_daily",
    "fct_campaign_changes",
    "fct_inventory_daily",
    "fct_incidents",
    "fct_campaign_reach",
    "fct_audience_daily",
    "realism_scorecard",
    "realism_shapes",
    "realism_invariants",
    "fct_fault_detection",
)
SEEDS = ("platform_markets",)
# The page stays small: it shows this many of the largest campaigns one by one, as long as they have
# this many days in all. It shows the others together, by currency.
MOST_CAMPAIGNS, _MOST_DAYS = 40, 3000
MOST_COUNTRIES = 6

# `campaign` is how a campaign is shown: by its own id, or below zero as one of the others.
_SHOWN = f"""
    CREATE TEMP TABLE shown AS
    WITH sizes AS (
        SELECT campaign_id, count(*) AS days, sum(impressions) AS impressions
        FROM marts.fct_campaign_performance_daily GROUP BY campaign_id
    ),
    ranked AS (
        SELECT
            c.campaign_id, c.currency_code, coalesce(s.impressions, 0) AS impressions,
            row_number() OVER largest_first AS place, sum(s.days) OVER largest_first AS days
        FROM marts.dim_campaigns c
        LEFT JOIN sizes s USING (campaign_id)
        WINDOW largest_first AS (ORDER BY coalesce(s.impressions, 0) DESC, c.campaign_id)
    )
    SELECT
        campaign_id, place,
        CASE
            WHEN place <= {MOST_CAMPAIGNS} AND days <= {_MOST_DAYS} AND impressions > 0
                THEN campaign_id
            ELSE -dense_rank() OVER (ORDER BY currency_code)
        END AS campaign
    FROM ranked
"""

_COUNTS = """
    sum(impressions) AS impressions, sum(video_starts) AS video_starts,
    sum(video_q100) AS video_q100, sum(clicks) AS clicks
"""

QUERIES = {
    "campaigns": """
        SELECT
            s.campaign, count(*) AS campaigns, any_value(c.currency_code) AS currency,
            if(s.campaign > 0, any_value(c.campaign_name), NULL) AS name,
            if(s.campaign > 0, any_value(c.advertiser_name), NULL) AS advertiser,
            if(s.campaign > 0, any_value(c.buy_type), NULL) AS buy_type,
            min(c.first_flight_date) AS first_day, max(c.last_flight_date) AS last_day,
            sum(p.budget) AS budget
        FROM marts.dim_campaigns c
        JOIN shown s USING (campaign_id)
        LEFT JOIN (
            SELECT campaign_id, max(budget_total) AS budget
            FROM marts.fct_campaign_pacing_daily GROUP BY campaign_id
        ) p USING (campaign_id)
        GROUP BY s.campaign
        ORDER BY s.campaign < 0, min(s.place)
    """,
    "facts": f"""
        SELECT
            s.campaign, activity_date AS day, device, sum(requests) AS requests,
            sum(responses) AS responses, sum(eligible_impressions) AS eligible_impressions,
            sum(auctions_won) AS auctions_won, sum(measurable_impressions) AS measurable,
            sum(viewable_impressions) AS viewable, {_COUNTS}, sum(video_q25) AS video_q25,
            sum(video_q50) AS video_q50, sum(video_q75) AS video_q75,
            round(sum(spend), 2) AS spend
        FROM marts.fct_device_performance_daily
        JOIN shown s USING (campaign_id)
        GROUP BY s.campaign, activity_date, device
        ORDER BY s.campaign, activity_date, device
    """,
    # Of the campaigns that count conversions: also what they spent. Days after the last one with
    # delivery are counted on it.
    "conversions": """
        SELECT
            s.campaign, least(c.activity_date, l.last_day) AS day, device,
            sum(conversions) AS conversions, sum(post_view_conversions) AS post_view,
            round(sum(conversions_value), 2) AS value, round(sum(spend), 2) AS spend
        FROM marts.fct_conversions_daily c
        JOIN shown s USING (campaign_id)
        CROSS JOIN (
            SELECT max(activity_date) AS last_day FROM marts.fct_campaign_performance_daily
        ) l
        GROUP BY s.campaign, least(c.activity_date, l.last_day), device
        ORDER BY s.campaign, day, device
    """,
    "creatives": """
        SELECT creative_id AS creative, c.campaign_id AS campaign, creative_name AS name,
            p.placement, c.duration_seconds AS seconds
        FROM marts.dim_creatives c
        JOIN (
            SELECT creative_id, min(placement) AS placement
            FROM marts.fct_creative_performance_daily
            JOIN shown USING (campaign_id)
            WHERE campaign > 0
            GROUP BY creative_id
        ) p USING (creative_id)
        ORDER BY creative_id
    """,
    "creative_facts": f"""
        SELECT creative_id AS creative, activity_date AS day, device, {_COUNTS}
        FROM marts.fct_performance_hourly
        JOIN shown USING (campaign_id)
        WHERE campaign > 0 AND impressions > 0
        GROUP BY creative_id, activity_date, device
        ORDER BY creative_id, activity_date, device
    """,
    # Of a campaign also its index and the part of its days that is over.
    "pacing": """
        WITH days AS (
            SELECT
                s.campaign, p.activity_date AS day, p.spend, p.expected_spend,
                round(p.impressions_to_date / p.goal_impressions, 4) AS delivered,
                round(p.billed_impressions_to_date / p.goal_impressions, 4) AS billed,
                p.pacing_index, p.pacing_status, row_number() OVER (
                    PARTITION BY p.campaign_id ORDER BY p.activity_date
                ) / c.flight_days AS progress
            FROM marts.fct_campaign_pacing_daily p
            JOIN marts.dim_campaigns c USING (campaign_id)
            JOIN shown s USING (campaign_id)
        )
        SELECT
            campaign, day, round(sum(spend), 2) AS spent, round(sum(expected_spend), 2) AS planned,
            if(campaign > 0, round(any_value(pacing_index), 1), NULL) AS index,
            if(campaign > 0, any_value(pacing_status), NULL) AS status,
            if(campaign > 0, round(least(any_value(progress), 1), 3), NULL) AS progress,
            if(campaign > 0, any_value(delivered), NULL) AS delivered,
            if(campaign > 0, any_value(billed), NULL) AS billed
        FROM days
        GROUP BY campaign, day
        ORDER BY campaign, day
    """,
    # The audience is by UTC day and local hour. The local day of an hour is the day before, or
    # after, where the offset of the campaign's country says that the UTC day does not reach it.
    "hours": """
        WITH countries AS (
            SELECT campaign_id, platform, arg_max(segment, seen) AS country
            FROM (
                SELECT campaign_id, platform, segment, sum(impressions) AS seen
                FROM marts.fct_audience_daily WHERE dimension = 'COUNTRY' GROUP BY ALL
            )
            GROUP BY campaign_id, platform
        ),
        hours AS (
            SELECT
                greatest(s.campaign, 0) AS campaign, a.segment::INTEGER AS hour, a.impressions,
                a.activity_date + CASE
                    WHEN hour >= 24 + coalesce(m.utc_offset_hours, 0) THEN -1
                    WHEN hour < coalesce(m.utc_offset_hours, 0) THEN 1 ELSE 0
                END AS day
            FROM marts.fct_audience_daily a
            JOIN shown s USING (campaign_id)
            LEFT JOIN countries c USING (campaign_id)
            LEFT JOIN seeds.platform_markets m
                ON m.platform = c.platform AND m.country = c.country
            WHERE a.dimension = 'LOCAL_HOUR'
        )
        SELECT campaign, day, hour, sum(impressions) AS impressions
        FROM hours
        GROUP BY campaign, day, hour
        HAVING sum(impressions) > 0
        ORDER BY campaign, day, hour
    """,
    # Line items of a campaign that change at one moment are one change.
    "changes": """
        SELECT
            s.campaign, changed_at AS at, change_type AS what, any_value(reason) AS reason,
            count(*) AS members,
            if(min(amount_before) = max(amount_before), min(amount_before), NULL) AS before,
            if(min(amount_after) = max(amount_after), min(amount_after), NULL) AS after
        FROM marts.fct_campaign_changes
        JOIN shown s USING (campaign_id)
        WHERE s.campaign > 0
        GROUP BY s.campaign, changed_at, change_type
        ORDER BY changed_at, s.campaign, change_type
    """,
    "incidents": """
        SELECT
            incident, s.campaign, any_value(incident_type) AS what,
            any_value(is_on_purpose) AS on_purpose, any_value(is_recoverable) AS recoverable,
            any_value(aimed_at) AS keys, count(*) AS campaigns, min(from_ts) AS at,
            max(to_ts) AS until, sum(rows_touched) AS touched
        FROM marts.fct_incidents
        JOIN shown s USING (campaign_id)
        GROUP BY incident, s.campaign
        ORDER BY min(from_ts), incident, s.campaign
    """,
    # The largest countries, all platforms and devices together.
    "market": f"""
        WITH days AS (
            SELECT
                country, activity_date AS day,
                sum(sum(ad_opportunities)) OVER (PARTITION BY country) AS country_opportunities,
                sum(ad_opportunities * booked_share) / sum(ad_opportunities) AS booked,
                sum(ad_opportunities * price_index) / sum(ad_opportunities) AS price
            FROM marts.fct_inventory_daily
            WHERE booked_share > 0 AND price_index > 0
            GROUP BY country, activity_date
        )
        SELECT country, day, round(booked, 4) AS booked, round(price, 4) AS price
        FROM days
        QUALIFY dense_rank() OVER (ORDER BY country_opportunities DESC, country) <= {MOST_COUNTRIES}
        ORDER BY country_opportunities DESC, country, day
    """,
    # `population` is the share of the platform's viewing, of all days together.
    "audience": """
        SELECT
            greatest(s.campaign, 0) AS campaign, dimension, segment,
            round(
                sum(sum(impressions * population_share)) OVER whole / sum(sum(impressions))
                OVER whole, 6
            ) AS population,
            activity_date AS day, sum(impressions) AS impressions
        FROM marts.fct_audience_daily
        JOIN shown s USING (campaign_id)
        WHERE dimension IN (
            'AGE_RANGE', 'GENDER', 'LIFE_STAGE', 'INTEREST_CATEGORY', 'CONTENT_GENRE'
        )
        GROUP BY greatest(s.campaign, 0), dimension, segment, activity_date
        HAVING sum(impressions) > 0
        WINDOW whole AS (PARTITION BY greatest(s.campaign, 0), dimension, segment)
        ORDER BY campaign, dimension, segment, day
    """,
    "reach": """
        SELECT
            s.campaign, r.activity_date AS day, r.impressions, r.reach, r.reach_2plus,
            r.reach_3plus, r.reach_5plus, r.reach_10plus
        FROM marts.fct_campaign_reach r
        JOIN shown s USING (campaign_id)
        WHERE r.reach_window = 'FLIGHT_TO_DATE' AND r.impressions > 0 AND s.campaign > 0
        ORDER BY s.campaign, r.activity_date
    """,
    "run": """
        SELECT
            (SELECT min(workflow) FROM marts.realism_scorecard) AS workflow,
            (
                SELECT min(platform_name) FROM marts.dim_campaigns
                WHERE platform = (SELECT min(platform) FROM marts.realism_scorecard)
            ) AS judged_platform,
            (
                SELECT max(pacing_tolerance_pct) FROM marts.fct_campaign_pacing_daily
            ) AS tolerance,
            min(activity_date) AS first_day, max(activity_date) AS last_day
        FROM marts.fct_campaign_performance_daily
    """,
    "scorecard": """
        SELECT * FROM marts.realism_scorecard
        ORDER BY
            status = 'NOT_APPLICABLE', NOT is_binding, status = 'INSIDE', metric, benchmark_id
    """,
    "shapes": "SELECT * FROM marts.realism_shapes ORDER BY shape, shape_id",
    "invariants": "SELECT * FROM marts.realism_invariants ORDER BY place",
    # Of all types, if any fault is labelled; of data without a log the search cannot be judged.
    "faults": """
        SELECT * FROM marts.fct_fault_detection
        WHERE (SELECT sum(labelled_days) FROM marts.fct_fault_detection) > 0
        ORDER BY labelled_days = 0, fault_type
    """,
}

# What the report reads of a log, where there is one.
LOG_MARTS = (
    "fct_ad_impressions",
    "fct_frequency_distribution",
    "fct_household_frequency_daily",
    "fct_reach_overlap",
    "fct_attribution_scorecard",
    "fct_experiment_scorecard",
)
# What each method of attribution gives a campaign.
_ATTRIBUTED = ", ".join(
    f"round(max(attributed_conversions) FILTER (attribution_method = '{method}'), 1) "
    f"AS {method.lower()}"
    for method in (
        "LAST_TOUCH",
        "FIRST_TOUCH",
        "LINEAR",
        "TIME_DECAY",
        "POSITION",
        "MARKOV",
        "SHAPLEY",
    )
)
# The overlap of more campaigns would be too many cells to read.
_MOST_OVERLAPPING = 10
LOG_QUERIES = {
    "log_frequency": """
        SELECT s.campaign, f.exposures, f.households
        FROM marts.fct_frequency_distribution f
        JOIN shown s USING (campaign_id)
        WHERE s.campaign > 0
        ORDER BY s.campaign, f.exposures
    """,
    # Households that are new on a day add up to the reach to date. A panel stands for all.
    "log_reach": """
        WITH new AS (
            SELECT campaign_id, activity_date, count(*) AS households
            FROM marts.fct_household_frequency_daily
            WHERE impressions = impressions_to_date
            GROUP BY campaign_id, activity_date
        )
        SELECT
            s.campaign, r.activity_date AS day, r.reach AS published,
            round(
                sum(n.households) OVER to_date
                / (SELECT max(log_share) FROM staging.stg_ads__runs)
            ) AS measured,
            sum(n.households) OVER to_date AS counted
        FROM marts.fct_campaign_reach r
        JOIN shown s USING (campaign_id)
        LEFT JOIN new n USING (campaign_id, activity_date)
        WHERE
            r.reach_window = 'FLIGHT_TO_DATE' AND s.campaign > 0
            AND campaign_id IN (SELECT campaign_id FROM new)
        WINDOW to_date AS (PARTITION BY campaign_id ORDER BY r.activity_date)
        ORDER BY s.campaign, r.activity_date
    """,
    # Both ways, so that a row of the matrix has all campaigns.
    "log_overlap": f"""
        WITH pairs AS (
            FROM marts.fct_reach_overlap SELECT campaign_id, other_campaign_id, shared_reach, reach
            UNION ALL
            FROM marts.fct_reach_overlap
            SELECT other_campaign_id, campaign_id, shared_reach, other_reach
        )
        SELECT
            s.campaign, o.campaign AS other, p.shared_reach AS households,
            round(p.shared_reach / p.reach, 5) AS part
        FROM pairs p
        JOIN shown s USING (campaign_id)
        JOIN shown o ON o.campaign_id = p.other_campaign_id
        WHERE
            greatest(s.place, o.place) <= {_MOST_OVERLAPPING}
            AND least(s.campaign, o.campaign) > 0
        ORDER BY s.place, o.place
    """,
    # The methods side by side.
    "attribution": f"""
        SELECT
            s.campaign, any_value(a.currency_code) AS currency, a.conversion_type AS type,
            round(any_value(a.spend), 2) AS spend,
            {_ATTRIBUTED},
            round(any_value(a.expected_conversions), 1) AS truth
        FROM marts.fct_attribution_scorecard a
        JOIN shown s USING (campaign_id)
        WHERE s.campaign > 0
        GROUP BY s.campaign, s.place, a.conversion_type
        ORDER BY s.place, a.conversion_type
    """,
    "lift": """
        SELECT
            s.campaign, e.conversion_type AS type, e.lift_method AS method,
            round(e.lift, 5) AS lift, round(e.lift_low, 5) AS low, round(e.lift_high, 5) AS high,
            round(e.incremental_conversions, 1) AS found,
            round(e.expected_conversions, 1) AS truth, e.covers_truth AS covers
        FROM marts.fct_experiment_scorecard e
        JOIN shown s USING (campaign_id)
        WHERE s.campaign > 0
        ORDER BY s.place, e.conversion_type, e.lift_method
    """,
    # Of each campaign the day of a household that saw it, with the most ads of any; of several days
    # the first one.
    "log_day": """
        WITH days AS (
            SELECT household_id, activity_date, count(*) AS ads
            FROM marts.fct_ad_impressions
            GROUP BY household_id, activity_date
        ),
        chosen AS (
            SELECT seen.campaign_id, d.*
            FROM marts.fct_household_frequency_daily seen
            JOIN days d USING (household_id, activity_date)
            QUALIFY row_number() OVER (
                PARTITION BY seen.campaign_id ORDER BY d.ads DESC, d.activity_date, d.household_id
            ) = 1
        )
        SELECT
            o.campaign AS chosen, s.campaign, i.activity_date AS day, i.event_ts AS at, i.device,
            i.content_genre AS genre, i.break_number AS break, i.slot_in_pod AS slot,
            i.pod_size AS slots, i.furthest_event AS event,
            round(i.milliseconds_watched / 1000) AS seconds
        FROM marts.fct_ad_impressions i
        JOIN chosen c USING (household_id, activity_date)
        JOIN shown o ON o.campaign_id = c.campaign_id
        JOIN shown s ON s.campaign_id = i.campaign_id
        WHERE least(s.campaign, o.campaign) > 0
        ORDER BY c.ads DESC, c.activity_date, c.household_id, c.campaign_id, i.event_ts
    """,
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Marts:
    """The rows of each query by its name."""

    rows: dict[str, list[Row]]

    def __getitem__(self, name: str) -> list[Row]:
        return self.rows[name]


def read(file: Path) -> Marts:
    """Return the rows of the report. Raises InputError for a file without marts, or with those of
    another version."""
    with open_marts(file) as connection:
        connection.execute(_SHOWN)
        has_log = set(LOG_MARTS) <= _existing_marts(connection)
        try:
            rows = {name: _fetch(connection, query) for name, query in QUERIES.items()}
            for name, query in LOG_QUERIES.items():
                rows[name] = _fetch(connection, query) if has_log else []
            return Marts(rows)
        except duckdb.BinderException as error:
            message = "has marts of another version, without a column of the report's"
            raise bad_input(f"{message}; run `{_build_command(file)}`", str(file)) from error


def read_realism(file: Path) -> dict[str, list[Row]]:
    """Return the rows of the scorecard and of the shapes. Raises InputError for a file without
    them."""
    with open_marts(file, ("realism_scorecard", "realism_shapes")) as connection:
        return {name: _fetch(connection, QUERIES[name]) for name in ("scorecard", "shapes")}


def open_marts(file: Path, needed: Sequence[str] = MARTS) -> duckdb.DuckDBPyConnection:
    """Open the file, which has these marts, to read only. Raises InputError for a file without
    them, and DestinationError for one that cannot be opened."""
    if not os.path.isfile(file):
        raise bad_input("does not exist; run `generate`, then `dbt build`", str(file))
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        raise failure(file, error) from error
    missing = set(needed) - _existing_marts(connection)
    if missing:
        connection.close()
        raise bad_input(
            f"has no marts.{sorted(missing)[0]}; run `{_build_command(file)}`", str(file)
        )
    return connection


def _build_command(file: Path) -> str:
    return f"ADS_DATABASE={shlex.quote(str(file))} dbt build"


def _existing_marts(connection: duckdb.DuckDBPyConnection) -> set[str]:
    tables = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'"
    ).fetchall()
    return {name for (name,) in tables}


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, map(_json_value, row), strict=True)) for row in cursor.fetchall()]


def _json_value(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
