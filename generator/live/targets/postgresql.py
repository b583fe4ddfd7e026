"""A PostgreSQL database. A server that goes away is waited for, and asked how far the run is when
it is back: the last slice may have been committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from generator.extras import packages_of
from generator.live.targets.database import DatabaseTarget
from generator.live.targets.target import TargetAwayError
from generator.masking import without_secrets_of
from generator.schema import RawTable
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.postgresql import create_table, decode_dictionaries, with_time_limit
from generator.sinks.target import label

with suppress(ImportError):  # connecting says what is missing
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

# Held until the end of the connection.
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('streaming-ads live'))"


class PostgresqlTarget(DatabaseTarget):
    """A database by its URI."""

    def __init__(self, uri: str) -> None:
        self.label = label(uri)
        self._uri = uri
        self._connection: Any = None
        self._was_connected = False

    @property
    def _is_connected(self) -> bool:
        return self._connection is not None

    def connect(self) -> None:
        """Connect, and lock the database for this run."""
        with packages_of("postgres", "PostgreSQL"):
            import adbc_driver_postgresql  # noqa: F401
        try:
            self._connection = dbapi.connect(with_time_limit(self._uri))
        except Error as error:
            raise self._away_or_wrong(error) from error
        with self._failures():
            self._ask("SET client_encoding TO 'UTF8'")
            is_mine = self._ask(_TRY_LOCK) == [(True,)]
            self._connection.commit()
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
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return without_secrets_of(self._uri, first)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what the server says into a sentence. One that no longer answers is away."""
        try:
            yield
        except Error as error:
            try:
                self._connection.rollback()
                with self._connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                    cursor.fetchall()
                self._connection.rollback()
            except Error:
                self._disconnect()
                raise TargetAwayError(f"{self.label}: {self._first_line(error)}") from error
            raise DestinationFailedError(
                f"{self.label}: {self._first_line(error)}; what was sent before is safe: see to "
                "it, and run the same command again"
            ) from error

    def _ask(self, query: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def _do(self, statement: str) -> None:
        with self._failures(), self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _existing_tables(self) -> set[str]:
        with self._failures():
            found = self._ask(
                "SELECT schemaname::text || '.' || tablename::text FROM pg_catalog.pg_tables"
            )
        return {name for (name,) in found}

    def _definition(self, table: type[RawTable]) -> str:
        return create_table(table)

    def _rows(self, query: str) -> list[Any]:
        with self._failures():
            found = self._ask(query)
            self._connection.commit()
        return found

    def _begin(self) -> None:
        if not self._is_connected:
            self.connect()

    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        with self._failures(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(
                table.table_name,
                decode_dictionaries(rows),
                mode="append",
                db_schema_name=table.schema_name,
            )

    def _end(self) -> None:
        with self._failures():
            self._connection.commit()

    def _disconnect(self) -> None:
        with suppress(Exception):
            self._connection.close()
        self._connection = None

    def close(self) -> None:
        """Close the connection, and with it the lock."""
        if self._connection is not None:
            with suppress(Error):
                self._connection.rollback()
            self._disconnect()
