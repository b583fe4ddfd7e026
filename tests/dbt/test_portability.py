"""The same models and tests on three targets, and the same numbers: a DuckDB file that holds the
raw tables, Parquet files that DuckDB reads in place, and a PostgreSQL server.

The DuckDB file is built once. The other two have been built before, from the data of an earlier
day and once with nothing changed, so equal numbers also say that nothing of that is left; nor is
anything on PostgreSQL of another macro (on DuckDB that is a test of test_restatement).
PostgreSQL gets its data from a live run: dbt builds in the middle of a day, and what it has built
at the end of the stream equals the batch.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from adbc_driver_postgresql import dbapi

from generator.engines import local
from generator.faults.changed_columns import landing_tables
from generator.live.clock import moment_of
from generator.live.stream import Plan, stream
from generator.live.targets.postgresql import PostgresqlTarget
from generator.live.timeline import Timeline
from generator.scenario.faults import Faults
from generator.scenario.templates import Dataset, dataset
from generator.schema import TABLES, FaultLog, PerformanceHourly, RawTable
from generator.sinks.errors import DestinationError
from generator.sinks.parquet import ParquetSink
from generator.sinks.postgresql import PostgresqlSink
from generator.world.build import build_world
from tests.dbt.test_project import descriptions
from tests.dbt.test_restatement import MARTS
from tests.support import postgresql
from tests.support.project import MODELS_ONLY, ROOT, WITHOUT_UNIT_TESTS, dbt, spend_doubled

# One name, as dbt parses the project for each.
ON_PARQUET = "on_parquet.duckdb"
# What is of the build itself: each database hashes in its own way.
OF_THE_BUILD = {"source_digest"}
# Clean data have no orphans, nothing happens to the campaigns of `complete`, and none has an
# experiment.
EMPTY = {
    "fct_performance_orphans",
    "fct_campaign_changes",
    "fct_incidents",
    "fct_experiment_households",
    "fct_experiment_lift",
    "fct_experiment_scorecard",
    "fct_uplift_deciles",
    "fct_uplift_scorecard",
}
# What is found of faults, and the models that lead to it.
OF_FAULTS = ("fct_fault_detection", "fct_data_quality_daily")
BUILD_OF_FAULTS = f"build --select +{' +'.join(OF_FAULTS)} {MODELS_ONLY}"
FAULTY = build_world(dataset("faulty"))
# The marts that are built day by day, and the models that lead to them.
DAYS = f"--select +{' +'.join(MARTS)} {MODELS_ONLY}".split()
AGAIN = f"--select {' '.join(MARTS)} {MODELS_ONLY}".split()
EARLIER = replace(dataset("complete"), as_of=date(2025, 9, 10))
# In the middle of an hour of that day.
SOME_TIME = datetime(2025, 9, 10, 15, 37)


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt runs on PostgreSQL, so that it parses once."""
    return tmp_path_factory.mktemp("postgresql")


@pytest.fixture(scope="module")
def built_in_postgresql(server: postgresql.Server, folder: Path) -> postgresql.Server:
    """`complete` sent by a live run and built by dbt, its tests included, at the end and before
    that on an earlier day."""
    world = build_world(dataset("complete"))
    timeline = Timeline(world)

    def load(data: Dataset) -> None:
        until = moment_of(SOME_TIME) if data is EARLIER else timeline.end
        plan = Plan("complete", world.identity, timeline.first, until, None)
        ending = stream(timeline, PostgresqlTarget(server.uri), plan, lambda _: None)
        assert ending.is_complete is (data is not EARLIER)

    command, file = "build --target postgres", folder / "ads.duckdb"
    load(EARLIER)
    with spend_doubled(folder):
        build(command, file, *DAYS, **server.environment)
    over_time(command, file, load, **server.environment)
    return server


