"""A DuckDB file: the raw tables in schema `raw`, replaced, added to or migrated in one
transaction.

What the file holds in other schemas stays. A run that fails or is killed leaves the file unchanged,
since it works on a copy that takes the file's place in the end. A file that did not exist before
does not exist after a failure.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from generator.schema import (
    TABLES,
    AdImpression,
    Advertiser,
    Campaign,
    Conversion,
    ConversionCauses,
    Holiday,
    Household,
    HouseholdDevice,
    InventoryHourly,
    Platform,
    PricesWeekly,
    Profile,
    RawTable,
    Run,
)
from generator.schema.ddl import create_table, literal, quote, sql_name
from generator.schema.existing import Holdings
from generator.schema.live import OF_LIVE_RUNS, LiveState
from generator.sinks.errors import DestinationError, DestinationFailedError, first_line
from generator.sinks.held import KEYED, OF_A_RUN, HeldDataset, HeldRun
from generator.sinks.lock import hold_file
from generator.sinks.replacement import Replacement
from generator.sinks.sink import ROW_GROUP, BatchSink, printable
from generator.sinks.table_mark import DatabaseColumn, is_own, mark_of

SCHEMAS = tuple(dict.fromkeys(table.schema_name for table in TABLES))
ROWS_PER_INSERT = ROW_GROUP // 2
MEMORY = "56MB"
_INTEGERS = ("SMALLINT", "INTEGER", "BIGINT")
# Tables and views of a schema, with the comments on them.
_IN_SCHEMA = (
    "SELECT table_name, 'table', comment FROM duckdb_tables() "
    "WHERE lower(schema_name) = $1 AND database_name = current_database() "
    "UNION ALL SELECT view_name, 'view', comment FROM duckdb_views() "
    "WHERE lower(schema_name) = $1 AND database_name = current_database()"
)
COLUMNS = (
    "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
    "WHERE lower(schema_name) = $1 AND table_name = $2 AND database_name = current_database()"
)
_COLUMN_COMMENTS = (
    "SELECT column_name, comment FROM duckdb_columns() WHERE lower(schema_name) = $1 "
    "AND table_name = $2 AND database_name = current_database() AND comment IS NOT NULL"
)
_INDEXES = (
    "SELECT index_name, table_name, sql FROM duckdb_indexes() "
    "WHERE lower(schema_name) = $1 AND database_name = current_database() AND sql IS NOT NULL"
)
SHARED: tuple[type[RawTable], ...] = (
    Run,
    Platform,
    InventoryHourly,
    Holiday,
    PricesWeekly,
    Household,
    Profile,
    HouseholdDevice,
    Conversion,
    ConversionCauses,
)

Row = TypeVar("Row", bound=RawTable)


class DuckdbTransaction(BatchSink):
    """A DuckDB file, open for one transaction that is committed on leaving, or rolled back if that
    is by an error. `inserted` counts the rows that each table took."""

    def __init__(self, file: Path, tables: Iterable[type[RawTable]]) -> None:
        super().__init__(ROWS_PER_INSERT)
        self.file = file
        self.tables = tuple(tables)
        self.inserted: dict[type[RawTable], int] = {}
        self._indexes: dict[str, str] = {}

    def __enter__(self) -> Self:
        refuse_name_of_schema(self.file, SCHEMAS, "--database")
        try:
            self._refuse_a_live_run()
            self._replacement = Replacement(self.file)
        except (OSError, ValueError, duckdb.Error) as error:
            raise failure(self.file, error) from error
        try:
            self._connection = duckdb.connect(str(self._replacement.path))
        except BaseException as error:
            self._replacement.discard()
            if isinstance(error, OSError | ValueError | duckdb.Error):
                raise failure(self.file, error) from error
            raise
        try:
            self._connection.execute("BEGIN TRANSACTION")
            self._prepare()
        except BaseException as error:
            self._abandon()
            if isinstance(error, duckdb.Error):
                raise failure(self.file, error) from error
            raise
        return self

    def _refuse_a_live_run(self) -> None:
        """Raise DestinationError for a file that a live run fills: it has it open now and then."""
        if not self.file.is_file():
            return
        try:
            hold_file(self.file)()
        except BlockingIOError as error:
            raise DestinationFailedError(
                f"{self.file}: a live run writes to it; wait for its end, or stop it"
            ) from error

    def _prepare(self) -> None:
        """Do what comes before the first row."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._abandon()
            if isinstance(error, duckdb.Error):
                raise failure(self.file, error) from error
            return
        try:
            self._insert_rest()
            self._connection.execute("COMMIT")
            self._restore_indexes()
            self._connection.close()
            self._replacement.take_place()
        except (OSError, duckdb.Error) as met:
            self._abandon()
            raise failure(self.file, met) from met
        except BaseException:
            self._abandon()
            raise

    def _refuse_views(self) -> None:
        """Raise DestinationError for a view with the name of a raw table."""
        for schema, name, kind, _ in self._existing():
            if kind == "view":
                raise self._strange(f"view {schema}.{printable(name)}", "rename it")

    def _refuse_strangers(self) -> None:
        """Raise DestinationError for what has the name of a raw table, and neither its mark nor
        exactly its columns and constraints."""
        self._refuse_views()
        expected, present = _definitions_of(self.tables), _existing_definitions(self)
        for schema, name, kind, comment in self._existing():
            is_alike = present[f"{schema}.{name}"] == expected[f"{schema}.{name.lower()}"]
            if not is_alike and not is_own(comment, self._columns(schema, name)):
                raise self._strange(
                    f"{kind} {schema}.{printable(name)}",
                    "rename it, have `init-db` migrate one of an older version",
                )

    def _existing(self) -> list[tuple[str, str, str, str | None]]:
        """Return the tables and views with the name of a raw table: schema, name, kind and
        comment."""
        names = {table.relation() for table in self.tables}
        return [
            (schema, name, kind, comment)
            for schema in SCHEMAS
            for name, kind, comment in self._connection.execute(_IN_SCHEMA, [schema]).fetchall()
            if f"{schema}.{name.lower()}" in names
        ]

    def _strange(self, what: str, remedy: str) -> DestinationError:
        return DestinationError(
            f"{self.file}: {what} is not as a run made it; {remedy}, or choose another --database"
        )

    def _make(self, table: type[RawTable]) -> None:
        """Create a table, empty, with its mark."""
        self._connection.execute(create_table(table))
        self._mark(table)

    def _mark(self, table: type[RawTable]) -> None:
        mark = mark_of(self._columns(table.schema_name, table.table_name))
        self._connection.execute(f"COMMENT ON TABLE {sql_name(table)} IS {literal(mark)}")

    def _columns(self, schema: str, name: str) -> list[DatabaseColumn]:
        return self._connection.execute(COLUMNS, [schema, name]).fetchall()

    def _make_schemas(self) -> None:
        for schema in SCHEMAS:
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")

    def _note_indexes(self) -> None:
        """Note the indexes that a user has put on raw tables, to make them again in the end."""
        names = {table.relation() for table in self.tables}
        self._indexes = {index: sql for index, table, sql in self._all_indexes() if table in names}

    def _all_indexes(self) -> list[tuple[str, str, str]]:
        """Return the indexes of all schemas: name, table with its schema, and SQL."""
        return [
            (index, f"{schema}.{table}", sql)
            for schema in SCHEMAS
            for index, table, sql in self._connection.execute(_INDEXES, [schema]).fetchall()
        ]

    def _restore_indexes(self) -> None:
        present = {name for name, *_ in self._all_indexes()}
        for index, sql in self._indexes.items():
            if index in present:
                continue
            try:
                self._connection.execute(sql)
            except duckdb.Error as error:
                raise DestinationError(
                    f"{self.file}: index {printable(index)} does not fit the new rows: "
                    f"{first_line(error)}; drop it, or choose another --database"
                ) from error

    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        # As a stream, not as a table: DuckDB reads a table through a scanner that keeps far more of
        # it in memory.
        self._connection.register("landing", rows.__arrow_c_stream__())
        count = self._connection.execute(self._insert_sql(table)).fetchone()
        self.inserted[table] = self.inserted.get(table, 0) + (int(count[0]) if count else 0)
        self._connection.unregister("landing")

    def _insert_sql(self, table: type[RawTable]) -> str:
        return f"INSERT INTO {sql_name(table)} SELECT * FROM landing"

    def _abandon(self) -> None:
        """Close without a commit, and leave the file unchanged."""
        try:
            self._connection.close()
        finally:
            self._replacement.discard()


