"""What a live run keeps in the user's cache folder: a run that goes on reads it, and trusts nothing
that is not its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pytest

from generator.live.kept import KeptFiles, cache_folder
from generator.live.timeline import Timeline
from generator.world.world import World
from tests.live.test_timeline import HOUR, MINUTE, hourly, rows_of

ONE, TWO, THREE = (digit * 32 for digit in "123")
ROWS = pa.RecordBatch.from_pydict({"position": [3, 5], "household": [7, 11]})


def fail() -> NoReturn:
    pytest.fail("it was made again")


def test_a_run_that_goes_on_makes_nothing_again_and_sends_the_same(
    world: World, tmp_path: Path
) -> None:
    asked = []
    kept = KeptFiles(tmp_path, world.identity)
    first = Timeline(world).first + 30 * HOUR + 17 * MINUTE

    def rows_with(keep: Any) -> list[tuple[str, list]]:
        timeline = Timeline(world, keep=keep)
        slices = list(timeline.slices(first, first + 3 * HOUR, hourly))
        return [(table.table_name, rows.to_pylist()) for table, rows in rows_of(slices)]

    def only_read(name: str, _make: object) -> pa.RecordBatch:
        asked.append(name)
        return kept(name, fail)

    expected = rows_with(lambda _, make: make())
    assert rows_with(kept) == expected
    assert rows_with(only_read) == expected
    assert sorted(asked) == ["conversions-00000001", "hours-00000001", "panel-00000001"]
    kept.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(file.read_bytes().replace(b"\x07", b"\x08")),
        lambda file: file.write_bytes(file.read_bytes().replace(b"[2, ", b"[3, ")),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.with_name("other.arrow").read_bytes()),
        lambda file: file.unlink(),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: (file.unlink(), os.mkfifo(file)),
    ],
    ids=["cut", "a row", "the table", "empty", "of another name", "removed", "a folder", "a pipe"],
)
def test_what_is_not_what_was_kept_is_made_again(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    kept = KeptFiles(tmp_path, ONE)
    for name in ("panel", "other"):
        kept(name, lambda: ROWS)
    file = tmp_path / ONE / "panel.arrow"
    spoil(file)
    made = []
    assert kept("panel", lambda: made.append(1) or ROWS).slice().equals(ROWS)
    assert made
    assert kept("panel", fail if file.is_file() else lambda: ROWS).slice().equals(ROWS)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(b"")])
def test_what_is_spoilt_while_it_is_in_use_is_made_again(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    kept = KeptFiles(tmp_path, ONE)
    kept("panel", lambda: ROWS)
    rows = kept("panel", lambda: ROWS)
    assert rows is not ROWS
    spoil(tmp_path / ONE / "panel.arrow")
    assert rows.slice(1).equals(ROWS.slice(1))


def test_a_stretch_that_is_spoilt_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.live.kept._ROWS_A_STRETCH", 4)
    whole = pa.RecordBatch.from_pydict({"position": list(range(1000, 1010))})
    KeptFiles(tmp_path, ONE)("panel", lambda: whole)
    file = tmp_path / ONE / "panel.arrow"
    content = file.read_bytes()
    place = content.rindex((1009).to_bytes(8, "little"))
    file.write_bytes(content[:place] + b"\0" + content[place + 1 :])
    made = []
    rows = KeptFiles(tmp_path, ONE)("panel", lambda: made.append(1) or whole)
    assert rows.slice(2, 5).equals(whole.slice(2, 5))
    assert not made
    assert rows.slice(2).equals(whole.slice(2))
    assert made
    assert file.read_bytes() == content


@pytest.mark.parametrize("number", [0, 1, 4, 9, 10])
def test_a_part_of_the_rows_is_read_without_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("generator.live.kept._ROWS_A_STRETCH", 4)
    whole = pa.RecordBatch.from_pydict({"position": list(range(100, 100 + number))})
    KeptFiles(tmp_path, ONE)("panel", lambda: whole)
    rows = KeptFiles(tmp_path, ONE)("panel", fail)
    assert rows.num_rows == number
    for begin in range(number + 1):
        for end in range(begin, number + 1):
            assert rows.slice(begin, end - begin).equals(whole.slice(begin, end - begin))
        assert rows.slice(begin).equals(whole.slice(begin))


def test_files_of_another_world_are_not_read(tmp_path: Path) -> None:
    KeptFiles(tmp_path, ONE)("panel", lambda: ROWS)
    (tmp_path / ONE).rename(tmp_path / TWO)
    other = ROWS.slice(1)
    assert KeptFiles(tmp_path, TWO)("panel", lambda: other).slice().equals(other)
    assert KeptFiles(tmp_path, TWO)("panel", fail).slice().equals(other)


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file"):
        kept = KeptFiles(folder, ONE)
        for _ in range(2):
            assert kept("panel", lambda: ROWS) is ROWS
        kept.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_runs_that_ended_long_ago_are_forgotten(tmp_path: Path) -> None:
    for identity in (ONE, TWO):
        KeptFiles(tmp_path, identity)("panel", lambda: ROWS)
    long_ago = time.time() - 31 * 86_400
    os.utime(tmp_path / ONE, (long_ago, long_ago))
    KeptFiles(tmp_path, THREE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [TWO, THREE]


@pytest.mark.parametrize("content", [b"mine", b"kept by me\n"])
def test_files_of_others_stay_and_are_not_replaced(tmp_path: Path, content: bytes) -> None:
    """In the folder that the user names, also where they have names like ours and are old."""
    theirs = [tmp_path / "photos/panel.arrow", tmp_path / ONE / "panel.arrow", tmp_path / "notes"]
    (tmp_path / ONE).mkdir()
    (tmp_path / ONE / ".gitkeep").touch()
    for file in theirs:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    (tmp_path / ONE / "link.arrow").symlink_to(theirs[0])
    long_ago = time.time() - 31 * 86_400
    for folder in (tmp_path / "photos", tmp_path / ONE):
        os.utime(folder, (long_ago, long_ago))
    KeptFiles(tmp_path, TWO)
    kept = KeptFiles(tmp_path, ONE)
    assert kept("panel", lambda: ROWS) is ROWS
    kept("other", lambda: ROWS)
    kept.remove()
    assert [file.read_bytes() for file in theirs] == [content] * 3
    assert (tmp_path / ONE / "link.arrow").is_symlink()
    assert (tmp_path / ONE / ".gitkeep").exists()
    assert not (tmp_path / ONE / "other.arrow").exists()


def test_the_folder_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ADS_CACHE", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / ".cache/streaming-ads"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache/streaming-ads"
    monkeypatch.setenv("ADS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for name in ("HOME", "XDG_CACHE_HOME", "ADS_CACHE"):
        monkeypatch.setenv(name, "here")
    assert cache_folder() is None
