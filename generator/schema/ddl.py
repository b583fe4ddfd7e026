"""DuckDB DDL of the raw tables: types, NOT NULL, CHECK, and primary keys on entities only.

A primary key on a fact would cost an index over every row, so a dbt test checks the grain of facts.
A fact's column with a vocabulary is an ENUM, which needs no CHECK and lands twice as fast as text.
Staging turns it into text, which it is in the other destinations.
"""

from enum import StrEnum
from itertools import pairwise

from generator.schema.table import Column, Ordered, RawTable


def quote(identifier: str) -> str:
    """Return an SQL identifier in double quotes, safe for any name.

    >>> print(quote('a "b" c'))
    "a ""b"" c"
    """
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL string in single quotes, safe with any content."""
    return "'" + text.replace("'", "''") + "'"


def sql_name(table: type[RawTable]) -> str:
    """Return a raw table's name with its schema in SQL."""
    return f"{quote(table.schema_name)}.{quote(table.table_name)}"


def create_table(table: type[RawTable]) -> str:
    """Return the `CREATE OR REPLACE TABLE` of one raw table, with every constraint of its model.

    Facts land by the million, and each CHECK costs time. So a bound that follows from an order of
    columns is left out, and counts that cannot be negative share a CHECK.
    """
    bounded = _bounded_by_order(table)
    counts = [] if table.primary_key else _counts(table, bounded)
    lines = [
        _column(table, column, column.name not in {*bounded, *counts}) for column in table.columns()
    ]
    if counts:
        # Two's complement: the sign of the whole is negative if that of one is.
        lines.append(f"CHECK (({' | '.join(counts)}) >= 0)")
    lines += [f"CHECK ({constraint.sql})" for constraint in table.constraints]
    body = ",\n    ".join(lines)
    return f"CREATE OR REPLACE TABLE {sql_name(table)} (\n    {body}\n)"


def _bounded_by_order(table: type[RawTable]) -> set[str]:
    """Return the columns that are at least as large as another one with the same least value."""
    least = {
        column.name: column.minimum
        for column in table.columns()
        if not column.nullable and column.maximum is None
    }
    orders = [
        constraint.expressions
        for constraint in table.constraints
        if isinstance(constraint, Ordered)
    ]
    return {
        larger
        for expressions in orders
        for larger, smaller in pairwise(expressions)
        if least.get(larger) is not None and least[larger] == least.get(smaller)
    }


def _counts(table: type[RawTable], bounded: set[str]) -> list[str]:
    """Return the 32-bit columns with no bound but 0, if there are several."""
    names = [
        column.name
        for column in table.columns()
        if column.storage.duckdb == "INTEGER"
        and column.minimum == 0
        and column.maximum is None
        and not column.nullable
        and column.name not in bounded
    ]
    return names if len(names) > 1 else []


def _column(table: type[RawTable], column: Column, is_checked: bool) -> str:
    kind = duckdb_type(table, column)
    parts = [quote(column.name), kind]
    if column.name == table.primary_key:
        parts.append("PRIMARY KEY")
    elif not column.nullable:
        parts.append("NOT NULL")
    if column.unique:
        parts.append("UNIQUE")
    if is_checked and not kind.startswith("ENUM"):
        parts += [f"CHECK ({condition})" for condition in column_conditions(column)]
    return " ".join(parts)


def duckdb_type(table: type[RawTable], column: Column) -> str:
    """Return the DuckDB type of a column of a raw table."""
    if column.enum is None or table.primary_key:
        return column.storage.duckdb
    return f"ENUM({_list_values(column.enum)})"


def column_conditions(column: Column) -> list[str]:
    """Return the SQL conditions that a column's type implies: its bounds and its vocabulary."""
    name = quote(column.name)
    conditions = []
    if column.minimum is not None:
        conditions.append(f"{name} >= {column.minimum}")
    if column.maximum is not None:
        conditions.append(f"{name} <= {column.maximum}")
    if column.enum is not None:
        conditions.append(f"{name} IN ({_list_values(column.enum)})")
    return conditions


def _list_values(members: type[StrEnum]) -> str:
    return ", ".join(f"'{member}'" for member in members)
