"""A live run: slices of the timeline, each sent when it is due, and again while the target is
away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from generator.background import Background
from generator.live.clock import Clock, datetime_of_moment, moment_of, now
from generator.live.targets.target import ReaderLeftError, Target, TargetAwayError, refuse_other_run
from generator.live.timeline import Slice, Timeline, join
from generator.schema import PerformanceHourly, RawTable
from generator.schema.live import LiveError, LiveSlice, LiveState
from generator.world.world import identity_of

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_BEATS = 1.0
_SECONDS_FOR_THE_NEXT = 1.0
# Slices that are overdue by more than this are sent together, up to these rows and a day.
_SECONDS_OVERDUE, _ROWS, _LONGEST_GROUP = 1.0, 20_000, 24 * 3_600_000_000
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0


@dataclass(frozen=True)
class Plan:
    """What a live run sends: the name of its workflow, the identity of its world, from which moment
    to before which other one, and how fast. Without a speed everything is due at once."""

    workflow: str
    identity: str
    first: int
    until: int
    speed: int | None


@dataclass
class Totals:
    """What a live run has sent since it was started."""

    events: int = 0
    late_events: int = 0
    duplicate_events: int = 0
    hourly_rows: int = 0
    slices: int = 0
    errors: int = 0

    def add(self, row: LiveSlice) -> None:
        """Add a slice."""
        self.events += row.events
        self.late_events += row.late_events
        self.duplicate_events += row.duplicate_events
        self.hourly_rows += row.hourly_rows
        self.slices += 1


@dataclass(frozen=True)
class Beat:
    """How a live run is doing: up to which moment everything was sent, how many seconds later than
    due, events per second since the last beat, and the totals. `waits_for` is why nothing is
    sent."""

    event_time: datetime
    lag_seconds: float
    events_per_second: float
    totals: Totals
    waits_for: str | None = None


Listener = Callable[[Beat], None]


@dataclass(frozen=True)
class Ending:
    """How a live run ended: the totals, up to which moment everything was sent, whether that is all
    there is, and whether an earlier run had sent some of it."""

    totals: Totals
    event_time: datetime
    is_complete: bool
    went_on: bool


def stream(timeline: Timeline, target: Target, plan: Plan, listener: Listener) -> Ending:
    """Send a timeline to a target, from where an earlier run ended. `listener` is called once a
    second. Raises DestinationError and DestinationFailedError."""
    held = target.open(timeline.landing_tables)
    try:
        return _Run(timeline, target, plan, listener).go(held)
    finally:
        target.close()


def in_groups(slices: Iterable[Slice], clock: Clock) -> Iterator[Slice]:
    """Yield slices, those that are overdue as one as long as they have few rows: to send a slice
    takes a while, however few rows it has."""
    group: list[Slice] = []
    for piece in slices:
        group.append(piece)
        is_long = piece.end - group[0].begin >= _LONGEST_GROUP
        is_overdue = clock.speed is None or clock.seconds_until(piece.end) < -_SECONDS_OVERDUE
        if is_long or not is_overdue or sum(one.count(RawTable) for one in group) >= _ROWS:
            yield join(group)
            group = []
    if group:
        yield join(group)


def one_ahead(slices: Iterable[Slice]) -> Iterator[Slice]:
    """Yield slices, of which the next one is made in another thread while one is sent."""
    remaining = iter(slices)

    def make() -> Slice | None:
        return next(remaining, None)

    coming = Background(make)
    try:
        while (piece := coming.result()) is not None:
            coming = Background(make)
            yield piece
    except GeneratorExit:
        # A thread that computes while the process ends can crash it.
        coming.ends_within(_SECONDS_FOR_THE_NEXT)
        raise


class _Run:
    def __init__(self, timeline: Timeline, target: Target, plan: Plan, listener: Listener) -> None:
        self._timeline = timeline
        self._target = target
        self._plan = plan
        self._listener = listener
        self._totals = Totals()
        self._moment = plan.first
        self._lag = 0.0
        self._last_beat = time.monotonic(), 0

    def go(self, held: LiveState | None) -> Ending:
        """Send what an earlier run has not sent, and return how it ended."""
        plan, target, timeline = self._plan, self._target, self._timeline
        names = [table.table_name for table in timeline.tables]
        identity = identity_of(plan.identity, names, plan.first)
        if held is not None:
            refuse_other_run(target.label, held, identity)
        state = held or LiveState(
            run_identity=identity,
            workflow=plan.workflow,
            speed="max",
            event_time_from=datetime_of_moment(plan.first),
            event_time_until=datetime_of_moment(plan.until),
            next_slice=datetime_of_moment(plan.first),
            is_complete=False,
            started_at=now(),
            updated_at=now(),
        )
        state = state.model_copy(
            update={
                "speed": "max" if plan.speed is None else str(plan.speed),
                "event_time_until": datetime_of_moment(plan.until),
            }
        )
        self._moment = moment_of(state.next_slice)
        with suppress(ReaderLeftError):
            if held is None:
                self._retry(lambda: target.land(timeline.start(), state))
            state = self._send_slices(state)
            if self._moment >= timeline.end and not state.is_complete:
                state = state.model_copy(update={"is_complete": True, "updated_at": now()})
                self._retry(lambda: target.land(timeline.rest(), state))
        self._beat()
        return Ending(
            self._totals, datetime_of_moment(self._moment), state.is_complete, held is not None
        )

    def _send_slices(self, state: LiveState) -> LiveState:
        """Send the slices that are left, and return how far the run is with them."""
        until, target = self._plan.until, self._target
        clock = Clock.start(self._plan.speed, self._moment, until)
        if self._moment < until:
            slices = self._timeline.slices(
                self._moment, until, lambda moment: clock.length_at(moment, target.least_slice)
            )
            for piece in one_ahead(in_groups(slices, clock)):
                self._wait(clock, piece.end)
                state = self._send(piece, clock, state)
        return state

    def _send(self, piece: Slice, clock: Clock, state: LiveState) -> LiveState:
        """Send a slice, and return how far the run is with it."""
        overdue = -clock.seconds_until(piece.end)
        row = LiveSlice(
            slice_start=datetime_of_moment(piece.begin),
            slice_end=datetime_of_moment(piece.end),
            sent_at=now(),
            events=piece.events,
            late_events=piece.late_events,
            duplicate_events=piece.duplicate_events,
            hourly_rows=piece.count(PerformanceHourly),
            lag_seconds=round(max(overdue, 0.0), 3) if clock.speed else 0.0,
        )
        state = state.model_copy(update={"next_slice": row.slice_end, "updated_at": row.sent_at})
        self._retry(lambda: self._target.send(piece, row, state))
        self._moment = piece.end
        self._lag = row.lag_seconds
        self._totals.add(row)
        self._beat_each_second()
        return state

    def _wait(self, clock: Clock, moment: int) -> None:
        """Wait until a moment is due."""
        if clock.seconds_until(moment) <= 0:
            return
        self._target.rest()
        while (left := clock.seconds_until(moment)) > 0:
            time.sleep(min(left, _SECONDS_BETWEEN_LOOKS))
            self._beat_each_second()

    def _retry(self, attempt: Callable[[], None]) -> None:
        """Attempt something until the target takes it, less and less often."""
        wait, met = _FIRST_WAIT, None
        while True:
            try:
                attempt()
                break
            except TargetAwayError as error:
                if met is None:
                    met = LiveError(at=now(), target=self._target.label, sentence=str(error))
                    self._totals.errors += 1
                until = time.monotonic() + wait
                while (left := until - time.monotonic()) > 0:
                    time.sleep(min(left, _SECONDS_BETWEEN_LOOKS))
                    self._beat_each_second(str(error))
                wait = min(2 * wait, _LONGEST_WAIT)
        if met is not None:
            found = met
            self._retry(lambda: self._target.note(found))

    def _beat_each_second(self, waits_for: str | None = None) -> None:
        if time.monotonic() - self._last_beat[0] >= _SECONDS_BETWEEN_BEATS:
            self._beat(waits_for)

    def _beat(self, waits_for: str | None = None) -> None:
        since, events = self._last_beat
        self._last_beat = time.monotonic(), self._totals.events
        rate = (self._totals.events - events) / max(self._last_beat[0] - since, 1e-9)
        self._listener(
            Beat(datetime_of_moment(self._moment), self._lag, rate, self._totals, waits_for)
        )
