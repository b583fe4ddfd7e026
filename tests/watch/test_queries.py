"""What the page shows of a database: sums of its rows, and campaigns against their plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.watch import queries
from generator.watch.database import LiveDatabase

Changed = Callable[..., Path]


def state(file: Path, now: datetime | None = None) -> dict[str, Any]:
    with LiveDatabase(str(file)).reading() as query:
        return queries.read(query, now or datetime.now(UTC), queries.Delivery())


def test_a_stream_is_the_sum_of_its_slices(live_database: Path) -> None:
    stream = state(live_database)["stream"]
    assert stream["events"] == 200 * 120
    assert stream["late_share"] == pytest.approx(3 / 120)
    assert stream["duplicate_share"] == pytest.approx(1 / 120)
    assert stream["lag_seconds"] == 0.25
    assert stream["event_time"] == "2025-09-14T12:31:00Z"
    assert (stream["from"], stream["until"]) == ("2025-09-07T00:00:00Z", "2025-09-21T00:00:00Z")
    assert not stream["is_finished"]


def test_the_rate_is_that_of_the_last_minute(live_database: Path) -> None:
    """One slice of 120 events was sent each second."""
    found = state(live_database)
    assert found["stream"]["events_per_second"] == pytest.approx(120, rel=0.05)
    rates = found["rates"]
    assert [row["seconds_ago"] for row in rates] == list(range(295, -5, -5))
    assert rates[-3]["events_per_second"] == 120
    assert rates[0] == {"seconds_ago": 295, "events_per_second": 0, "lag_seconds": None}


def test_a_stream_that_has_just_begun_is_not_spread_over_a_minute(changed: Changed) -> None:
    file = changed(
        "DELETE FROM live.slices",
        "INSERT INTO live.slices SELECT '2025-09-07', '2025-09-07 00:01', started_at, 300, 0, 0, 0,"
        " 0.1 FROM live.state",
    )
    started = datetime.now(UTC) - timedelta(seconds=200)
    rate = state(file, started + timedelta(seconds=10))["stream"]["events_per_second"]
    assert rate == pytest.approx(300 / 10, rel=0.2)
    later = state(file, started + timedelta(seconds=45))["stream"]["events_per_second"]
    assert later == pytest.approx(300 / 45, rel=0.2)


def test_a_stream_is_finished_when_no_slice_is_left(changed: Changed) -> None:
    file = changed("UPDATE live.state SET next_slice = event_time_until")
    assert state(file)["stream"]["is_finished"]


def test_delivery_is_that_of_the_hours_that_have_closed(live_database: Path) -> None:
    found = state(live_database)
    assert found["delivered_until"] == "2025-09-14T12:00:00Z"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{live_database}' AS f (READ_ONLY)")
        expected = connection.execute(
            "SELECT sum(impressions), sum(spend_micros) / 1e6 FROM f.raw.performance_hourly"
        ).fetchone()
    [campaign] = found["campaigns"]
    assert (campaign["impressions"], campaign["spend"]) == pytest.approx(expected)
    assert campaign["state"] == "running"


def test_the_budget_is_spread_evenly_where_dbt_has_built_no_curve(live_database: Path) -> None:
    """3,000 dollars over 14 days, of which seven and a half are over."""
    [campaign] = state(live_database)["campaigns"]
    assert not campaign["is_curve"]
    assert campaign["budget"] == 3000
    assert campaign["plan"] == pytest.approx(3000 * 7.5 / 14)
    assert campaign["pacing_pct"] == pytest.approx(100 * campaign["spend"] / campaign["plan"])
    assert campaign["goal"] == 115_384  # 3,000 dollars at 26 for a thousand


def test_the_plan_is_the_curve_that_dbt_has_built(changed: Changed) -> None:
    """Half of the day is over, so half of what it plans counts."""
    file = changed(
        "CREATE SCHEMA marts",
        "CREATE TABLE marts.fct_campaign_pacing_daily AS SELECT 1::BIGINT AS campaign_id,"
        " DATE '2025-09-07' + i::INTEGER AS activity_date, 3100::DECIMAL(18, 6) AS budget_total,"
        " 100::DECIMAL(18, 6) AS expected_spend, 100 * (i + 1)::DECIMAL(18, 6)"
        " AS expected_spend_to_date, 90000 AS goal_impressions, 60.0 AS pacing_tolerance_pct"
        " FROM range(14) AS days (i)",
    )
    [campaign] = state(file)["campaigns"]
    assert campaign["is_curve"]
    assert (campaign["budget"], campaign["goal"]) == (3100, 90_000)
    assert campaign["plan"] == pytest.approx(750)
    assert campaign["pacing"] == "OVER"


def test_a_daily_budget_counts_for_each_day(changed: Changed) -> None:
    file = changed("UPDATE raw.budgets SET budget_type = 'DAILY', amount_micros = 200000000")
    [campaign] = state(file)["campaigns"]
    assert campaign["budget"] == 14 * 200
    assert campaign["plan"] == pytest.approx(7.5 * 200)


def test_a_row_that_lands_again_counts_once_as_it_landed_last(changed: Changed) -> None:
    file = changed(
        "DELETE FROM raw.performance_hourly WHERE impressions = 0",
        "CREATE TEMP TABLE again AS FROM raw.performance_hourly",
        "INSERT INTO raw.performance_hourly SELECT * REPLACE (loaded_at + INTERVAL 1 HOUR AS"
        " loaded_at, 7 AS impressions, 7 AS requests, 7 AS responses, 7 AS eligible_impressions,"
        " 7 AS auctions_won, 0 AS error_count, 0 AS timeout_count, 0 AS measurable_impressions,"
        " 0 AS viewable_impressions, 0 AS audible_impressions, 0 AS invalid_impressions,"
        " 0 AS video_starts, 0 AS video_q25, 0 AS video_q50, 0 AS video_q75, 0 AS video_q100,"
        " 0 AS clicks, 0 AS skips, 0 AS qr_scans, 0 AS interactive_engagements) FROM again",
    )
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS f (READ_ONLY)")
        rows = connection.execute("SELECT count(*) / 2 FROM f.raw.performance_hourly").fetchone()
    [campaign] = state(file)["campaigns"]
    assert rows is not None
    assert campaign["impressions"] == 7 * rows[0] > 0


def test_only_days_that_have_changed_are_read_again(changed: Changed) -> None:
    """A restated row of an old day is seen, and what is kept adds up to what a new reading has."""
    delivery, asked = queries.Delivery(), []

    def spend(file: Path) -> float:
        asked.clear()
        with LiveDatabase(str(file)).reading() as query:

            def ask(sql: str) -> list[dict[str, Any]]:
                asked.append(sql)
                return query(sql)

            found: float = queries.read(ask, datetime.now(UTC), delivery)["campaigns"][0]["spend"]
        return found

    file = changed()
    before = spend(file)
    assert any("DISTINCT ON (creative_id" in sql for sql in asked)
    assert spend(file) == before
    assert not any("DISTINCT ON (creative_id" in sql for sql in asked)
    changed(
        "UPDATE raw.performance_hourly SET spend_micros = spend_micros + 1000000 WHERE rowid = ("
        "SELECT min(rowid) FROM raw.performance_hourly WHERE hour_ts::DATE = '2025-09-09'"
        " AND impressions > 0)"
    )
    assert spend(file) == pytest.approx(before + 1)
    [sql] = [sql for sql in asked if "DISTINCT ON (creative_id" in sql]
    assert sql.count("DATE '") == 1
    [campaign] = state(file)["campaigns"]
    assert campaign["spend"] == pytest.approx(before + 1)


def test_a_database_without_a_stream_shows_its_delivery(smoke_database: Path) -> None:
    found = state(smoke_database)
    assert found["stream"] is None
    [campaign] = found["campaigns"]
    assert campaign["state"] == "ended"


def test_an_empty_database_shows_nothing_yet(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    found = state(tmp_path / "empty.duckdb")
    assert found["stream"] is None
    assert (found["campaigns"], found["errors"], found["ad_errors"]) == ([], [], [])


def test_errors_come_last_first_and_without_secrets(changed: Changed) -> None:
    file = changed(
        "INSERT INTO live.errors SELECT TIMESTAMP '2026-01-02' + INTERVAL 1 HOUR * i, 'a file',"
        " 'The disk is full.' FROM range(20) AS hours (i)",
        "INSERT INTO live.errors VALUES ('2026-02-01', 'kafka://user:secret@broker.example',"
        " 'No answer from kafka://user:secret@broker.example')",
    )
    errors = state(file)["errors"]
    assert len(errors) == queries.MOST_ERRORS
    assert [row["at"] for row in errors] == sorted((row["at"] for row in errors), reverse=True)
    assert "secret" not in str(errors)
    assert "broker.example" in errors[0]["sentence"]


FLIGHT = [(date(2025, 9, 1), date(2025, 9, 10))]
CAMPAIGN = {
    "campaign_id": 1,
    "name": "A",
    "advertiser": "B",
    "currency": "USD",
    "buy_type": "PRIVATE_AUCTION",
    "target_cpm": 20.0,
    "budget_type": "LIFETIME",
    "amount": 1000.0,
}


@pytest.mark.parametrize(
    ("spend", "pacing"), [(449, "UNDER"), (451, "ON_TRACK"), (549, "ON_TRACK"), (551, "OVER")]
)
def test_pacing_is_judged_with_the_tolerance_of_the_marts(spend: float, pacing: str) -> None:
    until = datetime(2025, 9, 6, tzinfo=UTC)
    delivered = {"spend": spend, "impressions": 1}
    found = queries.against_plan(CAMPAIGN, FLIGHT, delivered, None, until)
    assert found["plan"] == 500
    assert found["pacing"] == pacing
    assert found["goal"] is None  # an auction has no price that a goal could be reckoned with


@pytest.mark.parametrize(
    ("until", "expected", "plan"),
    [
        (datetime(2025, 8, 31, tzinfo=UTC), "planned", 0),
        (datetime(2025, 9, 1, 12, tzinfo=UTC), "running", 50),
        (datetime(2025, 9, 11, tzinfo=UTC), "ended", 1000),
        (datetime(2025, 9, 21, tzinfo=UTC), "ended", 1000),
    ],
)
def test_a_campaign_is_planned_running_or_ended(
    until: datetime, expected: str, plan: float
) -> None:
    found = queries.against_plan(CAMPAIGN, FLIGHT, None, None, until)
    assert (found["state"], found["plan"]) == (expected, plan)


def test_the_figures_of_the_page_are_finite() -> None:
    figures = {"lag": float("nan"), "rate": float("-inf"), "share": 0.5}
    assert queries._json_row(figures) == {"lag": None, "rate": None, "share": 0.5}


def test_the_tolerance_is_that_of_the_dbt_project(root: Path) -> None:
    assert f"pacing_tolerance_pct: {queries.TOLERANCE_PCT:g}\n" in (
        root / "dbt_project.yml"
    ).read_text(encoding="utf-8")
