"""`live` killed at random moments, again and again: nothing is lost, and nothing is sent twice."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi

from generator.world.world import World
from tests.live import test_databases, test_folder, test_kafka, test_postgresql
from tests.live.conftest import WORKFLOW, Tables, assert_equal, batch, world
from tests.reliability.commands import Command, done, struck
from tests.support import kafka, postgresql

__all__ = ["batch", "world"]

# How many kills each target gets; there are four, with that of Kafka.
KILLS = int(os.environ.get("ADS_TEST_LIVE_KILLS", "13"))
INTERRUPTED = "interrupted: what was sent is whole; the same command goes on at the next slice\n"
_GOLDEN_RATIO = 0.618034


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as started:
        yield started


@pytest.fixture(params=["ndjson:live", "ads.duckdb", "postgresql"])
def address(request: Any, server: postgresql.Server) -> str:
    return server.uri if request.param == "postgresql" else request.param


def command(address: str) -> tuple[str, ...]:
    return ("live", str(WORKFLOW), "--to", address, "--speed", "max", "--quiet")


def held(folder: Path, address: str, world: World, names: Tables) -> dict[str, pa.Table]:
    if address.startswith("ndjson"):
        return test_folder.tables_in(folder / "live", "ndjson", world)
    if address.startswith("postgresql"):
        return test_postgresql.tables_in(address, names)
    return test_databases.tables_in(folder / address, names)


def empty(folder: Path, address: str) -> None:
    """Remove what a run has made."""
    shutil.rmtree(folder / "live", ignore_errors=True)
    (folder / "ads.duckdb").unlink(missing_ok=True)
    if address.startswith("postgresql"):
        with dbapi.connect(address, autocommit=True) as connection:
            for schema in ("raw", "truth", "live"):
                connection.execute(f"drop schema if exists {schema} cascade")


def test_a_run_that_is_killed_again_and_again_sends_every_row_once(
    tmp_path: Path, address: str, world: World, batch: Tables
) -> None:
    """Each run goes on where the one before it was killed. What reaches its end is compared with
    the batch, and the next run begins again."""
    seconds, kills = 1.0, 0
    for number in range(3 * KILLS):
        stop = signal.SIGINT if number % 5 == 4 else signal.SIGKILL
        moment = seconds * (number * _GOLDEN_RATIO % 1)
        is_struck = struck(tmp_path, command(address), stop, moment, INTERRUPTED)
        kills += is_struck
        if kills == KILLS:
            break
        if not is_struck:
            assert_equal(held(tmp_path, address, world, batch), batch)
            empty(tmp_path, address)
    assert kills == KILLS
    done(tmp_path, *command(address))
    assert_equal(held(tmp_path, address, world, batch), batch)
    empty(tmp_path, address)


def test_topics_have_every_row_after_kills(tmp_path: Path, world: World, batch: Tables) -> None:
    """A slice that was sent in part may be sent again: rows are counted once."""
    names = ("--tables", "ad_events", "--tables", "conversions", "--tables", "performance_hourly")
    seconds, kills, prefix = 1.0, 0, 0

    def check() -> None:
        held = test_kafka.tables_in(broker, f"run{prefix}", world, tmp_path)
        assert_equal(test_kafka.distinct(held), test_kafka.distinct(batch))

    with kafka.broker() as broker:
        for number in range(3 * KILLS):
            arguments = (*command(broker.address(f"run{prefix}")), *names)
            moment = seconds * (number * _GOLDEN_RATIO % 1)
            is_struck = struck(tmp_path, arguments, signal.SIGKILL, moment)
            kills += is_struck
            if kills == KILLS:
                break
            if not is_struck:
                check()
                prefix += 1
        assert kills == KILLS
        done(tmp_path, *command(broker.address(f"run{prefix}")), *names)
        check()


def test_two_runs_at_once_one_wins(tmp_path: Path, address: str) -> None:
    """The other one ends with a sentence and exit code 2, unless it began after the end."""
    pair = [Command(tmp_path, *command(address)) for _ in range(2)]
    ends = sorted(run.end() for run in pair)
    assert ends[0] == (0, "")
    assert ends[1] == (0, "") or (ends[1][0] == 2 and "wait for its end" in ends[1][1])


def test_a_full_disk_is_a_sentence_and_the_next_run_goes_on(
    tmp_path: Path, world: World, batch: Tables
) -> None:
    address = "ndjson:live"
    code, said = Command(tmp_path, *command(address), file_size=500_000).end()
    assert code == 1
    assert "make room or let it be written, and run the same command again" in said
    done(tmp_path, *command(address))
    assert_equal(held(tmp_path, address, world, batch), batch)
