"""What is derived from the models is in step with them, and refuses what they refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from generator.schema import ENTITIES, FACTS, TABLES, PerformanceHourly
from generator.schema.arrow import arrow_schema
from generator.schema.dbt_delivery import (
    BlockError,
    blocks,
    delivery_files,
    with_blocks,
    without_blocks,
)
from generator.schema.dbt_sources import source_files
from generator.schema.ddl import create_table, duckdb_type, quote
from generator.schema.delivery_columns import delivery_facts, delivery_metrics, raw_counts
from generator.schema.facts import SUPPLY_FUNNEL, VIDEO_FUNNEL
from tests.support.project import ROOT

MARTS = ROOT / "dbt_project/models/marts/delivery"
COUNTS = [
    column.name
    for column in PerformanceHourly.columns()
    if column.storage.duckdb == "INTEGER" or column.name == "spend_micros"
]


def entries(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of a YAML document."""
    if isinstance(node, dict):
        yield node
    for inside in node.values() if isinstance(node, dict) else node:
        if isinstance(inside, dict | list):
            yield from entries(inside)


@pytest.fixture
def database():
    connection = duckdb.connect()
    connection.execute("create schema raw; create schema truth")
    for table in TABLES:
        connection.execute(create_table(table))
    return connection


def row(**changes) -> dict:
    base = dict.fromkeys(COUNTS, 0)
    base |= {"campaign_id": 1, "line_item_id": 1, "creative_id": 1, "device": "CTV"}
    times = {"hour_ts": datetime(2025, 1, 1), "loaded_at": datetime(2025, 1, 2, 6)}
    return base | times | changes


def insert(database, **changes) -> None:
    rows = pa.Table.from_pylist([row(**changes)])
    database.register("landing", rows)
    database.execute("insert into raw.performance_hourly by name select * from landing")


@pytest.mark.parametrize("count", COUNTS)
def test_no_count_can_be_below_zero(database, count: str) -> None:
    # Alone, and with all counts as low, so that no order among them is broken.
    lower = {name: -1 for name in COUNTS if name != "spend_micros"}
    insert(database)
    for changes in ({count: -1}, lower | {count: -1}):
        with pytest.raises(duckdb.ConstraintException):
            insert(database, **changes)


def test_the_committed_dbt_sources_are_in_step(root) -> None:
    for name, text in source_files(TABLES).items():
        committed = root / "dbt_project/models/staging" / name
        assert committed.read_text() == text, "run `make sources`"


def test_what_dbt_knows_of_the_delivery_columns_is_in_step(root) -> None:
    project = root / "dbt_project"
    for name, text in delivery_files(project).items():
        assert (project / name).read_text() == text, f"{name}: run `make sources`"


def test_every_block_is_in_some_file_of_the_dbt_project(root) -> None:
    texts = [file.read_text() for file in (root / "dbt_project/models").rglob("*.*")]
    unused = [name for name in blocks() if not any(f">>> {name}: " in text for text in texts)]
    assert unused == []


def test_every_raw_count_is_a_fact_of_the_marts_and_no_other_is() -> None:
    from_raw = {fact.name for fact in delivery_facts() if not fact.description}
    assert from_raw == {column.name for column in raw_counts()} - {"spend_micros"}


def test_a_metric_divides_facts_of_its_marts() -> None:
    facts = {fact.name for fact in delivery_facts()}
    for metric in delivery_metrics():
        assert set(re.findall(r"\w+", f"{metric.numerator} {metric.denominator}")) <= facts


def test_only_the_inside_of_a_block_is_written() -> None:
    by_hand = "columns:\n  # >>> {}: by make\n  - old\n  # <<< {}\n  - name: mine\n"
    text = by_hand.format("facts at zero", "facts at zero")
    result = with_blocks(text, "mart.yml")
    assert without_blocks(result) == without_blocks(text)
    assert yaml.safe_load(result.replace("- name", "name"))["columns"]["requests"] == 0


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("facts at zero", "facts", "mart.yml: a block that begins with >>> has no end"),
        ("fakts", "fakts", "mart.yml: no block is called 'fakts'; there are raw counts, facts,"),
    ],
)
def test_a_block_that_cannot_be_written_is_named(first: str, last: str, sentence: str) -> None:
    with pytest.raises(BlockError, match=re.escape(sentence)):
        with_blocks(f"# >>> {first}: by make\n# <<< {last}\n", "mart.yml")


