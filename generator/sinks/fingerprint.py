"""A table's fingerprint: a hash of its values that does not depend on the order of rows or
batches.

Each value becomes 64 bits: the number itself for a whole number or a point in time, days for a
date, IEEE bits for a float, BLAKE2b for text and decimals, SplitMix64 for ids of 32 hexadecimal
digits. Each row becomes the SplitMix64 finalizer of the sum of its values times an odd constant of
the column's name. The fingerprint is the sum of the rows modulo 2^64. Library versions have no part
in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.randomness import key, mix

Words = NDArray[np.uint64]

_NULL = np.uint64(key("null"))
_START = np.uint64(key("row"))
# This number of rows at a time stays in the cache of a processor.
_BLOCK = 32_768


@dataclass(frozen=True)
class Tally:
    """Rows, and the sum of what each adds to the fingerprint: the tallies of the parts of a table
    add up to its own."""

    rows: int = 0
    words: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, (self.words + other.words) % 2**64)

    @property
    def hexdigest(self) -> str:
        """16 hexadecimal digits."""
        return f"{self.words:016x}"


class Fingerprint:
    """The fingerprint of the batches added so far.

    The order of the rows does not matter:

    >>> one = Fingerprint()
    >>> one.add(pa.RecordBatch.from_pydict({"clicks": [1, 2]}))
    >>> other = Fingerprint()
    >>> other.add(pa.RecordBatch.from_pydict({"clicks": [2, 1]}))
    >>> one.hexdigest == other.hexdigest, one.rows
    (True, 2)
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sum = np.uint64(0)

    @property
    def tally(self) -> Tally:
        """The rows and the sum of the batches."""
        return Tally(self.rows, int(self._sum))

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        for first in range(0, batch.num_rows, _BLOCK):
            self._add(batch.slice(first, _BLOCK))

    def _add(self, batch: pa.RecordBatch) -> None:
        words = np.full(batch.num_rows, _START)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            of_column = _words(column)
            of_column *= _constant(name)
            words += of_column
        with np.errstate(over="ignore"):
            self._sum = self._sum + mix(words).sum(dtype=np.uint64)
        self.rows += batch.num_rows

    @property
    def hexdigest(self) -> str:
        """16 hexadecimal digits."""
        return self.tally.hexdigest


@lru_cache
def _constant(name: str) -> np.uint64:
    return np.uint64(key("column", name) | 1)


def _words(column: pa.Array) -> Words:
    """Return each value as 64 bits."""
    if pa.types.is_large_string(column.type):
        return words_of_ids(column)
    if pa.types.is_string(column.type) or pa.types.is_decimal(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        values = [
            _NULL if v is None else np.uint64(key(str(v))) for v in column.dictionary.to_pylist()
        ]
        table = np.array([*values, _NULL], dtype=np.uint64)
        indices = column.indices.fill_null(len(values)) if column.null_count else column.indices
        return table[indices.to_numpy(zero_copy_only=False)]
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    if missing is not None:
        column = column.fill_null(0 if not pa.types.is_boolean(column.type) else False)
    if pa.types.is_floating(column.type):
        words = (column.to_numpy(zero_copy_only=False) + 0.0).view(np.uint64).copy()
    elif pa.types.is_boolean(column.type):
        words = column.to_numpy(zero_copy_only=False).astype(np.uint64)
    else:
        if pa.types.is_date32(column.type):
            column = column.view(pa.int32())
        elif pa.types.is_timestamp(column.type):
            column = column.view(pa.int64())
        words = column.to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    if missing is not None:
        words[missing] = _NULL
    return words


def words_of_ids(column: pa.Array) -> Words:
    """Return ids of 32 characters as 64 bits each."""
    if column.null_count:
        words = np.full(len(column), _NULL)
        words[column.is_valid().to_numpy(zero_copy_only=False)] = words_of_ids(column.drop_null())
        return words
    first = np.frombuffer(column.buffers()[1], dtype=np.int64)[column.offset]
    text = np.frombuffer(column.buffers()[2], dtype=np.uint8)[first:][: len(column) * 32]
    words = np.zeros(len(column), dtype=np.uint64)
    for part in text.view(np.uint64).reshape(-1, 4).T:
        words = mix(words + part)
    return words
