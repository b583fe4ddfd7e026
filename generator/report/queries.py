"""What the report reads: the marts of a DuckDB file, as rows for charts and tables.

Counts are summed over campaigns here and divided after that, as in the marts. In every set of rows
campaign 0 stands for all campaigns together; the largest ones have rows of their own, too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from generator.scenario.errors import bad_input

MARTS = (
    "dim_campaigns",
    "dim_creatives",
    "fct_campaign_performance_hourly",
    "fct_campaign_performance_daily",
    "fct_campaign_performance_monthly",
    "fct_creative_performance_daily",
    "fct_device_performance_daily",
    "fct_campaign_pacing_daily",
    "fct_campaign_reach",
    "fct_audience_daily",
    "realism_scorecard",
    "realism_shapes",
    "realism_invariants",
    "fct_fault_detection",
)
ALL = 0
MOST_CAMPAIGNS = 60
_MOST_CREATIVES = 16
_REACH_CURVES = 12

# The largest campaigns, which have rows of their own; `campaign` is NULL for all the others.
_LARGEST = f"""
    CREATE TEMP TABLE largest AS
    SELECT campaign_id, row_number() OVER (ORDER BY sum(impressions) DESC, campaign_id) AS place
    FROM marts.fct_campaign_performance_daily
    GROUP BY campaign_id
    QUALIFY place <= {MOST_CAMPAIGNS}
