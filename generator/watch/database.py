"""A live database, open to read only and for a moment: its writer has the file of DuckDB to itself.

A database that cannot be read now is a sentence, not a failure: it may be made, written or replaced
a second later.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import duckdb

from generator.extras import packages_of
from generator.masking import without_secrets_of
from generator.scenario.errors import bad_input
from generator.schema.ddl import literal
from generator.sinks.duckdb import is_open_elsewhere
from generator.sinks.errors import first_line
from generator.sinks.postgresql import with_time_limit
from generator.sinks.target import label, scheme_and_place

Row = dict[str, Any]
Query = Callable[[str], list[Row]]

# A live run has the file for a second at a time.
_SECONDS_OF_PATIENCE = 1.5
_SECONDS_BETWEEN_TRIES = 0.005
_SECONDS_TO_CONNECT = 3
_MILLISECONDS_PER_QUERY = 10_000
# The cores are for the writer.
_MODEST: dict[str, Any] = {"threads": 1}


class NotReadableError(Exception):
    """The database cannot be read now: why, and what would help, in one sentence."""


class LiveDatabase:
    """A DuckDB file or a PostgreSQL database by its target, as `--to` takes it.

    Raises InputError for a target of another kind, DestinationError for one that cannot be read,
    and MissingExtraError where the client of PostgreSQL is not installed.
    """

    def __init__(self, target: str) -> None:
        scheme, self._place = scheme_and_place(target)
        self.label = label(target)
        if scheme not in ("duckdb", "postgresql"):
            raise bad_input(
                "cannot be watched: give a DuckDB file or the address of a PostgreSQL database",
                self.label,
            )
        if scheme == "postgresql":
            with packages_of("postgres", "PostgreSQL"):
                import adbc_driver_postgresql.dbapi  # noqa: F401
        self._open = _duckdb if scheme == "duckdb" else _postgresql

    @contextmanager
    def reading(self) -> Iterator[Query]:
        """Open the database for some queries that all see the same state. Raises
        NotReadableError."""
        with self._open(self._place) as query:
            yield query


@contextmanager
def _duckdb(file: str) -> Iterator[Query]:
    if not os.path.exists(file):
        raise NotReadableError(
            f"{file} does not exist yet. It appears when the command live has sent its first slice."
        )
    try:
        with closing(duckdb.connect(config=_MODEST)) as connection:
            _attach(connection, file)

            def query(sql: str) -> list[Row]:
                return _rows(connection.execute(sql))

            query("BEGIN TRANSACTION READ ONLY")
            yield query
    except duckdb.Error as error:
        raise NotReadableError(_why(file, error)) from error


def _attach(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    """Attach a file to read only; where a writer has it, wait a moment for its next pause."""
    deadline = time.monotonic() + _SECONDS_OF_PATIENCE
    while True:
        try:
            connection.execute(f"ATTACH {literal(file)} AS followed (READ_ONLY)")
            connection.execute("USE followed")
            return
        except duckdb.IOException as error:
            if time.monotonic() > deadline or not is_open_elsewhere(error):
                raise
            time.sleep(_SECONDS_BETWEEN_TRIES)


def _why(file: str, error: duckdb.Error) -> str:
    message = first_line(error)
    if is_open_elsewhere(error):
        return f"{file} is open in a process that writes to it, such as dbt. This page tries again."
    if "not a valid duckdb database file" in message.lower():
        return f"{file} is not a DuckDB database. Watch another file."
    return f"{file} cannot be read now: {message}"


@contextmanager
def _postgresql(uri: str) -> Iterator[Query]:
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

    try:
        with (
            dbapi.connect(with_time_limit(uri, _SECONDS_TO_CONNECT)) as connection,
            connection.cursor() as cursor,
        ):

            def query(sql: str) -> list[Row]:
                cursor.execute(sql)
                return _rows(cursor)

            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {_MILLISECONDS_PER_QUERY}")
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
            yield query
    except Error as error:
        reason = without_secrets_of(uri, first_line(error))
        raise NotReadableError(f"PostgreSQL cannot be read now: {reason}") from error


def _rows(cursor: Any) -> list[Row]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []
