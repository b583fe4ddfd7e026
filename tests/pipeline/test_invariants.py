"""The data is right for every input: random scenarios keep every invariant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings

from generator.enums import ReachWindow
from generator.market.control import steer
from generator.pipeline.parts import all_pieces
from generator.platform.booking_mix import Rotation
from generator.scenario.templates import Dataset, dataset, platform
from generator.schema import TABLES, RawTable
from generator.schema.ddl import create_table
from generator.world.build import build_world
from generator.world.world import World
from tests.support.invariants import DAILY, REFERENCES, VIOLATIONS, violations
from tests.support.strategies import PLATFORMS, Plans, datasets

CAMPAIGNS_A_DATASET = 20
DATASETS = 100  # two thousand random scenarios; with the profile `random` as many as it says


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with every raw table and its CHECK constraints, and no rows."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema truth")
        connection.execute("set threads = 1")
        for table in TABLES:
            connection.execute(create_table(table))
        yield connection


def steered_world(data: Dataset) -> World:
    """The world of a dataset, with campaigns that are steered as badly as a market can be."""
    world = build_world(data)
    control = platform("netflix_like").scaled_booking_mix.control.times(3.0)
    rotation = Rotation(optimised=0.7, gain=5.0, after_days=0, days=1)
    bookings = [steer(booking, control, rotation, data.seed) for booking in world.bookings]
    return replace(world, bookings=bookings)


def test_random_scenarios_are_rotated_by_an_optimiser() -> None:
    items = [
        item
        for booking in steered_world(dataset("three_platforms")).bookings
        for item in booking.line_items
        if len(item.creatives) > 1
    ]
    moved = [item for item in items if item.steering.optimiser.gain]
    assert 0 < len(moved) < len(items), "some are, and some are not"


def violations_of(data: Dataset, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The invariants that a dataset breaks; the database is empty again afterwards."""
    batches: dict[type[RawTable], list[pa.RecordBatch]] = {}
    for table, batch in all_pieces(steered_world(data)):
        batches.setdefault(table, []).append(batch)
    connection.execute("begin")
    try:
        for table, made in batches.items():
            connection.register("landing", pa.Table.from_batches(made))
            connection.execute(f"insert into {table.relation()} select * from landing")
        return violations(connection)
    finally:
        connection.execute("rollback")


@settings(max_examples=max(DATASETS, settings.default.max_examples))
@given(plans=datasets(CAMPAIGNS_A_DATASET))
def test_every_invariant_holds_on_random_scenarios(
    empty: duckdb.DuckDBPyConnection, plans: Plans
) -> None:
    assert violations_of(plans.dataset, empty) == {}


# Scenarios that once broke something, as hypothesis left them.
FOUND = {
    "a cap and a first day without a creative: a division overflowed": Plans(
        [
            {
                "name": "random",
                "description": "found by hypothesis",
                "campaign": {
                    "platform": "fast_channel",
                    "objective": "AWARENESS",
                    "buy_type": "DIRECT_IO",
                    "target_cpm": 0.001,
                    "currency": "USD",
                    "flights": [{"start_date": date(2025, 11, 1), "end_date": date(2025, 11, 5)}],
                    "budget": {"amount": 1e8, "type": "LIFETIME"},
                    "frequency_caps": [{"max_impressions": 1, "time_unit": "HOUR"}],
                },
                "line_items": [
                    {
                        "bid_cpm": 1.0,
                        "pacing": "ASAP",
                        "pacing_pct": 50,
                        "targeting": {"GEO_COUNTRY": ["US"], "CONTENT_GENRE": ["DRAMA"]},
                        "creatives": [
                            {
                                "placement": "PRE_ROLL",
                                "duration_seconds": 15,
                                "rotation_start_date": date(2025, 11, 2),
                            }
                        ],
                    }
                ],
            }
        ],
        seed=0,
        as_of=date(2026, 12, 6),
    )
}


@pytest.mark.parametrize("plans", FOUND.values(), ids=FOUND)
def test_what_was_found_stays_mended(empty: duckdb.DuckDBPyConnection, plans: Plans) -> None:
    assert violations_of(plans.dataset, empty) == {}


def test_every_invariant_holds_on_all_platforms_side_by_side(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    data = dataset("three_platforms")
    assert {scenario.campaign.platform for scenario in data.scenarios} == set(PLATFORMS)
    assert violations_of(data, empty) == {}


def test_every_invariant_holds_on_complete(complete_database) -> None:
    with duckdb.connect(str(complete_database), read_only=True) as connection:
        assert violations(connection) == {}


def hour(change: str, campaign: int = 1, among: str = "true") -> str:
    """A change of the hour in which a campaign delivered most."""
    return f"""
        update raw.performance_hourly set {change} where rowid = (
            select rowid from raw.performance_hourly where campaign_id = {campaign} and {among}
            order by impressions desc, rowid limit 1)"""


def converted(change: str, among: str = "true") -> str:
    """A change of the largest count of conversions."""
    return f"""
        update raw.conversions_daily set {change} where rowid = (
            select rowid from raw.conversions_daily where {among}
            order by conversions desc, rowid limit 1)"""


def reached(change: str, window: str, campaign: int = 1) -> str:
    """A change of the window of a kind in which a campaign reached most."""
    return f"""
        update raw.campaign_reach set {change} where rowid = (
            select rowid from raw.campaign_reach
            where campaign_id = {campaign} and reach_window = '{window}'
            order by reach desc, rowid limit 1)"""


# Faults planted in `complete`, at least one for each invariant. Campaign 1 is a guaranteed buy on
# CTV, 5 is capped at two a day, 7 bids in an auction and has a pause ad; budgets are for life.
FAULTS: dict[str, list[str]] = {
    "funnel floors": [
        hour("requests = 2 * requests"),
        hour("responses = 2 * responses"),
        hour("eligible_impressions = 2 * eligible_impressions"),
        hour("auctions_won = 2 * auctions_won"),
    ],
    "an hour without impressions is zero": [
        hour(change, 7, "impressions = 0") for change in ("requests = 1", "spend_micros = 1")
    ],
    "what a creative cannot do": [
        hour("qr_scans = 1"),
        hour("skips = 1"),
        hour("interactive_engagements = 1"),
        hour("video_starts = 1", 7, "video_starts = 0 and impressions > 0"),
    ],
    "lifetime budgets": [
        """update raw.budgets set amount_micros = (
            select sum(spend_micros) - 1 from raw.performance_hourly where campaign_id = 1
        ) where campaign_id = 1"""
    ],
    "daily budgets": [
        f"""update raw.budgets set budget_type = 'DAILY', amount_micros = (
            select max(spend_micros) - 1 from ({DAILY}) where campaign_id = 1
        ) where campaign_id = 1"""
    ],
    "no one pays more than the bid": [
        """update raw.line_items set bid_cpm_micros = (
            select max(1000 * spend_micros // impressions) - 1 from raw.performance_hourly p
            where p.line_item_id = 701 and impressions > 0
        ) where line_item_id = 701"""
    ],
    "guaranteed buys pay the booked price": [
        hour("spend_micros = spend_micros - 1"),
        hour("spend_micros = spend_micros + 1"),
        hour("spend_micros = 2 * spend_micros"),
    ],
    "nothing is free before the budget of a flight is spent": [hour("spend_micros = 0")],
    "missing or stray hours": [
        "delete from raw.performance_hourly where rowid = 0",
        hour("hour_ts = hour_ts + interval 1 year"),
    ],
    "one row per grain": [
        "insert into raw.performance_hourly from raw.performance_hourly where rowid = 0"
    ],
    "segments add up to the day": [
        "update raw.audience_daily set impressions = impressions + 1 where rowid = 0",
        "update raw.audience_daily set video_q100 = video_q100 + 1 where rowid = 0",
        "update raw.audience_daily set clicks = clicks + 1 where rowid = 0",
        "delete from raw.audience_daily where dimension = 'REGION' and campaign_id = 1",
    ],
    "regions add up to their country": [
        "update raw.audience_daily set segment = 'XX-' || segment where dimension = 'REGION'",
        *(
            f"update raw.audience_daily set {count} = {count} + 1 where dimension = 'COUNTRY'"
            for count in ("impressions", "video_q100", "clicks")
        ),
    ],
    "impressions of a reach window": [
        *(reached("impressions = impressions + 1", window) for window in ReachWindow),
        "delete from raw.campaign_reach where rowid = 0",
    ],
    "someone was reached": [reached("impressions = 0", "HOUR"), reached("reach = 0", "HOUR")],
    "tiers claim no more than was delivered": [
        reached(f"{tier} = impressions + 1", "HOUR")
        for tier in ("reach", "reach_2plus", "reach_3plus", "reach_5plus", "reach_10plus")
    ],
    "tiers are those of some households": [
        reached(
            "reach_2plus = 0, reach_3plus = 0, reach_5plus = 0, reach = impressions - 1", "HOUR"
        )
    ],
    "reach to date between best day and sum of days": [
        reached("reach = 10 * reach", "FLIGHT_TO_DATE"),
        reached("reach = 1", "FLIGHT_TO_DATE"),
    ],
    "reach to date never falls": [
        f"""update raw.campaign_reach set {tier} = 1e9::integer where campaign_id = 1
            and reach_window = 'FLIGHT_TO_DATE' and window_start = '2025-09-20'"""
        for tier in ("reach", "reach_10plus")
    ],
    "a day reaches between its best hour and the sum of its hours": [
        reached("reach = 1", "DAY"),
        reached("reach = 24 * reach", "DAY"),
    ],
    "a week reaches between its best day and the sum of its days": [
        reached("reach = 1", "WEEK"),
        reached("reach = 7 * reach", "WEEK"),
    ],
    "a capped household": [
        reached("reach_3plus = 1", "DAY", 5),
        reached("impressions = 2 * reach + 1", "HOUR", 5),
        """insert into raw.frequency_caps select 101, campaign_id, 1, 'DAY', 1, 'HOUSEHOLD'
            from raw.campaign_reach where reach_window = 'DAY' and reach_2plus > 0 limit 1""",
    ],
    "a household that is capped for life": [
        "insert into raw.frequency_caps values (101, 1, 1, 'LIFETIME', 1, 'HOUSEHOLD')"
    ],
    "supply, with every hour of it there": [
        "delete from raw.inventory_hourly where hour_ts = '2025-09-20 12:00'",
        "update raw.inventory_hourly set ad_opportunities = 1 where hour_ts = '2025-09-20 12:00'",
    ],
    "conversions come within the window after a touch": [
        converted("activity_date = activity_date - 200"),
        converted("activity_date = activity_date + 200"),
        converted("creative_id = 1"),
        converted("campaign_id = 1"),
        converted("line_item_id = 1"),
        converted("window_days = 0", "activity_date = '2026-01-14'"),
        "update raw.performance_hourly set clicks = 0",
        "update raw.performance_hourly set impressions = 0",
    ],
    "conversions are counted before the day that the data is seen on": [
        "update raw.runs set as_of_date = '2025-12-01'",
    ],
    "no one orders before becoming a customer": [
        "update raw.advertisers set created_at = '2025-12-30' where advertiser_id = 1"
    ],
    "a campaign is booked before it begins": [
        "update raw.campaigns set created_at = '2025-12-30' where campaign_id = 1"
    ],
    "nothing happens after the day that the data is seen on": [
        "update raw.campaigns set created_at = '2030-01-01' where campaign_id = 1",
        "update raw.advertisers set updated_at = '2030-01-01' where advertiser_id = 1",
        "update raw.campaigns set updated_at = '2000-01-01' where campaign_id = 1",
    ],
    **{f"{child} have {parent}": [f"delete from raw.{parent}"] for child, parent, _ in REFERENCES},
}
PLANTED = [(name, fault) for name, faults in FAULTS.items() for fault in faults]


@pytest.fixture(scope="module")
def complete(complete_database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """`complete` in memory, without constraints."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{complete_database}' as source (read_only)")
        connection.execute("create schema raw; create schema truth")
        for table in TABLES:
            name = table.relation()
            connection.execute(f"create table {name} as from source.{name}")
        yield connection


def test_every_invariant_has_a_fault_to_see() -> None:
    assert set(FAULTS) == set(VIOLATIONS)
    assert all(FAULTS.values())


@pytest.mark.parametrize(("invariant", "fault"), PLANTED)
def test_an_invariant_that_is_broken_is_seen(
    complete: duckdb.DuckDBPyConnection, invariant: str, fault: str
) -> None:
    complete.execute("begin")
    try:
        complete.execute(fault)
        assert violations(complete, only=invariant)
    finally:
        complete.execute("rollback")
