"""The stage between delivery and the sink: it puts faults into batches, and ends each part with the
log of the rows that they touched.

Each batch is changed alone, and a campaign is never in two parts, so the log of a part is complete.
Rows that would land after the as-of day have not landed yet, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from generator.arrays import Mask
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, date_of, datetime_of, day_number
from generator.enums import FaultType
from generator.faults.changed_columns import landing_table
from generator.faults.effects import FAULT_KINDS, select_rows, stream_of
from generator.faults.rows import Rows
from generator.scenario.faults import Faults
from generator.schema import FaultLog, PerformanceHourly, Run
from generator.schema.arrow import arrow_schema, to_arrow
from generator.sinks.sink import Piece


def inject_faults(pieces: Iterable[Piece], faults: Faults, run: Run) -> Iterator[Piece]:
    """Yield the batches of a part with the faults in them, then the log. Without faults, yield the
    batches unchanged."""
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
    """Return the rows after all faults that have landed by the end of the as-of day. The rows that
    each fault touched are added to the log."""
    for fault_type, name, fault in faults.in_order():
        kind = FAULT_KINDS[fault_type]
        mask = select_rows(rows, kind, fault, stream_of(run.seed, name))
        if mask.any():
            log.add(fault_type, name, fault, rows, mask)
        rows = kind.effect(rows, mask, fault)
    end_of_today = (day_number(run.as_of_date) + 1) * HOURS_A_DAY * MICROSECONDS_AN_HOUR
    landed: Mask = rows.numbers("loaded_at") < end_of_today
    return rows if landed.all() else rows.take(landed)


class Log:
    """The rows and hours that the faults touched, by fault, campaign and day."""

    def __init__(self) -> None:
        self._faults: dict[str, tuple[FaultType, str]] = {}
        self._touched: dict[tuple[str, int, int], tuple[int, int, int]] = {}

    def add(self, fault_type: FaultType, name: str, fault: Any, rows: Rows, mask: Mask) -> None:
        """Add the rows that a fault touches."""
        self._faults[name] = fault_type, fault.model_dump_json(exclude_none=True)
        hours = rows.hour[mask]
        groups = np.stack([rows.campaign[mask], hours // HOURS_A_DAY])
        (campaigns, days), group = np.unique(groups, axis=1, return_inverse=True)
        counts = np.bincount(group)
        first = np.full(counts.size, np.iinfo(np.int64).max)
        np.minimum.at(first, group, hours)
        last = np.zeros(counts.size, dtype=np.int64)
        np.maximum.at(last, group, hours)
        columns = (campaigns, days, counts, first, last)
        for campaign, day, count, earliest, latest in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            known = self._touched.get((name, campaign, day), (0, earliest, latest))
            self._touched[name, campaign, day] = (
                known[0] + count,
                min(known[1], earliest),
                max(known[2], latest),
            )

    def rows(self) -> list[FaultLog]:
        """Return the rows of the log, by fault, campaign and day."""
        return [
            FaultLog(
                fault=name,
                fault_type=self._faults[name][0],
                affected_table=PerformanceHourly.table_name,
                campaign_id=campaign,
                activity_date=date_of(day),
                keys=self._faults[name][1],
                from_ts=datetime_of(first),
                to_ts=datetime_of(last + 1),
                rows_touched=number,
            )
            for (name, campaign, day), (number, first, last) in sorted(self._touched.items())
        ]
