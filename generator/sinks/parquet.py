"""Parquet files in a folder, on this machine or on S3, that a manifest holds together.

A table with a time has a partition a month, `performance_hourly/month=2025-09/PART-RUN.parquet`;
of the others there is `campaigns/PART-RUN.parquet`. `manifest.json` names the files of one run.
Files are written where their part is made, below `_staging`, where no pattern of a table's files
finds them. When the last part is written they are moved to their places, the manifest is replaced
in one step, and what it does not name is removed: at any moment, and after any end, it names whole
files of one run. One run at a time can write to a folder of this machine; S3 has nothing to keep a
second one out. A run that ends early leaves its staging with a receipt for each part, from which
the next run of the same identity goes on; a run of another identity removes it. What in the folder
is the project's own is decided in `dataset`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from generator.schema import RawTable, Run
from generator.schema.arrow import arrow_schema
from generator.sinks.dataset import RECEIPTS, DatasetFolder, staged_path
from generator.sinks.fingerprint import Tally
from generator.sinks.folder import Folder
from generator.sinks.held import Guard
from generator.sinks.manifest import NO_ROWS, PARTITIONED, File, Receipt, TableTotals, as_json
from generator.sinks.sink import ROW_GROUP, CountingIterator, Packer, check_columns

ROWS_A_PART = 1_000_000
ROWS_IN_MEMORY = 500_000
PARTITION = "month"
_IN_LONG_RUNS = frozenset({"line_item_id", "loaded_at"})
# Ids that are hashes: nothing makes them smaller.
_HASHED = frozenset({"household_id", "profile_id", "device_id", "session_id"})
_MICROSECONDS_A_DAY = 86_400_000_000


class ParquetSink:
    """Parquet files, partitioned by month, in a folder or at s3://bucket/prefix."""

    packs_files = True
    guard: Guard | None = None

    def __init__(
        self, place: str, tables: Iterable[type[RawTable]], rows_a_part: int = ROWS_A_PART
    ) -> None:
        self.place = place if place.startswith("s3://") else str(Path(place).absolute())
        self.tables = tuple(tables)
        self.rows_a_part = rows_a_part

    def __enter__(self) -> Self:
        check_columns(self.tables, {PARTITION}, "names the folders of its files")
        self._is_new = not self.place.startswith("s3://") and not os.path.exists(self.place)
        self._dataset = DatasetFolder(self.place, PARTITIONED)
        return self

    @property
    def packer(self) -> Packer:
        """Writes the files of a part, and then its receipt, to the staging of the run."""
        return self._writer

    def existing_parts(
        self, identity: str, parts: Collection[str]
    ) -> Mapping[str, Mapping[str, Tally]]:
        """Return the parts with all their files whole, in place or staged."""
        self._parts: dict[str, Receipt] = {}
        self._staged: set[str] = set()
        self._dataset.protect(identity, self.guard, _columns)
        self._dataset.begin(identity)
        modes = {table.table_name: self._dataset.mode(table) for table in self.tables}
        self._writer = _PartWriter(self.place, identity, modes)
        for name, receipt in self._dataset.receipts():
            if name in parts or name == NO_ROWS:
                self._keep_if_whole(name, receipt)
        self._dataset.forget_others(kept={file.path for file in self._files()})
        return {name: receipt.tallies for name, receipt in self._parts.items()}

    def take(self, part: str, packed: Receipt, _tallies: Mapping[str, Tally]) -> None:
        """Note that a part is written."""
        self._add(part, packed)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._write_empty_tables()
                self._dataset.publish(self._parts, self._staged, self._run())
            elif not self._dataset.holds_parts():
                self._abandon()
        finally:
            self._dataset.release()

    def _abandon(self) -> None:
        """Remove what this run has written; its folder too, if that is new."""
        with suppress(Exception):
            self._dataset.abandon()
        if self._is_new:
            with suppress(OSError):
                Path(self.place).rmdir()

    def _write_empty_tables(self) -> None:
        """Write a file for each table without rows, so that readers find its columns."""
        present = {file.table for file in self._files()}
        empty = [table for table in self.tables if table.table_name not in present]
        if empty:
            self._add(NO_ROWS, self._writer.of_empty(empty))

    def _add(self, part: str, receipt: Receipt) -> None:
        self._parts[part] = receipt
        self._staged |= {file.path for file in receipt.files}

    def _run(self) -> Run | None:
        for file in self._files():
            if file.table == Run.table_name and file.rows:
                path = file.path
                if path in self._staged:
                    path = staged_path(self._writer.identity, path)
                content = pa.BufferReader(self._dataset.folder.read(path))
                return Run(**parquet.read_table(content).to_pylist()[0])
        return None

    def _keep_if_whole(self, name: str, receipt: Receipt) -> None:
        staged = set()
        for file in receipt.files:
            path = self._dataset.where(file)
            if path is None or (name == NO_ROWS and file.rows) or not self._is_sound(file, path):
                return
            if path != file.path:
                staged.add(file.path)
        self._parts[name] = receipt
        self._staged |= staged

    def _is_sound(self, file: File, path: str) -> bool:
        """Return whether a file has the columns of its table and the rows of its record."""
        schemas = {table.table_name: arrow_schema(table) for table in self.tables}
        try:
            with parquet.ParquetFile(self._dataset.folder.input(path)) as found:
                return found.metadata.num_rows == file.rows and found.schema_arrow == schemas.get(
                    file.table
                )
        except (OSError, pa.ArrowException):
            return False

    def _files(self) -> list[File]:
        return [file for receipt in self._parts.values() for file in receipt.files]


