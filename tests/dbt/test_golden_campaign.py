"""A tiny campaign with every figure computed by hand, through the whole of dbt.

Two creatives on television, 1 and 2 November 2025: the night when clocks change in the United
States, where the local hour from 1 to 2 o'clock happens twice. In three hours something was
delivered. `dbt build` runs with all its tests, so the hand-made rows obey every invariant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from generator.enums import (
    AudienceDimension,
    BudgetType,
    Device,
    Pacing,
    Placement,
    ReachWindow,
)
from generator.scenario.templates import dataset
from generator.schema import (
    TABLES,
    AudienceDaily,
    CampaignReach,
    InventoryHourly,
    PerformanceHourly,
    RawTable,
)
from generator.schema.arrow import to_arrow
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from tests.support.project import WITHOUT_UNIT_TESTS, dbt

SATURDAY, SUNDAY = date(2025, 11, 1), date(2025, 11, 2)
COUNTS = [
    name
    for name in PerformanceHourly.model_fields
    if name not in (*PerformanceHourly.grain, "loaded_at")
]
KEYS = {"campaign_id": 1, "line_item_id": 101}
# creative, hour, then the counts: supply, quality, video, interaction, cost, errors
DELIVERED = {
    (10101, datetime(2025, 11, 1, 5)): (
        (100, 95, 90, 80, 60), (50, 40, 45, 2), (50, 40, 30, 25, 20), (3, 10, 1, 0), 1_500_000,
        (5, 3),
    ),
    (10101, datetime(2025, 11, 2, 6)): (
        (40, 38, 36, 32, 20), (20, 10, 20, 0), (20, 20, 20, 20, 20), (0, 0, 0, 0), 500_000, (0, 0),
    ),
    (10102, datetime(2025, 11, 2, 7)): (
        (50, 50, 45, 40, 30), (30, 30, 0, 0), (30, 30, 30, 15, 15), (0, 0, 0, 6), 750_000, (0, 0),
    ),
}  # fmt: skip
REACH = (
    (ReachWindow.HOUR, datetime(2025, 11, 1, 5), 60, 40, 15, 5, 0, 0),
    (ReachWindow.HOUR, datetime(2025, 11, 2, 6), 20, 18, 2, 0, 0, 0),
    (ReachWindow.HOUR, datetime(2025, 11, 2, 7), 30, 20, 8, 2, 0, 0),
    (ReachWindow.DAY, datetime(2025, 11, 1), 60, 40, 15, 5, 0, 0),
    (ReachWindow.DAY, datetime(2025, 11, 2), 50, 30, 12, 6, 1, 0),
    (ReachWindow.WEEK, datetime(2025, 10, 27), 110, 55, 30, 12, 3, 0),
    (ReachWindow.FLIGHT_TO_DATE, datetime(2025, 11, 1), 60, 40, 15, 5, 0, 0),
    (ReachWindow.FLIGHT_TO_DATE, datetime(2025, 11, 2), 110, 55, 30, 12, 3, 0),
)
AUDIENCE = (
    (SATURDAY, "FEMALE", 40, 15, 2),
    (SATURDAY, "MALE", 20, 5, 1),
    (SUNDAY, "FEMALE", 25, 20, 0),
    (SUNDAY, "MALE", 25, 15, 0),
)
# Weights of Saturday and Sunday in the calendar of the platform: 1.16 and 1.222, each to the 0.95.
SATURDAYS_SHARE = 1 / (1 + (1.222 / 1.16) ** 0.95)


def entities() -> Iterator[RawTable]:
    """The entities of the smallest data set, changed where the figures depend on them."""
    world = build_world(dataset("smoke").with_log(0.0))
    (booking,) = world.bookings
    (item,) = booking.line_items
    line_item = item.line_item.model_copy(
        update={
            "targeting": '{"DEVICE": ["CTV"], "GEO_COUNTRY": ["US"]}',
            "bid_cpm_micros": 25_000_000,
            "pacing": Pacing.EVEN,
        }
    )
    plain = item.creatives[0].model_copy(
        update={
            "placement": Placement.PRE_ROLL,
            "rotation_start_date": None,
            "rotation_end_date": None,
            "is_interactive": False,
            "interactive_meta": None,
            "qr_code_url": None,
        }
    )
    yield world.run.model_copy(update={"as_of_date": date(2025, 11, 3)})
    yield from world.platforms
    yield from world.advertisers
    yield booking.campaign
    yield booking.flights[0].model_copy(update={"start_date": SATURDAY, "end_date": SUNDAY})
    yield booking.budget.model_copy(
        update={"amount_micros": 5_000_000, "budget_type": BudgetType.LIFETIME}
    )
    yield from booking.frequency_caps
    yield line_item
    yield plain.model_copy(
        update={
            "creative_id": 10101,
            "duration_seconds": 30,
            "is_skippable": True,
            "qr_code_url": "https://qr.example/1",
        }
    )
    yield plain.model_copy(
        update={
            "creative_id": 10102,
            "duration_seconds": 15,
            "is_skippable": False,
            "is_interactive": True,
            "interactive_meta": "{}",
        }
    )


def facts() -> Iterator[RawTable]:
    """Every hour of both creatives, inventory, reach and audience."""
    for day in (SATURDAY, SUNDAY):
        for hour in range(24):
            hour_ts = datetime(day.year, day.month, day.day) + timedelta(hours=hour)
            yield InventoryHourly(
                platform="netflix_like",
                country="US",
                device=Device.CTV,
                hour_ts=hour_ts,
                ad_opportunities=100,
                price_index=1.0,
                booked_share=None,
            )
            for creative in (10101, 10102):
                counts = dict.fromkeys(COUNTS, 0) | KEYS
                if (creative, hour_ts) in DELIVERED:
                    supply, quality, video, interaction, spend, errors = DELIVERED[
                        creative, hour_ts
                    ]
                    names = [name for name in COUNTS if name not in KEYS]
                    values = (*supply, *quality, *video, *interaction, spend, *errors)
                    counts |= dict(zip(names, values, strict=True))
                yield PerformanceHourly(
                    creative_id=creative,
                    device=Device.CTV,
                    hour_ts=hour_ts,
                    loaded_at=datetime(day.year, day.month, day.day) + timedelta(hours=30),
                    **counts,
                )
    for window, start, impressions, *reached in REACH:
        tiers = ("reach", "reach_2plus", "reach_3plus", "reach_5plus", "reach_10plus")
        yield CampaignReach(
            campaign_id=1,
            reach_window=window,
            window_start=start,
            impressions=impressions,
            **dict(zip(tiers, reached, strict=True)),
        )
    for day, segment, impressions, completes, clicks in AUDIENCE:
        yield AudienceDaily(
            campaign_id=1,
            activity_date=day,
            dimension=AudienceDimension.GENDER,
            segment=segment,
            impressions=impressions,
            video_q100=completes,
            clicks=clicks,
        )


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("golden")
    file: Path = folder / "ads.duckdb"
    rows = [*entities(), *facts()]
    with DuckdbSink(file, TABLES) as sink:
        for table in TABLES:
            for batch in to_arrow(table, [row for row in rows if type(row) is table]).to_batches():
                sink.write(table, batch)
    result = dbt(f"build {WITHOUT_UNIT_TESTS}", file, folder)
    assert result.returncode == 0, result.stdout[-4000:]
    with duckdb.connect(str(file), read_only=True) as connection:
        yield connection


def row_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    (row,) = cursor.fetchall()
    return {
        name: float(value) if hasattr(value, "as_tuple") else value
        for name, value in zip(names, row, strict=True)
    }


EXPECTED: dict[str, dict[str, Any]] = {
    "fct_campaign_performance_daily WHERE activity_date = DATE '2025-11-01'": {
        "requests": 100,
        "impressions": 60,
        "spend": 1.5,
        "watch_seconds": 975,  # 30 x (.125 x 10 + .375 x 10 + .625 x 5 + .875 x 5 + 20)
        "response_rate": 0.95,
        "eligibility_rate": 90 / 95,
        "auction_win_rate": 8 / 9,
        "render_rate": 0.75,
        "fill_rate": 0.6,
        "supply_funnel_efficiency": 0.9,
        "error_rate": 0.05,
        "timeout_rate": 0.03,
        "measurable_rate": 5 / 6,
        "viewability_rate": 0.8,
        "audibility_rate": 0.9,
        "invalid_traffic_rate": 2 / 62,
        "video_start_rate": 5 / 6,
        "q25_rate": 0.8,
        "q50_rate": 0.6,
        "q75_rate": 0.5,
        "video_completion_rate": 0.4,
        "vcr_impressions": 1 / 3,
        "video_skip_rate": 0.2,
        "avg_watch_time_seconds": 19.5,
        "ctr": 0.05,
        "qr_scan_rate": 1 / 60,
        "interactive_rate": None,
        "effective_cpm": 25,
        "vcpm": 37.5,
        "cpc": 0.5,
        "cpcv": 0.075,
    },
    "fct_campaign_performance_daily WHERE activity_date = DATE '2025-11-02'": {
        "requests": 90,
        "impressions": 50,
        "spend": 1.25,
        "skippable_video_starts": 20,
        "watch_seconds": 965.625,  # 30 x 20 + 15 x (.625 x 15 + 15)
        "video_completion_rate": 0.7,
        "video_skip_rate": 0,
        "avg_watch_time_seconds": 19.3125,
        "qr_scan_rate": 0,
        "interactive_rate": 0.2,
        "ctr": 0,
        "cpc": None,
        "vcpm": 31.25,
        "cpcv": 1.25 / 35,
        "invalid_traffic_rate": 0,
    },
    "fct_campaign_performance_weekly": {
        "week_start_date": date(2025, 10, 27),
        "active_days": 2,
        "impressions": 110,
        "spend": 2.75,
        "video_completion_rate": 0.55,  # 55 of 100, not the mean of .4 and .7 weighed by days
        "video_skip_rate": 1 / 7,
        "avg_watch_time_seconds": 19.40625,
        "ctr": 3 / 110,
    },
    "fct_campaign_performance_monthly": {
        "month_start_date": date(2025, 11, 1),
        "active_days": 2,
        "spend": 2.75,
        "viewability_rate": 0.8,
    },
    "fct_creative_performance_daily WHERE creative_id = 10102 AND impressions > 0": {
        "activity_date": SUNDAY,
        "impressions": 30,
        "video_completion_rate": 0.5,
        "video_skip_rate": None,
        "qr_scan_rate": None,
        "interactive_rate": 0.2,
        "watch_seconds": 365.625,
    },
    "fct_device_performance_daily WHERE activity_date = DATE '2025-11-02'": {
        "device": "CTV",
        "impressions": 50,
        "effective_cpm": 25,
    },
    "fct_advertiser_performance_daily WHERE activity_date = DATE '2025-11-01'": {
        "campaigns": 1,
        "spend": 1.5,
    },
    "fct_campaign_pacing_daily WHERE activity_date = DATE '2025-11-01'": {
        "flight_day": 1,
        "budget_total": 5,
        "expected_spend_to_date": round(5 * SATURDAYS_SHARE, 6),
        "pacing_index": 100 * 1.5 / round(5 * SATURDAYS_SHARE, 6),
        "budget_spent_pct": 30,
        "budget_remaining": 3.5,
        "projected_spend": round(5 * 1.5 / round(5 * SATURDAYS_SHARE, 6), 6),
        "pacing_status": "UNDER",
        "under_delivery_days": 1,
    },
    "fct_campaign_pacing_daily WHERE activity_date = DATE '2025-11-02'": {
        "flight_day": 2,
        "expected_spend_to_date": 5,
        "spend_to_date": 2.75,
        "pacing_index": 55,
        "projected_spend": 2.75,
        "under_delivery_days": 2,
        "over_delivery_days": 0,
    },
    "fct_campaign_reach WHERE reach_window = 'FLIGHT_TO_DATE' AND window_start = '2025-11-02'": {
        "reach": 55,
        "reach_5plus": 3,
        "frequency": 2,
    },
    "fct_audience_daily WHERE activity_date = DATE '2025-11-01' AND segment = 'FEMALE'": {
        "impression_share": 2 / 3,
        "population_share": 0.51,
        "audience_index": 100 * 2 / 3 / 0.51,
        "segment_ctr": 0.05,
    },
    "ad_reporting__campaign_report WHERE date_day = DATE '2025-11-02'": {
        "clicks": 0,
        "impressions": 50,
        "spend": 1.25,
        "conversions": None,
        "currency_code": "USD",
    },
}


@pytest.mark.parametrize("rows", EXPECTED)
def test_the_figures_are_those_computed_by_hand(
    golden: duckdb.DuckDBPyConnection, rows: str
) -> None:
    actual = row_of(golden, f"SELECT * FROM marts.{rows}")
    for name, value in EXPECTED[rows].items():
        near = pytest.approx(value, rel=1e-12) if isinstance(value, int | float) else value
        assert actual[name] == near, name


def test_the_day_on_which_clocks_change_has_24_hours(golden: duckdb.DuckDBPyConnection) -> None:
    """06:00 UTC is the second 1 o'clock of New York: it counts to Sunday, once, as hour 6."""
    query = """
        SELECT count(*), min(hour_of_day), max(hour_of_day),
            sum(impressions) FILTER (hour_of_day = 6), sum(impressions)
        FROM marts.fct_campaign_performance_hourly WHERE activity_date = DATE '2025-11-02'
    """
    assert golden.execute(query).fetchall() == [(24, 0, 23, 20, 50)]
