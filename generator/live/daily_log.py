"""The log of all campaigns, some hours at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from generator.arrays import Int64s, Mask
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, landing_of, timestamps
from generator.faults.stage import inject_faults
from generator.live.timed import Timed, Waiting
from generator.log.rows import CampaignLog
from generator.schema import AdError, AdImpression, FaultLog, RawTable
from generator.sinks.fingerprint import words_of_ids
from generator.sinks.sink import Piece
from generator.world.world import World

# Hours are made together as long as they have fewer impressions: so a run that goes on soon has the
# first ones to send, and there are few calls where an hour has few.
_IMPRESSIONS_AT_ONCE = 1 << 18


class DailyLog:
    """The impressions and errors of the days that have begun, without those before what was asked
    for, in the order in which the ads begin; those that a fault makes late are where they land."""

    def __init__(self, world: World) -> None:
        self._world = world
        # `fault_log` counts the rows of a day that a fault touches, so that a day of them is made
        # at once.
        self._is_made_by_day = any(
            world.faults.of_table(table) for table in (AdImpression, AdError)
        )
        self._waiting = Waiting()
        self._logs: tuple[CampaignLog, ...] = ()
        # The hours of the day that are to be made.
        self._next = self._end = 0

    def begin(self, day: int, logs: Iterable[CampaignLog]) -> list[Piece]:
        """Begin a day of these logs. Return the log of its faults."""
        self._logs = tuple(logs)
        self._next, self._end = day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY
        return self._make(self._end) if self._is_made_by_day else []

    def within(self, begin: int, end: int) -> list[Timed]:
        """Return what begins, or lands late, from the moment when an hour begins to before another,
        of the same day. What was before it is forgotten."""
        self._next = max(self._next, begin // MICROSECONDS_AN_HOUR)
        while self._next < min(self._end, end // MICROSECONDS_AN_HOUR):
            self._make(self._end_of_block())
        return self._waiting.take(begin, end)

    def _end_of_block(self) -> int:
        """Return the end of the hours that are made next: as many as have few impressions."""
        counts = [log.impressions_by_hour(self._next, self._end) for log in self._logs]
        so_far = np.cumsum(np.sum(counts, axis=0)) if counts else np.zeros(self._end - self._next)
        fitting = int(np.searchsorted(so_far, _IMPRESSIONS_AT_ONCE, side="right"))
        return self._next + max(fitting, 1)

    def _make(self, end: int) -> list[Piece]:
        """Make the hours to before `end`, with their faults. Return the log of the faults."""
        found, touched = [], []
        for log in self._logs:
            pieces = log.pieces_of_hours(self._next, end)
            for table, batch in inject_faults(pieces, self._world.faults, self._world.run):
                if table is FaultLog:
                    touched.append((table, batch))
                elif batch.num_rows:
                    found.append(_timed(table, batch))
        self._next = end
        self._waiting.add(found)
        return touched


def _timed(table: type[RawTable], batch: pa.RecordBatch) -> Timed:
    """Return impressions or errors at the moments when they begin or, late, land."""
    moment, loaded_at, hour = (
        batch.column(name).view(pa.int64()).to_numpy()
        for name in ("event_ts", "loaded_at", "hour_ts")
    )
    is_late = loaded_at != timestamps(landing_of(hour // MICROSECONDS_AN_HOUR))
    is_repeated = None
    if issubclass(table, AdImpression):
        is_repeated = _repeated(words_of_ids(batch.column("impression_id")).view(np.int64))
    return Timed.of(
        table,
        pa.Table.from_batches([batch]),
        np.where(is_late, loaded_at, moment),
        is_late,
        is_repeated,
    )


def _repeated(ids: Int64s) -> Mask:
    """Return which of the ids are there before: same shape."""
    is_repeated = np.ones(ids.size, dtype=np.bool_)
    is_repeated[np.unique(ids, return_index=True)[1]] = False
    return is_repeated