def test_every_column_is_described_in_the_sources() -> None:
    files = map(yaml.safe_load, source_files(TABLES).values())
    tables = [table for file in files for table in file["sources"][0]["tables"]]
    assert [table["name"] for table in tables] == [t.table_name for t in TABLES]
    for table, model in zip(tables, TABLES, strict=True):
        assert table["description"].endswith(".")
        assert [column["name"] for column in table["columns"]] == list(model.model_fields)
        assert all(column["description"].endswith(".") for column in table["columns"])


def test_duckdb_has_the_types_and_nullability_of_the_models(database) -> None:
    for table in TABLES:
        described = database.execute(f"describe {table.relation()}").fetchall()
        assert [(name, kind, null) for name, kind, null, *_ in described] == [
            (column.name, duckdb_type(table, column), "YES" if column.nullable else "NO")
            for column in table.columns()
        ]


def test_only_entities_have_a_primary_key() -> None:
    assert all(table.primary_key for table in ENTITIES)
    assert not any(table.primary_key for table in FACTS)
    assert all(set(table.grain) <= set(table.model_fields) for table in TABLES)


def test_arrow_schemas_have_the_same_columns(database) -> None:
    for table in TABLES:
        schema = arrow_schema(table)
        assert schema.names == list(table.model_fields)
        database.register("landing", schema.empty_table())
        database.execute(f"insert into {table.relation()} select * from landing")


@pytest.mark.parametrize(
    "changes",
    [
        *[{smaller: 1} for smaller in (*SUPPLY_FUNNEL[1:], *VIDEO_FUNNEL[1:])],
        {"timeout_count": 1},
        {"error_count": 1},
        {"invalid_impressions": 1},
        {"measurable_impressions": 1},
        {"skips": 1},
        {"clicks": 1},
        {"qr_scans": 1},
        {"interactive_engagements": 1},
        {"spend_micros": -1},
        {"requests": -1},
        {"device": "FRIDGE"},
        {"hour_ts": None},
        {"creative_id": 0},
    ],
    ids=str,
)
def test_the_ddl_refuses_a_row_that_breaks_a_constraint(database, changes) -> None:
    insert(database)
    with pytest.raises((duckdb.ConstraintException, duckdb.ConversionException)):
        insert(database, **changes)


def test_identifiers_are_quoted() -> None:
    assert quote('a"; drop table x; --') == '"a""; drop table x; --"'


def test_the_ddl_names_no_storage_detail_that_another_duckdb_refuses() -> None:
    for table in TABLES:
        assert "USING" not in create_table(table)


def test_each_warning_of_dbt_says_why_it_is_none_to_stop_at() -> None:
    warnings = [
        entry
        for file in (ROOT / "dbt_project").rglob("*.yml")
        for entry in entries(yaml.safe_load(file.read_text()))
        if isinstance(entry.get("config"), dict) and entry["config"].get("severity") == "warn"
    ]
    assert len(warnings) > 5
    assert [entry for entry in warnings if len(entry.get("description", "")) < 60] == []


def test_a_rollup_of_delivery_has_at_most_60_lines() -> None:
    files = {file.stem: file.read_text() for file in MARTS.glob("fct_*_performance_*.sql")}
    assert len(files) == 8
    assert [name for name, sql in files.items() if sql.count("\n") > 60] == []


def test_weekly_and_monthly_are_one_query() -> None:
    """The macro has it; each of the two models names its period."""
    for name in ("weekly", "monthly"):
        sql = (MARTS / f"fct_campaign_performance_{name}.sql").read_text()
        assert re.fullmatch(r"\{\{ campaign_performance_by\('\w+_start_date'\) \}\}\n", sql)