def _columns(file: pa.NativeFile, _table: type[RawTable], names: list[str]) -> pa.Table:
    with parquet.ParquetFile(file) as found:
        return found.read(columns=names).select(names)


@dataclass(frozen=True)
class _PartWriter:
    place: str
    identity: str
    modes: Mapping[str, int | None] = field(default_factory=dict)

    def __call__(self, part: str, pieces: CountingIterator) -> Receipt:
        folder = Folder(self.place)
        waiting = 0
        with _abandoning() as encoders:
            for table, batch in pieces:
                for month, rows in _by_month(table, batch):
                    path = self._path(table, month, part)
                    if path not in encoders:
                        encoders[path] = self._encoder(folder, path, table)
                    encoders[path].add(rows)
                waiting += batch.num_rows
                if waiting >= ROWS_IN_MEMORY:
                    for encoder in encoders.values():
                        encoder.encode()
                    waiting = 0
            return self._note_part(folder, part, encoders, pieces.tallies)

    def of_empty(self, tables: Iterable[type[RawTable]]) -> Receipt:
        """Return a part with the files of tables that have no rows."""
        folder = Folder(self.place)
        tallies = {table.table_name: Tally() for table in tables}
        with _abandoning() as encoders:
            for table in tables:
                path = self._path(table, "", NO_ROWS)
                encoders[path] = self._encoder(folder, path, table)
            return self._note_part(folder, NO_ROWS, encoders, tallies)

    def _path(self, table: type[RawTable], month: str, part: str) -> str:
        return f"{table.table_name}/{month}{part}-{self.identity[:8]}.parquet"

    def _encoder(self, folder: Folder, path: str, table: type[RawTable]) -> _Encoder:
        mode = self.modes.get(table.table_name)
        return _Encoder(folder, staged_path(self.identity, path), table, mode)

    def _note_part(
        self,
        folder: Folder,
        part: str,
        encoders: Mapping[str, _Encoder],
        tallies: Mapping[str, Tally],
    ) -> Receipt:
        """Finish the files, and then write the receipt."""
        receipt = Receipt(
            tables={name: TableTotals.of(tally) for name, tally in tallies.items()},
            files=[encoder.finish(part, path) for path, encoder in encoders.items()],
        )
        folder.write(staged_path(self.identity, f"{RECEIPTS}/{part}.json"), as_json(receipt))
        return receipt


