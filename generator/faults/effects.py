"""The effect of each kind of fault: which rows are one unit of it, which rows it can touch, and how
it changes them.

Each effect takes the rows, a mask of the touched rows and the fault's figures, and returns the rows
after it. An effect keeps the constraints of the table, except those that `changed_columns` lifts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generator.arrays import Int64s, Mask
from generator.clock import day_number, timestamps
from generator.enums import Device, FaultType
from generator.faults.rows import Rows, concatenate
from generator.randomness import key, uniforms
from generator.scenario import faults
from generator.schema import PerformanceHourly

# Assumption: rows that miss their day's load come with the catch-up load of an evening.
CATCH_UP_HOUR = 18

_QUARTILES = ("video_q25", "video_q50", "video_q75", "video_q100")
_BEFORE_RENDERING = ("requests", "responses", "eligible_impressions", "auctions_won")
_COUNTS = tuple(
    column.name
    for column in PerformanceHourly.columns()
    if column.minimum == 0 and column.name != "spend_micros"
)
_RENDERED = tuple(
    name for name in _COUNTS if name not in (*_BEFORE_RENDERING, "error_count", "timeout_count")
)
# Counts that bots leave unchanged.
_HUMAN = (
    "viewable_impressions",
    "audible_impressions",
    "clicks",
    "skips",
    "qr_scans",
    "interactive_engagements",
)
_LARGEST_COUNT = 2**31 - 1
_ROW = ("creative", "device", "hour")
_IMPRESSION = (*_ROW, "impression")
_CAMPAIGN_HOUR = ("campaign", "hour")
_CAMPAIGN_DAY = ("campaign", "day")


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault: the arrays of `Rows` that make a unit, of which `rate` takes a share; the
    column that is above 0 in the rows that it can touch; and its effect."""

    unit: tuple[str, ...]
    live: str | None
    effect: Callable[[Rows, Mask, Any], Rows]


def select_rows(
    rows: Rows, kind: FaultKind, fault: faults.Window | faults.SchemaDrift, stream: int
) -> Mask:
    """Return the mask of the rows that a fault touches: (rows,). `stream` is the key of the fault's
    draws."""
    chosen = np.ones(rows.values.num_rows, dtype=np.bool_)
    if kind.live is not None:
        chosen &= rows.numbers(kind.live) > 0
    if fault.start_date is not None:
        chosen &= rows.day >= day_number(fault.start_date)
    if isinstance(fault, faults.SchemaDrift):
        return chosen
    if fault.end_date is not None:
        chosen &= rows.day <= day_number(fault.end_date)
    if fault.campaigns is not None:
        chosen &= np.isin(rows.campaign, fault.campaigns)
    if fault.devices is not None:
        chosen &= np.isin(rows.device, [list(Device).index(device) for device in fault.devices])
    if isinstance(fault, faults.HourlyWindow) and fault.hours is not None:
        chosen &= np.isin(rows.hour % 24, fault.hours)
    if isinstance(fault, faults.Vast401) and fault.creatives is not None:
        chosen &= np.isin(rows.creative, fault.creatives)
    if fault.rate < 1:
        is_single = getattr(fault, "table", None) and kind.unit == _ROW
        unit = _IMPRESSION if is_single else kind.unit
        chosen &= uniforms(rows.keys(stream, unit), "touched") < fault.rate
    return chosen


def stream_of(seed: int, name: str) -> int:
    """Return the key of the draws of a fault."""
    return key(seed, "fault", name)


def _outage(rows: Rows, mask: Mask, _fault: faults.Outage) -> Rows:
    return _with(rows, mask, dict.fromkeys((*_COUNTS, "spend_micros"), _zeros(rows)))


def _tracking_loss(rows: Rows, mask: Mask, _fault: faults.TrackingLoss) -> Rows:
    return _with(rows, mask, dict.fromkeys(_QUARTILES, _zeros(rows)))


