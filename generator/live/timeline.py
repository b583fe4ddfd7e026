"""The timeline of a run: its rows in the order of the moments at which they are sent, slice by
slice, from any moment on.

| rows | are sent |
|---|---|
| entities, households, profiles, devices | at the start |
| events of ads, errors | when they happen |
| impressions | when the ad is over |
| conversions | when the platform hears of them |
| hourly rows and reach of an hour | five minutes after the hour |
| rows of a day, a week and a flight to date | five minutes after the day or the week |
| rows that a fault makes late | when they land; events of ads some minutes late |
| the truth | at the end |

Campaigns are delivered on their first day. The log of some hours is made when the first of them
comes, and the events of an hour when the hour comes. So the memory is that of some hours, and a run
that goes on in the middle of a year makes no more than the hours that it goes on in. Where faults
change the log, it is made by the day, together with the days before from which something may be
late.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, day_number
from generator.faults.changed_columns import SPOILT, landing_table
from generator.live.daily_log import DailyLog
from generator.live.event_faults import inject_into_events, longest_delay
from generator.live.events import Creatives, events_of_errors, events_of_impressions
from generator.live.facts import MICROSECONDS_A_DAY, Facts
from generator.live.timed import Timed, Waiting, merge
from generator.log.rows import Keep, make_anew
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.logs import Logs
from generator.pipeline.parts import PEOPLE, parts_of, pieces
from generator.scenario.faults import LateRows
from generator.schema import (
    ENTITIES,
    TABLES,
    TRUTH,
    AdError,
    AdImpression,
    Conversion,
    Holiday,
    PricesWeekly,
    RawTable,
)
from generator.schema.live import AdEvent
from generator.sinks.sink import ROW_GROUP, Piece
from generator.world.world import World

# What a live run can send, in the order in which the rows of a slice are sent.
SENT: tuple[type[RawTable], ...] = (*TABLES, AdEvent)
EVENTS: tuple[type[RawTable], ...] = (AdEvent, Conversion)
AT_THE_START: tuple[type[RawTable], ...] = (*ENTITIES, Holiday, PricesWeekly, *PEOPLE)

Length = Callable[[int], int]
MICROSECONDS_A_SECOND = 1_000_000


@dataclass(frozen=True)
class Slice:
    """The rows that are sent from a moment to before another, in microseconds since the epoch: a
    table's rows in the order of time, without tables that have none."""

    begin: int
    end: int
    rows: tuple[Timed, ...]

    def count(self, *tables: type[RawTable]) -> int:
        """Return the rows of some tables."""
        return sum(part.moment.size for part in self.rows if issubclass(part.table, tables))

    @property
    def events(self) -> int:
        """Events of ads and conversions."""
        return self.count(*EVENTS)

    @property
    def late_events(self) -> int:
        """Those of them that are sent later than they happened."""
        return sum(int(part.is_late.sum()) for part in self._parts_with_events)

    @property
    def duplicate_events(self) -> int:
        """Those of them that are copies of others."""
        return sum(int(part.is_repeated.sum()) for part in self._parts_with_events)

    @property
    def _parts_with_events(self) -> list[Timed]:
        return [part for part in self.rows if issubclass(part.table, EVENTS)]


def join(slices: Sequence[Slice]) -> Slice:
    """Return slices, each of which begins where the one before it ends, as one."""
    if len(slices) == 1:
        return slices[0]
    found: dict[type[RawTable], list[Timed]] = {}
    for piece in slices:
        for part in piece.rows:
            found.setdefault(part.table, []).append(part)
    rows = sorted((merge(parts) for parts in found.values()), key=_turn)
    return Slice(slices[0].begin, slices[-1].end, tuple(rows))


def _turn(part: Timed) -> int:
    """Return the place of the table of rows in the order in which tables are sent."""
    return next(number for number, table in enumerate(SENT) if issubclass(part.table, table))


