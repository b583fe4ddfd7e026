"""The stage between delivery and the sink: batches in, the same batches with the faults out, and at
the end of a part the log of what was touched in it.

A batch is taken by itself, and a campaign is never in two parts, so the log of a part is whole.
Rows that would land after the as-of day have not landed yet, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from generator.arrays import Mask
from generator.clock import MICROSECONDS_AN_HOUR, day_number
from generator.enums import FaultType
from generator.faults.changed_columns import landing_table
from generator.faults.effects import FAULT_KINDS, select_rows, stream_of
from generator.faults.rows import Rows
from generator.scenario.faults import Faults
from generator.schema import FaultLog, PerformanceHourly, Run
from generator.schema.arrow import arrow_schema, to_arrow
from generator.sinks.sink import Piece

_EPOCH = datetime(1970, 1, 1)


def inject_faults(pieces: Iterable[Piece], faults: Faults, run: Run) -> Iterator[Piece]:
    """The batches of a part with the faults in them, then the log. Without faults, the batches."""
    if not faults:
        yield from pieces
        return
    log = Log()
    landing = landing_table(faults)
    schema = arrow_schema(landing)
    for table, batch in pieces:
        if table is PerformanceHourly:
            yield landing, apply_faults(Rows.of(batch, schema), faults, run, log).values
        else:
            yield table, batch
    for batch in to_arrow(FaultLog, log.rows()).to_batches():
        yield FaultLog, batch


def apply_faults(rows: Rows, faults: Faults, run: Run, log: Log) -> Rows:
    """Rows after all faults, as far as they have landed by the end of the as-of day; what each
    fault touched is added to the log."""
    for fault_type, name, fault in faults.in_order():
        kind = FAULT_KINDS[fault_type]
        mask = select_rows(rows, kind, fault, stream_of(run.seed, name))
        if mask.any():
            log.add(fault_type, name, fault, rows, mask)
        rows = kind.effect(rows, mask, fault)
    end_of_today = (day_number(run.as_of_date) + 1) * 24 * MICROSECONDS_AN_HOUR
    landed: Mask = rows.numbers("loaded_at") < end_of_today
    return rows if landed.all() else rows.take(landed)


class Log:
    """What the faults touched so far: rows and hours by fault, campaign and day."""

    def __init__(self) -> None:
        self._faults: dict[str, tuple[FaultType, str]] = {}
        self._touched: dict[tuple[str, int, int], tuple[int, int, int]] = {}

    def add(self, fault_type: FaultType, name: str, fault: Any, rows: Rows, mask: Mask) -> None:
        """Count the rows in that a fault touches."""
        self._faults[name] = fault_type, fault.model_dump_json(exclude_none=True)
        hours, campaigns = rows.hour[mask], rows.campaign[mask]
        groups, place = np.unique(np.stack([campaigns, hours // 24]), axis=1, return_inverse=True)
        counts = np.bincount(place)
        first = np.full(counts.size, np.iinfo(np.int64).max)
        np.minimum.at(first, place, hours)
        last = np.zeros(counts.size, dtype=np.int64)
        np.maximum.at(last, place, hours)
        for campaign, day, *more in zip(*groups, counts, first, last, strict=True):
            at = name, int(campaign), int(day)
            number, earliest, latest = self._touched.get(at, (0, *map(int, more[1:])))
            self._touched[at] = (
                number + int(more[0]),
                min(earliest, int(more[1])),
                max(latest, int(more[2])),
            )

    def rows(self) -> list[FaultLog]:
        """The rows of the log, by fault, campaign and day."""
        return [
            FaultLog(
                fault=name,
                fault_type=self._faults[name][0],
                affected_table=PerformanceHourly.table_name,
                campaign_id=campaign,
                activity_date=_day(day),
                keys=self._faults[name][1],
                from_ts=_EPOCH + timedelta(hours=first),
                to_ts=_EPOCH + timedelta(hours=last + 1),
                rows_touched=number,
            )
            for (name, campaign, day), (number, first, last) in sorted(self._touched.items())
        ]


def _day(number: int) -> date:
    return (_EPOCH + timedelta(days=number)).date()
