"""A folder with one CSV file per raw table, with a header.

Text is always in double quotes, doubled inside; NULL is nothing between two commas, and so differs
from empty text. Times are UTC without a zone. Files grow under hidden names and take their own when
the last part is there; a run that ends early leaves those of the run before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
from pyarrow import csv

from generator.schema import RawTable
from generator.schema.arrow import arrow_schema
from generator.sinks.fingerprint import Tally
from generator.sinks.lock import Lock
from generator.sinks.sink import Counted, DestinationError, DestinationFailedError, Packer

ROWS_A_PART = 122_880
_HEADER = csv.WriteOptions(include_header=True)
_ROWS = csv.WriteOptions(include_header=False)


class CsvSink:
    """CSV files in a folder, one per table."""

    rows_a_part = ROWS_A_PART
    packs_files = False

    def __init__(self, folder: str, tables: Iterable[type[RawTable]]) -> None:
        self.folder = Path(folder)
        self.tables = tuple(tables)
        self._files: dict[type[RawTable], BinaryIO] = {}

    def __enter__(self) -> Self:
        self._refuse_strangers()
        self._is_new = not os.path.exists(self.folder)
        self._lock = Lock(self.folder)
        try:
            for table in self.tables:
                self._files[table] = self._hidden(table).open("wb")
                self._files[table].write(_encoded(arrow_schema(table).empty_table(), _HEADER))
        except OSError as error:
            self._abandon()
            raise self._failure(error) from error
        return self

    @property
    def packer(self) -> Packer:
        """Lines of text, table by table."""
        return _lines

    def held(self, _identity: str) -> Mapping[str, Mapping[str, Tally]]:
        """Nothing: all is made again."""
        return {}

    def take(
        self,
        _part: str,
        packed: list[tuple[type[RawTable], pa.Buffer]],
        _tallies: Mapping[str, Tally],
    ) -> None:
        """Append the lines of a part."""
        try:
            for table, lines in packed:
                self._files[table].write(lines)
        except OSError as error:
            raise self._failure(error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._abandon()
            return
        try:
            for file in self._files.values():
                file.close()
            for table in self._files:
                self._hidden(table).replace(self.folder / f"{table.table_name}.csv")
        except OSError as failure:
            self._abandon()
            raise self._failure(failure) from failure
        self._lock.release()

    def _refuse_strangers(self) -> None:
        """Raises DestinationError for a file with the name of a table that no run has written: one
        whose header does not begin as the table's does."""
        for table in self.tables:
            file = self.folder / f"{table.table_name}.csv"
            begins = f'"{table.columns()[0].name}"'.encode()
            try:
                with file.open("rb") as stream:
                    found = stream.read(len(begins))
            except OSError:
                continue
            if found != begins:
                raise DestinationError(
                    f"{file}: is there, and no run has written it; move it away, or choose another "
                    "--to"
                )

    def _hidden(self, table: type[RawTable]) -> Path:
        return self.folder / f".{table.table_name}.csv.new"

    def _abandon(self) -> None:
        for table, file in self._files.items():
            with suppress(OSError):
                file.close()
            self._hidden(table).unlink(missing_ok=True)
        if self._is_new:
            with suppress(OSError):
                self.folder.rmdir()
        self._lock.release()

    def _failure(self, error: OSError) -> DestinationFailedError:
        return DestinationFailedError(
            f"{self.folder}: cannot be written: {error.strerror}; choose another --to"
        )


def _lines(_part: str, pieces: Counted) -> list[tuple[type[RawTable], pa.Buffer]]:
    return [(table, _encoded(batch, _ROWS)) for table, batch in pieces]


def _encoded(rows: pa.RecordBatch | pa.Table, options: csv.WriteOptions) -> pa.Buffer:
    content = pa.BufferOutputStream()
    csv.write_csv(rows, content, options)
    return content.getvalue()