class Timeline:
    """The timeline of a world, for some tables. `keep` keeps what takes long to make."""

    def __init__(
        self,
        world: World,
        tables: Collection[type[RawTable]] = SENT,
        keep: Keep = make_anew,
    ) -> None:
        self._world = world
        self.tables = tuple(table for table in SENT if table in tables)
        self._supplies = CountrySupplies(world)
        self._logs = Logs(world, self._supplies, keep=keep)
        self._creatives = Creatives(world.bookings)
        self._horizon = day_number(world.run.as_of_date) * MICROSECONDS_A_DAY

    @property
    def landing_tables(self) -> tuple[type[RawTable], ...]:
        """The tables as their rows are sent: faults may change columns."""
        faults = self._world.faults
        return tuple(
            landing_table(faults, table) if table in SPOILT else table for table in self.tables
        )

    @property
    def first(self) -> int:
        """The moment at which the first day begins."""
        days = self._world.outline.days
        first = int(days[0]) * MICROSECONDS_A_DAY if days.size else self._horizon
        return min(first, self._horizon)

    @property
    def end(self) -> int:
        """The moment before which everything is sent: the end of the as-of day, on which the last
        late rows land, and after it the longest delay of an event."""
        return self._horizon + MICROSECONDS_A_DAY + longest_delay(self._world.faults)

    def start(self) -> Iterator[Piece]:
        """Yield what is sent before the first slice: who and what exists."""
        wanted = [table for table in self.tables if issubclass(table, AT_THE_START)]
        for part in parts_of(self._world, ROW_GROUP):
            if part.platform is not None and part.log is None:
                continue
            if part.log is None or part.platform is not None:
                yield from pieces(self._world, part, self._supplies, wanted, self._logs)

    def rest(self) -> Iterator[Piece]:
        """Yield what is sent after the last slice: the truth."""
        if not self._world.log or set(TRUTH).isdisjoint(self.tables):
            return
        for position in range(len(self._world.bookings)):
            for table, batch in self._logs.outcome_pieces(self._logs.of(position)):
                if table in TRUTH and table in self.tables:
                    yield table, batch

    def slices(self, first: int, until: int, length_at: Length) -> Iterator[Slice]:
        """Yield the slices from a moment to before another, those without rows too.

        `length_at` returns how long the slice that begins at a moment may be, in microseconds: a
        length that divides an hour. Slices end at its multiples, and at hours."""
        spill = self._creatives.longest_seconds * MICROSECONDS_A_SECOND
        spill += longest_delay(self._world.faults)
        hour = (first - spill) // MICROSECONDS_AN_HOUR
        day = hour // HOURS_A_DAY - self._days_late
        facts = Facts(self._world, self._supplies, self._logs, self.tables)
        log = DailyLog(self._world)
        waiting = Waiting()
        while day * MICROSECONDS_A_DAY < until:
            facts.begin(day)
            facts.add(log.begin(day, facts.logs))
            day += 1
            while hour < day * HOURS_A_DAY and hour * MICROSECONDS_AN_HOUR < until:
                begin, end = hour * MICROSECONDS_AN_HOUR, (hour + 1) * MICROSECONDS_AN_HOUR
                waiting.add(self._ads(log, begin, end))
                now = [*waiting.take(begin, end), *facts.within(begin, end)]
                hour += 1
                if end > first:
                    rows = sorted(now, key=_turn)
                    yield from _cut(rows, max(begin, first), min(end, until), length_at)

    @property
    def _days_late(self) -> int:
        """The days before a day from which impressions may be sent on it."""
        faults = self._world.faults.of_table(AdImpression)
        late = [fault for _, _, fault in faults if isinstance(fault, LateRows)]
        return max((2 + (fault.days or 0) for fault in late), default=0)

    def _ads(self, log: DailyLog, begin: int, end: int) -> Iterator[Timed]:
        """Yield what is sent of the ads that begin, or land late, from a moment to before
        another."""
        for part in log.within(begin, end):
            if AdEvent in self.tables:
                derive = (
                    events_of_errors if issubclass(part.table, AdError) else events_of_impressions
                )
                events = derive(part, self._creatives)
                yield inject_into_events(events, self._world.faults, self._world.run.seed)
            if issubclass(part.table, self.tables):
                yield part if issubclass(part.table, AdError) else _when_over(part)


def _when_over(impressions: Timed) -> Timed:
    """Return impressions at the moments when the ad is over; late ones when they land."""
    watched = impressions.rows.column("milliseconds_watched").to_numpy().astype(np.int64)
    return Timed.of(
        impressions.table,
        impressions.rows,
        impressions.moment + np.where(impressions.is_late, 0, 1000 * watched),
        impressions.is_late,
        impressions.is_repeated,
    )


def _cut(rows: Sequence[Timed], begin: int, end: int, length_at: Length) -> Iterator[Slice]:
    """Yield the slices from a moment to before another, in the same hour."""
    while begin < end:
        length = length_at(begin)
        last = min(end, begin - begin % length + length)
        some = (part.within(begin, last) for part in rows)
        yield Slice(begin, last, tuple(part for part in some if part.moment.size))
        begin = last
