"""A folder with one CSV file per raw table, with a header.

Text is always in double quotes, doubled inside; NULL is nothing between two commas, and so differs
from empty text. Times are UTC without a zone. Files grow below `_staging` and are moved to their
places when the last part is written; `manifest.json` names them with rows, size and hash. A run
that ends early leaves the files of the run before. What in the folder is the project's own is
decided in `dataset`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
from pyarrow import csv

from generator.schema import RawTable
from generator.schema.arrow import arrow_schema
from generator.sinks.dataset import DatasetFolder, staged_path
from generator.sinks.fingerprint import Tally
from generator.sinks.folder import HashedFile
from generator.sinks.held import Guard
from generator.sinks.manifest import ALL, File, Receipt, TableTotals, table_path
from generator.sinks.sink import ROW_GROUP, CountingIterator, Packer

FORM = "csv"
_HEADER = csv.WriteOptions(include_header=True)
_ROWS = csv.WriteOptions(include_header=False)


class CsvSink:
    """CSV files in a folder, one per table."""

    rows_a_part = ROW_GROUP
    packs_files = False
    guard: Guard | None = None

    def __init__(self, folder: str, tables: Iterable[type[RawTable]]) -> None:
        self.folder = Path(folder)
        self.tables = tuple(tables)

    def __enter__(self) -> Self:
        self._files: dict[str, HashedFile] = {}
        self._totals = {table.table_name: Tally() for table in self.tables}
        self._is_new = not os.path.exists(self.folder)
        self._dataset = DatasetFolder(str(self.folder), FORM)
        return self

    @property
    def packer(self) -> Packer:
        """Lines of text, table by table."""
        return _lines

    def existing_parts(
        self, identity: str, _parts: Collection[str]
    ) -> Mapping[str, Mapping[str, Tally]]:
        """Return nothing: all is made again."""
        self._dataset.protect(identity, self.guard, _columns)
        self._dataset.begin(identity)
        self._dataset.forget_others(kept=())
        for table in self.tables:
            path = staged_path(identity, table_path(table.table_name, FORM))
            file = self._dataset.folder.open_new(path, self._dataset.mode(table))
            self._files[table.table_name] = file
            self._write(table, _encode(arrow_schema(table).empty_table(), _HEADER))
        return {}

    def take(
        self,
        _part: str,
        packed: list[tuple[type[RawTable], pa.Buffer]],
        tallies: Mapping[str, Tally],
    ) -> None:
        """Append the lines of a part."""
        for table, lines in packed:
            self._write(table, lines)
        for name, tally in tallies.items():
            self._totals[name] += tally

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._close()
            if error is None:
                self._publish()
            else:
                self._abandon()
        except BaseException:
            with suppress(Exception):
                self._abandon()
            raise
        finally:
            self._dataset.release()

    def _write(self, table: type[RawTable], lines: pa.Buffer) -> None:
        with self._dataset.folder.translate_errors():
            self._files[table.table_name].write(lines)

    def _close(self) -> None:
        for file in self._files.values():
            with self._dataset.folder.translate_errors():
                file.close()

    def _publish(self) -> None:
        files = [
            File(
                table=name,
                part=ALL,
                path=table_path(name, FORM),
                rows=self._totals[name].rows,
                bytes=file.bytes,
                hash=file.digest,
            )
            for name, file in self._files.items()
        ]
        tables = {name: TableTotals.of(tally) for name, tally in self._totals.items()}
        receipt = Receipt(tables=tables, files=files)
        self._dataset.publish({ALL: receipt}, [file.path for file in files], run=None)

    def _abandon(self) -> None:
        """Remove what this run has written; its folder too, if that is new."""
        self._dataset.abandon()
        if self._is_new:
            with suppress(OSError):
                self.folder.rmdir()


def _columns(file: pa.NativeFile, table: type[RawTable], names: list[str]) -> pa.Table:
    types = {field.name: field.type for field in arrow_schema(table) if field.name in names}
    options = csv.ConvertOptions(column_types=types, include_columns=names)
    return csv.read_csv(file, convert_options=options)


def _lines(_part: str, pieces: CountingIterator) -> list[tuple[type[RawTable], pa.Buffer]]:
    return [(table, _encode(batch, _ROWS)) for table, batch in pieces]


def _encode(rows: pa.RecordBatch | pa.Table, options: csv.WriteOptions) -> pa.Buffer:
    content = pa.BufferOutputStream()
    csv.write_csv(rows, content, options)
    return content.getvalue()
