"""A database that is opened for a moment: one that cannot be read now is a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.scenario.errors import InputError
from generator.sinks.errors import DestinationError
from generator.watch.database import LiveDatabase, NotReadableError

ROWS = "SELECT count(*) AS n FROM raw.performance_hourly"
HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def count(database: LiveDatabase) -> int:
    with database.reading() as query:
        found: int = query(ROWS)[0]["n"]
        return found


def reason(database: LiveDatabase) -> str:
    with pytest.raises(NotReadableError) as met, database.reading() as query:
        query(ROWS)
    return str(met.value)


@contextmanager
def writer(file: Path, seconds: float) -> Iterator[None]:
    """Another process that holds the file as a writer does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file), str(seconds)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        yield
        process.kill()


def test_a_file_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    database = LiveDatabase(str(tmp_path / "stream.duckdb"))
    assert "does not exist yet" in reason(database)
    assert os.listdir(tmp_path) == []


def test_it_waits_a_moment_for_the_writer(live_database: Path) -> None:
    with writer(live_database, 0.3):
        assert count(LiveDatabase(str(live_database))) > 0


def test_a_file_that_its_writer_keeps_is_a_sentence(live_database: Path) -> None:
    with writer(live_database, 60):
        sentence = reason(LiveDatabase(str(live_database)))
    assert "open in a process that writes to it" in sentence


def test_the_writer_can_write_after_each_reading(live_database: Path) -> None:
    database = LiveDatabase(str(live_database))
    count(database)
    with writer(live_database, 60):
        pass


def test_a_file_that_is_replaced_is_read_as_it_is_then(
    live_database: Path, smoke_database: Path
) -> None:
    database = LiveDatabase(str(live_database))
    before = count(database)
    copy = live_database.with_name("copy")
    shutil.copy(smoke_database, copy)
    os.replace(copy, live_database)
    assert count(database) > before


def test_a_file_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "stream.duckdb"
    file.write_text("no database\n" * 1000)
    assert "is not a DuckDB database" in reason(LiveDatabase(str(file)))


def test_nothing_can_be_written(live_database: Path) -> None:
    with (
        pytest.raises(NotReadableError, match="read-only"),
        LiveDatabase(str(live_database)).reading() as query,
    ):
        query("DELETE FROM live.state")


@pytest.mark.parametrize("target", ["parquet:data/x", "s3://bucket/x", "csv:data/x"])
def test_files_cannot_be_watched(target: str) -> None:
    with pytest.raises(InputError, match="DuckDB file or the address of a PostgreSQL database"):
        LiveDatabase(target)


def test_a_target_that_cannot_be_read_is_a_sentence_without_its_password() -> None:
    with pytest.raises(DestinationError) as met:
        LiveDatabase("mysql://ads:secret@db.example/ads")
    assert "secret" not in str(met.value)


def test_a_server_that_does_not_answer_is_a_sentence_without_its_password(tmp_path: Path) -> None:
    uri = f"postgresql://ads:secret@/ads?host={tmp_path}"
    database = LiveDatabase(uri)
    assert "secret" not in database.label
    sentence = reason(database)
    assert sentence.startswith("PostgreSQL cannot be read now: ")
    assert "secret" not in sentence
