"""Faults in the events of ads: some are sent late, and some twice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from generator.arrays import Mask
from generator.enums import Device, VastEvent
from generator.faults.effects import FAULT_KINDS, select_rows, stream_of
from generator.faults.rows import Rows
from generator.live.timed import Timed, merge
from generator.randomness import row_keys
from generator.scenario.faults import Duplicates, EventWindow, Faults, LateRows
from generator.schema.live import AdEvent
from generator.sinks.fingerprint import words_of_ids

_MICROSECONDS_A_MINUTE = 60_000_000
_MICROSECONDS_AN_HOUR = 60 * _MICROSECONDS_A_MINUTE


def longest_delay(faults: Faults) -> int:
    """Return by how much an event of an ad is late at most, in microseconds."""
    return _MICROSECONDS_A_MINUTE * sum(
        fault.minutes or 0
        for _, _, fault in faults.of_table(AdEvent)
        if isinstance(fault, LateRows)
    )


def inject_into_events(events: Timed, faults: Faults, seed: int) -> Timed:
    """Return events of ads after the faults that a run has for them."""
    for kind, name, fault in faults.of_table(AdEvent):
        rows = _rows(events)
        mask = select_rows(rows, FAULT_KINDS[kind], fault, stream_of(seed, name))
        mask &= _called(events, fault)
        if isinstance(fault, LateRows):
            delay = _MICROSECONDS_A_MINUTE * (fault.minutes or 0)
            events = Timed.of(
                AdEvent,
                events.rows,
                events.moment + delay * mask,
                events.is_late | mask,
                events.is_repeated,
            )
        elif isinstance(fault, Duplicates):
            copies = events.take(np.flatnonzero(mask))
            again = np.ones(copies.moment.size, dtype=np.bool_)
            copies = Timed(AdEvent, copies.rows, copies.moment, copies.is_late, again)
            events = merge([events, copies])
    return events


def _rows(events: Timed) -> Rows:
    """Return events as rows that a fault can choose from, by their campaign, device and hour, and
    at random by their id."""
    columns = {
        name: events.rows.column(name).combine_chunks()
        for name in ("campaign_id", "creative_id", "device", "event_ts", "event_name", "ad_id")
    }
    devices = [
        list(Device).index(Device(name)) for name in columns["device"].dictionary.to_pylist()
    ]
    moment = columns["event_ts"].view(pa.int64()).to_numpy()
    codes = columns["event_name"].indices.to_numpy().astype(np.int64)
    keys = words_of_ids(columns["ad_id"]) + row_keys(0, codes)
    return Rows(
        values=pa.RecordBatch.from_arrays([columns["event_ts"]], names=["event_ts"]),
        campaign=columns["campaign_id"].fill_null(0).to_numpy(),
        creative=columns["creative_id"].to_numpy(),
        device=np.array(devices, dtype=np.int64)[columns["device"].indices.to_numpy()],
        hour=moment // _MICROSECONDS_AN_HOUR,
        impression=keys.view(np.int64),
    )


def _called(events: Timed, fault: EventWindow) -> Mask:
    """Return which events have one of the names that a fault is aimed at."""
    column = events.rows.column("event_name").combine_chunks()
    wanted = fault.events or list(VastEvent)
    known = np.array([VastEvent(name) in wanted for name in column.dictionary.to_pylist()])
    mask: Mask = known[column.indices.to_numpy()]
    return mask
