"""A DuckDB file receives a run whole or not at all, and keeps what else it holds."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from generator.engines import local
from generator.pipeline.parts import all_pieces
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.errors import DestinationError
from generator.sinks.summary import contents
from generator.world.build import build_world
from tests.support.project import ROOT

SMOKE = build_world(dataset("smoke"))
OTHER = build_world(dataset("smoke").with_seed(8))


def land(world, file: Path) -> list[tuple]:
    landed = local.run(world, DuckdbSink(file, TABLES))
    return [(totals.table.table_name, totals.rows, totals.fingerprint) for totals in landed]


def content(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
        ).fetchall()
        return {
            name: connection.execute(f"select hash(list(t order by t)) from {name} t").fetchone()[0]
            for (name,) in names
        }


def test_what_was_written_is_what_was_counted(tmp_path) -> None:
    file = tmp_path / "new" / "folder" / "ads.duckdb"
    landed = land(SMOKE, file)
    relations = {table.table_name: table.relation() for table in TABLES}
    with duckdb.connect(str(file), read_only=True) as connection:
        for name, rows, _ in landed:
            query = f"select count(*) from {relations[name]}"
            assert connection.execute(query).fetchone()[0] == rows


def test_a_file_can_be_copied_into_another_database(run, tmp_path) -> None:
    """With the statement that DuckDB has for it, as people copy to MotherDuck."""
    file, copy = tmp_path / "ads.duckdb", tmp_path / "copy.duckdb"
    assert run("generate", "smoke", "--quiet", "--to", str(file)).code == 0
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS made (READ_ONLY)")
        connection.execute(f"ATTACH '{copy}' AS copied")
        connection.execute("COPY FROM DATABASE made TO copied")
        for table in TABLES:
            rows = "SELECT count(*) FROM {}." + table.relation()
            counts = [
                connection.execute(rows.format(name)).fetchone() for name in ("made", "copied")
            ]
            assert counts[0] == counts[1], table.table_name


def test_a_second_run_replaces_raw_and_leaves_the_rest(tmp_path) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table mine as select 42 as answer")
        connection.execute("create view looks as from raw.campaigns")
    before = content(file)
    land(OTHER, file)
    after = content(file)
    assert after["main.mine"] == before["main.mine"]
    assert after["raw.performance_hourly"] != before["raw.performance_hourly"]
    land(SMOKE, file)
    assert content(file) == before


def test_a_run_that_fails_leaves_everything_as_it_was(tmp_path) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    before = content(file)

    def halfway() -> None:
        with DuckdbSink(file, TABLES) as sink:
            for table, batch in all_pieces(OTHER):
                sink.write(table, batch)
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        halfway()
    assert content(file) == before


def test_a_failed_first_run_leaves_no_file(tmp_path) -> None:
    file = tmp_path / "ads.duckdb"
    with pytest.raises(RuntimeError), DuckdbSink(file, TABLES):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_open_elsewhere_is_a_sentence(tmp_path) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb, sys; c = duckdb.connect({str(file)!r}); print('open', flush=True);"
            "sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(DestinationError, match="is open in another process"):
            land(OTHER, file)
    finally:
        holder.communicate()


def test_a_file_that_is_no_database_is_a_sentence_and_stays(tmp_path) -> None:
    file = tmp_path / "ads.duckdb"
    file.write_text("a diary" * 1000)
    with pytest.raises(DestinationError, match="is not a DuckDB database"):
        land(SMOKE, file)
    assert file.read_text() == "a diary" * 1000


def test_the_file_of_another_database_is_a_sentence_and_stays(tmp_path) -> None:
    file = tmp_path / "ads.duckdb"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
    before = file.read_bytes()
    with pytest.raises(DestinationError, match="is not a DuckDB database"):
        land(SMOKE, file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("size", [100, 1000, 20_000])
def test_a_damaged_file_is_a_sentence_and_stays(tmp_path, size: int) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    os.truncate(file, size)
    with pytest.raises(DestinationError, match=r"is damaged: a part .* is missing") as error:
        land(SMOKE, file)
    assert type(error.value) is DestinationError
    with pytest.raises(DestinationError, match=r"is damaged"):
        contents(file)
    assert file.stat().st_size == size


def test_the_log_of_another_database_is_a_sentence_and_stays(tmp_path) -> None:
    file, other = tmp_path / "ads.duckdb", tmp_path / "other.duckdb"
    land(SMOKE, file)
    land(OTHER, other)
    dies = "import duckdb, os, sys; connection = duckdb.connect(sys.argv[1]); "
    dies += "connection.execute('CREATE TABLE mine (answer INTEGER)'); os._exit(0)"
    subprocess.run([sys.executable, "-c", dies, str(other)], check=True)
    log = tmp_path / "ads.duckdb.wal"
    (tmp_path / "other.duckdb.wal").rename(log)
    before = file.read_bytes(), log.read_bytes()
    with pytest.raises(DestinationError, match=r"wal: is the log of another database; move"):
        land(SMOKE, file)
    assert (file.read_bytes(), log.read_bytes()) == before


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("update raw.performance_hourly set hour_ts = 'infinity'", "first_hour"),
        ("update raw.runs set as_of_date = '0044-01-01 (BC)'", "as_of_date"),
    ],
)
def test_a_time_that_no_run_writes_is_a_sentence(tmp_path, statement: str, value: str) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(statement)
    with pytest.raises(DestinationError, match=f"holds a value that no run writes, {value}"):
        contents(file)


@pytest.mark.parametrize("table", ["campaign", "advertiser"])
def test_an_id_that_cannot_be_continued_is_a_sentence(run, tmp_path, table: str) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    with duckdb.connect(str(file)) as connection:
        new = f"9223372036854775807 as {table}_id"
        if table == "advertiser":
            new += ", 'a@b.example' as contact_email, 'Another' as name"
        connection.execute(
            f"insert into raw.{table}s select * replace ({new}) from raw.{table}s limit 1"
        )
    for command in ("create-campaign --auto --advertiser-id 1", "create-advertiser --auto"):
        answer = run(*command.split(), "--to", str(file))
        assert answer.code == 2
        assert f"raw.{table}s.{table}_id goes up to 9223372036854775807" in answer.err


@pytest.mark.parametrize("day", ["infinity", "0001-01-01", "0044-01-01 (BC)"])
def test_an_addition_to_a_run_on_an_impossible_day_is_a_sentence(run, tmp_path, day: str) -> None:
    file = tmp_path / "ads.duckdb"
    land(SMOKE, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("update raw.runs set as_of_date = $1::date", [day])
    before = file.read_bytes()
    for command in ("create-campaign --auto --advertiser-id 1", "create-advertiser --auto"):
        answer = run(*command.split(), "--to", str(file))
        assert answer.code == 2
        assert "as_of_date" in answer.err
        assert "fault of the program" not in answer.err
    assert file.read_bytes() == before


@pytest.mark.parametrize("schema", ["raw", "truth"])
def test_a_file_called_like_its_schema_is_refused(tmp_path, schema: str) -> None:
    with pytest.raises(DestinationError, match="is called like a schema in it"):
        land(SMOKE, tmp_path / f"{schema}.duckdb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_a_killed_run_leaves_the_old_data_or_the_new(tmp_path, delay: float) -> None:
    """SIGKILL at moments spread over a run: raw is wholly old or wholly new, the rest intact."""
    file = tmp_path / "ads.duckdb"
    new = tmp_path / "new.duckdb"
    land(SMOKE, file)
    land(OTHER, new)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table mine as select 42 as answer")
    old = content(file)
    script = (
        "from pathlib import Path; from tests.sinks.test_duckdb import *;"
        f"print('go', flush=True); land(OTHER, Path({str(file)!r}))"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.stdout
    assert run.stdout.readline() == b"go\n"
    time.sleep(delay)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert content(file) in (old, {**content(new), "main.mine": old["main.mine"]})
