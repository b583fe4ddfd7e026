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

from generator.scenario.faults import Faults
from generator.schema import TABLES, PerformanceHourly, RawTable
from generator.schema.table import STORAGE, Column

# The columns that faults empty, and those that they add: the new name, and the renamed column.
EmptiedColumns = frozenset[str]
AddedColumns = tuple[tuple[str, str | None], ...]


def landing_tables(faults: Faults) -> tuple[type[RawTable], ...]:
    """Return the tables of a run with these faults."""
    landing = landing_table(faults)
    return tuple(landing if table is PerformanceHourly else table for table in TABLES)


def landing_table(faults: Faults) -> type[PerformanceHourly]:
    """Return the table of performance in a run with these faults; the model itself if no fault
    changes its columns."""
    emptied: set[str] = {fault.column for fault in faults.null_ids}
    emptied |= {drift.column for drift in faults.schema_drift if drift.column}
    added = tuple((drift.new_column, drift.column) for drift in faults.schema_drift)
    return _landing(frozenset(emptied), added) if emptied or added else PerformanceHourly


class _Derived(type(PerformanceHourly)):  # type: ignore[misc]
    """The class of the tables that are derived here. A class made in a function cannot be pickled
    by its name, so it is pickled by the changes that it is derived from."""


@cache
def _landing(emptied: EmptiedColumns, added: AddedColumns) -> type[PerformanceHourly]:
    """Return one class for the same changes, so that it can be a key."""
    columns = {column.name: column for column in PerformanceHourly.columns()}
    landed = tuple(
        replace(column, nullable=column.nullable or column.name in emptied)
        for column in columns.values()
    )
    new = tuple(_new_column(name, columns.get(renamed or "")) for name, renamed in added)

    class Landing(PerformanceHourly, metaclass=_Derived):
        """Hourly performance as it lands with faults."""

        @classmethod
        @cache
        def columns(cls) -> tuple[Column, ...]:
            return landed + new

        @classmethod
        def derivation(cls) -> tuple[EmptiedColumns, AddedColumns]:
            return emptied, added

    return Landing


def _reduce(
    table: Any,
) -> tuple[Callable[..., type[PerformanceHourly]], tuple[EmptiedColumns, AddedColumns]]:
    return _landing, table.derivation()


copyreg.pickle(_Derived, _reduce)  # type: ignore[arg-type]


def _new_column(name: str, renamed: Column | None) -> Column:
    """Return the column that drift adds: the renamed column, or a new one of text."""
    if renamed is not None:
        return replace(renamed, name=name, nullable=True)
    return Column(name=name, description="Not in the model.", storage=STORAGE[str], nullable=True)