def _bot_spike(rows: Rows, mask: Mask, fault: faults.BotSpike) -> Rows:
    requests = np.maximum(rows.numbers("requests"), 1)
    times = np.minimum(fault.times, _LARGEST_COUNT // requests)
    multiplied = [name for name in (*_COUNTS, "spend_micros") if name not in _HUMAN]
    columns = {name: rows.numbers(name) * times for name in multiplied}
    impressions = columns["impressions"]
    columns["clicks"] = np.floor(impressions * fault.click_rate).astype(np.int64)
    return _with(rows, mask, columns)


def _runaway_spend(rows: Rows, mask: Mask, fault: faults.RunawaySpend) -> Rows:
    return _with(rows, mask, {"spend_micros": rows.numbers("spend_micros") * fault.times})


def _vast_401(rows: Rows, mask: Mask, _fault: faults.Vast401) -> Rows:
    columns = dict.fromkeys((*_RENDERED, "spend_micros"), _zeros(rows))
    return _with(rows, mask, columns | {"error_count": rows.numbers("auctions_won")})


def _restated_days(rows: Rows, mask: Mask, fault: faults.RestatedDays) -> Rows:
    """Land a part of every count with the day's load, and the true counts `days` later. The part is
    in whole thousandths, which keeps every order and sum of the row, and the price."""
    first = rows.take(mask)
    parts = round(fault.counted_at_first * 1000)
    columns = {name: first.numbers(name) * parts // 1000 for name in _COUNTS}
    impressions = np.maximum(first.numbers("impressions"), 1)
    prices = first.numbers("spend_micros") // impressions
    columns["spend_micros"] = prices * columns["impressions"]
    return concatenate(_landing_later(rows, mask, fault.days), first.with_columns(columns))


def _late_rows(rows: Rows, mask: Mask, fault: faults.LateRows) -> Rows:
    assert fault.days is not None, "events of ads are sent late, and never landed by days"
    return _landing_later(rows, mask, fault.days)


def _missing_hours(rows: Rows, mask: Mask, _fault: faults.MissingHours) -> Rows:
    return rows.take(~mask)


def _duplicates(rows: Rows, mask: Mask, _fault: faults.Duplicates) -> Rows:
    return concatenate(rows, rows.take(mask))


def _null_ids(rows: Rows, mask: Mask, fault: faults.NullIds) -> Rows:
    with_it = ("device_id",) if fault.column == "household_id" else ()
    columns = (fault.column, *with_it)
    return rows.with_columns({column: _clear(rows, mask, column) for column in columns})


def _time_zone_shift(rows: Rows, mask: Mask, fault: faults.TimeZoneShift) -> Rows:
    return _with(rows, mask, {"hour_ts": timestamps(rows.hour + fault.hours_ahead)})


def _schema_drift(rows: Rows, mask: Mask, fault: faults.SchemaDrift) -> Rows:
    new = fault.new_column
    if fault.column is None:
        return rows.with_columns(
            {new: pa.array([fault.value if new_row else None for new_row in mask], pa.string())}
        )
    return rows.with_columns(
        {new: _clear(rows, ~mask, fault.column), fault.column: _clear(rows, mask, fault.column)}
    )


FAULT_KINDS: dict[FaultType, FaultKind] = {
    FaultType.OUTAGE: FaultKind(_CAMPAIGN_HOUR, "requests", _outage),
    FaultType.TRACKING_LOSS: FaultKind(_CAMPAIGN_HOUR, "video_q25", _tracking_loss),
    FaultType.BOT_SPIKE: FaultKind(_CAMPAIGN_HOUR, "impressions", _bot_spike),
    FaultType.RUNAWAY_SPEND: FaultKind(_CAMPAIGN_HOUR, "spend_micros", _runaway_spend),
    FaultType.VAST_401: FaultKind(("creative",), "impressions", _vast_401),
    FaultType.RESTATED_DAYS: FaultKind(_CAMPAIGN_DAY, None, _restated_days),
    FaultType.LATE_ROWS: FaultKind(_ROW, None, _late_rows),
    FaultType.MISSING_HOURS: FaultKind(_CAMPAIGN_HOUR, None, _missing_hours),
    FaultType.DUPLICATES: FaultKind(_ROW, None, _duplicates),
    FaultType.NULL_IDS: FaultKind(_ROW, None, _null_ids),
    FaultType.TIME_ZONE_SHIFT: FaultKind(_CAMPAIGN_DAY, None, _time_zone_shift),
    FaultType.SCHEMA_DRIFT: FaultKind((), None, _schema_drift),
}


def _with(rows: Rows, mask: Mask, columns: dict[str, Int64s]) -> Rows:
    """Return the rows with these values where the mask is set."""
    return rows.with_columns(
        {name: np.where(mask, values, rows.numbers(name)) for name, values in columns.items()}
    )


def _landing_later(rows: Rows, mask: Mask, days: int) -> Rows:
    later = timestamps((rows.day + 1 + days) * 24 + CATCH_UP_HOUR)
    return _with(rows, mask, {rows.landed_at: later})


def _clear(rows: Rows, mask: Mask, column: str) -> pa.Array:
    """Return a column with NULL where the mask is set, or where it was NULL before."""
    values = rows.values.column(column)
    return pa.compute.if_else(pa.array(mask), pa.scalar(None, values.type), values)


def _zeros(rows: Rows) -> Int64s:
    return np.zeros(rows.values.num_rows, dtype=np.int64)
