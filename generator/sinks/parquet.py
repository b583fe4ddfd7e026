"""Parquet files in a folder, on this machine or on S3, that a manifest holds together.

A table with a time has a partition a month, `performance_hourly/month=2025-09/PART-RUN.parquet`;
of the others there is `campaigns/PART-RUN.parquet`. `manifest.json` names the files of one run.
Files are written where their part is made, below `_staging`, where no pattern of a table's files
finds them. When the last part is there they are moved to their places, the manifest is replaced in
one step, and what it does not name is removed: at any moment, and after any end, it names whole
files of one run. One run at a time can write to a folder of this machine; S3 has nothing to keep a
second one out. A run that ends early leaves its staging with a receipt for each part, from which
the next run of the same identity goes on; a run of another identity removes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet
from pydantic import BaseModel, ValidationError

from generator import __version__
from generator.schema import TABLES, RawTable, Run
from generator.schema.arrow import arrow_schema
from generator.sinks.fingerprint import Tally
from generator.sinks.folder import Folder
from generator.sinks.lock import Lock
from generator.sinks.manifest import File, Held, Manifest, Receipt, digest, sums
from generator.sinks.sink import Counted, DestinationError, Packer, check_columns

ROWS_A_PART = 1_000_000
ROWS_A_GROUP = 122_880
ROWS_IN_MEMORY = 500_000
MANIFEST = "manifest.json"
STAGING = "_staging"
RECEIPTS = "_receipts"
NO_ROWS = "no-rows"
PARTITION = "month"
_IN_LONG_RUNS = frozenset({"campaign_id", "line_item_id", "loaded_at"})
_MICROSECONDS_A_DAY = 86_400_000_000
_OURS = re.compile(r"-[0-9a-f]{8}\.parquet$")

Record = TypeVar("Record", bound=BaseModel)


class ParquetSink:
    """Parquet files, partitioned by month, in a folder or at s3://bucket/prefix."""

    packs_files = True

    def __init__(
        self, place: str, tables: Iterable[type[RawTable]], rows_a_part: int = ROWS_A_PART
    ) -> None:
        self.place = place if place.startswith("s3://") else str(Path(place).absolute())
        self.tables = tuple(tables)
        self.rows_a_part = rows_a_part

    def __enter__(self) -> Self:
        check_columns(self.tables, {PARTITION}, "names the folders of its files")
        self._lock = None if self.place.startswith("s3://") else Lock(Path(self.place))
        try:
            self._open()
        except BaseException:
            self._release()
            raise
        return self

    def _open(self) -> None:
        self._folder = Folder(self.place)
        if strange := [path for path in self._in_place() if not _OURS.search(path)]:
            raise DestinationError(
                f"{self._folder.name}: holds {strange[0]}, which no run has written; move it away, "
                "or choose another --to"
            )
        self._manifest = self._read(MANIFEST, Manifest)
        if self._manifest is None and self._is_of_another(MANIFEST):
            raise DestinationError(
                f"{self._folder.name}: holds a {MANIFEST} of something else; move it away, or "
                "choose another --to"
            )

    @property
    def packer(self) -> Packer:
        """Writes the files of a part, and then its receipt, to the staging of the run."""
        return _PartWriter(self.place, self._identity)

    def held(self, identity: str) -> Mapping[str, Mapping[str, Tally]]:
        """The parts whose files are all whole, in place or staged."""
        self._identity = identity
        self._parts: dict[str, Receipt] = {}
        self._staged: set[str] = set()
        for name, receipt in self._receipts():
            self._keep_if_whole(name, receipt)
        for other in set(self._folder.entries(STAGING)) - {identity}:
            self._folder.remove_all(f"{STAGING}/{other}")
        if self._manifest:
            self._remove_all_but([*self._manifest.files, *self._files()])
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
                self._publish()
        finally:
            self._release()

    def _release(self) -> None:
        if self._lock:
            self._lock.release()

    def _publish(self) -> None:
        self._write_empty_tables()
        self._parts = dict(sorted(self._parts.items()))
        for path in sorted(self._staged):
            self._folder.move(_staged(self._identity, path), path)
        manifest = Manifest(
            identity=self._identity,
            generator_version=__version__,
            run=self._run(),
            tables=sums(self._parts),
            parts={name: receipt.tables for name, receipt in self._parts.items()},
            files=self._files(),
        )
        self._folder.write(_staged(self._identity, MANIFEST), _json(manifest))
        self._folder.move(_staged(self._identity, MANIFEST), MANIFEST)
        self._remove_all_but(manifest.files)
        self._folder.remove_all(STAGING)

    def _write_empty_tables(self) -> None:
        """A table without rows has a file all the same, so that readers find its columns."""
        present = {file.table for file in self._files()}
        empty = [table for table in self.tables if table.table_name not in present]
        if empty:
            self._add(NO_ROWS, _PartWriter(self.place, self._identity).of_empty(empty))

    def _add(self, part: str, receipt: Receipt) -> None:
        self._parts[part] = receipt
        self._staged |= {file.path for file in receipt.files}

    def _run(self) -> Run | None:
        for file in self._files():
            if file.table == Run.table_name and file.rows:
                content = pa.BufferReader(self._folder.read(file.path))
                return Run(**parquet.read_table(content).to_pylist()[0])
        return None

    def _receipts(self) -> Iterator[tuple[str, Receipt]]:
        """The parts of this run that are written down: in the manifest, then in the staging."""
        if self._manifest and self._manifest.identity == self._identity:
            yield from self._manifest.receipts().items()
        for path in list(self._folder.paths(_staged(self._identity, RECEIPTS))):
            if receipt := self._read(path, Receipt):
                yield path.rpartition("/")[2].removesuffix(".json"), receipt

    def _keep_if_whole(self, name: str, receipt: Receipt) -> None:
        staged = set()
        for file in receipt.files:
            if not self._holds(file.path, file):
                if not self._holds(_staged(self._identity, file.path), file):
                    return
                staged.add(file.path)
        self._parts[name] = receipt
        self._staged |= staged

    def _holds(self, path: str, file: File) -> bool:
        """Whether a file is there as it was written."""
        return (
            self._folder.size(path) == file.bytes and digest(self._folder.read(path)) == file.hash
        )

    def _files(self) -> list[File]:
        return [file for receipt in self._parts.values() for file in receipt.files]

    def _in_place(self) -> list[str]:
        """The Parquet files below the tables' folders."""
        return [
            path
            for table in TABLES
            for path in self._folder.paths(table.table_name)
            if path.endswith(".parquet")
        ]

    def _remove_all_but(self, files: Iterable[File]) -> None:
        for path in set(self._in_place()) - {file.path for file in files}:
            self._folder.remove(path)

    def _is_of_another(self, path: str) -> bool:
        """Whether a file is there that is whole JSON and has no identity of a run."""
        if self._folder.size(path) is None:
            return False
        try:
            found = json.loads(self._folder.read(path))
        except ValueError:
            return False
        return not isinstance(found, dict) or "identity" not in found

    def _read(self, path: str, record: type[Record]) -> Record | None:
        """What is written down there; None if it is not there or not whole."""
        if self._folder.size(path) is None:
            return None
        try:
            return record.model_validate_json(self._folder.read(path))
        except ValidationError:
            return None


