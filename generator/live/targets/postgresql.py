"""A PostgreSQL database. A server that goes away is waited for, and asked how far the run is when
it is back: the last slice may have been committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from generator.extras import packages_of
from generator.live.targets.database import DatabaseTarget
from generator.live.targets.target import TargetAwayError
from generator.masking import without_secrets_of
from generator.schema import RawTable
from generator.schema.ddl import sql_name
from generator.sinks.errors import DestinationError, DestinationFailedError, first_line
from generator.sinks.postgresql import (
    COLUMNS,
    LIVE_LOCK,
    Calls,
    Result,
    create_table,
    decode_dictionaries,
    with_time_limit,
)
from generator.sinks.table_mark import DatabaseColumn
from generator.sinks.target import label

with suppress(ImportError):  # connecting says what is missing
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

# Held until the end of the connection.
_TRY_LOCK = f"SELECT pg_try_advisory_lock({LIVE_LOCK})"


class PostgresqlTarget(DatabaseTarget):
    """A database by its URI."""

    def __init__(self, uri: str) -> None:
        self.label = label(uri)
        self._uri = uri
        self._connection: Any = None
        self._was_connected = False
        self._calls = Calls()

    @property
    def _is_connected(self) -> bool:
        return self._connection is not None

    def connect(self) -> None:
        """Connect, and lock the database for this run."""
        with packages_of("postgres", "PostgreSQL"):
            import adbc_driver_postgresql  # noqa: F401
        try:
            self._connection = self._call(lambda: dbapi.connect(with_time_limit(self._uri)))
        except Error as error:
            raise self._away_or_wrong(error) from error
        with self._failures():
            self._ask("SET client_encoding TO 'UTF8'")
            is_mine = self._ask(_TRY_LOCK) == [(True,)]
            self._call(self._connection.commit)
        if not is_mine:
            self.close()
            raise DestinationError(
                f"{self.label}: another live run writes to it; wait for its end, or choose "
                "another --to"
            )
        self._was_connected = True

    def _away_or_wrong(self, error: Exception) -> Exception:
        """Return what to raise for a server that cannot be reached: it is waited for if it could be
        reached before."""
        sentence = f"{self.label}: {self._first_line(error)}"
        if self._was_connected:
            return TargetAwayError(sentence)
        return DestinationFailedError(
            f"{sentence}; check the address, that the server runs, the user and their rights"
        )

    def _first_line(self, error: Exception) -> str:
        return without_secrets_of(self._uri, first_line(error))

    def _call(self, work: Callable[[], Result]) -> Result:
        """Return what work on the server returns, and hear signals meanwhile."""
        return self._calls.make(work, self._cancel)

    def _cancel(self) -> None:
        if self._connection is not None:
            self._connection.adbc_cancel()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what the server says into a sentence. One that no longer answers is away."""
        try:
            yield
        except Error as error:
            try:
                self._call(self._connection.rollback)
                self._ask("SELECT 1")
                self._call(self._connection.rollback)
            except Error:
                self._disconnect()
                raise TargetAwayError(f"{self.label}: {self._first_line(error)}") from error
            raise DestinationFailedError(
                f"{self.label}: {self._first_line(error)}; what was sent before is safe: see to "
                "it, and run the same command again"
            ) from error

    def _ask(self, query: str, *parameters: str) -> list[Any]:
        connection = self._connection

        def ask() -> list[Any]:
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return [tuple(row) for row in cursor.fetchall()]

        return self._call(ask)

    def _do(self, statement: str) -> None:
        connection = self._connection

        def do() -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement)

        with self._failures():
            self._call(do)

    def _existing_tables(self) -> set[str]:
        with self._failures():
            found = self._ask(
                "SELECT schemaname::text || '.' || tablename::text FROM pg_catalog.pg_tables"
            )
        return {name for (name,) in found}

    def _definition(self, table: type[RawTable]) -> str:
        return create_table(table)

    def _columns(self, table: type[RawTable]) -> list[DatabaseColumn]:
        with self._failures():
            return self._ask(COLUMNS, sql_name(table))

    def _rows(self, query: str) -> list[Any]:
        with self._failures():
            found = self._ask(query)
            self._call(self._connection.commit)
        return found

    def _begin(self) -> None:
        if not self._is_connected:
            self.connect()

    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        connection, plain = self._connection, decode_dictionaries(rows)
        name, schema = table.table_name, table.schema_name

        def insert() -> None:
            with connection.cursor() as cursor:
                cursor.adbc_ingest(name, plain, mode="append", db_schema_name=schema)

        with self._failures():
            self._call(insert)

    def _end(self) -> None:
        with self._failures():
            self._call(self._connection.commit)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None

        def close() -> None:
            with suppress(Error):
                connection.rollback()
            with suppress(Exception):
                connection.close()

        self._calls.end(close)

    def close(self) -> None:
        """Close the connection, and with it the lock."""
        if self._connection is not None:
            self._disconnect()
