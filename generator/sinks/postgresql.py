"""A PostgreSQL database: all raw tables of a run in schema `raw`, replaced in one transaction by
ADBC's bulk path.

A table that is there and has the columns of its model, of its types and as nullable, is emptied and
filled, so views on it stay; any other one, of an older model or of a run with faults, is dropped
with the views on it. A run that fails or is killed leaves the previous data.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from generator.extras import packages_of
from generator.masking import without_secrets_of
from generator.schema import RawTable
from generator.schema.ddl import column_conditions, quote
from generator.schema.table import Column
from generator.sinks.fingerprint import Tally
from generator.sinks.sink import (
    ROW_GROUP,
    DestinationError,
    DestinationFailedError,
    Packer,
    Piece,
    Waiting,
    as_batches,
    check_columns,
)

with suppress(
    ImportError
):  # PostgresqlSink says so when it is opened, and can be listed until then
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

SCHEMA = "raw"
# DuckDB's types as PostgreSQL writes them down; the others have the same name.
_TYPES = {
    "DOUBLE": "double precision",
    "VARCHAR": "character varying",
    "TIMESTAMP": "timestamp without time zone",
    "DECIMAL(4,3)": "numeric(4,3)",
}
_SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
_CHARACTER = r"(?:[^\s%@/?#\[\]]|%[0-9A-Fa-f]{2})"
_ADDRESS = re.compile(
    rf"postgres(?:ql)?://(?:{_CHARACTER}*@)?(?:{_CHARACTER}|\[[0-9A-Fa-f:.]*\])*"
    rf"(?:/{_CHARACTER}*)?(?:\?(?:{_CHARACTER}|/)*)?"
)
# Held until the end of the transaction, and so of the connection.
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('streaming-ads raw'))"
_COLUMNS = (
    "SELECT attname::text, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute "
    "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


class PostgresqlSink:
    """A database by its URI, `postgresql://user:password@host:port/database`."""

    rows_a_part = ROW_GROUP
    packs_files = False

    def __init__(self, uri: str, tables: Iterable[type[RawTable]]) -> None:
        self._uri = uri
        self.tables = tuple(tables)
        self._waiting = Waiting(ROW_GROUP)

    def __enter__(self) -> Self:
        if not _ADDRESS.fullmatch(self._uri):
            raise DestinationError(
                "PostgreSQL: the address cannot be read; it is postgresql://USER:PASSWORD@HOST:PORT"
                "/DATABASE, with all but letters and digits in user and password as %XX (@ as %40)"
            )
        check_columns(self.tables, _SYSTEM_COLUMNS, "PostgreSQL has in every table")
        with packages_of("postgres", "PostgreSQL"):
            import adbc_driver_postgresql  # noqa: F401
        try:
            self._connection = dbapi.connect(self._uri)
        except Error as error:
            raise self._failure(error) from error
        try:
            self._cursor = self._connection.cursor()
            self._cursor.execute(_TRY_LOCK)
            if self._cursor.fetchone() != (True,):
                raise DestinationFailedError(
                    "PostgreSQL: another run loads this database; wait for its end"
                )
            self._cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
            for table in self.tables:
                self._make_empty(table)
        except BaseException as error:
            self._abandon()
            if isinstance(error, Error):
                raise self._failure(error) from error
            raise
        return self

    @property
    def packer(self) -> Packer:
        """Batches as they are."""
        return as_batches

    def held(self, _identity: str, _parts: Collection[str]) -> Mapping[str, Mapping[str, Tally]]:
        """Return nothing: all is made again."""
        return {}

    def take(self, _part: str, packed: list[Piece], _tallies: Mapping[str, Tally]) -> None:
        """Take the batches of a part."""
        for table, batch in packed:
            self.write(table, batch)

    def write(self, table: type[RawTable], batch: pa.RecordBatch) -> None:
        """Take rows of a table; they are copied in large pieces."""
        if (rows := self._waiting.add(table, batch)) is not None:
            self._insert(table, rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._abandon()
            if isinstance(error, Error):
                raise self._failure(error) from error
            return
        try:
            for table, rows in self._waiting.rest():
                self._insert(table, rows)
            self._commit()
            self._close()
        except Error as met:
            self._abandon()
            raise self._failure(met) from met
        except BaseException:
            self._abandon()
            raise

    def _commit(self) -> None:
        """Commit. A server that goes away meanwhile may have done so, and cannot say it."""
        try:
            self._connection.commit()
        except Error as error:
            raise DestinationFailedError(
                f"PostgreSQL: {self._said(error)}; that was at the commit, so it holds all of the "
                "new data or of the old: `generate` again"
            ) from error

    def _make_empty(self, table: type[RawTable]) -> None:
        name = _name(table)
        self._cursor.execute(_COLUMNS, (name,))
        expected = [(column.name, _type(column), column.nullable) for column in table.columns()]
        if self._cursor.fetchall() == expected:
            self._cursor.execute(f"TRUNCATE {name}")
            return
        self._cursor.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
        self._cursor.execute(create_table(table))

    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        name = table.table_name
        self._cursor.adbc_ingest(name, _plain(rows), mode="append", db_schema_name=SCHEMA)

    def _abandon(self) -> None:
        """Close without a commit, which rolls back, also where the server is gone."""
        try:
            self._connection.rollback()
        except Error:
            pass
        finally:
            self._close()

    def _close(self) -> None:
        self._cursor.close()
        self._connection.close()

    def _failure(self, error: Error) -> DestinationFailedError:
        """What went wrong and what to do, in one line."""
        return DestinationFailedError(
            f"PostgreSQL: {self._said(error)}; what it held is as it was: check the address, that "
            "the server runs, the user and their rights"
        )

    def _said(self, error: Error) -> str:
        """The first line of an error, without the password of the URI."""
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return without_secrets_of(self._uri, first)


def create_table(table: type[RawTable]) -> str:
    """`CREATE TABLE` of one raw table, with every constraint its model states."""
    lines = [_column(column, column.name == table.primary_key) for column in table.columns()]
    lines += [f"CHECK ({constraint.sql})" for constraint in table.constraints]
    body = ",\n    ".join(lines)
    return f"CREATE TABLE {_name(table)} (\n    {body}\n)"


def _column(column: Column, is_primary_key: bool) -> str:
    parts = [quote(column.name), _type(column)]
    if is_primary_key:
        parts.append("PRIMARY KEY")
    elif not column.nullable:
        parts.append("NOT NULL")
    if column.unique:
        parts.append("UNIQUE")
    parts += [f"CHECK ({condition})" for condition in column_conditions(column)]
    return " ".join(parts)


def _type(column: Column) -> str:
    return _TYPES.get(column.storage.duckdb, column.storage.duckdb.lower())


def _name(table: type[RawTable]) -> str:
    return f"{quote(SCHEMA)}.{quote(table.table_name)}"


def _plain(rows: pa.Table) -> pa.Table:
    """The rows with dictionaries decoded, which the bulk path does not take."""
    fields: list[Any] = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))
