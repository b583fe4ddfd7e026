"""A DuckDB file. It is open while a slice is written and closed while the next one is waited for,
so that dbt and `watch` can read it in between: DuckDB lets one process write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from generator.live.targets.database import DatabaseTarget
from generator.live.targets.target import MINUTE, TargetAwayError
from generator.schema import RawTable
from generator.schema.ddl import create_table, literal, sql_name
from generator.schema.live import LiveState
from generator.sinks.duckdb import (
    COLUMNS,
    SCHEMAS,
    failure,
    is_open_elsewhere,
    refuse_name_of_schema,
)
from generator.sinks.errors import DestinationError
from generator.sinks.lock import hold_file
from generator.sinks.table_mark import DatabaseColumn

# What the file is called in queries.
_NAME = "streamed"
_SECONDS_OPEN, _SECONDS_FOR_READERS, _SECONDS_BETWEEN_LOOKS = 1.0, 5.0, 0.05


class DuckdbTarget(DatabaseTarget):
    """A DuckDB file; a missing one is made, with its folder."""

    least_slice = MINUTE

    def __init__(self, file: Path) -> None:
        self.label = str(file)
        self._file = file
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._release: Callable[[], None] | None = None
        self._opened = 0.0

    @property
    def _is_connected(self) -> bool:
        return self._connection is not None

    def connect(self) -> None:
        """Open the file. Readers are waited for."""
        refuse_name_of_schema(self._file, (*SCHEMAS, LiveState.schema_name), "--to")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        is_first = self._release is None
        if is_first and self._file.exists():
            self._hold()
        connection = duckdb.connect(config={"threads": 1})
        until = time.monotonic() + _SECONDS_FOR_READERS
        while True:
            try:
                connection.execute(f"ATTACH {literal(str(self._file))} AS {_NAME}").fetchall()
                connection.execute(f"USE {_NAME}").fetchall()
                break
            except duckdb.Error as error:
                is_locked = is_open_elsewhere(error)
                if is_locked and time.monotonic() < until:
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
                    continue
                connection.close()
                if is_locked and not is_first:
                    raise TargetAwayError(f"{self.label}: is open in another process") from error
                self.close()
                raise self._failure(error) from error
        self._connection, self._opened = connection, time.monotonic()
        if self._release is None:
            self._hold()

    def _hold(self) -> None:
        """Keep the file for this run. Raises DestinationError if another run has it."""
        try:
            self._release = hold_file(self._file)
        except BlockingIOError as error:
            self.rest()
            raise DestinationError(
                f"{self.label}: another live run writes to it; wait for its end, or choose "
                "another --to"
            ) from error

    def _rows(self, query: str) -> list[Any]:
        assert self._connection is not None
        with self._failures():
            return self._connection.execute(query).fetchall()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what DuckDB says into a sentence, and close the file after it."""
        try:
            yield
        except duckdb.Error as error:
            self.rest()
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> DestinationError:
        return failure(self._file, error, "--to")

    def _existing_tables(self) -> set[str]:
        found = self._rows(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            f"WHERE database_name = '{_NAME}'"
        )
        return {name for (name,) in found}

    def _columns(self, table: type[RawTable]) -> list[DatabaseColumn]:
        assert self._connection is not None
        with self._failures():
            found = self._connection.execute(COLUMNS, [table.schema_name, table.table_name])
            return found.fetchall()

    def _definition(self, table: type[RawTable]) -> str:
        return create_table(table)

    def _do(self, statement: str) -> None:
        self._rows(statement)

    def _begin(self) -> None:
        if not self._is_connected:
            self.connect()
        self._rows("BEGIN TRANSACTION")

    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        assert self._connection is not None
        with self._failures():
            self._connection.register("landing", rows)
            self._rows(f"INSERT INTO {sql_name(table)} BY NAME SELECT * FROM landing")
            self._connection.unregister("landing")

    def _end(self) -> None:
        self._do("COMMIT")
        if time.monotonic() - self._opened > _SECONDS_OPEN:
            self.rest()

    def rest(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close the file, and let other runs have it."""
        self.rest()
        if self._release is not None:
            self._release()
            self._release = None
