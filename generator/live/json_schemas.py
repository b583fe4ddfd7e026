"""JSON Schemas of all rows that a live run sends, in the folder `schemas` beside this file.

`python -m generator.live.json_schemas` writes them (`make sources` runs it). A run with faults that
take ids or change columns sends rows that do not have the schema: a consumer is to find them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from generator.live.timeline import SENT
from generator.schema import RawTable
from generator.schema.live import SCHEMA_VERSION
from generator.schema.table import Column

FOLDER = Path(__file__).parent / "schemas"
# The one id that is not hexadecimal digits alone.
_EVENT_ID = "event_id"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(table: type[RawTable]) -> dict[str, Any]:
    """Return the JSON Schema of a row of a table."""
    return {
        "$schema": _DRAFT,
        "$id": f"urn:streaming-ads:{table.table_name}:{SCHEMA_VERSION}",
        "title": table.table_name,
        "description": table.description(),
        "type": "object",
        "properties": {column.name: _property(column) for column in table.columns()},
        "required": [column.name for column in table.columns()],
        "additionalProperties": False,
    }


def schema_files() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {
        f"{table.table_name}.json": json.dumps(json_schema(table), indent=2, ensure_ascii=False)
        + "\n"
        for table in SENT
    }


def _property(column: Column) -> dict[str, Any]:
    """Return the schema of a value."""
    unit = f" Unit: {column.unit}." if column.unit else ""
    found: dict[str, Any] = {"description": column.description + unit}
    kind = column.storage.arrow
    if column.enum is not None:
        return found | {"enum": [*map(str, column.enum), *([None] if column.nullable else [])]}
    if pa.types.is_boolean(kind):
        name = "boolean"
    elif pa.types.is_integer(kind):
        name = "integer"
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        name = "number"
    else:
        name = "string"
    found["type"] = [name, "null"] if column.nullable else name
    if pa.types.is_timestamp(kind):
        found["format"] = "date-time"
    elif pa.types.is_date(kind):
        found["format"] = "date"
    elif pa.types.is_large_string(kind) and column.name != _EVENT_ID:
        found["pattern"] = "^[0-9a-f]{32}$"
    for bound, limit in (("minimum", column.minimum), ("maximum", column.maximum)):
        if limit is not None and name in ("integer", "number"):
            found[bound] = int(limit) if limit == int(limit) else float(limit)
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in schema_files().items():
        (FOLDER / name).write_text(text)
