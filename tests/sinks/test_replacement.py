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
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.replacement import SUFFIX, Replacement, write_ahead_log
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


@pytest.mark.parametrize("call", [(Path, "unlink"), (Path, "rmdir")], ids=lambda call: call[1])
def test_an_interruption_while_the_copy_is_removed_leaves_nothing_of_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: tuple[type, str]
) -> None:
    done = getattr(*call)
    calls: list[Path] = []

    def interrupted(path: Path, **options: bool) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        done(path, **options)

    replacement = Replacement(file)
    monkeypatch.setattr(*call, interrupted)
    with pytest.raises(KeyboardInterrupt):
        replacement.discard()
    assert len(calls) > 1
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


def test_a_log_with_nothing_in_it(file: Path) -> None:
    file.with_name(f"{file.name}.wal").touch()
    land(file)
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.parametrize("is_there", [True, False])
def test_somebodys_file_with_the_name_of_the_log_stays(file: Path, is_there: bool) -> None:
    log = file.with_name(f"{file.name}.wal")
    log.write_bytes(b"mine")
    before = file.read_bytes()
    if not is_there:
        file.unlink()
    with pytest.raises(DestinationError, match=r"wal: exists, and is not the log of that data"):
        land(file)
    assert log.read_bytes() == b"mine"
    assert os.listdir(file.parent) == [log.name] or file.read_bytes() == before


def leave(file: Path, **held: bytes) -> Path:
    """What a killed run leaves: its folder, with its mark and these."""
    folder = file.with_name(f"{file.name}{SUFFIX}")
    folder.mkdir(mode=0o700)
    for name, content in held.items():
        (folder / name.replace("_duckdb", ".duckdb").replace("_wal", ".wal")).write_bytes(content)
    return folder


MARK = b"A run of streaming-ads works here on a copy of the file beside it.\n"


@pytest.mark.parametrize(
    "held",
    [
        {},
        {"_run": b""},
        {"_run": MARK[:9]},
        {"_run": MARK},
        {"_run": MARK, "ads_duckdb": b"half of something"},
        {"_run": MARK, "ads_duckdb": b"half of something", "ads_duckdb_wal": b"and of another"},
    ],
    ids=list,
)
@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_killed_run_has_left_is_removed(file: Path, held: dict, is_there: bool) -> None:
    if not is_there:
        file.unlink()
    leave(file, **held)
    land(file)
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.parametrize(
    "held",
    [
        {"ads_duckdb": b"mine"},
        {"_run": b"mine"},
        {"_run": MARK, "notes": b"mine"},
        {"_run": MARK[:9], "ads_duckdb": b"mine"},
        {"_run": MARK + b"mine"},
    ],
    ids=list,
)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_no_run_has_made_stays(file: Path, held: dict, is_there: bool) -> None:
    if not is_there:
        file.unlink()
    folder = leave(file, **held)
    names = sorted(os.listdir(file.parent))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DestinationError, match="unfinished: exists, and no run has made it"):
        land(file)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(os.listdir(file.parent)) == names


@pytest.mark.parametrize("kind", ["file", "empty folder", "link", "link to a folder"])
def test_so_does_anything_else_with_its_name(file: Path, tmp_path: Path, kind: str) -> None:
    place = file.with_name(f"{file.name}{SUFFIX}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    if kind == "file":
        place.write_text("mine")
    elif kind == "empty folder":
        place.mkdir(mode=0o755)
    else:
        place.symlink_to(tmp_path / ("mine/file" if kind == "link" else "mine"))
    before = place.lstat()
    with pytest.raises(DestinationError, match="unfinished: exists, and no run has made it"):
        land(file)
    assert place.lstat() == before
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def test_a_file_without_a_byte_is_filled(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(b"")
    file.chmod(0o600)
    land(file)
    assert abs(file.stat().st_size - len(whole)) < 1 << 20
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "nothing")
    with pytest.raises(DestinationError, match="is a link to nothing"):
        land(tmp_path / "link.duckdb")
    assert os.listdir(tmp_path) == ["link.duckdb"]


def test_a_file_that_comes_during_a_first_run_stays(tmp_path: Path) -> None:
    file = tmp_path / "ads.duckdb"

    def until_it_came() -> None:
        with DuckdbSink(file, TABLES):
            file.write_bytes(b"mine")

    with pytest.raises(DestinationFailedError, match="put a file there during the run"):
        until_it_came()
    assert file.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_nobody_else_can_read_the_copy_while_it_is_made(file: Path, mode: int) -> None:
    file.chmod(mode)
    with DuckdbSink(file, TABLES):
        folder = file.with_name(f"{file.name}{SUFFIX}")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == mode
    assert file.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_may_hand_down_its_group(file: Path, is_there: bool) -> None:
    if not is_there:
        file.unlink()
    file.parent.chmod(0o2775)
    land(file)
    assert os.listdir(file.parent) == [file.name]


def test_a_umask_takes_no_rights_of_the_owner_from_the_copy(file: Path) -> None:
    before = os.umask(0o277)
    try:
        with DuckdbSink(file, TABLES):
            folder = file.with_name(f"{file.name}{SUFFIX}")
            assert folder.stat().st_mode & 0o777 == 0o700
            assert (folder / file.name).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
    assert os.listdir(file.parent) == [file.name]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DestinationError, match="pipe: is not a file"):
        land(pipe)
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


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