@dataclass(frozen=True)
class _PartWriter:
    place: str
    identity: str

    def __call__(self, part: str, pieces: Counted) -> Receipt:
        folder = Folder(self.place)
        encoders: dict[str, _Encoder] = {}
        waiting = 0
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
        return self._noted(folder, part, encoders, pieces.tallies)

    def of_empty(self, tables: Iterable[type[RawTable]]) -> Receipt:
        """A part with the files of tables that have no rows."""
        folder = Folder(self.place)
        encoders = {}
        for table in tables:
            path = self._path(table, "", NO_ROWS)
            encoders[path] = self._encoder(folder, path, table)
        tallies = {table.table_name: Tally() for table in tables}
        return self._noted(folder, NO_ROWS, encoders, tallies)

    def _path(self, table: type[RawTable], month: str, part: str) -> str:
        return f"{table.table_name}/{month}{part}-{self.identity[:8]}.parquet"

    def _encoder(self, folder: Folder, path: str, table: type[RawTable]) -> _Encoder:
        return _Encoder(folder, _staged(self.identity, path), table)

    def _noted(
        self,
        folder: Folder,
        part: str,
        encoders: Mapping[str, _Encoder],
        tallies: Mapping[str, Tally],
    ) -> Receipt:
        """Finish the files, and then write the receipt."""
        receipt = Receipt(
            tables={name: Held.of(tally) for name, tally in tallies.items()},
            files=[encoder.finished(part, path) for path, encoder in encoders.items()],
        )
        folder.write(_staged(self.identity, f"{RECEIPTS}/{part}.json"), _json(receipt))
        return receipt


