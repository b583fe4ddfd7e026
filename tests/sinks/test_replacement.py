"""A DuckDB file is changed all at once, by a copy that takes its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.replacement import Replacement, write_ahead_log
from generator.sinks.sink import DestinationFailedError
from generator.world.build import build_world

SMOKE = build_world(dataset("smoke"))
# Commits, and ends without closing the file.
DIES = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE main.mine AS SELECT 42 AS answer")
os._exit(0)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "ads.duckdb"
    land(made)
    return made


def land(file: Path) -> None:
    local.run(SMOKE, DuckdbSink(file, TABLES))


def test_until_the_last_moment_the_file_has_not_changed_by_a_byte(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def seen(_: Replacement) -> None:
        assert file.read_bytes() == before
        raise OSError("too late")

    monkeypatch.setattr(Replacement, "take_place", seen)
    with pytest.raises(DestinationFailedError, match="too late"):
        land(file)
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_a_copy_with_something_left_in_its_log_takes_no_place(file: Path) -> None:
    before = file.read_bytes()
    replacement = Replacement(file)
    write_ahead_log(replacement.path).write_bytes(b"what there was no room for")
    with pytest.raises(OSError, match="no room"):
        replacement.take_place()
    replacement.discard()
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_what_a_process_that_died_has_committed_is_there_once(file: Path) -> None:
    subprocess.run([sys.executable, "-c", DIES, str(file)], check=True)
    assert sorted(os.listdir(file.parent)) == [file.name, f"{file.name}.wal"]
    land(file)
    assert os.listdir(file.parent) == [file.name]
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("FROM main.mine").fetchall() == [(42,)]


@pytest.mark.parametrize("content", [b"", b"no log of DuckDB's"])
def test_a_log_with_nothing_in_it(file: Path, content: bytes) -> None:
    file.with_name(f"{file.name}.wal").write_bytes(content)
    land(file)
    assert os.listdir(file.parent) == [file.name]


def test_what_a_killed_run_has_left_is_written_over(file: Path) -> None:
    for name in ("ads.duckdb.unfinished", "ads.duckdb.unfinished.wal"):
        file.with_name(name).write_bytes(b"half of something")
    land(file)
    assert os.listdir(file.parent) == [file.name]


def test_a_link_stays_a_link_and_rights_stay_rights(file: Path) -> None:
    file.chmod(0o640)
    owner = (file.stat().st_uid, file.stat().st_gid) if os.geteuid() else (1234, 1234)
    os.chown(file, *owner)
    link = file.with_name("link.duckdb")
    link.symlink_to(file)
    inode = file.stat().st_ino
    land(link)
    assert link.is_symlink()
    assert file.stat().st_ino != inode
    assert file.stat().st_mode & 0o777 == 0o640
    assert (file.stat().st_uid, file.stat().st_gid) == owner


def test_a_file_that_is_filled_again_and_again_does_not_grow(file: Path) -> None:
    size = file.stat().st_size
    for _ in range(3):
        land(file)
        assert file.stat().st_size == size
