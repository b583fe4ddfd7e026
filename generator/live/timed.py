"""Rows with the moments at which they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generator.arrays import Int64s, Mask
from generator.schema import RawTable


@dataclass(frozen=True)
class Timed:
    """Rows of a table and when each is sent, in microseconds since the epoch: (rows,) each.

    `is_late` are rows that are sent later than they happened, `is_repeated` are copies of rows that
    are sent too.
    """

    table: type[RawTable]
    rows: pa.Table
    moment: Int64s
    is_late: Mask
    is_repeated: Mask

    @classmethod
    def of(
        cls,
        table: type[RawTable],
        rows: pa.Table,
        moment: Int64s,
        is_late: Mask | None = None,
        is_repeated: Mask | None = None,
    ) -> Timed:
        """Return rows in the order of their moments. Without masks none is late or repeated."""
        none = np.zeros(moment.size, dtype=np.bool_)
        order = np.argsort(moment, kind="stable")
        found = cls(
            table,
            rows,
            moment,
            none if is_late is None else is_late,
            none if is_repeated is None else is_repeated,
        )
        return found if (order[1:] > order[:-1]).all() else found.take(order)

    @property
    def last(self) -> int:
        """The last moment; that of the epoch without rows."""
        return int(self.moment[-1]) if self.moment.size else 0

    def take(self, order: Int64s) -> Timed:
        """Return the rows at these positions."""
        return Timed(
            self.table,
            self.rows.take(pa.array(order)),
            self.moment[order],
            self.is_late[order],
            self.is_repeated[order],
        )

    def from_moment(self, begin: int) -> Timed:
        """Return the rows from a moment on. They must be in order of time."""
        return self.within(begin, np.iinfo(np.int64).max)

    def within(self, begin: int, end: int) -> Timed:
        """Return the rows from a moment to before another. They must be in order of time."""
        first, last = np.searchsorted(self.moment, [begin, end]).tolist()
        return Timed(
            self.table,
            self.rows.slice(first, last - first),
            self.moment[first:last],
            self.is_late[first:last],
            self.is_repeated[first:last],
        )


def merge(parts: Sequence[Timed]) -> Timed:
    """Return rows of one table in the order of their moments; where these are equal, in the order
    of the parts."""
    some = [part for part in parts if part.moment.size] or list(parts[:1])
    if len(some) == 1:
        return some[0]
    rows = pa.concat_tables([part.rows for part in some]).unify_dictionaries().combine_chunks()
    return Timed.of(
        some[0].table,
        rows,
        np.concatenate([part.moment for part in some]),
        np.concatenate([part.is_late for part in some]),
        np.concatenate([part.is_repeated for part in some]),
    )


class Waiting:
    """Rows that wait to be sent: those of a table in the order of their moments."""

    def __init__(self) -> None:
        self._parts: dict[type[RawTable], Timed] = {}

    def add(self, parts: Iterable[Timed]) -> None:
        """Add rows; of those with the same moment the ones that were added first come first."""
        found: dict[type[RawTable], list[Timed]] = {}
        for part in parts:
            found.setdefault(part.table, []).append(part)
        for table, some in found.items():
            known = [self._parts[table]] if table in self._parts else []
            self._parts[table] = merge([*known, *some])

    def take(self, begin: int, end: int) -> list[Timed]:
        """Return what is sent from a moment to before another, in microseconds since the epoch, by
        table. What is sent before `end` is forgotten."""
        found = [part.within(begin, end) for part in self._parts.values()]
        self._parts = {
            table: part.from_moment(end) for table, part in self._parts.items() if part.last >= end
        }
        return [part for part in found if part.moment.size]
