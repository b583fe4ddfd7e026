"""The tables that a run with faults lands in: those of the models, except where faults change
columns.

A column that loses ids, or changes its name, may be NULL, and a changed schema adds a column. All
other constraints stay, since the other faults break none.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from generator.scenario.faults import Faults, NullIds, SchemaDrift
from generator.schema import TABLES, AdImpression, Conversion, PerformanceHourly, RawTable
from generator.schema.table import STORAGE, Column

# The columns that faults empty, and those that they add: the new name, and the renamed column.
EmptiedColumns = frozenset[str]
AddedColumns = tuple[tuple[str, str | None], ...]
Derivation = tuple[type[RawTable], EmptiedColumns, AddedColumns]


# The tables with rows that faults can touch.
SPOILT: tuple[type[RawTable], ...] = (PerformanceHourly, AdImpression, Conversion)


def landing_tables(faults: Faults) -> tuple[type[RawTable], ...]:
    """Return the tables of a run with these faults."""
    return tuple(landing_table(faults, table) if table in SPOILT else table for table in TABLES)


def landing_table(faults: Faults, table: type[RawTable] = PerformanceHourly) -> type[RawTable]:
    """Return a table in a run with these faults; the model itself if no fault changes its
    columns."""
    here = [fault for _, _, fault in faults.of_table(table)]
    drifts = [fault for fault in here if isinstance(fault, SchemaDrift)]
    emptied: set[str] = {fault.column for fault in here if isinstance(fault, NullIds)}
    emptied |= {drift.column for drift in drifts if drift.column}
    added = tuple((drift.new_column, drift.column) for drift in drifts)
    return _landing(table, frozenset(emptied), added) if emptied or added else table


class _Derived(type(RawTable)):  # type: ignore[misc]
    """The class of the tables that are derived here. A class made in a function cannot be pickled
    by its name, so it is pickled by the changes that it is derived from."""


@cache
def _landing(table: type[RawTable], emptied: EmptiedColumns, added: AddedColumns) -> type[RawTable]:
    """Return one class for the same changes, so that it can be a key."""
    columns = {column.name: column for column in table.columns()}
    landed = tuple(
        replace(column, nullable=column.nullable or column.name in emptied)
        for column in columns.values()
    )
    new = tuple(_new_column(name, columns.get(renamed or "")) for name, renamed in added)

    class Landing(table, metaclass=_Derived):  # type: ignore[valid-type,misc]
        """A table as it lands with faults."""

        @classmethod
        @cache
        def columns(cls) -> tuple[Column, ...]:
            return landed + new

        @classmethod
        def derivation(cls) -> Derivation:
            return table, emptied, added

    return Landing


def _reduce(table: Any) -> tuple[Callable[..., type[RawTable]], Derivation]:
    return _landing, table.derivation()


copyreg.pickle(_Derived, _reduce)  # type: ignore[arg-type]


def _new_column(name: str, renamed: Column | None) -> Column:
    """Return the column that drift adds: the renamed column, or a new one of text."""
    if renamed is not None:
        return replace(renamed, name=name, nullable=True)
    return Column(name=name, description="Not in the model.", storage=STORAGE[str], nullable=True)
