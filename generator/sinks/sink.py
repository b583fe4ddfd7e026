"""The protocol of a destination.

A run arrives in parts. Each part is packed where it is made, which may be another process or
another machine, and taken by the sink in the process that opened it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

from generator.schema import RawTable
from generator.sinks.errors import DestinationError
from generator.sinks.fingerprint import Fingerprint, Tally
from generator.sinks.held import Guard

Piece = tuple[type[RawTable], pa.RecordBatch]
# The rows of a row group in DuckDB's files, a good size for parts, inserts and row groups anywhere.
ROW_GROUP = 122_880
# A table of few rows would wait for the end of the run, in hundreds of thousands of small columns.
_BATCHES_THAT_WAIT = 16


class CountingIterator:
    """The batches of a part, to be iterated once, and what they have come to so far."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = pieces
        self._prints: dict[str, Fingerprint] = {}

    def __iter__(self) -> Iterator[Piece]:
        for table, batch in self._pieces:
            self._prints.setdefault(table.table_name, Fingerprint()).add(batch)
            yield table, batch

    @property
    def tallies(self) -> dict[str, Tally]:
        """Rows and fingerprint of each table, by name."""
        return {name: fingerprint.tally for name, fingerprint in self._prints.items()}


# Makes what the sink takes of the name and the batches of a part. It is sent to the process that
# makes the part, so it can be pickled, and so can what it returns.
Packer = Callable[[str, CountingIterator], Any]


class Sink(Protocol):
    """A destination, open for one run. Leaving it without an error makes the run visible, all at
    once; leaving it with one undoes everything.

    `rows_a_part` is how many rows of performance a part should have; `packs_files` whether packing
    a part writes it where it belongs, so that little has to travel. `guard` is called with
    what the destination holds, before any of it is replaced, and raises to keep it.
    """

    rows_a_part: int
    packs_files: bool
    guard: Guard | None

    @property
    def packer(self) -> Packer:
        """Return how a part is packed."""
        ...

    def __enter__(self) -> Self: ...

    def existing_parts(
        self, identity: str, parts: Collection[str]
    ) -> Mapping[str, Mapping[str, Tally]]:
        """Return those of the parts of the run of this identity that the destination has and that
        need not be made again: what they hold of each table, by the name of the part and of the
        table."""
        ...

    def take(self, part: str, packed: Any, tallies: Mapping[str, Tally]) -> None:
        """Take what the packer made of a part, which holds this of each table. Parts come in order,
        those held are left out."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class InsertBuffer:
    """Batches of tables that wait until `rows` rows of a table can be inserted at once, or until
    they are many."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._batches: dict[type[RawTable], list[pa.RecordBatch]] = {}

    def add(self, table: type[RawTable], batch: pa.RecordBatch) -> pa.Table | None:
        """Put a batch to those that wait; what is to be inserted now, if anything."""
        batches = self._batches.setdefault(table, [])
        batches.append(batch)
        rows = sum(batch.num_rows for batch in batches)
        if rows < self._rows and len(batches) < _BATCHES_THAT_WAIT:
            return None
        return pa.Table.from_batches(self._batches.pop(table))

    def rest(self) -> Iterator[tuple[type[RawTable], pa.Table]]:
        """Yield what still waits, table by table."""
        for table in list(self._batches):
            yield table, pa.Table.from_batches(self._batches.pop(table))


def as_batches(_part: str, pieces: CountingIterator) -> list[Piece]:
    """Return a part as the batches it is made of."""
    return list(pieces)


class BatchSink(ABC):
    """What sinks have in common that insert batches of rows and never resume a run.

    A subclass opens and closes the destination, and says in `_insert` how rows get into a table.

    >>> class Log(BatchSink):
    ...     def __enter__(self):
    ...         return self
    ...
    ...     def __exit__(self, kind, error, trace):
    ...         if error is None:
    ...             self._insert_rest()
    ...
    ...     def _insert(self, table, rows):
    ...         print(table.table_name, rows.num_rows)
    >>> from generator.schema import Flight
    >>> with Log(rows_an_insert=3) as sink:
    ...     for flight_id in range(1, 5):
    ...         sink.write(Flight, pa.RecordBatch.from_pylist([{"flight_id": flight_id}]))
    flights 3
    flights 1
    """

    rows_a_part = ROW_GROUP
    packs_files = False
    guard: Guard | None = None

    def __init__(self, rows_an_insert: int = ROW_GROUP) -> None:
        self._buffer = InsertBuffer(rows_an_insert)

    @property
    def packer(self) -> Packer:
        """Return a packer that gives the batches unchanged."""
        return as_batches

    def existing_parts(
        self, _identity: str, _parts: Collection[str]
    ) -> Mapping[str, Mapping[str, Tally]]:
        """Return nothing: every part is made again."""
        return {}

    def take(self, _part: str, packed: list[Piece], _tallies: Mapping[str, Tally]) -> None:
        """Take the batches of a part."""
        for table, batch in packed:
            self.write(table, batch)

    def write(self, table: type[RawTable], batch: pa.RecordBatch) -> None:
        """Take rows of a table; they are inserted in large pieces."""
        if (rows := self._buffer.add(table, batch)) is not None:
            self._insert(table, rows)

    def _insert_rest(self) -> None:
        """Insert the rows that still wait."""
        for table, rows in self._buffer.rest():
            self._insert(table, rows)

    @abstractmethod
    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        """Insert rows into a table of the destination."""


def printable(text: str) -> str:
    """Return text in one line, with a code for each character that is not one to print."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def check_columns(tables: Iterable[type[RawTable]], taken: Collection[str], by: str) -> None:
    """Raise DestinationError for a column with a name that the destination uses itself."""
    for table in tables:
        for column in table.columns():
            if column.name in taken:
                raise DestinationError(
                    f"{table.table_name}: a column cannot be called {column.name!r}, which {by}; "
                    "give it another name"
                )