"""

QUERIES = {
    "campaigns": """
        SELECT
            c.campaign_id AS campaign, c.campaign_name AS name, c.advertiser_name AS advertiser,
            c.platform_name AS platform, c.buy_type, c.currency_code AS currency,
            c.first_flight_date AS first_day, c.last_flight_date AS last_day,
            p.impressions, p.spend, s.budget_total AS budget, s.budget_spent_pct AS spent_pct,
            s.pacing_index, l.campaign_id IS NOT NULL AS has_detail
        FROM marts.dim_campaigns c
        LEFT JOIN largest l USING (campaign_id)
        LEFT JOIN (
            SELECT campaign_id, sum(impressions) AS impressions, sum(spend) AS spend
            FROM marts.fct_campaign_performance_daily GROUP BY campaign_id
        ) p USING (campaign_id)
        LEFT JOIN (
            SELECT * FROM marts.fct_campaign_pacing_daily
            QUALIFY row_number() OVER (PARTITION BY campaign_id ORDER BY activity_date DESC) = 1
        ) s USING (campaign_id)
        ORDER BY p.impressions DESC NULLS LAST, c.campaign_id
    """,
    "totals": """
        SELECT
            coalesce(campaign_id, 0) AS campaign, sum(impressions) AS impressions,
            sum(clicks) AS clicks, sum(video_starts) AS video_starts,
            sum(video_q100) AS video_q100, sum(measurable_impressions) AS measurable_impressions,
            sum(viewable_impressions) AS viewable_impressions
        FROM marts.fct_campaign_performance_daily
        GROUP BY GROUPING SETS ((campaign_id), ())
    """,
    "money": """
        SELECT
            coalesce(campaign_id, 0) AS campaign, currency_code AS currency, sum(spend) AS spend,
            sum(impressions) AS impressions, sum(budget_total) AS budget
        FROM (
            SELECT
                campaign_id, currency_code, sum(spend) AS spend,
                sum(impressions) AS impressions, max(budget_total) AS budget_total
            FROM marts.fct_campaign_pacing_daily GROUP BY ALL
        )
        GROUP BY GROUPING SETS ((campaign_id, currency_code), (currency_code))
        ORDER BY campaign, impressions DESC
    """,
    "plan": """
        SELECT
            campaign, currency, activity_date AS day,
            sum(spend) OVER to_date AS spent, sum(expected_spend) OVER to_date AS planned
        FROM (
            SELECT
                coalesce(campaign_id, 0) AS campaign, currency_code AS currency, activity_date,
                sum(spend) AS spend, sum(expected_spend) AS expected_spend
            FROM marts.fct_campaign_pacing_daily
            GROUP BY GROUPING SETS (
                (campaign_id, currency_code, activity_date), (currency_code, activity_date)
            )
        )
        WHERE campaign = 0 OR campaign IN (SELECT campaign_id FROM largest)
        WINDOW to_date AS (PARTITION BY campaign, currency ORDER BY activity_date)
        ORDER BY campaign, currency, day
    """,
    "pacing": """
        SELECT
            campaign_id AS campaign, campaign_name AS name,
            round(100.0 * flight_day_to_date / flight_days_in_all, 1) AS progress_pct,
            round(pacing_index, 1) AS pacing_index
        FROM (
            SELECT
                p.campaign_id, c.campaign_name, p.pacing_index,
                row_number() OVER (
                    PARTITION BY p.campaign_id ORDER BY p.activity_date
                ) AS flight_day_to_date,
                c.flight_days AS flight_days_in_all
            FROM marts.fct_campaign_pacing_daily p
            JOIN marts.dim_campaigns c USING (campaign_id)
            JOIN largest USING (campaign_id)
        )
        WHERE pacing_index IS NOT NULL
        ORDER BY campaign, progress_pct
    """,
    "funnel": """
        SELECT campaign, step, place, count,
            round(100.0 * count / nullif(first(count) OVER steps, 0), 2) AS of_requests_pct,
            round(100.0 * count / nullif(lag(count) OVER steps, 0), 2) AS of_step_before_pct
        FROM (
            SELECT campaign, unnest([
                {'place': 1, 'step': 'Requests', 'count': requests},
                {'place': 2, 'step': 'Responses', 'count': responses},
                {'place': 3, 'step': 'Eligible', 'count': eligible_impressions},
                {'place': 4, 'step': 'Auctions won', 'count': auctions_won},
                {'place': 5, 'step': 'Impressions', 'count': impressions}
            ], recursive := true)
            FROM (
                SELECT
                    coalesce(campaign_id, 0) AS campaign, sum(requests) AS requests,
                    sum(responses) AS responses, sum(eligible_impressions) AS eligible_impressions,
                    sum(auctions_won) AS auctions_won, sum(impressions) AS impressions
                FROM marts.fct_campaign_performance_daily
                GROUP BY GROUPING SETS ((campaign_id), ())
            )
            WHERE campaign = 0 OR campaign IN (SELECT campaign_id FROM largest)
        )
        WINDOW steps AS (PARTITION BY campaign ORDER BY place)
        ORDER BY campaign, place
    """,
    "quartiles": """
        SELECT
            campaign, device, quartile, viewers, round(100.0 * viewers / starts, 2) AS viewers_pct
        FROM (
            SELECT campaign, device, video_starts AS starts, unnest([
                {'quartile': 0, 'viewers': video_starts}, {'quartile': 25, 'viewers': video_q25},
                {'quartile': 50, 'viewers': video_q50}, {'quartile': 75, 'viewers': video_q75},
                {'quartile': 100, 'viewers': video_q100}
            ], recursive := true)
            FROM (
                SELECT
                    coalesce(campaign_id, 0) AS campaign, device,
                    sum(video_starts) AS video_starts, sum(video_q25) AS video_q25,
                    sum(video_q50) AS video_q50, sum(video_q75) AS video_q75,
                    sum(video_q100) AS video_q100
                FROM marts.fct_device_performance_daily
                GROUP BY GROUPING SETS ((campaign_id, device), (device))
            )
            WHERE video_starts > 0
                AND (campaign = 0 OR campaign IN (SELECT campaign_id FROM largest))
        )
        ORDER BY campaign, device, quartile
    """,
    "hours": """
        SELECT
            coalesce(campaign_id, 0) AS campaign, day_of_week, hour_of_day,
            sum(impressions) AS impressions,
            round(
                100.0 * sum(impressions)
                / nullif(sum(sum(impressions)) OVER (PARTITION BY coalesce(campaign_id, 0)), 0), 3
            ) AS share_pct
        FROM marts.fct_campaign_performance_hourly
        WHERE campaign_id IN (SELECT campaign_id FROM largest)
        GROUP BY campaign_id, day_of_week, hour_of_day
        UNION ALL
        SELECT
            0, day_of_week, hour_of_day, sum(impressions),
            round(100.0 * sum(impressions) / nullif(sum(sum(impressions)) OVER (), 0), 3)
        FROM marts.fct_campaign_performance_hourly
        GROUP BY day_of_week, hour_of_day
        ORDER BY campaign, day_of_week, hour_of_day
    """,
    "reach": """
        SELECT campaign, day, impressions, tier, households
        FROM (
            SELECT
                r.campaign_id AS campaign, r.activity_date AS day, r.impressions, unnest([
                    {'tier': '1+', 'households': r.reach},
                    {'tier': '2+', 'households': r.reach_2plus},
                    {'tier': '3+', 'households': r.reach_3plus},
                    {'tier': '5+', 'households': r.reach_5plus},
                    {'tier': '10+', 'households': r.reach_10plus}
                ], recursive := true)
            FROM marts.fct_campaign_reach r
            SEMI JOIN largest USING (campaign_id)
            WHERE r.reach_window = 'FLIGHT_TO_DATE' AND r.impressions > 0
        )
        ORDER BY campaign, tier, day
    """,
    "frequency": f"""
        WITH curves AS (
            SELECT
                r.campaign_id, c.campaign_name AS name, r.activity_date AS day, r.impressions,
                r.reach AS households, round(r.frequency, 2) AS frequency, l.place
            FROM marts.fct_campaign_reach r
            JOIN marts.dim_campaigns c USING (campaign_id)
            JOIN largest l USING (campaign_id)
            WHERE r.reach_window = 'FLIGHT_TO_DATE' AND r.impressions > 0
        )
        SELECT 0 AS campaign, * EXCLUDE (campaign_id, place) FROM curves
        WHERE place <= {_REACH_CURVES}
        UNION ALL
        SELECT campaign_id, * EXCLUDE (campaign_id, place) FROM curves
        ORDER BY campaign, name, day
    """,
    "creatives": f"""
        WITH totals AS (
            SELECT
                p.creative_id, p.campaign_id, c.creative_name AS name, p.placement,
                c.duration_seconds, sum(p.impressions) AS impressions,
                sum(p.video_starts) AS video_starts, sum(p.video_q100) AS video_q100,
                sum(p.clicks) AS clicks
            FROM marts.fct_creative_performance_daily p
            JOIN marts.dim_creatives c USING (creative_id)
            GROUP BY ALL
            HAVING sum(p.impressions) > 0
        ),
        ranked AS (
            SELECT 0 AS campaign, *,
                row_number() OVER (ORDER BY impressions DESC, creative_id) AS place
            FROM totals
            UNION ALL
            SELECT campaign_id, *, row_number() OVER (
                PARTITION BY campaign_id ORDER BY impressions DESC, creative_id
            )
            FROM totals SEMI JOIN largest USING (campaign_id)
        )
        SELECT
            campaign, campaign_id AS of_campaign, creative_id, name, placement, duration_seconds,
            impressions, video_starts, video_q100, clicks
        FROM ranked
        WHERE place <= {_MOST_CREATIVES}
        ORDER BY campaign, place
    """,
    "audience": """
        WITH segments AS (
            SELECT
                coalesce(campaign_id, 0) AS campaign, dimension, segment,
                sum(impressions) AS impressions,
                sum(impressions * population_share) / nullif(sum(impressions), 0) AS population
            FROM marts.fct_audience_daily
            WHERE dimension IN (
                'AGE_RANGE', 'GENDER', 'LIFE_STAGE', 'INTEREST_CATEGORY', 'CONTENT_GENRE'
            )
            GROUP BY GROUPING SETS ((campaign_id, dimension, segment), (dimension, segment))
        )
        SELECT
            campaign, dimension, segment, impressions,
            round(100.0 * impressions / sum(impressions) OVER whole, 2) AS share_pct,
            round(100.0 * population, 2) AS population_pct,
            round(
                100.0 * impressions / sum(impressions) OVER whole / nullif(population, 0), 1
            ) AS index
        FROM segments
        WHERE impressions > 0
            AND (campaign = 0 OR campaign IN (SELECT campaign_id FROM largest))
        WINDOW whole AS (PARTITION BY campaign, dimension)
        ORDER BY campaign, dimension, segment
    """,
    "prices": """
        SELECT
            coalesce(m.campaign_id, 0) AS campaign, m.currency_code AS currency, c.buy_type,
            m.month_start_date AS month, sum(m.impressions) AS impressions, sum(m.spend) AS spend,
            round(1000.0 * sum(m.spend) / sum(m.impressions), 2) AS cpm
        FROM marts.fct_campaign_performance_monthly m
        JOIN marts.dim_campaigns c USING (campaign_id)
        WHERE m.impressions > 0
        GROUP BY GROUPING SETS (
            (m.campaign_id, m.currency_code, c.buy_type, m.month_start_date),
            (m.currency_code, c.buy_type, m.month_start_date)
        )
        HAVING coalesce(m.campaign_id, 0) = 0
            OR m.campaign_id IN (SELECT campaign_id FROM largest)
        ORDER BY campaign, currency, c.buy_type, month
    """,
    "run": """
        SELECT
            (SELECT min(workflow) FROM marts.realism_scorecard) AS workflow,
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

