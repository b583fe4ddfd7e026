"""The facts of campaigns in the order of time. Those of a campaign are made on its first day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import numpy as np
import pyarrow as pa

from generator.arrays import Int64s, Mask
from generator.clock import (
    HOURS_A_DAY,
    MICROSECONDS_AN_HOUR,
    day_number,
    hours_of_days,
    landing_of,
    timestamps,
)
from generator.delivery.campaign import Delivery, deliver
from generator.delivery.supply import inventory_batch
from generator.enums import ReachWindow
from generator.faults.stage import inject_faults
from generator.live.timed import Timed, Waiting
from generator.log.rows import CampaignLog
from generator.pipeline.country_supplies import Supplies
from generator.pipeline.logs import Logs
from generator.scenario.faults import LateRows, RestatedDays
from generator.schema import (
    AudienceDaily,
    CampaignReach,
    Conversion,
    ConversionsDaily,
    FaultLog,
    InventoryHourly,
    PerformanceHourly,
    RawTable,
)
from generator.schema.arrow import to_arrow
from generator.schema.booking import Booking
from generator.sinks.sink import Piece
from generator.world.world import World

MICROSECONDS_A_DAY = HOURS_A_DAY * MICROSECONDS_AN_HOUR
# An hour is closed when its last ads are over.
GRACE = 5 * 60_000_000
# Days after which windows of reach have ended.
_DAYS_OF_A_WINDOW = 8
_CAMPAIGNS_AT_ONCE = 16
# The length of a window of reach that is neither a day nor a flight up to a day.
_WINDOWS = {ReachWindow.HOUR: MICROSECONDS_AN_HOUR, ReachWindow.WEEK: 7 * MICROSECONDS_A_DAY}


class Facts:
    """The facts of the campaigns that have begun, of the wanted tables, each at the moment when it
    is sent; and the logs of the campaigns that run."""

    def __init__(
        self, world: World, supplies: Supplies, logs: Logs, tables: Collection[type[RawTable]]
    ) -> None:
        self._world = world
        self._supplies = supplies
        self._logs_of = logs
        self._tables = tuple(tables)
        self._horizon = day_number(world.run.as_of_date)
        self._running: list[tuple[int, CampaignLog]] = []
        self._waiting = Waiting()
        self._first: int | None = None
        days = [
            (day_number(booking.flights[0].start_date), day_number(booking.flights[-1].end_date))
            for booking in world.bookings
        ]
        self._spans = np.array(days, dtype=np.int64).reshape(-1, 2).T
        lags = [
            model.conversions.longest_lag_days
            for model in world.platform_models.values()
            if model.conversions
        ]
        delays = [
            fault.days or 0
            for _, _, fault in world.faults.of_table(PerformanceHourly)
            if isinstance(fault, LateRows | RestatedDays)
        ]
        self._days_after = max(lags, default=0) + _DAYS_OF_A_WINDOW
        self._days_after += max(delays, default=0) + self._days_late

    @property
    def logs(self) -> list[CampaignLog]:
        """The logs of the campaigns that run."""
        return [log for _, log in self._running]

    @property
    def _days_late(self) -> int:
        """By how many days conversions are late at most."""
        faults = self._world.faults.of_table(Conversion)
        late = [fault for _, _, fault in faults if isinstance(fault, LateRows)]
        return max((2 + (fault.days or 0) for fault in late), default=0)

    def begin(self, day: int) -> None:
        """Deliver the campaigns that begin on a day; on the first one asked for also those that
        began before and of which something may still be sent."""
        is_first = self._first is None
        if is_first:
            self._first = day * MICROSECONDS_A_DAY
            self.add(self._inventory(day))
        self._running = [(last, log) for last, log in self._running if last >= day]
        first, last = self._spans
        begins = (first <= day) & (day <= last + self._days_after) if is_first else first == day
        some = [self._world.bookings[position] for position in np.flatnonzero(begins).tolist()]
        for begin in range(0, len(some), _CAMPAIGNS_AT_ONCE):
            self._deliver(some[begin : begin + _CAMPAIGNS_AT_ONCE], day)

    def add(self, pieces: Iterable[Piece]) -> None:
        """Add rows of the wanted tables that are sent when their time is over, without those that
        are sent before the first day asked for."""
        self._waiting.add(
            _timed(table, batch, self._horizon).from_moment(self._first or 0)
            for table, batch in pieces
            if issubclass(table, self._tables) and batch.num_rows
        )

    def within(self, begin: int, end: int) -> list[Timed]:
        """Return what is sent from a moment to before another. What was before it is forgotten."""
        return self._waiting.take(begin, end)

    def _deliver(self, bookings: list[Booking], day: int) -> None:
        world = self._world
        delivery = deliver(
            bookings, world.platform_models, self._supplies, world.run.seed, self._horizon
        )
        self.add(inject_faults(_pieces(delivery), world.faults, world.run))
        if not world.log:
            return
        for log in self._logs_of.of_delivery(bookings, delivery):
            last = day_number(log.booking.flights[-1].end_date)
            model = world.platform_models[log.booking.campaign.platform].conversions
            after = model.longest_lag_days + 1 + self._days_late if model else 0
            if Conversion in self._tables and model and day <= last + after:
                found = self._logs_of.conversions(log)
                self.add(inject_faults(found, world.faults, world.run))
            if last >= day:
                self._running.append((last, log))

    def _inventory(self, day: int) -> Iterator[Piece]:
        """Yield the inventory from the day before one on."""
        if InventoryHourly not in self._tables:
            return
        days = self._world.outline.days
        hours = hours_of_days(days[(day - 1 <= days) & (days < self._horizon)])
        for platform in self._world.outline.countries:
            for supply in self._supplies[platform].values():
                yield InventoryHourly, inventory_batch(supply, hours)


def _pieces(delivery: Delivery) -> Iterator[Piece]:
    yield PerformanceHourly, delivery.performance
    yield CampaignReach, delivery.reach
    yield AudienceDaily, delivery.audience
    if delivery.conversions.num_rows:
        yield ConversionsDaily, delivery.conversions
    for batch in to_arrow(FaultLog, delivery.incidents).to_batches():
        yield FaultLog, batch


def _timed(table: type[RawTable], batch: pa.RecordBatch, horizon: int) -> Timed:
    """Return rows at the moments when they are sent. Nothing is over later than at the horizon, a
    day number."""
    rows = pa.Table.from_batches([batch])
    if issubclass(table, Conversion):
        return Timed.of(table, rows, _moments(batch, "received_at"))
    if issubclass(table, CampaignReach):
        windows = batch.column("reach_window").cast(pa.string()).to_pylist()
        lengths = [_WINDOWS.get(ReachWindow(name), MICROSECONDS_A_DAY) for name in windows]
        over = _moments(batch, "window_start") + np.array(lengths, dtype=np.int64)
    elif issubclass(table, PerformanceHourly | InventoryHourly):
        over = _moments(batch, "hour_ts") + MICROSECONDS_AN_HOUR
    else:
        over = (_days(batch) + 1) * MICROSECONDS_A_DAY
    moment = np.minimum(over, horizon * MICROSECONDS_A_DAY) + GRACE
    is_late: Mask = np.zeros(moment.size, dtype=np.bool_)
    if issubclass(table, PerformanceHourly):
        landed = _moments(batch, "loaded_at")
        hour = _moments(batch, "hour_ts") // MICROSECONDS_AN_HOUR
        is_late = landed != timestamps(landing_of(hour))
        moment = np.where(is_late, landed, moment)
    return Timed.of(table, rows, moment, is_late)


def _moments(batch: pa.RecordBatch, column: str) -> Int64s:
    return batch.column(column).view(pa.int64()).to_numpy()


def _days(batch: pa.RecordBatch) -> Int64s:
    return batch.column("activity_date").view(pa.int32()).to_numpy().astype(np.int64)
