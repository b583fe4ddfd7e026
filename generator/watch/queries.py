"""What the page shows of a live database: the stream, its last errors, and every campaign against
its plan. The SQL is what DuckDB and PostgreSQL have in common.

Delivery comes from the hourly rows, so it ends with the last hour that has closed, and the plan is
that of the same moment: the pacing curve of `fct_campaign_pacing_daily` where dbt has built it,
and the budget spread evenly over the days of the flights where it has not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from generator.masking import mask
from generator.watch.database import Query, Row

MOST_CAMPAIGNS = 100
MOST_ERRORS = 10
SECONDS_PER_BUCKET = 5
BUCKETS = 60
# What `pacing_tolerance_pct` of the dbt project is where it says nothing else.
TOLERANCE_PCT = 10.0
_SECONDS_OF_RATE = 60
_LEAST_SECONDS = 1.0
_DAY = timedelta(days=1)

_RELATIONS = """
    SELECT table_schema || '.' || table_name AS name
    FROM information_schema.tables
    WHERE table_catalog = current_database() AND table_schema IN ('raw', 'live', 'marts')
"""
_STATE = """
    SELECT next_slice, speed, started_at, event_time_from, event_time_until, is_complete, updated_at
    FROM live.state
"""
_TOTALS = """
    SELECT
        CAST(sum(events) AS BIGINT) AS events, CAST(sum(late_events) AS BIGINT) AS late_events,
        CAST(sum(duplicate_events) AS BIGINT) AS duplicate_events,
        CAST(sum(hourly_rows) AS BIGINT) AS hourly_rows, max(slice_end) AS event_time,
        max(sent_at) AS last_sent_at
    FROM live.slices
"""
_LAG = "SELECT lag_seconds FROM live.slices ORDER BY slice_end DESC, sent_at DESC LIMIT 1"
_ERRORS = f'SELECT "at", target, sentence FROM live.errors ORDER BY "at" DESC LIMIT {MOST_ERRORS}'
_AD_ERRORS = f"""
    SELECT e.event_ts AS "at", c.name AS campaign, CAST(e.device AS VARCHAR) AS device,
        e.vast_error_code
    FROM raw.ad_errors e
    LEFT JOIN raw.campaigns c USING (campaign_id)
    ORDER BY e.event_ts DESC, e.error_id LIMIT {MOST_ERRORS}
"""
_LAST_HOUR = "SELECT max(hour_ts) AS hour_ts FROM raw.performance_hourly"
_DAYS = """
    SELECT CAST(hour_ts AS DATE) AS day, count(*) AS hours, max(loaded_at) AS loaded_at,
        CAST(sum(impressions) AS BIGINT) AS impressions, CAST(sum(spend_micros) AS BIGINT) AS spend
    FROM raw.performance_hourly GROUP BY 1
"""
_CAMPAIGNS = """
    SELECT c.campaign_id, c.name, a.name AS advertiser, c.currency_code AS currency, c.buy_type,
        CAST(c.target_cpm_micros AS DOUBLE PRECISION) / 1000000 AS target_cpm,
        b.budget_type, CAST(b.amount_micros AS DOUBLE PRECISION) / 1000000 AS amount
    FROM raw.campaigns c
    LEFT JOIN raw.advertisers a USING (advertiser_id)
    LEFT JOIN raw.budgets b USING (campaign_id)