@pytest.fixture(scope="module")
def built_on_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of marts over raw Parquet files in many parts, among files that are not of
    the run."""
    folder = tmp_path_factory.mktemp("parquet")
    lake = folder / "lake"

    def load(data: Dataset) -> None:
        for part in lake.rglob("of-another-run-*"):
            part.unlink()
        local.run(build_world(data), ParquetSink(str(lake), TABLES, 10_000))
        for part in list(lake.rglob("performance_hourly/*/*.parquet"))[:3]:
            shutil.copy(part, part.with_stem("of-another-run-01234567"))

    file = folder / ON_PARQUET
    load(EARLIER)
    over_time(f"build --target parquet {WITHOUT_UNIT_TESTS}", file, load, ADS_PARQUET=str(lake))
    return file


def over_time(command: str, file: Path, load: Callable[[Dataset], None], **variables: str) -> None:
    """Build a target by a command as a warehouse is built over time: days of an earlier date, that
    with nothing changed, and all of a later date."""
    build(command, file, *DAYS, **variables)
    build(command, file, *AGAIN, **variables)
    load(dataset("complete"))
    build(command, file, **variables)


def build(command: str, file: Path, *arguments: str, **variables: str) -> None:
    """Run a command of dbt in the folder of a file."""
    result = dbt(command, file, file.parent, *arguments, **variables)
    assert result.returncode == 0, result.stdout[-4000:]


def marts(database: Path) -> list[str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'"
        ).fetchall()
    return sorted(name for (name,) in found)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows in one order: by their exact values first, fractions last. Of the log, those of
    every eighth household."""
    if "household_id" in table.column_names:
        logged = pc.equal(pc.bit_wise_and(table["household_id"], 7), 0)
        table = table.filter(pc.fill_null(logged, True))
    names = [name for name in table.column_names if name not in OF_THE_BUILD]
    exact = [name for name in names if not pa.types.is_floating(table.schema.field(name).type)]
    ordered = table.select(exact + [name for name in names if name not in exact])
    return sorted(
        zip(*(column.to_pylist() for column in ordered.columns), strict=True),
        key=lambda row: tuple((value is None, str(value)) for value in row[: len(exact)]),
    )


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


def assert_equal(mart: str, one: list[tuple], other: list[tuple]) -> None:
    assert len(one) == len(other), mart
    assert one or mart in EMPTY, mart
    unequal = [
        (left, right)
        for left, right in zip(one, other, strict=True)
        if not all(map(same, left, right))
    ]
    assert unequal == [], mart


def in_duckdb(database: Path, mart: str) -> pa.Table:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(f"FROM marts.{mart}").to_arrow_table()


def in_postgresql(server: postgresql.Server, mart: str, like: pa.Schema) -> pa.Table:
    """A mart as Arrow; ADBC hands decimals over as text."""
    with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM marts.{mart}")
        fetched = cursor.fetch_arrow_table()
    columns = [
        fetched.column(field.name).cast(pa.string()).cast(field.type)
        if pa.types.is_decimal(field.type)
        else fetched.column(field.name).cast(field.type)
        for field in like
    ]
    return pa.Table.from_arrays(columns, schema=like)


def test_parquet_gives_the_same_numbers(built_database: Path, built_on_parquet: Path) -> None:
    assert marts(built_on_parquet) == marts(built_database)
    for mart in marts(built_database):
        expected, actual = (in_duckdb(file, mart) for file in (built_database, built_on_parquet))
        assert actual.schema == expected.schema
        assert_equal(mart, rows(actual), rows(expected))


def test_postgresql_gives_the_same_numbers(
    built_database: Path, built_in_postgresql: postgresql.Server
) -> None:
    for mart in marts(built_database):
        expected = in_duckdb(built_database, mart)
        actual = in_postgresql(built_in_postgresql, mart, expected.schema)
        assert_equal(mart, rows(actual), rows(expected))


def test_descriptions_are_comments_in_postgresql(
    built_database: Path, built_in_postgresql: postgresql.Server
) -> None:
    manifest = json.loads((built_database.parent / "target" / "manifest.json").read_text())
    commented = ask(
        built_in_postgresql.uri,
        """
        SELECT nspname::text, relname || coalesce('.' || attname, ''), description
        FROM pg_description
        JOIN pg_class ON pg_class.oid = objoid AND classoid = 'pg_class'::regclass
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0
        """,
    )
    assert descriptions(manifest) <= set(commented)