class _Encoder:
    """One Parquet file, written as its rows are encoded."""

    def __init__(self, folder: Folder, path: str, table: type[RawTable], mode: int | None) -> None:
        self._table = table
        self._folder = folder
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._file = folder.open_new(path, mode)
        schema, encoding = arrow_schema(table), _encoding(table)
        with folder.translate_errors():
            self._writer = parquet.ParquetWriter(self._file, schema, **encoding)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows of the table."""
        self._rows += batch.num_rows
        self._waiting.append(batch)

    def encode(self) -> None:
        """Encode the rows that wait."""
        if self._waiting:
            rows = pa.Table.from_batches(self._waiting)
            self._waiting = []
            with self._folder.translate_errors():
                self._writer.write_table(rows, row_group_size=ROW_GROUP)

    def abandon(self) -> None:
        """Close the file and its writer, which would otherwise write the end of the file when it is
        collected as garbage."""
        self._file.abandon()
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        with suppress(OSError):
            self._file.close()

    def finish(self, part: str, path: str) -> File:
        """Encode the rest and close the file, which belongs to this path."""
        self.encode()
        with self._folder.translate_errors():
            self._writer.close()
            self._file.close()
        return File(
            table=self._table.table_name,
            part=part,
            path=path,
            rows=self._rows,
            bytes=self._file.bytes,
            hash=self._file.digest,
        )


@contextmanager
def _abandoning() -> Iterator[dict[str, _Encoder]]:
    """Give a place for the encoders of a part, by path; an error abandons those in it."""
    encoders: dict[str, _Encoder] = {}
    try:
        yield encoders
    except BaseException:
        for encoder in encoders.values():
            encoder.abandon()
        raise


@cache
def _encoding(table: type[RawTable]) -> dict[str, Any]:
    """Return how the columns are written.

    Whole numbers and times are differences, text is by dictionary, and fractions are plain. So are
    columns that have one value in many rows of a fact: zstd makes them as small, and sooner. Ids
    that are hashes are not compressed.
    """
    schema = arrow_schema(table)
    in_runs = _IN_LONG_RUNS if _time(table) else frozenset[str]()
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    texts = [field.name for field in schema if pa.types.is_large_string(field.type)]
    hashed = {field.name for field in schema if field.name in _HASHED or field.name in texts}
    return {
        "compression": {name: "none" if name in hashed else "zstd" for name in schema.names},
        # Differences leave little to find: the fast side of zstd is as small, a seventh sooner.
        "compression_level": {name: -1 for name in schema.names if name not in hashed},
        "use_dictionary": [
            field.name for field in schema if pa.types.is_string(field.type) or field.name in words
        ],
        "column_encoding": {
            field.name: "DELTA_BINARY_PACKED"
            for field in schema
            if pa.types.is_integer(field.type) or pa.types.is_temporal(field.type)
            if field.name not in in_runs | hashed
        }
        | dict.fromkeys(texts, "DELTA_LENGTH_BYTE_ARRAY"),
        # What a reader looks for, not what it adds up, nor the few words that every group has; and
        # a page a column, not one of 20,000 rows.
        "write_statistics": [
            column.name
            for column in table.columns()
            if column.references or column.name in table.grain
            if column.name not in hashed.union(words)
        ],
        "max_rows_per_page": ROW_GROUP,
        "write_batch_size": ROW_GROUP,
    }


def _by_month(table: type[RawTable], batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the rows of each month, with the folder of its partition."""
    time = _time(table)
    if time is None:
        yield "", batch
        return
    days = _days(batch.column(time))
    if not days.size:
        return
    first_day = days.min()
    months = np.arange(first_day, days.max() + 1).astype("datetime64[D]").astype("datetime64[M]")
    month = (months - months[0]).astype(np.int16).take(days - first_day)
    edges = (np.flatnonzero(month[1:] != month[:-1]) + 1).tolist()
    for first, last in pairwise([0, *edges, month.size]):
        folder = f"{PARTITION}={months[days[first] - first_day]}/"
        yield folder, batch.slice(first, last - first)


def _days(times: pa.Array) -> NDArray[np.int64]:
    """Return dates or points in time as day numbers."""
    if pa.types.is_date32(times.type):
        return times.view(pa.int32()).to_numpy().astype(np.int64)
    return times.view(pa.int64()).to_numpy() // _MICROSECONDS_A_DAY


@cache
def _time(table: type[RawTable]) -> str | None:
    """Return the time by which the files of a table are cut: a column of its grain by default."""
    if table.time_column:
        return table.time_column
    for column in table.columns():
        if column.name in table.grain and pa.types.is_temporal(column.storage.arrow):
            return column.name
    return None
