"""A live run against its clock, and what it does when the target is away."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa
import pytest

from generator.live import clock as clocks
from generator.live.clock import Clock, moment_of
from generator.live.json_lines import document, json_lines
from generator.live.stream import Beat, stream
from generator.live.targets.target import Target, TargetAwayError
from generator.live.timeline import Slice, Timeline
from generator.schema import Advertiser, PerformanceHourly, RawTable
from generator.schema.live import LiveError, LiveSlice, LiveState
from generator.sinks.sink import Piece
from generator.world.world import World
from tests.live.conftest import WORKFLOW, Tables, assert_equal, plan_of, together
from tests.support.project import ROOT

SECOND = 10**6
HOUR = 3600 * SECOND


class Memory(Target):
    """Keeps what it takes. `failures` are how many attempts fail before each success."""

    label = "memory"
    has_all = True

    def __init__(self, failures: Iterable[int] = ()) -> None:
        self.pieces: list[tuple[type[RawTable], pa.Table]] = []
        self.rows: list[LiveSlice] = []
        self.sent_at: list[float] = []
        self.errors: list[LiveError] = []
        self._failures = iter(failures)
        self._left: int | None = None

    def open(self, tables: Iterable[type[RawTable]]) -> LiveState | None:
        return None

    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        self.pieces += list(pieces)

    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:
        if self._left is None:
            self._left = next(self._failures, 0)
        if self._left:
            self._left -= 1
            raise TargetAwayError("memory: is away")
        self._left = None
        assert state.next_slice == row.slice_end
        self.pieces += [(part.table, part.rows) for part in piece.rows]
        self.rows.append(row)
        self.sent_at.append(time.monotonic())

    def note(self, error: LiveError) -> None:
        self.errors.append(error)

    def close(self) -> None:
        self.is_closed = True


class FakeTime:
    """A clock that only sleep moves, so no load of the machine makes a slice late."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr("generator.live.stream.time", fake)
    monkeypatch.setattr("generator.live.clock.time", fake)
    return fake


def test_a_target_that_comes_back_gets_every_slice_once(
    world: World, timeline: Timeline, batch: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.live.stream._FIRST_WAIT", 0.001)
    target, beats = Memory([0, 3, 0, 1]), []
    ending = stream(timeline, target, plan_of(timeline, world), beats.append)
    assert ending.is_complete
    assert ending.totals.errors == len(target.errors) == 2
    assert {error.sentence for error in target.errors} == {"memory: is away"}
    assert_equal(together(target.pieces), batch)
    assert target.is_closed


def test_a_target_that_leaves_before_it_keeps_a_failure_is_waited_for(
    world: World, fake_time: FakeTime
) -> None:
    timeline, target = Timeline(world, [PerformanceHourly]), Memory([0, 2])
    keep, attempts = target.note, []

    def note(error: LiveError) -> None:
        attempts.append(error)
        if len(attempts) == 1:
            raise TargetAwayError("memory: is away again")
        keep(error)

    target.note = note  # type: ignore[method-assign]
    assert stream(timeline, target, plan_of(timeline, world), lambda _: None).is_complete
    assert {error.sentence for error in target.errors} == {
        "memory: is away",
        "memory: is away again",
    }


@pytest.mark.parametrize(("speed", "seconds", "length"), [(1, 1.5, 0.5), (60, 150, 30)])
def test_slices_are_sent_within_a_second_of_their_end(
    world: World, fake_time: FakeTime, speed: int, seconds: float, length: float
) -> None:
    """At the speed of time, and a minute a second, on the evening of the first day."""
    timeline, target = Timeline(world), Memory()
    first = moment_of(datetime(2025, 10, 1, 22, 58))
    until = first + round(seconds * SECOND)
    beats: list[Beat] = []
    stream(
        timeline,
        target,
        plan_of(timeline, world, first=first, until=until, speed=speed),
        beats.append,
    )
    assert seconds / speed <= fake_time.now
    lengths = {(row.slice_end - row.slice_start).total_seconds() for row in target.rows}
    assert lengths == {length}
    assert max(row.lag_seconds for row in target.rows) < 1
    assert moment_of(beats[-1].event_time) == until
    assert sum(row.events for row in target.rows) == beats[-1].totals.events


def test_at_the_speed_of_time_what_is_past_is_sent_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event time is then the time of day; it is read once, so a jump of it changes nothing."""
    jumps = iter([datetime(2025, 10, 2, 20, 30), datetime(2031, 1, 1), datetime(1999, 1, 1)])
    monkeypatch.setattr(clocks, "now", lambda: next(jumps))
    first, until = moment_of(datetime(2025, 10, 1)), moment_of(datetime(2025, 10, 7))
    clock = Clock.start(1, first, until)
    assert clock.seconds_until(moment_of(datetime(2025, 10, 2, 20, 29))) < -59
    assert 50 < clock.seconds_until(moment_of(datetime(2025, 10, 2, 20, 31))) <= 60
    assert clock.length_at(first, 0) == HOUR
    assert clock.length_at(moment_of(datetime(2025, 10, 2, 20, 30)), 0) == SECOND // 2
    outside = Clock.start(1, moment_of(datetime(2025, 10, 2)), until)
    assert -1 < outside.seconds_until(moment_of(datetime(2025, 10, 2))) <= 0


@pytest.mark.parametrize(
    ("speed", "least", "length"),
    [(1, 0, 0.5), (60, 0, 30), (60, 60, 60), (3600, 60, 1800), (None, 60, 3600), (7, 0, 1)],
)
def test_a_slice_is_what_half_a_second_has(speed: int | None, least: int, length: float) -> None:
    clock = Clock(speed, begins_at=0, started=time.monotonic())
    assert clock.length_at(HOUR, least * SECOND) == length * SECOND


def test_lines_are_json_with_every_character() -> None:
    names = ['a "b" \\ \n', "ü\t", None, "plain"]
    rows = pa.table(
        {
            "name": names,
            "word": pa.array(['"', "b", None, "b"]).dictionary_encode(),
            "at": pa.array([0, None, 1, 1_000_000]).cast(pa.timestamp("us")),
            "day": pa.array([0, 1, None, 3], pa.int32()).cast(pa.date32()),
            "is_so": [True, None, False, True],
            "number": [2**60, 0, None, 3],
        }
    )
    found = [json.loads(str(line)) for line in json_lines(rows)]
    assert [row["name"] for row in found] == names
    assert found[0] == {
        "name": names[0],
        "word": '"',
        "at": "1970-01-01T00:00:00.000000Z",
        "day": "1970-01-01",
        "is_so": True,
        "number": 2**60,
    }
    assert [row["at"] for row in found][1:] == [
        None,
        "1970-01-01T00:00:00.000001Z",
        "1970-01-01T00:00:01.000000Z",
    ]
    lines = bytes(document(rows.slice(1, 2), Advertiser)).decode().splitlines()
    assert [json.loads(line)["table"] for line in lines] == ["advertisers"] * 2
    assert json.loads(lines[0])["name"] == "ü\t"


def test_standard_output_is_json_and_ends_with_its_reader() -> None:
    """Progress and result are on stderr; a reader that leaves ends the run without an error."""
    command = [sys.executable, "-m", "generator", "live", str(WORKFLOW)]
    with subprocess.Popen(
        [*command, "--speed", "max"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert isinstance(process.stdout, io.TextIOBase)
        first = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdout.close()
        assert process.stderr
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert {row["table"] for row in first} <= {"ad_events", "conversions", "performance_hourly"}
    assert "stdout" in said.splitlines()[-2]