def test_what_others_made_on_the_marts_of_postgresql_stays(
    built_in_postgresql: postgresql.Server, folder: Path
) -> None:
    """A view, an index and a right, when nothing has changed and when a table has other rows."""
    server = built_in_postgresql
    change(
        server.uri,
        "CREATE ROLE reporter",
        "GRANT SELECT ON ALL TABLES IN SCHEMA marts TO reporter",
        "CREATE INDEX by_name ON marts.dim_campaigns (campaign_name)",
        """CREATE VIEW public.spend_by_name AS
           SELECT campaign_name, sum(spend) AS spend FROM marts.dim_campaigns
           JOIN marts.fct_performance_hourly USING (campaign_id) GROUP BY campaign_name""",
        "UPDATE marts.dim_campaigns SET campaign_name = 'Wrong'",
    )
    others = """
        SELECT (SELECT count(*) FROM public.spend_by_name WHERE campaign_name <> 'Wrong'),
            (SELECT count(*) FROM pg_indexes WHERE indexname = 'by_name'), (
            SELECT count(*) FROM pg_class
            WHERE relnamespace = 'marts'::regnamespace AND relkind = 'r'
                AND NOT has_table_privilege('reporter', oid, 'SELECT'))
    """
    assert ask(server.uri, others) == [(0, 1, 0)]
    command = "build --target postgres"
    result = dbt(command, folder / "ads.duckdb", folder, *DAYS, **server.environment)
    assert result.returncode == 0, result.stdout[-4000:]
    assert ask(server.uri, others) == [(7, 1, 0)]


def test_raw_data_can_be_loaded_again_under_the_views(
    built_in_postgresql: postgresql.Server,
) -> None:
    """A second load replaces the rows and keeps the staging views; a failed one changes nothing."""
    count = "SELECT count(*) FROM staging.stg_ads__campaigns"
    uri = built_in_postgresql.uri
    with pytest.raises(ZeroDivisionError), PostgresqlSink(uri, TABLES):
        raise ZeroDivisionError
    assert ask(uri, count) == [(7,)]
    local.run(build_world(dataset("smoke")), PostgresqlSink(uri, TABLES))
    assert ask(uri, count) == [(1,)]


def change(uri: str, *statements: str) -> None:
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def ask(uri: str, query: str) -> list[tuple]:
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        fetched: list[tuple] = cursor.fetchall()
        return fetched


def test_a_load_takes_the_place_of_a_table_that_does_not_fit(server: postgresql.Server) -> None:
    """One that has no place for what is missing, or a column of the name with another type."""
    drift: dict[str, Any] = {"start_date": date(2025, 9, 3)}
    added = drift | {"added": "new", "value": "text"}
    renamed = drift | {"column": "clicks", "renamed_to": "new"}
    for plan, landed in (
        ({}, "count(*) = count(creative_id)"),
        ({"null_ids": [{"column": "creative_id", "rate": 0.5}]}, "count(*) > count(creative_id)"),
        ({"schema_drift": [added]}, "min(new) = 'text'"),
        ({"schema_drift": [renamed]}, "min(new) >= 0 AND count(*) > count(clicks)"),
        ({}, "count(*) = count(clicks)"),
    ):
        data = replace(dataset("smoke"), faults=Faults.model_validate(plan))
        local.run(build_world(data), PostgresqlSink(server.uri, landing_tables(data.faults)))
        assert ask(server.uri, f"SELECT {landed} FROM raw.performance_hourly") == [(True,)], plan


def test_parquet_finds_the_same_faults(
    faulty_database: Path, built_on_parquet: Path, tmp_path: Path
) -> None:
    """Where clean data were before, and by a manifest of more than the 16 MB that DuckDB reads by
    default."""
    local.run(FAULTY, ParquetSink(str(tmp_path), landing_tables(FAULTY.faults)))
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"{", b"{" + b" " * (17 << 20), 1))
    command = f"{BUILD_OF_FAULTS} --target parquet"
    folder = built_on_parquet.parent
    result = dbt(command, built_on_parquet, folder, ADS_PARQUET=str(tmp_path))
    assert result.returncode == 0, result.stdout[-4000:]
    for mart in OF_FAULTS:
        expected, actual = (in_duckdb(file, mart) for file in (faulty_database, built_on_parquet))
        assert actual.schema == expected.schema
        assert_equal(mart, rows(actual), rows(expected))


