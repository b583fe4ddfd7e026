"""The data is right whatever is asked for: random scenarios keep every invariant."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.engines.parts import all_pieces
from generator.scenario.models import Scenario
from generator.scenario.templates import Dataset, dataset, platform
from generator.schema import TABLES
from generator.schema.ddl import create_table
from generator.world.build import build_world
from tests.invariants import violations
from tests.strategies import PLATFORMS, scenarios


def database(data: Dataset) -> duckdb.DuckDBPyConnection:
    """The dataset in memory, landed through the DDL with all its CHECK constraints."""
    connection = duckdb.connect()
    connection.execute("create schema raw")
    for table in TABLES:
        connection.execute(create_table(table))
    for table, batch in all_pieces(build_world(data)):
        rows = pa.Table.from_batches([batch])
        connection.register("landing", rows)
        connection.execute(f"insert into raw.{table.table_name} select * from landing")
    return connection


def as_dataset(plans: list[dict[str, Any]], seed: int, as_of: date) -> Dataset:
    made = tuple(Scenario.model_validate(plan) for plan in plans)
    return Dataset("random", seed, as_of, made, {name: platform(name) for name in PLATFORMS})


@settings(max_examples=200)
@given(
    plans=st.lists(scenarios(), min_size=1, max_size=2),
    seed=st.integers(0, 2**63 - 1),
    as_of=st.just(date(2027, 1, 1)) | st.dates(date(2024, 1, 1), date(2026, 6, 1)),
)
def test_every_invariant_holds_on_random_scenarios(
    plans: list[dict[str, Any]], seed: int, as_of: date
) -> None:
    with database(as_dataset(plans, seed, as_of)) as connection:
        assert violations(connection) == {}


def test_every_invariant_holds_on_all_platforms_side_by_side() -> None:
    with database(dataset("three_platforms")) as connection:
        assert violations(connection) == {}
        used = connection.execute("select count(distinct platform) from raw.campaigns").fetchone()
    assert used == (len(PLATFORMS),)


def test_every_invariant_holds_on_complete(complete_database) -> None:
    with duckdb.connect(str(complete_database), read_only=True) as connection:
        assert violations(connection) == {}


def test_an_invariant_that_is_broken_is_seen(complete_database) -> None:
    """The checks above can fail: one overspent micro and one lost hour are both found."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{complete_database}' as source (read_only)")
        connection.execute("create schema raw")
        for table in TABLES:
            name = table.table_name
            connection.execute(f"create table raw.{name} as from source.raw.{name}")
        connection.execute(
            "update raw.performance_hourly set spend_micros = spend_micros + 1e12::bigint "
            "where impressions > 0 and campaign_id = 1"
        )
        connection.execute(
            "delete from raw.performance_hourly where campaign_id = 2 and hour_ts = "
            "(select min(hour_ts) + interval 30 hour from raw.performance_hourly "
            "where campaign_id = 2)"
        )
        found = violations(connection)
    assert {"lifetime budgets", "missing or stray hours"} <= set(found)
