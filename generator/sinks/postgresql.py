"""A PostgreSQL database: all raw tables of a run in schema `raw`, replaced in one transaction by
ADBC's bulk path.

A table that has the columns of its model, of its types and as nullable, is emptied and filled, so
views on it stay. Another one that a run has marked, of an older model or of a run with faults, is
dropped with the views that dbt made on it. Anything else with its name, and anything of a user
else's that depends on it, stops the run. A run that fails or is killed leaves the previous data.

What waits for the server runs in a separate thread, so that signals are heard meanwhile.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import pyarrow as pa

from generator.background import Background
from generator.extras import packages_of
from generator.masking import without_secrets_of
from generator.schema import RawTable, Run
from generator.schema.ddl import column_conditions, literal, quote, sql_name
from generator.schema.live import OF_LIVE_RUNS, LiveState
from generator.schema.table import Column
from generator.sinks.errors import DestinationError, DestinationFailedError, first_line
from generator.sinks.held import KEYED, OF_A_RUN, HeldDataset, HeldRun
from generator.sinks.sink import BatchSink, check_columns, printable
from generator.sinks.table_mark import is_own, mark_of

with suppress(
    ImportError
):  # PostgresqlSink says so when it is opened, and can be listed until then
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

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
# Held by a live run, until the end of its connection.
LIVE_LOCK = "hashtext('streaming-ads live')"
# Held until the end of the transaction, and so of the connection.
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('streaming-ads raw'))"
COLUMNS = (
    "SELECT attname::text, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute "
    "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
# What has the name of a table in schema raw: its kind, and the comment on it.
_EXISTING = (
    "SELECT relkind::text, obj_description(c.oid, 'pg_class') FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1 AND relname = $2 "
    "UNION ALL SELECT 'type', NULL FROM pg_type t "
    "JOIN pg_namespace n ON n.oid = typnamespace "
    "WHERE nspname = $1 AND typname = $2 AND typrelid = 0"
)
_KINDS = {
    "r": "table",
    "v": "view",
    "m": "materialized view",
    "i": "index",
    "S": "sequence",
    "f": "foreign table",
    "p": "partitioned table",
    "c": "type",
    "I": "partitioned index",
}
_FOREIGN_KEYS = (
    "SELECT 'foreign key ' || conname::text FROM pg_constraint "
    "WHERE confrelid = to_regclass($1) AND conrelid <> confrelid AND contype = 'f'"
)
# What would go with a table, but for its own constraints and the views of dbt.
_DEPENDENTS = f"""
    WITH RECURSIVE below (oid) AS (
        SELECT to_regclass($1)::oid
        UNION
        SELECT ev_class FROM below
        JOIN pg_depend d ON d.refobjid = below.oid AND d.refclassid = 'pg_class'::regclass
        JOIN pg_rewrite r ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
    )
    SELECT 'view ' || nspname::text || '.' || relname::text FROM below
    JOIN pg_class c ON c.oid = below.oid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE c.oid <> to_regclass($1)
    AND NOT (relname ~ '^(base_ads__|stg_(ads|truth)__|int_)'
        AND nspname ~ '(staging|intermediate)$')
    UNION ALL {_FOREIGN_KEYS}
    UNION ALL SELECT 'index ' || indexrelid::regclass::text FROM pg_index
    WHERE indrelid = to_regclass($1)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    UNION ALL SELECT 'trigger ' || tgname::text FROM pg_trigger
    WHERE tgrelid = to_regclass($1) AND NOT tgisinternal
    UNION ALL SELECT 'rule ' || rulename::text FROM pg_rewrite WHERE ev_class = to_regclass($1)
    UNION ALL SELECT 'policy ' || polname::text FROM pg_policy WHERE polrelid = to_regclass($1)
    UNION ALL SELECT 'table ' || inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = to_regclass($1)