def test_postgresql_finds_the_same_faults(
    faulty_database: Path, built_in_postgresql: postgresql.Server, folder: Path
) -> None:
    """Where clean data were before, with views on them."""
    server = built_in_postgresql
    local.run(FAULTY, PostgresqlSink(server.uri, landing_tables(FAULTY.faults)))
    command = f"{BUILD_OF_FAULTS} --target postgres"
    result = dbt(command, folder / "ads.duckdb", folder, **server.environment)
    assert result.returncode == 0, result.stdout[-4000:]
    for mart in OF_FAULTS:
        expected = in_duckdb(faulty_database, mart)
        assert_equal(mart, rows(in_postgresql(server, mart, expected.schema)), rows(expected))


def test_an_address_without_a_server_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(DestinationError, match=r"^PostgreSQL: .*check the address"),
        PostgresqlSink(f"postgresql:///ads?host={tmp_path}&password=secret", TABLES),
    ):
        pass


def test_parquet_files_of_other_makers_are_read_too(
    complete_database: Path, faulty_database: Path, tmp_path: Path
) -> None:
    """Without a manifest: a file for a table, or a folder of its name. A log of faults need not be
    there, and may be there the next time."""
    folder, file = tmp_path / "it's here", tmp_path / ON_PARQUET
    folder.mkdir()

    def staged(source: Path, tables: list[type[RawTable]], models: str) -> dict[str, int]:
        """The rows of each table in staging, from files made of a database."""
        for table in tables:
            write(table, source, folder)
        command = f"run --select {models} --target parquet"
        result = dbt(command, file, tmp_path, ADS_PARQUET=str(folder))
        assert result.returncode == 0, result.stdout[-4000:]
        return counted(file, is_staged=True)

    expected = counted(complete_database)
    assert expected["fault_log"] == 0
    others = [table for table in TABLES if table is not FaultLog]
    assert staged(complete_database, others, "staging") == expected
    log = counted(faulty_database)["fault_log"]
    assert staged(faulty_database, [FaultLog], "stg_ads__fault_log")["fault_log"] == log > 0


def write(table: type[RawTable], source: Path, folder: Path) -> None:
    """A raw table of a database as a Parquet file, or as some in a folder."""
    place, options = folder / f"{table.table_name}.parquet", "FORMAT parquet"
    if table is PerformanceHourly:
        place = folder / table.table_name
        options += ", PARTITION_BY (device), WRITE_PARTITION_COLUMNS true"
    escaped = str(place).replace("'", "''")
    with duckdb.connect(str(source), read_only=True) as connection:
        connection.execute(f"COPY {table.relation()} TO '{escaped}' ({options})")


def counted(database: Path, is_staged: bool = False) -> dict[str, int]:
    """The rows of each raw table, or of what is made of it, by the table's name."""
    sources = {"raw": "ads", "truth": "truth"}
    found = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for table in TABLES:
            staged = f"staging.stg_{sources[table.schema_name]}__{table.table_name}"
            query = f"SELECT count(*) FROM {staged if is_staged else table.relation()}"
            ((found[table.table_name],),) = connection.execute(query).fetchall()
    return found


def test_missing_parquet_files_are_named(tmp_path: Path) -> None:
    result = dbt("build --target parquet", tmp_path / ON_PARQUET, tmp_path, ADS_PARQUET="nowhere")
    assert result.returncode == 2
    remedy = "run `python -m generator generate --to 'parquet:nowhere'`"
    assert f"no raw data in folder nowhere: {remedy}" in result.stdout


def test_models_have_no_sql_of_one_database() -> None:
    """Differences between databases are in dispatched macros."""
    models = (ROOT / "dbt_project" / "models").rglob("*.sql")
    foreign = re.compile(
        r"::|\bqualify\b|\bgroup by all\b|\bexclude\b|\bilike\b|target\.|\bjson_extract\b"
        r"|\bepoch\b|\bstrftime\b|\bto_char\b|\binterval\b|\bgenerate_series\(",
        re.IGNORECASE,
    )
    found = [
        f"{file.name}: {match[0]}"
        for file in models
        for match in foreign.finditer(file.read_text().replace("dbt.generate_series(", ""))
    ]
    assert found == []
