"""Arrow schemas of the raw tables, and rows of models turned into Arrow tables."""

from collections.abc import Iterable

import pyarrow as pa

from generator.schema.table import RawTable


def arrow_schema(table: type[RawTable]) -> pa.Schema:
    """Return the Arrow schema of a raw table; enum columns are dictionaries, NOT NULL is kept."""
    return pa.schema(
        [
            pa.field(column.name, column.storage.arrow, nullable=column.nullable)
            for column in table.columns()
        ]
    )


def to_arrow(table: type[RawTable], rows: Iterable[RawTable]) -> pa.Table:
    """Return rows of one model as an Arrow table with that model's schema."""
    return pa.Table.from_pylist([row.model_dump() for row in rows], schema=arrow_schema(table))
