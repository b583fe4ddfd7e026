"""Foreign tables, views, columns and indexes in a database that a run writes to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import duckdb
import pytest

from generator.engines import local
from generator.faults.changed_columns import landing_tables
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSchema, DuckdbSink
from generator.sinks.errors import DestinationError
from generator.world.build import build_world

SMOKE = build_world(dataset("smoke"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "ads.duckdb"
    local.run(SMOKE, DuckdbSink(made, TABLES), jobs=1)
    return made


def execute(file: Path, *statements: str) -> list[tuple]:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            found = connection.execute(statement).fetchall()
        return found


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


MINE = "CREATE TABLE raw.campaigns AS SELECT 1 AS campaign_id, 'mine' AS note"
IN_THE_WAY = {
    "a table": ("DROP TABLE raw.campaigns", MINE),
    "a table in capitals": ("DROP TABLE raw.campaigns", MINE.replace("campaigns", "CAMPAIGNS")),
    "a table with our columns alone": (
        "CREATE TABLE raw.other AS FROM raw.campaigns",
        "DROP TABLE raw.campaigns",
        "ALTER TABLE raw.other RENAME TO campaigns",
    ),
    "a view": ("DROP TABLE raw.campaigns", "CREATE VIEW raw.campaigns AS SELECT 1 AS campaign_id"),
    "a column more": ("ALTER TABLE raw.runs ADD COLUMN note VARCHAR",),
    "a column more in a fact": ("ALTER TABLE raw.audience_daily ADD COLUMN note VARCHAR",),
    "a column renamed": ("ALTER TABLE raw.audience_daily RENAME COLUMN impressions TO mine",),
    "a column that may be missing": ("ALTER TABLE raw.runs ALTER workflow DROP NOT NULL",),
    "a table that refers to ours": (
        "CREATE TABLE raw.notes (campaign_id BIGINT REFERENCES raw.campaigns (campaign_id))",
    ),
}


@pytest.mark.parametrize("statements", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_in_the_way_of_a_run_stays(file: Path, statements: tuple[str, ...]) -> None:
    execute(file, *statements)
    before = digest(file)
    with pytest.raises(DestinationError, match="choose another --database") as error:
        local.run(SMOKE, DuckdbSink(file, TABLES), jobs=1)
    assert digest(file) == before
    assert type(error.value) is DestinationError
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("schema", ["raw", "RAW"])
def test_a_table_in_a_file_that_no_run_has_filled_stays(tmp_path: Path, schema: str) -> None:
    file = tmp_path / "mine.duckdb"
    execute(file, f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.budgets AS SELECT 1 AS mine")
    before = digest(file)
    with pytest.raises(DestinationError, match=r"table raw\.budgets is not as a run made it"):
        local.run(SMOKE, DuckdbSink(file, TABLES), jobs=1)
    assert digest(file) == before


def test_a_view_is_no_table_to_migrate(file: Path) -> None:
    execute(file, "DROP TABLE raw.campaigns", "CREATE VIEW raw.campaigns AS SELECT 1 AS mine")
    before = digest(file)
    with (
        pytest.raises(DestinationError, match=r"view raw\.campaigns is not as a run made it"),
        DuckdbSchema(file, TABLES),
    ):
        pass
    assert digest(file) == before


def test_a_table_that_was_migrated_or_landed_with_faults_is_ours(file: Path) -> None:
    faulty = build_world(dataset("faulty"))
    execute(file, "ALTER TABLE raw.runs ALTER workflow DROP NOT NULL")
    with DuckdbSchema(file, TABLES) as schema:
        pass
    assert schema.changes["runs"] == "migrated"
    for world, tables in (
        (SMOKE, TABLES),
        (faulty, landing_tables(faulty.faults)),
        (SMOKE, TABLES),
    ):
        local.run(world, DuckdbSink(file, tables), jobs=1)


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("amount_micros", "1234567.6::DOUBLE", r"amount_micros 1234567\.6 would change as BIGINT"),
        ("amount_micros", "'1234567.6'", r"amount_micros 1234567\.6 would change as BIGINT"),
        ("amount_micros", "'a lot'", "Could not convert"),
        ("amount_micros", "'infinity'::DOUBLE", "out of range"),
        ("amount_micros", "[1]", "cast"),
        ("amount_micros", "1234567.0::DOUBLE", None),
        ("amount_micros", "1234567::INTEGER", None),
    ],
)
def test_a_migration_changes_no_value(
    file: Path, column: str, value: str, sentence: str | None
) -> None:
    execute(
        file,
        f"CREATE TABLE changed AS SELECT * REPLACE ({value} AS {column}) FROM raw.budgets",
        "DROP TABLE raw.budgets",
        "CREATE TABLE raw.budgets AS FROM changed",
    )
    before = digest(file)
    if sentence is None:
        with DuckdbSchema(file, TABLES) as schema:
            pass
        assert schema.changes["budgets"] == "migrated"
        return
    with (
        pytest.raises(DestinationError, match=r"rows of raw\.budgets do not fit") as error,
        DuckdbSchema(file, TABLES),
    ):
        pass
    assert type(error.value) is DestinationError
    assert re.search(sentence, str(error.value))
    assert digest(file) == before


def test_a_migration_keeps_comments_on_columns(file: Path) -> None:
    execute(
        file,
        "ALTER TABLE raw.runs ALTER workflow DROP NOT NULL",
        "COMMENT ON COLUMN raw.runs.seed IS 'mine''s'",
    )
    with DuckdbSchema(file, TABLES):
        pass
    comments = "SELECT column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL"
    assert execute(file, comments) == [("seed", "mine's")]


OTHERS = (
    "CREATE TABLE raw.notes AS SELECT 1 AS mine",
    "CREATE VIEW raw.campaign_names AS SELECT name FROM raw.campaigns",
    "CREATE SCHEMA own",
    "CREATE TABLE own.campaigns AS SELECT 1 AS mine",
    "CREATE VIEW own.budgets AS SELECT sum(amount_micros) AS budget FROM raw.budgets",
    "CREATE SEQUENCE raw.numbers",
    "CREATE TYPE raw.mood AS ENUM ('good')",
    "CREATE MACRO raw.twice(x) AS 2 * x",
    "CREATE INDEX by_name ON raw.campaigns (name)",
    "CREATE UNIQUE INDEX by_hour ON raw.performance_hourly "
    "(creative_id, device, hour_ts, loaded_at, line_item_id)",
    "CREATE INDEX by_note ON raw.notes (mine)",
)
LISTS = (
    "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal",
    "SELECT schema_name, table_name, index_name, sql FROM duckdb_indexes()",
    "SELECT schema_name, sequence_name FROM duckdb_sequences()",
    "SELECT schema_name, type_name FROM duckdb_types() WHERE NOT internal",
    "SELECT schema_name, function_name FROM duckdb_functions() WHERE NOT internal",
    "SELECT mine FROM raw.notes",
    "SELECT mine FROM own.campaigns",
)


def test_what_is_beside_our_tables_stays_and_works(file: Path) -> None:
    execute(file, *OTHERS)
    before = [sorted(execute(file, query)) for query in LISTS]
    assert all(before)
    local.run(build_world(dataset("smoke").with_seed(8)), DuckdbSink(file, TABLES), jobs=1)
    assert [sorted(execute(file, query)) for query in LISTS] == before
    assert execute(file, "SELECT budget FROM own.budgets")
    with DuckdbSchema(file, TABLES):
        pass
    assert [sorted(execute(file, query)) for query in LISTS] == before


def test_an_index_that_the_new_rows_do_not_fit_is_named_and_stays(file: Path) -> None:
    execute(file, "CREATE UNIQUE INDEX one ON raw.campaigns (currency_code)")
    before = digest(file)
    with pytest.raises(DestinationError, match=r"index one does not fit the new rows: .*; drop"):
        local.run(build_world(dataset("complete")), DuckdbSink(file, TABLES), jobs=1)
    assert digest(file) == before
