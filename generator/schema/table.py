"""The definition of a raw table: column types, column descriptions, keys and row constraints.

A table is a pydantic model. Its fields carry their description, unit and reference, and
`RawTable.columns` returns them to the code that derives something from them. The tables are in
`entities`, `facts`, `log`, `truth` and `live`.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Storage:
    """The storage of a Python type: its DuckDB type and its Arrow type."""

    duckdb: str
    arrow: pa.DataType


BIGINT = Storage("BIGINT", pa.int64())
INTEGER = Storage("INTEGER", pa.int32())

Id = Annotated[int, BIGINT, Field(ge=1)]
Count = Annotated[int, INTEGER, Field(ge=0)]
Number = Annotated[int, INTEGER, Field(ge=0)]
Micros = Annotated[int, BIGINT, Field(ge=0)]
Big = Annotated[int, BIGINT, Field(ge=0)]
Real = Annotated[float, Storage("DOUBLE", pa.float64()), Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[
    Decimal, Storage("DECIMAL(4,3)", pa.decimal128(4, 3)), Field(ge=Decimal(0), le=Decimal(1))
]

# A word of a few: text that is stored once for all rows that have it.
Word = Annotated[str, Storage("VARCHAR", pa.dictionary(pa.int8(), pa.string()))]
# An id of 128 bits in 32 hexadecimal digits. No other text has its Arrow type.
HexId = Annotated[str, Storage("VARCHAR", pa.large_string())]

STORAGE: dict[type, Storage] = {
    str: Storage("VARCHAR", pa.string()),
    bool: Storage("BOOLEAN", pa.bool_()),
    float: Storage("DOUBLE", pa.float64()),
    date: Storage("DATE", pa.date32()),
    datetime: Storage("TIMESTAMP", pa.timestamp("us")),
}
_ENUM = Storage("VARCHAR", pa.dictionary(pa.int8(), pa.string()))


@dataclass(frozen=True)
class Column:
    """One column of a raw table, as its model defines it."""

    name: str
    description: str
    storage: Storage
    nullable: bool
    unit: str | None = None
    references: str | None = None
    enum: type[StrEnum] | None = None
    minimum: Any = None
    maximum: Any = None
    unique: bool = False


@dataclass(frozen=True)
class Ordered:
    """Each expression is at least as large as the next, in every row (and so in every sum of
    rows)."""

    expressions: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The constraint as one SQL condition."""
        pairs = zip(self.expressions, self.expressions[1:], strict=False)
        return " AND ".join(f"{larger} >= {smaller}" for larger, smaller in pairs)


@dataclass(frozen=True)
class Rule:
    """A condition that holds in every row and is not an order of counts."""

    sql: str
    why: str


Constraint = Ordered | Rule


def descending(*expressions: str) -> Ordered:
    """Return the constraint `expressions[0] >= expressions[1] >= …` in every row."""
    return Ordered(expressions)


def column(
    description: str,
    *,
    unit: str | None = None,
    references: str | None = None,
    unique: bool = False,
) -> Any:
    """Return a field of a raw table: its meaning, its unit, and the `table.column` it refers to."""
    extra: dict[str, Any] = {"unit": unit, "references": references, "unique": unique}
    return Field(description=description, json_schema_extra=extra)


class RawTable(BaseModel):
    """A row of a table in schema `raw`, or in the one of its `schema_name`. No two tables have the
    same `table_name`. The class docstring is the table's description.

    Rows of a table that `is_repaired` may land with faults. Staging repairs them, so tests of the
    raw rows warn, and tests of staging and marts fail. A table that `is_optional` may be missing.
    `landed_at` is the SQL of the moment that a row reports up to, or at which it landed; the latest
    one says how fresh the table is. `time_column` is the time by which its files are cut, of a
    table that has none in its grain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_name: ClassVar[str] = "raw"
    table_name: ClassVar[str]
    grain: ClassVar[tuple[str, ...]]
    primary_key: ClassVar[str | None] = None
    constraints: ClassVar[tuple[Constraint, ...]] = ()
    is_repaired: ClassVar[bool] = False
    is_optional: ClassVar[bool] = False
    landed_at: ClassVar[str | None] = None
    time_column: ClassVar[str | None] = None

    @classmethod
    @cache
    def columns(cls) -> tuple[Column, ...]:
        """Return the columns in the order in which they are stored."""
        return tuple(_column(name, field) for name, field in cls.model_fields.items())

    @classmethod
    def relation(cls) -> str:
        """Return the table's name with its schema."""
        return f"{cls.schema_name}.{cls.table_name}"

    @classmethod
    def description(cls) -> str:
        """Return the table's description: the docstring with its line breaks folded."""
        return " ".join((cls.__doc__ or "").split())


def _column(name: str, field: FieldInfo) -> Column:
    annotation, metadata, nullable = _unwrap(field)
    is_enum = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    declared = [item for item in metadata if isinstance(item, Storage)]
    storage = declared[0] if declared else _ENUM if is_enum else STORAGE[annotation]
    extra = field.json_schema_extra
    assert isinstance(extra, dict), f"{name} is not declared by column(…)"
    assert field.description, f"{name} has no description"
    return Column(
        name=name,
        description=field.description,
        storage=storage,
        nullable=nullable,
        unit=extra["unit"],  # type: ignore[arg-type]
        references=extra["references"],  # type: ignore[arg-type]
        unique=bool(extra["unique"]),
        enum=annotation if is_enum else None,
        minimum=_bound(metadata, "ge"),
        maximum=_bound(metadata, "le"),
    )


def _unwrap(field: FieldInfo) -> tuple[Any, list[Any], bool]:
    """Return the bare type of a field, the metadata of its `Annotated`, and whether it may be
    NULL."""
    annotation: Any = field.annotation
    metadata = list(field.metadata)
    nullable = False
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (arg for arg in get_args(annotation) if arg is not type(None))
        nullable = True
    if get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        metadata += inner
    return annotation, metadata, nullable


def _bound(metadata: list[Any], name: str) -> Any:
    for item in metadata:
        constraints = item.metadata if isinstance(item, FieldInfo) else [item]
        for constraint in constraints:
            if (value := getattr(constraint, name, None)) is not None:
                return value
    return None