class DuckdbSink(DuckdbTransaction):
    """A DuckDB database file in which a run replaces the raw tables. A missing file is created,
    with its folder. Raises DestinationError for a foreign table, view or column in schema `raw`
    that has the name of one of the project's."""

    def _prepare(self) -> None:
        self._connection.execute(f"SET memory_limit = '{MEMORY}'")
        self._connection.execute("SET threads = 1")
        self._make_schemas()
        if not self._replacement.is_new:
            self._refuse_strangers()
            if self.guard:
                self.guard(self._held_dataset())
            self._note_indexes()
            self._forget_a_live_run()
            self._free_what_is_replaced()
        for table in self.tables:
            self._make(table)

    def _held_dataset(self) -> HeldDataset:
        """Return what the tables hold. Of tables of another version only the rows are known."""
        query = self._connection.execute
        rows = {}
        for schema, name, *_ in self._existing():
            count = query(f"SELECT count(*) FROM {quote(schema)}.{quote(name)}").fetchone()
            rows[name.lower()] = count[0] if count else 0
        # DuckDB 2 ends the transaction at a query that fails, so none asks for what is not there.
        needed: dict[type[RawTable], tuple[str, ...]] = {
            Run: OF_A_RUN,
            **{table: (table.primary_key or "",) for table in KEYED},
        }
        if any(
            not set(columns)
            <= {name for name, *_ in self._columns(table.schema_name, table.table_name)}
            for table, columns in needed.items()
        ):
            return HeldDataset(None, rows)
        run = query(
            f"SELECT {', '.join(quote(name) for name in OF_A_RUN)} FROM {sql_name(Run)}"
        ).fetchone()
        keys = [
            query(f"SELECT {quote(table.primary_key or '')} FROM {sql_name(table)}").fetchnumpy()
            for table in KEYED
        ]
        platforms, advertisers, campaigns = (next(iter(found.values())) for found in keys)
        return HeldDataset(
            HeldRun(*run) if run else None, rows, frozenset(platforms), advertisers, campaigns
        )

    def _forget_a_live_run(self) -> None:
        """Remove what only a live run makes, which would go on with rows that are not its own."""
        state = self._connection.execute(COLUMNS, [LiveState.schema_name, LiveState.table_name])
        if state.fetchall():
            for table in OF_LIVE_RUNS:
                self._connection.execute(f"DROP TABLE IF EXISTS {sql_name(table)}")

    def _free_what_is_replaced(self) -> None:
        """Give its room in the copy to what comes, so that the file does not grow."""
        for table in self.tables:
            try:
                self._connection.execute(f"DROP TABLE IF EXISTS {sql_name(table)}")
            except (duckdb.CatalogException, duckdb.DependencyException) as error:
                raise DestinationError(
                    f"{self.file}: {table.relation()} cannot be replaced: "
                    f"{first_line(error)}; drop what refers to it, or choose another "
                    "--database"
                ) from error
        self._connection.execute("COMMIT")
        self._connection.execute("CHECKPOINT")
        self._connection.execute("BEGIN TRANSACTION")