Row = dict[str, Any]


@dataclass(frozen=True)
class Marts:
    """The rows of each query by its name."""

    rows: dict[str, list[Row]]

    def __getitem__(self, name: str) -> list[Row]:
        return self.rows[name]


def read(file: Path) -> Marts:
    """The rows of the report. Raises InputError for a file without marts."""
    with connected(file) as connection:
        connection.execute(_LARGEST)
        return Marts({name: _fetched(connection, query) for name, query in QUERIES.items()})


def judged(file: Path) -> dict[str, list[Row]]:
    """The rows of the scorecard and of the shapes. Raises InputError for a file without them."""
    with connected(file, ("realism_scorecard", "realism_shapes")) as connection:
        return {name: _fetched(connection, QUERIES[name]) for name in ("scorecard", "shapes")}


def connected(file: Path, needed: Sequence[str] = MARTS) -> duckdb.DuckDBPyConnection:
    """The file, read only, with these marts there. Raises InputError where they are not."""
    if not os.path.isfile(file):
        raise bad_input("is not there; run `make build`", str(file))
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        raise bad_input(f"cannot be read: {str(error).splitlines()[0]}", str(file)) from error
    missing = set(needed) - _there(connection)
    if missing:
        connection.close()
        raise bad_input(f"has no marts.{sorted(missing)[0]}; run `dbt build`", str(file))
    return connection


def _there(connection: duckdb.DuckDBPyConnection) -> set[str]:
    tables = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'"
    ).fetchall()
    return {name for (name,) in tables}


def _fetched(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
