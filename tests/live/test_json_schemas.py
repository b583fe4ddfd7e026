"""The published JSON Schemas: what is sent has them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from generator.live.json_lines import json_lines
from generator.live.json_schemas import FOLDER, json_schema, schema_files
from generator.live.timeline import SENT
from generator.schema import RawTable
from generator.schema.live import AdEvent
from tests.live.conftest import Tables

SOME = 40


def validator(table: type[RawTable]) -> Any:
    schema = json_schema(table)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def test_the_files_are_those_of_the_classes() -> None:
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == schema_files()


@pytest.mark.parametrize("table", SENT, ids=lambda table: table.table_name)
def test_rows_have_their_schema(table: type[RawTable], batch: Tables) -> None:
    found = validator(table)
    if table.table_name in batch:
        rows = [json.loads(str(line)) for line in json_lines(batch[table.table_name][:SOME])]
        assert rows
        for row in rows:
            found.validate(row)


@pytest.mark.parametrize(
    "change",
    [
        {"event_name": "impress"},
        {"activity_date": "yesterday"},
        {"campaign_id": "1"},
        {"campaign_id": 0},
        {"ad_id": "0" * 31},
        {"more": 1},
    ],
    ids=str,
)
def test_other_rows_have_not(change: dict[str, Any], batch: Tables) -> None:
    row = json.loads(str(json_lines(batch["ad_events"][:1])[0]))
    with pytest.raises(jsonschema.ValidationError):
        validator(AdEvent).validate(row | change)
