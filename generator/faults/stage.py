"""The stage between delivery and the sink: it puts faults into batches, and ends each part with the
log of the rows that they touched.

Each batch is changed alone. A day of a campaign is never in two parts, but for the log of its
impressions, which has no hour in two. So the log of a part is complete.
Rows that would land after the as-of day have not landed yet, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generator.arrays import Mask
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, day_number
from generator.delivery.fault_log import Log
from generator.faults.changed_columns import SPOILT, landing_table
from generator.faults.effects import FAULT_KINDS, select_rows, stream_of
from generator.faults.rows import Rows
from generator.scenario.faults import Faults
from generator.schema import FaultLog, PerformanceHourly, RawTable, Run
from generator.schema.arrow import arrow_schema, to_arrow
from generator.sinks.sink import Piece


def inject_faults(pieces: Iterable[Piece], faults: Faults, run: Run) -> Iterator[Piece]:
    """Yield the batches of a part with the faults in them, then the log. Without faults, yield the
    batches unchanged."""
    if not faults:
        yield from pieces
        return
    log = Log()
    for table, batch in pieces:
        is_thinned = faults.sparse_rows and table is PerformanceHourly
        if table not in SPOILT or not (faults.of_table(table) or is_thinned):
            yield table, batch
            continue
        landing = landing_table(faults, table)
        rows = Rows.of(batch, arrow_schema(landing))
        yield landing, _spoil(rows, table, faults, run, log).values
    for batch in to_arrow(FaultLog, log.rows()).to_batches():
        yield FaultLog, batch


def _spoil(rows: Rows, table: type[RawTable], faults: Faults, run: Run, log: Log) -> Rows:
    """Return rows of a table after all of its faults that have landed by the end of the as-of day.
    The rows that each fault touched are added to the log."""
    for fault_type, name, fault in faults.of_table(table):
        kind = FAULT_KINDS[fault_type]
        mask = select_rows(rows, kind, fault, stream_of(run.seed, name))
        if mask.any():
            keys = fault.model_dump_json(exclude_none=True)
            log.add(fault_type, name, keys, rows.campaign[mask], rows.hour[mask], table)
        rows = kind.effect(rows, mask, fault)
    end_of_today = (day_number(run.as_of_date) + 1) * HOURS_A_DAY * MICROSECONDS_AN_HOUR
    landed: Mask = rows.numbers(rows.landed_at) < end_of_today
    if faults.sparse_rows and table is PerformanceHourly:
        landed &= rows.numbers("requests") > 0
    return rows if landed.all() else rows.take(landed)
