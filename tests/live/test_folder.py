"""A folder of files as the target of a live run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from generator.live.clock import moment_of
from generator.live.stream import Ending, stream
from generator.live.targets.folder import FolderTarget, NdjsonTarget, ParquetTarget
from generator.live.timeline import Timeline
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.world.world import World
from tests.live.conftest import Tables, assert_equal, columns_of, plan_of
from tests.support.project import ROOT

FORMATS = pytest.mark.parametrize("kind", [NdjsonTarget, ParquetTarget])
READERS = {
    "ndjson": "read_json('{files}', format='newline_delimited', columns={columns})",
    "parquet": "read_parquet('{files}')",
}


def send(world: World, target: FolderTarget, **changes: object) -> Ending:
    timeline = Timeline(world)
    return stream(timeline, target, plan_of(timeline, world, **changes), lambda _: None)


def tables_in(folder: Path, ending: str, world: World) -> dict[str, pa.Table]:
    """What the files of a folder hold, by table."""
    found = {}
    for table in sorted(folder.iterdir()):
        if table.name != "_live":
            columns = columns_of(world, table.name)
            reader = READERS[ending].format(files=f"{table}/*/*.{ending}", columns=columns)
            found[table.name] = duckdb.sql(f"select * from {reader}").to_arrow_table()
    return found


@FORMATS
def test_the_files_are_the_batch(
    tmp_path: Path, kind: type[FolderTarget], world: World, batch: Tables
) -> None:
    """In three runs, of which the second one is asked for a minute that lies within an hour."""
    middle = moment_of(datetime(2025, 10, 2, 20, 17))
    first = send(world, kind(tmp_path), until=middle)
    assert (first.is_complete, first.went_on) == (False, False)
    second = send(world, kind(tmp_path), until=middle + 60 * 10**6)
    assert (second.is_complete, second.went_on, second.totals.slices) == (False, True, 1)
    assert send(world, kind(tmp_path)).is_complete
    assert_equal(tables_in(tmp_path, kind.ending, world), batch)
    again = send(world, kind(tmp_path))
    assert (again.is_complete, again.totals.events) == (True, 0)


def test_the_folder_says_what_the_run_did(tmp_path: Path, world: World, batch: Tables) -> None:
    ending = send(world, NdjsonTarget(tmp_path))
    slices = f"{tmp_path}/_live/slices/*/*.ndjson"
    (found,) = duckdb.sql(
        "select sum(events), sum(late_events), sum(duplicate_events), sum(hourly_rows), "
        f"min(slice_start), max(slice_end) from '{slices}'"
    ).fetchall()
    totals = ending.totals
    assert found[:4] == (
        totals.events,
        totals.late_events,
        totals.duplicate_events,
        totals.hourly_rows,
    )
    assert totals.hourly_rows == batch["performance_hourly"].num_rows
    assert totals.events == batch["ad_events"].num_rows + batch["conversions"].num_rows
    (state,) = duckdb.sql(
        f"select next_slice::timestamp, is_complete, workflow from '{tmp_path}/_live/state.ndjson'"
    ).fetchall()
    assert state == (datetime(2025, 10, 7), True, "short")


def test_what_a_killed_run_left_unfinished_is_gone(
    tmp_path: Path, world: World, batch: Tables
) -> None:
    """A kill may leave files of the next slice, of any length, and files that are not whole."""
    middle = moment_of(datetime(2025, 10, 2, 12, 30))
    send(world, NdjsonTarget(tmp_path), until=middle)
    for name in ("123000.ndjson", "124500.ndjson.part", "130000.ndjson"):
        (tmp_path / "conversions" / "2025-10-02" / name).write_text("{")
    send(world, NdjsonTarget(tmp_path))
    assert_equal(tables_in(tmp_path, "ndjson", world), batch)


def test_files_of_others_in_the_folder_are_kept(tmp_path: Path, world: World) -> None:
    """A run that goes on removes what it wrote and did not finish, and nothing else."""
    send(world, NdjsonTarget(tmp_path), until=moment_of(datetime(2025, 10, 2, 12, 30)))
    day = tmp_path / "conversions" / "2025-10-02"
    for file in (
        tmp_path / "notes.md",
        tmp_path / "plots" / "results" / "reach.png",
        tmp_path / "plots" / "start" / "00001.ndjson",
        tmp_path / "conversions" / "read_me.md",
        day / "mine.csv",
        day / "123000.csv",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    before = {file for file in tmp_path.rglob("*") if file.is_file()}
    assert send(world, NdjsonTarget(tmp_path)).is_complete
    assert [file for file in before if not file.exists()] == []


def test_a_state_that_cannot_be_read_is_a_sentence(tmp_path: Path, world: World) -> None:
    send(world, NdjsonTarget(tmp_path), until=moment_of(datetime(2025, 10, 1, 1)))
    (tmp_path / "_live" / "state.ndjson").write_text("{")
    for _ in range(2):  # the folder is not left locked
        with pytest.raises(DestinationError, match="is not the state of a live run"):
            send(world, NdjsonTarget(tmp_path))


def test_two_runs_into_one_folder_one_wins(
    tmp_path: Path, world: World, timeline: Timeline
) -> None:
    running = NdjsonTarget(tmp_path)
    assert running.open(timeline.tables) is None
    with pytest.raises(DestinationError, match="another run writes to it"):
        send(world, NdjsonTarget(tmp_path))
    running.close()
    assert send(world, NdjsonTarget(tmp_path)).is_complete


def test_a_folder_with_something_else_is_not_written_to(tmp_path: Path, world: World) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DestinationError, match=r"holds mine\.txt, which no live run wrote"):
        send(world, NdjsonTarget(tmp_path))
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_another_live_run_is_kept(tmp_path: Path, world: World) -> None:
    later = moment_of(datetime(2025, 10, 6))
    send(world, NdjsonTarget(tmp_path), first=later)
    with pytest.raises(DestinationError, match="holds another live run, of workflow short from"):
        send(world, NdjsonTarget(tmp_path))


def test_a_full_disk_is_a_sentence_and_nothing_is_lost(
    tmp_path: Path, world: World, batch: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_bytes

    def full(file: Path, contents: memoryview) -> int:
        if file.parent.name == "2025-10-03":
            raise OSError(28, "No space left on device")
        return real(file, contents)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DestinationFailedError, match="No space left on device; make room"):
        send(world, NdjsonTarget(tmp_path))
    monkeypatch.undo()
    assert send(world, NdjsonTarget(tmp_path)).went_on
    assert_equal(tables_in(tmp_path, "ndjson", world), batch)


def test_ctrl_c_says_where_the_next_run_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    arguments = ["live", "smoke", "--log", "0.01", "--to", f"ndjson:{folder}", "--speed", "600"]
    with subprocess.Popen(
        [sys.executable, "-m", "generator", *arguments, "--quiet"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (folder / "_live/state.ndjson").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == (
            "interrupted: what was sent is whole; the same command goes on at the next slice\n"
        )
        assert process.returncode == 130