"""
_FLIGHTS = "SELECT campaign_id, start_date, end_date FROM raw.flights"


def _delivered(days: Iterable[date]) -> str:
    """Return the query of what campaigns have delivered on some days. A row may land again: the
    last one counts."""
    listed = ", ".join(f"DATE '{day.isoformat()}'" for day in days)
    return f"""
        SELECT campaign_id, CAST(hour_ts AS DATE) AS day,
            CAST(sum(impressions) AS BIGINT) AS impressions,
            CAST(sum(spend_micros) AS BIGINT) AS spend_micros
        FROM (
            SELECT DISTINCT ON (creative_id, device, hour_ts)
                campaign_id, hour_ts, impressions, spend_micros
            FROM raw.performance_hourly
            WHERE CAST(hour_ts AS DATE) IN ({listed})
            ORDER BY creative_id, device, hour_ts, loaded_at DESC
        ) AS landed
        GROUP BY campaign_id, CAST(hour_ts AS DATE)
    """


def _sent_lately(now: float) -> str:
    """Return the query of how many seconds ago slices were sent, in buckets."""
    ago = f"({now} - extract(epoch FROM sent_at))"
    return f"""
        SELECT CAST(floor({ago} / {SECONDS_PER_BUCKET}) AS INTEGER) AS bucket,
            CAST(sum(events) AS BIGINT) AS events, max(lag_seconds) AS lag_seconds,
            CAST(max({ago}) AS DOUBLE PRECISION) AS longest_ago
        FROM live.slices
        WHERE {ago} >= 0 AND {ago} < {SECONDS_PER_BUCKET * BUCKETS}
        GROUP BY 1
    """


def _planned(day: date) -> str:
    """Return the query of the last day up to this one that dbt has planned for each campaign."""
    return f"""
        SELECT DISTINCT ON (campaign_id) campaign_id, activity_date,
            CAST(budget_total AS DOUBLE PRECISION) AS budget,
            CAST(expected_spend AS DOUBLE PRECISION) AS expected_spend,
            CAST(expected_spend_to_date AS DOUBLE PRECISION) AS expected_spend_to_date,
            CAST(goal_impressions AS BIGINT) AS goal,
            CAST(pacing_tolerance_pct AS DOUBLE PRECISION) AS tolerance
        FROM marts.fct_campaign_pacing_daily
        WHERE activity_date <= DATE '{day.isoformat()}'
        ORDER BY campaign_id, activity_date DESC
    """


class Delivery:
    """What campaigns have delivered, kept by day: only days with other rows are read again, since a
    writer has to wait meanwhile."""

    def __init__(self) -> None:
        self._seen: dict[date, Row] = {}
        self._sums: dict[date, list[Row]] = {}

    def read(self, query: Query) -> dict[int, Row]:
        """Return `impressions` and `spend` in units of the currency, by campaign."""
        seen = {row["day"]: row for row in query(_DAYS)}
        changed = [day for day, row in seen.items() if self._seen.get(day) != row]
        sums = {day: self._sums[day] for day in seen if day not in changed}
        for row in query(_delivered(changed)) if changed else ():
            sums.setdefault(row["day"], []).append(row)
        self._seen, self._sums = seen, sums
        found: dict[int, Row] = {}
        for row in (row for rows in sums.values() for row in rows):
            total = found.setdefault(row["campaign_id"], {"impressions": 0, "spend": 0.0})
            total["impressions"] += row["impressions"]
            total["spend"] += row["spend_micros"] / 1_000_000
        return found


def read(query: Query, now: datetime, delivery: Delivery) -> dict[str, Any]:
    """Return what the page shows, ready for JSON: `stream`, `rates`, `errors`, `ad_errors`,
    `delivered_until`, `campaigns` and `campaigns_in_all`. `now` is the wall clock, in UTC, and
    `delivery` what earlier readings of the database found. What a database does not have yet is
    None or empty."""
    relations = {row["name"] for row in query(_RELATIONS)}

    def ask(sql: str, *needed: str) -> list[Row]:
        return query(sql) if relations.issuperset(needed) else []

    hours = ask(_LAST_HOUR, "raw.performance_hourly")
    last_hour = hours[0]["hour_ts"] if hours else None
    until = _utc(last_hour) + timedelta(hours=1) if last_hour else None
    campaigns = _campaigns(ask, until, delivery.read(query) if last_hour else {})
    buckets = ask(_sent_lately(now.timestamp()), "live.slices")
    return {
        "stream": _stream(ask, buckets, now),
        "rates": _rates(buckets),
        "errors": [_masked(row) for row in ask(_ERRORS, "live.errors")],
        "ad_errors": [_json_row(row) for row in ask(_AD_ERRORS, "raw.ad_errors", "raw.campaigns")],
        "delivered_until": _json_value(until),
        "campaigns": campaigns[:MOST_CAMPAIGNS],
        "campaigns_in_all": len(campaigns),
    }


def _stream(ask: Any, buckets: list[Row], now: datetime) -> dict[str, Any] | None:
    """Return where the stream is: None where none has written to the database."""
    states = ask(_STATE, "live.state")
    if not states:
        return None
    state = states[0]
    totals: Row = next(iter(ask(_TOTALS, "live.slices")), {})
    lags = ask(_LAG, "live.slices")
    events = totals.get("events") or 0
    lately = [row for row in buckets if row["bucket"] * SECONDS_PER_BUCKET < _SECONDS_OF_RATE]
    seconds = min(_SECONDS_OF_RATE, (now - _utc(state["started_at"])).total_seconds())
    sent = totals.get("last_sent_at") or state["updated_at"]
    is_finished = state["is_complete"] or state["next_slice"] >= state["event_time_until"]
    return _json_row(
        {
            "event_time": totals.get("event_time") or state["next_slice"],
            "from": state["event_time_from"],
            "until": state["event_time_until"],
            "speed": state["speed"],
            "is_finished": is_finished,
            "seconds_since_sent": max((now - _utc(sent)).total_seconds(), 0),
            "lag_seconds": lags[0]["lag_seconds"] if lags else None,
            "events_per_second": sum(row["events"] for row in lately)
            / max(seconds, _LEAST_SECONDS),
            "events": events,
            "late_share": (totals["late_events"] or 0) / events if events else None,
            "duplicate_share": (totals["duplicate_events"] or 0) / events if events else None,
            "hourly_rows": totals.get("hourly_rows") or 0,
        }
    )


def _rates(buckets: Iterable[Row]) -> list[dict[str, Any]]:
    """Return events per second and the largest lag of each bucket, the oldest first."""
    found = {row["bucket"]: row for row in buckets}
    return [
        {
            "seconds_ago": bucket * SECONDS_PER_BUCKET,
            "events_per_second": (found[bucket]["events"] if bucket in found else 0)
            / SECONDS_PER_BUCKET,
            "lag_seconds": _json_value(found[bucket]["lag_seconds"]) if bucket in found else None,
        }
        for bucket in reversed(range(BUCKETS))
    ]


def _campaigns(ask: Any, until: datetime | None, delivered: dict[int, Row]) -> list[dict[str, Any]]:
    """Return each campaign against its plan: those that run first, the largest budget first."""
    needed = ("raw.campaigns", "raw.advertisers", "raw.budgets")
    flights: dict[int, list[tuple[date, date]]] = {}
    for row in ask(_FLIGHTS, "raw.flights"):
        flights.setdefault(row["campaign_id"], []).append((row["start_date"], row["end_date"]))
    # A moment at midnight is the end of the day before.
    day = (until - timedelta(microseconds=1)).date() if until else date.min
    planned = {
        row["campaign_id"]: row for row in ask(_planned(day), "marts.fct_campaign_pacing_daily")
    }
    found = [
        against_plan(
            row,
            flights.get(row["campaign_id"], []),
            delivered.get(row["campaign_id"]),
            planned.get(row["campaign_id"]),
            until,
        )
        for row in ask(_CAMPAIGNS, *needed)
    ]
    order = {"running": 0, "planned": 1, "ended": 2}
    return sorted(found, key=lambda row: (order[row["state"]], -(row["budget"] or 0), row["id"]))


def against_plan(
    campaign: Row,
    flights: list[tuple[date, date]],
    delivered: Row | None,
    planned: Row | None,
    until: datetime | None,
) -> dict[str, Any]:
    """Return a campaign as the page shows it. Money is in its currency. `planned` is its row of
    `_planned`; without one the budget is spread evenly over the days of the flights. `pacing_pct`
    is spend in percent of the plan until then, and None where nothing was planned."""
    days = sum((end - start) / _DAY + 1 for start, end in flights)
    gone = sum(_days_gone(start, end, until) for start, end in flights) if until else 0.0
    tolerance = TOLERANCE_PCT
    goal = None
    if planned:
        budget, goal, tolerance = planned["budget"], planned["goal"], planned["tolerance"]
        plan = planned["expected_spend_to_date"]
        start = planned["activity_date"]
        if until and _days_gone(start, start, until) < 1:
            plan -= planned["expected_spend"] * (1 - _days_gone(start, start, until))
    else:
        windows = days if campaign["budget_type"] == "DAILY" else 1
        budget = None if campaign["amount"] is None else campaign["amount"] * windows
        plan = budget * gone / days if budget is not None and days else None
        if budget is not None and campaign["target_cpm"] and campaign["buy_type"] != _AUCTION:
            goal = int(1000 * budget / campaign["target_cpm"])
    spend = delivered["spend"] if delivered else 0.0
    pacing = 100 * spend / plan if plan else None
    return {
        "id": campaign["campaign_id"],
        "name": campaign["name"],
        "advertiser": campaign["advertiser"],
        "currency": campaign["currency"],
        "first_day": _json_value(min((start for start, _ in flights), default=None)),
        "last_day": _json_value(max((end for _, end in flights), default=None)),
        "state": "planned" if not gone else "ended" if gone >= days else "running",
        "is_curve": planned is not None,
        "budget": budget,
        "plan": plan,
        "spend": spend,
        "impressions": (delivered["impressions"] if delivered else None) or 0,
        "goal": goal,
        "pacing_pct": pacing,
        "pacing": _verdict(pacing, tolerance),
    }


_AUCTION = "PRIVATE_AUCTION"


def _verdict(pacing: float | None, tolerance: float) -> str | None:
    """Return what `pacing_status` of the marts would be."""
    if pacing is None:
        return None
    if pacing < 100 - tolerance:
        return "UNDER"
    return "OVER" if pacing > 100 + tolerance else "ON_TRACK"


def _days_gone(start: date, end: date, until: datetime) -> float:
    """Return how many days of a flight, which ends with its last day, are over at a moment."""
    first = datetime(start.year, start.month, start.day, tzinfo=UTC)
    length = (end - start) / _DAY + 1
    return min(max((until - first) / _DAY, 0.0), length)


def _utc(moment: datetime) -> datetime:
    """Return a moment of a database, which has no time zone or any, in UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _masked(row: Row) -> dict[str, Any]:
    """Return a row for JSON in which no text has the secret of an address."""
    return _json_row({k: mask(v) if isinstance(v, str) else v for k, v in row.items()})


def _json_row(row: Row) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: Any) -> Any:
    """Return a value as JSON has it: moments in UTC with a Z, and only finite numbers."""
    if isinstance(value, datetime):
        return _utc(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
