"""What databases have in common as targets of a live run: the raw tables, and schema `live` with
the state of the run, its slices and its failures. A slice and the state after it are committed
together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from generator.live.targets.target import Target
from generator.live.timeline import Slice
from generator.schema import RawTable
from generator.schema.arrow import to_arrow
from generator.schema.ddl import literal, quote, sql_name
from generator.schema.live import LIVE, LiveError, LiveSlice, LiveState
from generator.sinks.errors import DestinationError
from generator.sinks.sink import ROW_GROUP, InsertBuffer, Piece
from generator.sinks.table_mark import DatabaseColumn, mark_of

_STATE = f"SELECT {', '.join(LiveState.model_fields)} FROM {sql_name(LiveState)}"


class DatabaseTarget(Target):
    """A database. A subclass connects, and says how rows get into a table."""

    has_all = True
    tables: tuple[type[RawTable], ...] = ()

    def open(self, tables: Iterable[type[RawTable]]) -> LiveState | None:
        """Lock the database, and make the tables if there are none yet."""
        self.tables = tuple(tables)
        self.connect()
        names = self._existing_tables()
        wanted: tuple[type[RawTable], ...] = (*self.tables, *LIVE)
        if not any(table.relation() in names for table in wanted):
            self._make_tables(wanted)
        elif LiveState.relation() not in names:
            strange = next(table for table in self.tables if table.relation() in names)
            self.close()
            raise DestinationError(
                f"{self.label}: has a table {strange.relation()}, which no live run made; "
                "choose another --to"
            )
        return self._state()

    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        """Insert what is sent before the first slice or after the last one. After a lost connection
        it may be there already."""
        if self._holds(state):
            return
        buffer = InsertBuffer(ROW_GROUP)
        self._begin()
        for table, batch in pieces:
            if (rows := buffer.add(table, batch)) is not None:
                self._insert(table, rows)
        for table, rows in buffer.rest():
            self._insert(table, rows)
        self._commit(state)

    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:
        """Insert a slice. After a lost connection it may be there already."""
        if self._holds(state):
            return
        self._begin()
        for part in piece.rows:
            self._insert(part.table, part.rows)
        if piece.rows:
            self._insert(LiveSlice, to_arrow(LiveSlice, [row]))
        self._commit(state)

    def _holds(self, state: LiveState) -> bool:
        """Say whether a commit was made, of which the answer was lost with the connection."""
        if self._is_connected:
            return False
        self.connect()
        held = self._state()
        return held is not None and held.is_as_far_as(state)

    def note(self, error: LiveError) -> None:
        """Insert a failure."""
        self._begin()
        self._insert(LiveError, to_arrow(LiveError, [error]))
        self._commit(None)

    @property
    @abstractmethod
    def _is_connected(self) -> bool:
        """Whether it is connected."""

    @abstractmethod
    def connect(self) -> None:
        """Connect, for this run alone. Raises TargetAwayError and DestinationError."""

    @abstractmethod
    def _existing_tables(self) -> set[str]:
        """Return the tables that exist, each with its schema."""

    def _make_tables(self, tables: Iterable[type[RawTable]]) -> None:
        """Make tables, all or none."""
        wanted = list(tables)
        self._begin()
        for schema in dict.fromkeys(table.schema_name for table in wanted):
            self._do(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        for table in wanted:
            self._do(self._definition(table))
            mark = mark_of(self._columns(table))
            self._do(f"COMMENT ON TABLE {sql_name(table)} IS {literal(mark)}")
        self._commit(None)

    def _state(self) -> LiveState | None:
        """Return how far an earlier run is; None before its first commit."""
        rows = self._rows(_STATE)
        return (
            LiveState(**dict(zip(LiveState.model_fields, rows[0], strict=True))) if rows else None
        )

    def _commit(self, state: LiveState | None) -> None:
        """Commit, with a new state if one is given."""
        if state is not None:
            self._do(f"DELETE FROM {sql_name(LiveState)}")
            self._insert(LiveState, to_arrow(LiveState, [state]))
        self._end()

    @abstractmethod
    def _begin(self) -> None:
        """Begin a transaction."""

    @abstractmethod
    def _insert(self, table: type[RawTable], rows: pa.Table) -> None:
        """Insert rows."""

    @abstractmethod
    def _definition(self, table: type[RawTable]) -> str:
        """Return the statement that makes a table."""

    @abstractmethod
    def _columns(self, table: type[RawTable]) -> list[DatabaseColumn]:
        """Return the columns of a table as the database writes them."""

    @abstractmethod
    def _do(self, statement: str) -> None:
        """Execute a statement."""

    @abstractmethod
    def _rows(self, query: str) -> list[Any]:
        """Return the rows of a query, outside of a transaction."""

    @abstractmethod
    def _end(self) -> None:
        """End the transaction: what it did is there to stay."""