class _Encoder:
    """One Parquet file, written as its rows are encoded."""

    def __init__(self, folder: Folder, path: str, table: type[RawTable]) -> None:
        self._table = table
        self._folder = folder
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._file = _Hashed(folder.opened(path))
        schema, encoding = arrow_schema(table), _encoding(table)
        with folder.told():
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
            with self._folder.told():
                self._writer.write_table(rows, row_group_size=ROWS_A_GROUP)

    def finished(self, part: str, path: str) -> File:
        """Encode the rest and close the file, which belongs to this path."""
        self.encode()
        with self._folder.told():
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


class _Hashed:
    """A file that is written, with its size and the hash of its bytes so far."""

    def __init__(self, file: pa.NativeFile) -> None:
        self.bytes = 0
        self.closed = False
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, content: bytes) -> None:
        self.bytes += len(content)
        self._hash.update(content)
        self._file.write(content)

    def flush(self) -> None:
        """Left to the end."""

    def close(self) -> None:
        self.closed = True
        self._file.close()


@cache
def _encoding(table: type[RawTable]) -> dict[str, Any]:
    """How the columns are written: whole numbers and times as differences, text by dictionary, and
    fractions as they are; so is what many rows of a fact have in common, of which zstd leaves as
    little and sooner."""
    schema = arrow_schema(table)
    in_runs = _IN_LONG_RUNS if _time(table) else frozenset[str]()
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    return {
        "compression": "zstd",
        # Differences leave little to find: the fast side of zstd is as small, a seventh sooner.
        "compression_level": -1,
        "use_dictionary": [
            field.name for field in schema if pa.types.is_string(field.type) or field.name in words
        ],
        "column_encoding": {
            field.name: "DELTA_BINARY_PACKED"
            for field in schema
            if pa.types.is_integer(field.type) or pa.types.is_temporal(field.type)
            if field.name not in in_runs
        },
        # What a reader looks for, not what it adds up, nor the few words that every group has; and
        # a page a column, not one of 20,000 rows.
        "write_statistics": [
            column.name
            for column in table.columns()
            if column.references or column.name in table.grain
            if column.name not in words
        ],
        "max_rows_per_page": ROWS_A_GROUP,
        "write_batch_size": ROWS_A_GROUP,
    }


def _by_month(table: type[RawTable], batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each month, with the folder of its partition."""
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
    """Dates or points in time as day numbers."""
    if pa.types.is_date32(times.type):
        return times.view(pa.int32()).to_numpy().astype(np.int64)
    return times.view(pa.int64()).to_numpy() // _MICROSECONDS_A_DAY


@cache
def _time(table: type[RawTable]) -> str | None:
    """The column of a table's grain that is a time."""
    for column in table.columns():
        if column.name in table.grain and pa.types.is_temporal(column.storage.arrow):
            return column.name
    return None


def _staged(identity: str, path: str) -> str:
    return f"{STAGING}/{identity}/{path}"


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json(indent=1).encode()