"""
_SECONDS_TO_CONNECT = 10
_SECONDS_FOR_A_LOCK = 10
_SECONDS_IN_SILENCE = 2
_SECONDS_TO_CLOSE = 2

Result = TypeVar("Result")

log = logging.getLogger("generator")


class Calls:
    """Calls of a client, which wait for a server and can be interrupted all the same.

    Interrupted, the server is asked to cancel. The client at times misses its answer. Then the
    client is deaf: it is left to the end of the process.
    """

    def __init__(self) -> None:
        self._is_deaf = False

    def make(self, work: Callable[[], Result], cancel: Callable[[], None]) -> Result:
        """Return what work on the server returns. A server that is long silent is logged."""
        call = Background(work)
        since, is_said = time.monotonic(), False
        try:
            while not call.ends_within():
                if not is_said and time.monotonic() - since > _SECONDS_IN_SILENCE:
                    is_said = True
                    log.warning("PostgreSQL: waiting for the server")
        except BaseException:
            self._is_deaf = True
            Background(cancel).ends_within(_SECONDS_TO_CLOSE)
            self._is_deaf = not call.ends_within()
            raise
        return call.result()

    def end(self, close: Callable[[], None]) -> None:
        """Close the client, and wait for it no longer than a moment."""
        if not self._is_deaf:
            Background(close).ends_within(_SECONDS_TO_CLOSE)


class PostgresqlSink(BatchSink):
    """A database by its URI, `postgresql://user:password@host:port/database`."""

    def __init__(self, uri: str, tables: Iterable[type[RawTable]]) -> None:
        super().__init__()
        self._uri = uri
        self.tables = tuple(tables)
        self._cursor: Any = None
        self._calls = Calls()

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
            self._connection = self._run_interruptibly(
                lambda: dbapi.connect(with_time_limit(self._uri))
            )
        except Error as error:
            raise self._failure(error) from error
        try:
            self._cursor = self._connection.cursor()
            self._run_interruptibly(self._prepare)
        except BaseException as error:
            self._abandon()
            if isinstance(error, Error):
                raise self._failure(error) from error
            raise
        return self

    def _prepare(self) -> None:
        """Lock the database for this run, and make its tables empty."""
        # Text travels as UTF-8, for any PGCLIENTENCODING.
        self._cursor.execute("SET client_encoding TO 'UTF8'")
        self._cursor.execute(f"SET LOCAL lock_timeout = '{_SECONDS_FOR_A_LOCK}s'")
        self._cursor.execute(_TRY_LOCK)
        if self._cursor.fetchone() != (True,):
            raise DestinationFailedError(
                "PostgreSQL: another run loads this database; wait for its end"
            )
        if self._ask(f"SELECT pg_try_advisory_xact_lock({LIVE_LOCK})") != [(True,)]:
            raise DestinationFailedError(
                "PostgreSQL: a live run writes to this database; wait for its end, or stop it"
            )
        for schema in dict.fromkeys(table.schema_name for table in self.tables):
            self._cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        if self.guard:
            self.guard(self._held_dataset())
        for table in self.tables:
            self._make_empty(table)
        if self._ask(_EXISTING, LiveState.schema_name, LiveState.table_name):
            for table in OF_LIVE_RUNS:
                self._cursor.execute(f"DROP TABLE IF EXISTS {sql_name(table)}")

    def _run_interruptibly(self, work: Callable[[], Result]) -> Result:
        """Return what work on the server returns, and hear signals meanwhile."""
        return self._calls.make(work, self._cancel)

    def _cancel(self) -> None:
        if self._cursor:
            self._cursor.adbc_cancel()

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
            self._insert_rest()
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
            self._run_interruptibly(self._connection.commit)
        except Error as error:
            raise DestinationFailedError(
                f"PostgreSQL: {self._error_text(error)}; that was at the commit, so it holds all "
                "of the new data or of the old: `generate` again"
            ) from error

    def _held_dataset(self) -> HeldDataset:
        """Return what the tables hold. Of tables of another version only the rows are known."""
        columns = {
            table: {name for name, *_ in self._ask(COLUMNS, sql_name(table))}
            for table in self.tables
        }
        rows = {
            table.table_name: self._ask(f"SELECT count(*) FROM {sql_name(table)}")[0][0]
            for table, found in columns.items()
            if found
        }
        wanted = {Run: OF_A_RUN} | {table: (table.primary_key or "",) for table in KEYED}
        if any(set(names) - columns.get(table, set()) for table, names in wanted.items()):
            return HeldDataset(None, rows)
        runs, platforms, advertisers, campaigns = (
            self._ask(f"SELECT {', '.join(quote(name) for name in names)} FROM {sql_name(table)}")
            for table, names in wanted.items()
        )
        return HeldDataset(
            HeldRun(*runs[0]) if runs else None,
            rows,
            frozenset(key for (key,) in platforms),
            np.array([key for (key,) in advertisers], dtype=np.int64),
            np.array([key for (key,) in campaigns], dtype=np.int64),
        )

    def _make_empty(self, table: type[RawTable]) -> None:
        name = sql_name(table)
        existing = self._ask(_EXISTING, table.schema_name, table.table_name)
        if not existing:
            self._make(table)
            return
        kind, comment = existing[0]
        columns = self._ask(COLUMNS, name)
        expected = [(column.name, _type(column), column.nullable) for column in table.columns()]
        if kind != "r" or (columns != expected and not is_own(comment, columns)):
            raise DestinationError(
                f"PostgreSQL: {_KINDS.get(kind, kind)} {table.relation()} is not as a run made "
                "it; rename it, or choose another --to"
            )
        is_kept = columns == expected
        if others := self._ask(_FOREIGN_KEYS if is_kept else _DEPENDENTS, name):
            raise DestinationError(
                f"PostgreSQL: {table.relation()} cannot be replaced: "
                f"{printable(others[0][0])} depends on it; drop that, or choose another --to"
            )
        if is_kept:
            # Tables that inherit from it are foreign.
            self._cursor.execute(f"TRUNCATE ONLY {name}")
            return
        self._cursor.execute(f"DROP TABLE {name} CASCADE")
        self._make(table)

    def _make(self, table: type[RawTable]) -> None:
        name = sql_name(table)
        self._cursor.execute(create_table(table))
        mark = mark_of(self._ask(COLUMNS, name))
        self._cursor.execute(f"COMMENT ON TABLE {name} IS {literal(mark)}")

    def _ask(self, query: str, *parameters: str) -> list[Any]:
        self._cursor.execute(query, parameters)
        return [tuple(row) for row in self._cursor.fetchall()]

    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        name, schema = table.table_name, table.schema_name
        cursor, plain = self._cursor, decode_dictionaries(rows)
        self._run_interruptibly(
            lambda: cursor.adbc_ingest(name, plain, mode="append", db_schema_name=schema)
        )

    def _abandon(self) -> None:
        """Close without a commit, which rolls back, also where the server is gone."""

        def close() -> None:
            with suppress(Error):
                self._connection.rollback()
            self._close()

        self._calls.end(close)

    def _close(self) -> None:
        self._cursor.close()
        self._connection.close()

    def _failure(self, error: Error) -> DestinationFailedError:
        """Return the error to raise: what went wrong and what to do, in one line."""
        if "lock timeout" in str(error):
            return DestinationFailedError(
                f"PostgreSQL: another client keeps raw tables locked for more than "
                f"{_SECONDS_FOR_A_LOCK} s; end its transaction, and `generate` again"
            )
        return DestinationFailedError(
            f"PostgreSQL: {self._error_text(error)}; what it held is unchanged: check the address, "
            "that the server runs, the user and their rights"
        )

    def _error_text(self, error: Error) -> str:
        """Return the first line of an error, without the password of the URI."""
        return without_secrets_of(self._uri, first_line(error))


def with_time_limit(uri: str, seconds: int = _SECONDS_TO_CONNECT) -> str:
    """Return an address with a limit to the time that connecting takes, if it has none."""
    if "connect_timeout=" in uri or "PGCONNECT_TIMEOUT" in os.environ:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}connect_timeout={seconds}"


def create_table(table: type[RawTable]) -> str:
    """Return `CREATE TABLE` of one raw table, with every constraint its model states."""
    lines = [_column(column, column.name == table.primary_key) for column in table.columns()]
    lines += [f"CHECK ({constraint.sql})" for constraint in table.constraints]
    body = ",\n    ".join(lines)
    return f"CREATE TABLE {sql_name(table)} (\n    {body}\n)"


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


def decode_dictionaries(rows: pa.Table) -> pa.Table:
    """Return the rows with dictionaries decoded, which the bulk path does not take."""
    fields: list[Any] = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))
