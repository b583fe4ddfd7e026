"""Destinations that cannot be written: full, forbidden, locked, vanished. The command says in one
line what to do and ends with exit code 1, and the previous data is unchanged."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pytest

from generator.pipeline.parts import Part, parts_of
from generator.pipeline.run import Job, Maker, PackedPart, land
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.csv import CsvSink
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.errors import DestinationFailedError
from generator.sinks.parquet import ROWS_A_PART, ParquetSink
from generator.sinks.sink import Sink
from generator.world.build import build_world
from tests.reliability.commands import Command, done
from tests.reliability.database import add_others, content
from tests.reliability.test_killed_in_parquet import files, named
from tests.support.project import ROOT

ADD = ("create-campaign", "--advertiser-id", "1", "--profile", "small_two_weeks", "--to")
SMOKE = build_world(dataset("smoke"))
PAGE = 4096
GENERATE = ("generate", "smoke", "--seed", "8", "--replace", "--to")


def as_it_is(folder: Path) -> object:
    """What readers see of all that a folder holds."""
    if (folder / "ads.duckdb").exists():
        return content(folder / "ads.duckdb")
    if (folder / "manifest.json").exists():
        return named(folder)
    return {name: content for name, content in files(folder).items() if not name.startswith(".")}


def before(folder: Path, target: str) -> None:
    """An earlier run, with marts and a table of the user's own where the target can hold them."""
    done(folder, "generate", "smoke", "--seed", "7", "--to", target)
    if target == "ads.duckdb":
        add_others(folder / target)


@contextmanager
def a_small_disk(folder: Path, size: int) -> Iterator[int | None]:
    """A file system in memory, of a size."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={size},uid={os.geteuid()},mode=700"
    subprocess.run(
        [*as_root, "mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True
    )
    try:
        yield None
    finally:
        subprocess.run([*as_root, "umount", str(folder)], check=True)


@contextmanager
def a_limit(_folder: Path, size: int) -> Iterator[int | None]:
    """A limit to the size of files."""
    yield size


def can_mount() -> bool:
    """Whether this machine lets us mount something."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    probe = [*as_root, "unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


Small = Callable[[Path, int], AbstractContextManager[int | None]]
WAYS: list[Small] = [a_limit, *([a_small_disk] if can_mount() else [])]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("ads.duckdb", GENERATE),
        ("ads.duckdb", ADD),
        ("parquet:.", GENERATE),
        ("csv:.", GENERATE),
    ],
    ids=["generate", "create-campaign", "parquet", "csv"],
)
def test_a_full_disk(tmp_path: Path, way: Small, target: str, command: tuple[str, ...]) -> None:
    """Tried with twice the room, again and again, until there is enough."""
    kept, disk = tmp_path / "kept", tmp_path / "disk"
    kept.mkdir()
    before(kept, target)
    old = as_it_is(kept)
    held = sum(-(-size // PAGE) * PAGE for size in sizes(kept)) if way is a_small_disk else 0
    failed, code = 0, 1
    while code != 0:
        disk.mkdir()
        with way(disk, held + PAGE * 2**failed) as file_size:
            shutil.copytree(kept, disk, dirs_exist_ok=True)
            code, written = Command(disk, *command, target, file_size=file_size).end()
            held_then = as_it_is(disk)
        shutil.rmtree(disk)
        if code != 0:
            assert_told(code, written)
            assert held_then == old
            failed += 1
    assert held_then != old
    assert failed > 2


def sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in folder.rglob("*") if file.is_file()]


def assert_told(code: int, written: str) -> None:
    """One line that says what to do, and exit code 1."""
    assert code == 1, written
    assert written.startswith("error: ")
    assert written.count("\n") == 1
    assert "choose another --" in written


def bound_by_permissions() -> None:
    """In a child process: give up root's power to read and write anything."""
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2
        for capability in (dac_override, dac_read_search):
            assert ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0) == 0


@pytest.mark.parametrize(
    ("target", "command", "closed", "mode"),
    [
        ("ads.duckdb", GENERATE, "ads.duckdb", 0o400),
        ("ads.duckdb", ADD, "ads.duckdb", 0o400),
        ("ads.duckdb", GENERATE, "ads.duckdb", 0o000),
        ("ads.duckdb", GENERATE, ".", 0o500),
        ("parquet:.", GENERATE, ".", 0o500),
        ("csv:.", GENERATE, ".", 0o500),
        ("csv:.", GENERATE, ".", 0o000),
        ("ads.duckdb", GENERATE, ".", 0o000),
        ("parquet:.", GENERATE, ".", 0o000),
    ],
    ids=str,
)
def test_no_permission(
    tmp_path: Path, target: str, command: tuple[str, ...], closed: str, mode: int
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    before(folder, target)
    old = as_it_is(folder)
    path = folder / closed
    open_mode = path.stat().st_mode
    path.chmod(mode)
    result = subprocess.run(
        [sys.executable, "-m", "generator", *command, target],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bound_by_permissions,
    )
    path.chmod(open_mode)
    assert_told(result.returncode, result.stderr)
    assert as_it_is(folder) == old


@pytest.mark.parametrize(
    "command", [GENERATE, ADD, ("init-db", "--to")], ids=lambda command: command[0]
)
def test_a_file_that_another_process_has_open(tmp_path: Path, command: tuple[str, ...]) -> None:
    before(tmp_path, "ads.duckdb")
    with duckdb.connect(str(tmp_path / "ads.duckdb")):
        code, written = Command(tmp_path, *command, "ads.duckdb").end()
    assert code == 1
    assert written == (
        "error: ads.duckdb: is open in another process; close it there "
        "(or choose another --database)\n"
    )


@pytest.mark.parametrize("sink", [DuckdbSink, ParquetSink, CsvSink])
def test_a_folder_that_vanishes(tmp_path: Path, sink: type[Sink]) -> None:
    """Gone after one part or more: the run does not say that it has landed."""
    folder = tmp_path / "folder"
    place = folder / "ads.duckdb" if sink is DuckdbSink else folder
    parts = len(parts_of(SMOKE, ROWS_A_PART))

    def vanishing(position: int, job: Job, todo: Sequence[Part]) -> Iterator[PackedPart]:
        make = Maker(job)
        for at, part in enumerate(todo):
            if at == position:
                shutil.rmtree(folder)
            yield make(part)

    for position in range(1, parts):
        with (
            pytest.raises(DestinationFailedError, match="choose another --"),
            sink(place if sink is DuckdbSink else str(place), TABLES) as opened,
        ):
            land(SMOKE, opened, partial(vanishing, position))
        shutil.rmtree(folder, ignore_errors=True)
