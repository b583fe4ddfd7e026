"""The data is right whatever is asked for: random scenarios keep every invariant."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings

from generator.engines import local
from generator.scenario.templates import Dataset, dataset
from generator.schema import TABLES, RawTable
from generator.schema.ddl import create_table
from generator.world.build import build_world
from tests.invariants import violations
from tests.strategies import PLATFORMS, datasets

CAMPAIGNS_A_DATASET = 10
DATASETS = 200  # two thousand random scenarios; with the profile `random` as many as it says


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with every raw table and its CHECK constraints, and no rows."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("set threads = 1")
        for table in TABLES:
            connection.execute(create_table(table))
        yield connection


def violations_of(data: Dataset, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The invariants that a dataset breaks; the database is empty again afterwards."""
    batches: dict[type[RawTable], list[pa.RecordBatch]] = {}
    for table, batch in local.pieces(build_world(data)):
        batches.setdefault(table, []).append(batch)
    connection.execute("begin")
    try:
        for table, made in batches.items():
            connection.register("landing", pa.Table.from_batches(made))
            connection.execute(f"insert into raw.{table.table_name} select * from landing")
        return violations(connection)
    finally:
        connection.execute("rollback")


@settings(max_examples=max(DATASETS, settings.default.max_examples))
@given(data=datasets(CAMPAIGNS_A_DATASET))
def test_every_invariant_holds_on_random_scenarios(
    empty: duckdb.DuckDBPyConnection, data: Dataset
) -> None:
    assert violations_of(data, empty) == {}


def test_every_invariant_holds_on_all_platforms_side_by_side(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    data = dataset("three_platforms")
    assert {scenario.campaign.platform for scenario in data.scenarios} == set(PLATFORMS)
    assert violations_of(data, empty) == {}


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
