"""PostgreSQL as the target of a live run."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi

from generator.engines import local
from generator.faults.changed_columns import landing_tables
from generator.live.clock import moment_of
from generator.live.stream import Ending, stream
from generator.live.targets.postgresql import PostgresqlTarget
from generator.live.timeline import Timeline
from generator.scenario.faults import Faults
from generator.schema import TABLES, RawTable
from generator.schema.live import LIVE, AdEvent
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.postgresql import PostgresqlSink
from generator.world.world import World
from tests.live.conftest import WORKFLOW, Tables, assert_equal, plan_of
from tests.support import postgresql
from tests.support.project import ROOT


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as started:
        yield started


@pytest.fixture
def uri(server: postgresql.Server) -> str:
    """An empty database."""
    with dbapi.connect(server.uri, autocommit=True) as connection:
        for schema in ("raw", "truth", "live"):
            connection.execute(f"drop schema if exists {schema} cascade")
    return server.uri


def send(world: World, target: PostgresqlTarget, **changes: Any) -> Ending:
    timeline = Timeline(world)
    return stream(timeline, target, plan_of(timeline, world, **changes), lambda _: None)


def tables_in(
    uri: str, names: Tables, tables: Sequence[type[RawTable]] = (*TABLES, AdEvent)
) -> dict[str, pa.Table]:
    """The rows of raw and truth tables, by table."""
    found = {}
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"select * from {table.relation()}")
            rows = cursor.fetch_arrow_table()
            if rows.num_rows or table.table_name in names:
                found[table.table_name] = rows
    return found


def test_a_database_is_the_batch(uri: str, world: World, batch: Tables) -> None:
    middle = moment_of(datetime(2025, 10, 2, 20, 17))
    assert not send(world, PostgresqlTarget(uri), until=middle).is_complete
    assert send(world, PostgresqlTarget(uri)).went_on
    assert_equal(tables_in(uri, batch), batch)
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("select next_slice, is_complete from live.state")
        assert cursor.fetchall() == [(datetime(2025, 10, 7), True)]
        cursor.execute("select sum(hourly_rows) from live.slices")
        assert cursor.fetchall() == [(batch["performance_hourly"].num_rows,)]


def test_two_runs_into_one_database_one_wins(uri: str, world: World, timeline: Timeline) -> None:
    running = PostgresqlTarget(uri)
    assert running.open(timeline.tables) is None
    with pytest.raises(DestinationError, match="another live run writes to it"):
        send(world, PostgresqlTarget(uri))
    running.close()
    assert send(world, PostgresqlTarget(uri)).is_complete


def test_a_server_that_goes_away_and_comes_back_gets_every_row_once(
    server: postgresql.Server, uri: str, world: World, batch: Tables
) -> None:
    """Its connections are ended again and again, also while a slice is committed."""
    beats = []

    def cut(beat: object) -> None:
        beats.append(beat)
        with dbapi.connect(server.uri, autocommit=True) as connection:
            connection.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )

    timeline = Timeline(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generator.live.stream._SECONDS_BETWEEN_BEATS", 0.05)
        patch.setattr("generator.live.stream._FIRST_WAIT", 0.01)
        ending = stream(timeline, PostgresqlTarget(uri), plan_of(timeline, world), cut)
    assert ending.is_complete
    assert ending.totals.errors > 2
    assert_equal(tables_in(uri, batch), batch)
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from live.errors")
        assert cursor.fetchall()[0][0] >= 1


def test_generate_takes_the_place_of_a_stream(uri: str, world: World, batch: Tables) -> None:
    """It waits for the end of a live run, and none goes on with its rows. A table with other
    columns is known for one that the project made."""
    target = PostgresqlTarget(uri)
    assert not send(world, target, until=moment_of(datetime(2025, 10, 2))).is_complete
    target.open(Timeline(world).landing_tables)
    with pytest.raises(DestinationError, match="a live run writes to this database"):
        local.run(world, PostgresqlSink(uri, landing_tables(world.faults)))
    target.close()
    change = {"column": "clicks", "renamed_to": "new", "start_date": date(2025, 10, 2)}
    drift: dict[str, Any] = {"schema_drift": [change]}
    changed = dataclasses.replace(world, faults=Faults.model_validate(drift), identity="changed")
    local.run(changed, PostgresqlSink(uri, landing_tables(changed.faults)))
    local.run(world, PostgresqlSink(uri, landing_tables(world.faults)))
    landed = {name: rows for name, rows in batch.items() if name != "ad_events"}
    assert_equal(tables_in(uri, landed, TABLES), landed)
    with pytest.raises(DestinationError, match=r"has a table raw\.runs, which no live run made"):
        send(world, PostgresqlTarget(uri))


def test_a_run_that_waits_for_a_lock_ends_when_asked(
    uri: str, world: World, batch: Tables, tmp_path: Path
) -> None:
    """What it was sending is not there, and the same command goes on."""
    middle = moment_of(datetime(2025, 10, 2, 20, 17))
    send(world, PostgresqlTarget(uri), until=middle)
    with dbapi.connect(uri) as other, other.cursor() as cursor:
        cursor.execute("lock table live.slices in access exclusive mode")
        command = ["live", str(WORKFLOW), "--to", uri, "--speed", "max"]
        run = subprocess.Popen(
            [sys.executable, "-m", "generator", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert run.stderr
        while "PostgreSQL: waiting for the server" not in run.stderr.readline():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        # The lock is held until it has ended.
        _, said = run.communicate(timeout=60)
        assert run.returncode == 130
        assert said.endswith("goes on at the next slice\n")
    assert send(world, PostgresqlTarget(uri)).went_on
    assert_equal(tables_in(uri, batch), batch)


def test_no_server_is_a_sentence(world: World) -> None:
    with pytest.raises(DestinationFailedError, match="check the address, that the server runs"):
        send(world, PostgresqlTarget("postgresql://reader:secret@127.0.0.1:1/ads"))


def test_tables_of_the_run_are_made_once(uri: str, world: World, timeline: Timeline) -> None:
    """A killed start leaves empty tables, which the next run fills."""
    target = PostgresqlTarget(uri)
    target.open(timeline.tables)
    target.close()
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        for table in LIVE:
            cursor.execute(f"select count(*) from {table.relation()}")
            assert cursor.fetchall() == [(0,)]
    assert not send(world, PostgresqlTarget(uri)).went_on