class DuckdbAddition(DuckdbTransaction):
    """A DuckDB database file in which a run adds to the raw tables. Of what all campaigns share,
    only missing rows are added. Raises DestinationError for a file without such tables.
    """

    def __enter__(self) -> Self:
        if not os.path.exists(self.file):
            raise DestinationError(
                f"{self.file}: does not exist; `generate` or `init-db` creates it"
            )
        return super().__enter__()

    def _prepare(self) -> None:
        outdated = [
            name
            for name, sql in _definitions_of(self.tables).items()
            if _existing_definitions(self).get(name) != sql
        ]
        if outdated:
            raise DestinationError(
                f"{self.file}: has no {outdated[0]} of this version; `init-db` makes or "
                "migrates the tables"
            )

    def holdings(self) -> Holdings:
        """Return what an addition has to continue. Raises DestinationError for a value that no run
        writes."""
        query = self._connection.execute
        try:
            runs = _rows(self._connection, Run, "ORDER BY run_id DESC LIMIT 1")
            advertisers = _rows(self._connection, Advertiser, "ORDER BY advertiser_id")
        except ValidationError as error:
            raise unfit_value(self.file, error) from error
        last = query(f"SELECT coalesce(max(campaign_id), 0) FROM {sql_name(Campaign)}").fetchone()
        platforms = query(f"SELECT platform FROM {sql_name(Platform)}").fetchall()
        assert last is not None
        return Holdings(
            run=runs[0] if runs else None,
            advertisers=tuple(advertisers),
            last_campaign_id=last[0],
            platforms=frozenset(name for (name,) in platforms),
        )

    def booked_shares(self, platform: str) -> list[tuple[str, str, date, float]]:
        """Return the country, the device, the day and the part of its ad opportunities that a
        market has booked on a platform; nothing without a market."""
        return self._connection.execute(
            "SELECT country, device, CAST(hour_ts AS DATE), max(booked_share) "
            f"FROM {sql_name(InventoryHourly)} WHERE platform = ? AND booked_share IS NOT NULL "
            "GROUP BY ALL ORDER BY ALL",
            [platform],
        ).fetchall()

    def ids(self, table: type[RawTable]) -> list[int]:
        """Return the existing ids of an entity, in order."""
        key = quote(table.primary_key or "")
        found = self._connection.execute(
            f"SELECT {key} FROM {sql_name(table)} ORDER BY 1"
        ).fetchall()
        return [row_id for (row_id,) in found]

    def remove(self, table: type[RawTable], row_id: int) -> dict[str, int]:
        """Delete a row, all rows that refer to it, the conversions that it caused, and the people
        that no impression and no conversion has any more. Return how many, by table name."""
        deleted: dict[str, int] = {}
        key = table.primary_key
        assert key is not None
        for child in self.tables:
            for column in child.columns():
                if column.references != f"{table.table_name}.{key}" or child is table:
                    continue
                condition = f"{quote(column.name)} = {int(row_id)}"
                if child.primary_key:
                    ids = self._connection.execute(
                        f"SELECT {quote(child.primary_key)} FROM {sql_name(child)} "
                        f"WHERE {condition}"
                    ).fetchall()
                    for (below,) in ids:
                        _add_up(deleted, self.remove(child, below))
                else:
                    _add_up(deleted, {child.table_name: self._delete(child, condition)})
        _add_up(deleted, {table.table_name: self._delete(table, f"{quote(key)} = {int(row_id)}")})
        if table is Campaign:
            known = f"SELECT conversion_id FROM {sql_name(ConversionCauses)}"
            removed = self._delete(Conversion, f"conversion_id NOT IN ({known})")
            _add_up(deleted, {Conversion.table_name: removed})
            logged = f"SELECT household_id FROM {sql_name(AdImpression)} UNION ALL "
            logged += (
                f"SELECT household_id FROM {sql_name(Conversion)} WHERE household_id IS NOT NULL"
            )
            for people in (Household, Profile, HouseholdDevice):
                unseen = self._delete(people, f"household_id NOT IN ({logged})")
                _add_up(deleted, {people.table_name: unseen})
        return {name: rows for name, rows in deleted.items() if rows}

    def _delete(self, table: type[RawTable], condition: str) -> int:
        found = self._connection.execute(
            f"DELETE FROM {sql_name(table)} WHERE {condition}"
        ).fetchone()
        return int(found[0]) if found else 0

    def _insert_sql(self, table: type[RawTable]) -> str:
        if table not in SHARED:
            return super()._insert_sql(table)
        grain = ", ".join(quote(name) for name in table.grain)
        new = f"SELECT * FROM landing ANTI JOIN {sql_name(table)} USING ({grain})"
        return f"INSERT INTO {sql_name(table)} {new}"


