"""Rows of a fact on their way to the sink: their values, and their original identity.

Faults choose rows by their original identity, so that one fault does not hide a row from the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Int64s, Keys, Mask
from generator.clock import MICROSECONDS_AN_HOUR
from generator.enums import Device
from generator.randomness import key, mix, row_keys
from generator.schema.log import REPORTED_BY
from generator.sinks.fingerprint import words_of_ids

_ODD = np.uint64(key("unit of a fault") | 1)


@dataclass(frozen=True)
class Rows:
    """Rows of one batch; every array is (rows,). `hour` counts from the epoch, `device` is the
    position in `Device`. Both and the ids are the original ones, while faults change `values`.
    `impression` is a random number for each impression of the log or conversion, and 0 elsewhere.
    `landed_at` is the column with the moment at which a row landed. A conversion has the campaign
    that reports it, and no device and no creative."""

    values: pa.RecordBatch
    campaign: Int64s
    creative: Int64s
    device: Int64s
    hour: Int64s
    impression: Int64s
    landed_at: str = "loaded_at"

    @classmethod
    def of(cls, batch: pa.RecordBatch, schema: pa.Schema) -> Self:
        """Return the rows of a delivered batch in the schema that they land in; a column that
        delivery does not have is NULL."""
        known = dict(zip(batch.schema.names, batch.columns, strict=True))
        nothing = np.zeros(batch.num_rows, dtype=np.int64)
        columns = [
            known.get(field.name, pa.nulls(batch.num_rows, type=field.type)) for field in schema
        ]
        values = pa.RecordBatch.from_arrays(columns, schema=schema)
        if REPORTED_BY in (batch.schema.metadata or {}):
            return cls(
                values=values,
                campaign=nothing + int(batch.schema.metadata[REPORTED_BY]),
                creative=nothing,
                device=nothing,
                hour=_numbers(batch, "event_ts") // MICROSECONDS_AN_HOUR,
                impression=words_of_ids(known["conversion_id"]).view(np.int64),
                landed_at="received_at",
            )
        devices = batch.column("device")
        positions = np.array([list(Device).index(name) for name in devices.dictionary.to_pylist()])
        return cls(
            values=values,
            campaign=_numbers(batch, "campaign_id"),
            creative=_numbers(batch, "creative_id"),
            device=positions[devices.indices.to_numpy(zero_copy_only=False)].astype(np.int64),
            hour=_numbers(batch, "hour_ts") // MICROSECONDS_AN_HOUR,
            impression=words_of_ids(known["impression_id"]).view(np.int64)
            if "impression_id" in known
            else nothing,
        )

    @property
    def day(self) -> Int64s:
        """Number of the UTC day."""
        return self.hour // 24

    def numbers(self, column: str) -> Int64s:
        """Return a column of counts, micros or times as whole numbers; NULL is 0."""
        return _numbers(self.values, column)

    def keys(self, base: int, unit: tuple[str, ...]) -> Keys:
        """Return a key per row; rows with the same `unit` (names of arrays) have the same key."""
        first, *others = (getattr(self, name) for name in unit)
        keys = row_keys(base, first)
        for values in others:
            keys = mix(keys + values.astype(np.uint64) * _ODD)
        return keys

    def take(self, chosen: Mask | Int64s) -> Rows:
        """Return some of the rows: by a mask, or by positions that may repeat."""
        positions = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Rows(
            values=self.values.take(pa.array(positions)),
            campaign=self.campaign[positions],
            creative=self.creative[positions],
            device=self.device[positions],
            hour=self.hour[positions],
            impression=self.impression[positions],
            landed_at=self.landed_at,
        )

    def with_columns(self, columns: Mapping[str, NDArray[Any] | pa.Array]) -> Rows:
        """Return the rows with other values in some columns, whole numbers or Arrow arrays."""
        schema = self.values.schema
        arrays = list(self.values.columns)
        for name, values in columns.items():
            kind = schema.field(name).type
            if isinstance(values, np.ndarray):
                values = pa.array(values).cast(kind)
            arrays[schema.get_field_index(name)] = values
        return replace(self, values=pa.RecordBatch.from_arrays(arrays, schema=schema))


def concatenate(first: Rows, second: Rows) -> Rows:
    """Return the rows of both, one after the other."""
    batches = pa.Table.from_batches([first.values, second.values]).combine_chunks().to_batches()
    (values,) = batches or [first.values]

    def both(name: str) -> Int64s:
        return np.concatenate([getattr(first, name), getattr(second, name)])

    return replace(
        first,
        values=values,
        campaign=both("campaign"),
        creative=both("creative"),
        device=both("device"),
        hour=both("hour"),
        impression=both("impression"),
    )


def _numbers(batch: pa.RecordBatch, column: str) -> Int64s:
    values = batch.column(column)
    if pa.types.is_timestamp(values.type):
        values = values.view(pa.int64())
    if values.null_count:
        values = values.fill_null(0)
    return values.to_numpy(zero_copy_only=False).astype(np.int64)
