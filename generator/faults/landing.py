"""Which tables a run with faults lands in: those of the models, but for what the faults break.

The column whose ids go missing, or whose name changes, may be NULL, and there is the column that a
changed schema adds. Every other constraint stays: the other faults break none.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from generator.scenario.faults import Faults
from generator.schema import TABLES, PerformanceHourly, RawTable
from generator.schema.table import STORAGE, Column


def landing_tables(faults: Faults) -> tuple[type[RawTable], ...]:
    """The tables of a run with these faults."""
    landing = landing_table(faults)
    return tuple(landing if table is PerformanceHourly else table for table in TABLES)


def landing_table(faults: Faults) -> type[PerformanceHourly]:
    """The table of performance in a run with these faults; the model itself where they fit it."""
    emptied: set[str] = {fault.column for fault in faults.null_ids}
    emptied |= {drift.column for drift in faults.schema_drift if drift.column}
    if not emptied and not faults.schema_drift:
        return PerformanceHourly
    columns = {column.name: column for column in PerformanceHourly.columns()}
    added = tuple(
        _new_column(drift.new_column, columns.get(drift.column or ""))
        for drift in faults.schema_drift
    )
    landed = tuple(
        replace(column, nullable=column.nullable or column.name in emptied)
        for column in columns.values()
    )

    class Landing(PerformanceHourly):
        """Hourly performance as it lands with faults."""

        @classmethod
        @cache
        def columns(cls) -> tuple[Column, ...]:
            return landed + added

    return Landing


def _new_column(name: str, renamed: Column | None) -> Column:
    """The column that drift brings: another one under a new name, or one of text."""
    if renamed is not None:
        return replace(renamed, name=name, nullable=True)
    return Column(name=name, description="Not in the model.", storage=STORAGE[str], nullable=True)