class DuckdbSchema(DuckdbTransaction):
    """A DuckDB database file in which missing raw tables are made, and those of another version
    are rebuilt with their rows. `changes` says what was done, by table name."""

    def _prepare(self) -> None:
        self.changes: dict[str, str] = {}
        self._make_schemas()
        expected, present = _definitions_of(self.tables), _existing_definitions(self)
        self._refuse_views()
        self._note_indexes()
        for table in self.tables:
            name = table.relation()
            if name not in present:
                self._make(table)
                self.changes[table.table_name] = "created"
            elif present[name] != expected[name]:
                self._rebuild(table)
                self.changes[table.table_name] = "migrated"
            else:
                self.changes[table.table_name] = "kept"

    def _rebuild(self, table: type[RawTable]) -> None:
        known = {column.name for column in table.columns()}
        described = self._connection.execute(f"DESCRIBE {sql_name(table)}").fetchall()
        common = [name for name, *_ in described if name in known]
        if lost := [name for name, *_ in described if name not in known]:
            raise DestinationError(
                f"{self.file}: {table.relation()} has columns that this version does not know "
                f"({', '.join(lost)}); drop them, or `generate` into another --database"
            )
        listed = ", ".join(quote(name) for name in common)
        comments = self._connection.execute(
            _COLUMN_COMMENTS, [table.schema_name, table.table_name]
        ).fetchall()
        self._connection.execute(f"CREATE TEMP TABLE before_migration AS FROM {sql_name(table)}")
        self._make(table)
        try:
            self._refuse_rounding(table, dict(row[:2] for row in described))
            self._connection.execute(
                f"INSERT INTO {sql_name(table)} ({listed}) SELECT {listed} FROM before_migration"
            )
        except (
            duckdb.DataError,
            duckdb.IntegrityError,
            duckdb.NotSupportedError,
            duckdb.ProgrammingError,
        ) as error:
            raise self._do_not_fit(table, first_line(error)) from error
        for name, comment in comments:
            self._connection.execute(
                f"COMMENT ON COLUMN {sql_name(table)}.{quote(name)} IS {literal(comment)}"
            )
        self._connection.execute("DROP TABLE before_migration")

    def _refuse_rounding(self, table: type[RawTable], old_types: Mapping[str, str]) -> None:
        """Raise DestinationError for a value that the new type of its column would change."""
        for name, new_type, *_ in self._connection.execute(
            f"DESCRIBE {sql_name(table)}"
        ).fetchall():
            if old_types.get(name, new_type) == new_type:
                continue
            column = quote(name)
            # Compared in the type that both have in common, such as fractions. DuckDB 2 takes the
            # number's type for a number and a text.
            is_text = old_types[name] == "VARCHAR" and new_type in _INTEGERS
            before = f"CAST({column} AS DECIMAL(38, 9))" if is_text else column
            changed = self._connection.execute(
                f"SELECT CAST({column} AS VARCHAR) FROM before_migration "
                f"WHERE CAST({column} AS {new_type}) IS DISTINCT FROM {before} LIMIT 1"
            ).fetchone()
            if changed:
                raise self._do_not_fit(
                    table, f"{name} {printable(changed[0])} would change as {new_type}"
                )

    def _do_not_fit(self, table: type[RawTable], reason: str) -> DestinationError:
        return DestinationError(
            f"{self.file}: the rows of {table.relation()} do not fit this version ({reason}); "
            "`generate` them again, or change them first"
        )


