"""The log of all campaigns, day by day."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from generator.arrays import Int64s, Mask
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, landing_of, timestamps
from generator.faults.stage import inject_faults
from generator.live.timed import Timed, merge
from generator.log.rows import CampaignLog
from generator.schema import AdImpression, FaultLog, RawTable
from generator.sinks.fingerprint import words_of_ids
from generator.sinks.sink import Piece
from generator.world.world import World


class DailyLog:
    """The impressions and errors of the days so far that have not been asked for, in the order in
    which the ads begin; those that a fault makes late are where they land."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: dict[type[RawTable], Timed] = {}

    def make(self, day: int, logs: Iterable[CampaignLog]) -> list[Piece]:
        """Make a day of these logs, with its faults. Return the log of the faults."""
        first = day * HOURS_A_DAY
        found: dict[type[RawTable], list[Timed]] = {}
        touched = []
        for log in logs:
            pieces = log.pieces_of_hours(first, first + HOURS_A_DAY)
            for table, batch in inject_faults(pieces, self._world.faults, self._world.run):
                if table is FaultLog:
                    touched.append((table, batch))
                elif batch.num_rows:
                    found.setdefault(table, []).append(_timed(table, batch))
        for table, parts in found.items():
            known = [self._waiting[table]] if table in self._waiting else []
            self._waiting[table] = merge([*known, *parts])
        return touched

    def within(self, begin: int, end: int) -> list[Timed]:
        """Return what begins, or lands late, from a moment to before another. What was before it is
        forgotten."""
        found = [part.within(begin, end) for part in self._waiting.values()]
        self._waiting = {
            table: part.from_moment(end)
            for table, part in self._waiting.items()
            if part.last >= end
        }
        return [part for part in found if part.moment.size]


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
