"""A DuckDB file: all raw tables of a run in schema `raw`, replaced in one transaction.

What the file holds in other schemas stays. A run that fails or is killed leaves the previous data,
since nothing is visible before the commit; a file that did not exist before does not exist after a
failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from generator.schema import RawTable
from generator.schema.ddl import create_table, quoted
from generator.sinks.sink import DestinationError

SCHEMA = "raw"
ROWS_PER_INSERT = 122_880


class DuckdbSink:
    """A DuckDB database file, created with its folder if it is not there."""

    def __init__(self, file: Path, tables: Iterable[type[RawTable]]) -> None:
        self.file = file
        self.tables = tuple(tables)
        self._waiting: dict[type[RawTable], list[pa.RecordBatch]] = {}

    def __enter__(self) -> Self:
        if self.file.stem == SCHEMA:
            raise DestinationError(
                f"{self.file}: is called like the schema in it, and DuckDB cannot tell them apart; "
                "choose another --database"
            )
        self._is_new = not self.file.exists()
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = duckdb.connect(str(self.file))
        except (OSError, duckdb.Error) as error:
            raise DestinationError(_sentence(self.file, error)) from error
        try:
            self._connection.execute("BEGIN TRANSACTION")
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(SCHEMA)}")
            for table in self.tables:
                self._connection.execute(create_table(table, SCHEMA))
        except duckdb.Error as error:
            self._abandon()
            raise DestinationError(_sentence(self.file, error)) from error
        return self

    def write(self, table: type[RawTable], batch: pa.RecordBatch) -> None:
        """Take rows of a table; they are inserted in large pieces."""
        waiting = self._waiting.setdefault(table, [])
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= ROWS_PER_INSERT:
            self._insert(table)

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
            for table in list(self._waiting):
                self._insert(table)
            self._connection.execute("COMMIT")
            self._connection.close()
        except duckdb.Error as failure:
            self._abandon()
            raise DestinationError(_sentence(self.file, failure)) from failure
        except BaseException:
            self._abandon()
            raise

    def _insert(self, table: type[RawTable]) -> None:
        rows = pa.Table.from_batches(self._waiting.pop(table))
        self._connection.register("landing", rows)
        name = f"{quoted(SCHEMA)}.{quoted(table.table_name)}"
        self._connection.execute(f"INSERT INTO {name} SELECT * FROM landing")
        self._connection.unregister("landing")

    def _abandon(self) -> None:
        """Close without a commit, which rolls back; remove a file that this run created."""
        self._connection.close()
        if self._is_new:
            self.file.unlink(missing_ok=True)
            self.file.with_name(self.file.name + ".wal").unlink(missing_ok=True)


def _sentence(file: Path, error: Exception) -> str:
    """What went wrong with the file and what to do, in one line."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "lock" in first.lower():
        return f"{file}: is open in another process; close it there (or choose another --database)"
    if "read-only" in first.lower() or "permission denied" in first.lower():
        return f"{file}: cannot be written: {first}; choose another --database"
    if "not a valid duckdb database file" in first.lower():
        return f"{file}: is not a DuckDB database; choose another --database"
    return f"{file}: {first}"