def _rows(connection: duckdb.DuckDBPyConnection, table: type[Row], clause: str) -> list[Row]:
    cursor = connection.execute(f"SELECT * FROM {sql_name(table)} {clause}")
    columns = [column[0] for column in cursor.description or ()]
    return [table(**dict(zip(columns, values, strict=True))) for values in cursor.fetchall()]


def _definitions_of(tables: Iterable[type[RawTable]]) -> dict[str, str]:
    """Return how DuckDB itself writes the tables down, by name with the schema."""
    with duckdb.connect() as connection:
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA {quote(schema)}")
        for table in tables:
            connection.execute(create_table(table))
        return _definitions(connection)


def _existing_definitions(transaction: DuckdbTransaction) -> dict[str, str]:
    return _definitions(transaction._connection)


def _definitions(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {
        f"{schema}.{name}": sql
        for schema in SCHEMAS
        for name, sql in connection.execute(
            "SELECT table_name, sql FROM duckdb_tables() "
            "WHERE lower(schema_name) = ? AND database_name = current_database()",
            [schema],
        ).fetchall()
    }


def _add_up(totals: dict[str, int], more: dict[str, int]) -> None:
    for name, rows in more.items():
        totals[name] = totals.get(name, 0) + rows


def unfit_value(file: Path, error: ValidationError) -> DestinationError:
    """Return what to say of a value in the file that no run writes."""
    met = error.errors(include_url=False)[0]
    name = ".".join(str(key) for key in met["loc"])
    return DestinationError(
        f"{file}: holds a value that no run writes, {name} {printable(str(met['input'])[:100])}; "
        "change it, or `generate` again"
    )


def refuse_name_of_schema(file: Path, schemas: Collection[str], option: str) -> None:
    """Raise DestinationError for a file that is called like a schema in it."""
    if file.name.split(".")[0].lower() in schemas:
        raise DestinationError(
            f"{file}: is called like a schema in it, and DuckDB cannot tell them apart; choose "
            f"another {option}"
        )


def is_open_elsewhere(error: Exception) -> bool:
    """Say whether DuckDB cannot open a file that another process has open."""
    # The second of these sentences is that of Windows.
    words = ("could not set lock", "being used by another process")
    return any(some in first_line(error).lower() for some in words)


def failure(file: Path, error: Exception, option: str = "--database") -> DestinationError:
    """Return what went wrong with the file and what to do, in one line; `option` is the one that
    names another file."""
    first = first_line(error)
    # DuckDB takes the file of another database for one that an extension could read.
    if "not a valid duckdb database file" in first.lower() or "_scanner" in first:
        return DestinationError(f"{file}: is not a DuckDB database; choose another {option}")
    if isinstance(error, BlockingIOError) or is_open_elsewhere(error):
        return DestinationFailedError(
            f"{file}: is open in another process; close it there (or choose another {option})"
        )
    if "could not read enough bytes" in first.lower():
        return DestinationError(
            f"{file}: is damaged: a part of the DuckDB database is missing; put back a copy of it, "
            "or move it away and make it again"
        )
    if "wal does not match" in first.lower():
        return DestinationError(
            f"{file}.wal: is the log of another database; move it away, or choose another {option}"
        )
    return DestinationFailedError(
        f"{file}: cannot be used: {first}; what it held is unchanged: make room, or see to its "
        f"rights, or choose another {option}"
    )
