"""A PostgreSQL database that others use too: what is theirs stays, and no run waits without end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from adbc_driver_postgresql import dbapi

from generator.engines import local
from generator.faults.changed_columns import landing_tables
from generator.scenario.faults import Faults
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks import postgresql as sink
from generator.sinks.errors import DestinationError
from generator.sinks.postgresql import PostgresqlSink
from generator.world.build import build_world
from tests.conftest import ROOT
from tests.reliability.test_two_at_once import hashes
from tests.support import postgresql

SMOKE = build_world(dataset("smoke"))
FAULTS = Faults.model_validate({"null_ids": [{"column": "creative_id", "rate": 0.5}]})
FAULTY = build_world(replace(dataset("smoke"), faults=FAULTS))


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    with postgresql.server() as started:
        yield started


@pytest.fixture(autouse=True)
def _filled(server: postgresql.Server) -> None:
    execute(server, "DROP SCHEMA IF EXISTS raw CASCADE", "DROP SCHEMA IF EXISTS own CASCADE")
    execute(server, "CREATE SCHEMA own")
    local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)


def execute(server: postgresql.Server, *statements: str) -> list[tuple]:
    with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        found = cursor.fetchall() if "SELECT" in statements[-1][:6] else []
        connection.commit()
        return found


# All that is in the schemas: kinds and names, constraints, triggers and comments.
EVERYTHING = (
    "SELECT string_agg(one, E'\\n' ORDER BY one) FROM ("
    "SELECT relkind::text || ' ' || c.oid::regclass::text || ' ' "
    "|| coalesce(obj_description(c.oid, 'pg_class'), '') "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('raw', 'own') "
    "UNION ALL SELECT 'constraint ' || conname::text || conrelid::text FROM pg_constraint "
    "UNION ALL SELECT 'trigger ' || tgname::text FROM pg_trigger "
    "UNION ALL SELECT 'view ' || viewname::text || definition FROM pg_views "
    "WHERE schemaname = 'own') AS entries (one)"
)
MINE = "CREATE TABLE raw.campaigns (campaign_id bigint, note text)"
IN_THE_WAY = {
    "a table": ("DROP TABLE raw.campaigns", MINE, "INSERT INTO raw.campaigns VALUES (1, 'mine')"),
    "a view": ("DROP TABLE raw.campaigns", "CREATE VIEW raw.campaigns AS SELECT 1 AS campaign_id"),
    "a materialized view": (
        "DROP TABLE raw.campaigns",
        "CREATE MATERIALIZED VIEW raw.campaigns AS SELECT 1 AS campaign_id",
    ),
    "an index": ("DROP TABLE raw.campaigns", "CREATE INDEX campaigns ON raw.flights (flight_id)"),
    "a type": ("DROP TABLE raw.campaigns", "CREATE TYPE raw.campaigns AS ENUM ('mine')"),
    "a sequence": ("DROP TABLE raw.campaigns", "CREATE SEQUENCE raw.campaigns"),
    "a partitioned table": (
        "DROP TABLE raw.campaigns",
        "CREATE TABLE raw.campaigns (campaign_id bigint) PARTITION BY LIST (campaign_id)",
    ),
    "a column more": ("ALTER TABLE raw.audience_daily ADD COLUMN note text DEFAULT 'mine'",),
    "a column less": ("ALTER TABLE raw.audience_daily DROP COLUMN impressions",),
    "a foreign key": (
        "CREATE TABLE own.notes (campaign_id bigint REFERENCES raw.campaigns (campaign_id))",
    ),
}


@pytest.mark.parametrize("statements", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_in_the_way_of_a_run_stays(server, statements: tuple[str, ...]) -> None:
    execute(server, *statements)
    before = execute(server, EVERYTHING)
    with pytest.raises(DestinationError, match="choose another --to") as error:
        local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)
    assert type(error.value) is DestinationError
    assert "\n" not in str(error.value)
    assert execute(server, EVERYTHING) == before


ON_A_TABLE = {
    "a view": "CREATE VIEW own.mine AS SELECT hour_ts FROM raw.performance_hourly",
    "a materialized view": (
        "CREATE MATERIALIZED VIEW own.mine AS SELECT hour_ts FROM raw.performance_hourly"
    ),
    "an index": "CREATE INDEX mine ON raw.performance_hourly (hour_ts)",
    "a rule": "CREATE RULE mine AS ON DELETE TO raw.performance_hourly DO ALSO SELECT 1",
    "a table that inherits": "CREATE TABLE own.mine () INHERITS (raw.performance_hourly)",
    "a policy": "CREATE POLICY mine ON raw.performance_hourly",
}


@pytest.mark.parametrize("statement", ON_A_TABLE.values(), ids=ON_A_TABLE)
def test_what_depends_on_a_table_stays(server, statement: str) -> None:
    """A run fills the table under it; a table with other columns is refused."""
    execute(server, statement)
    before = execute(server, EVERYTHING)
    local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)
    assert execute(server, EVERYTHING) == before
    with pytest.raises(DestinationError, match=r"raw\.performance_hourly cannot be replaced: "):
        local.run(FAULTY, PostgresqlSink(server.uri, landing_tables(FAULTS)), jobs=1)
    assert execute(server, EVERYTHING) == before


def test_rows_of_a_table_that_inherits_stay(server) -> None:
    execute(
        server,
        "CREATE TABLE own.mine () INHERITS (raw.fault_log)",
        "INSERT INTO own.mine SELECT (jsonb_populate_record(NULL::own.mine, '{}')).* WHERE false",
        "CREATE TABLE own.more (note text) INHERITS (raw.runs)",
        "INSERT INTO own.more SELECT *, 'mine' FROM raw.runs",
    )
    local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)
    assert execute(server, "SELECT note FROM own.more") == [("mine",)]


def test_a_table_of_a_run_with_faults_is_replaced_and_back(server) -> None:
    local.run(FAULTY, PostgresqlSink(server.uri, landing_tables(FAULTS)), jobs=1)
    local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)


def test_text_is_utf_8_whatever_the_client_says(server, monkeypatch: pytest.MonkeyPatch) -> None:
    before = hashes(server.uri)
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    local.run(build_world(dataset("complete")), PostgresqlSink(server.uri, TABLES), jobs=1)
    names = "SELECT count(*) FROM raw.creatives WHERE name ~ 'Ã|Â'"
    monkeypatch.delenv("PGCLIENTENCODING")
    assert execute(server, names) == [(0,)]
    local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)
    assert hashes(server.uri) == before


def test_a_lock_of_another_client_is_a_sentence(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "_SECONDS_FOR_A_LOCK", 1)
    with dbapi.connect(server.uri) as other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw.campaigns")
        cursor.fetchall()
        with pytest.raises(DestinationError, match="another client keeps raw tables locked"):
            local.run(SMOKE, PostgresqlSink(server.uri, TABLES), jobs=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_for_a_lock_says_so_and_ends_when_asked(
    server, tmp_path: Path, number: int
) -> None:
    with dbapi.connect(server.uri) as other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw.campaigns")
        cursor.fetchall()
        run = subprocess.Popen(
            [sys.executable, "-m", "generator", "generate", "smoke", "--to", server.uri],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert run.stderr
        said = run.stderr.readline()
        assert "PostgreSQL: waiting for the server" in said
        run.send_signal(number)
        # What it waits for is there until it has ended.
        _, rest = run.communicate(timeout=60)
        assert run.returncode in (128 + number, 130)
        assert "interrupted" in rest


def test_views_that_dbt_makes_again_are_in_no_runs_way(server) -> None:
    execute(
        server,
        "CREATE SCHEMA IF NOT EXISTS dev_staging",
        "CREATE VIEW dev_staging.base_ads__performance_hourly AS "
        "SELECT hour_ts FROM raw.performance_hourly",
        "CREATE VIEW dev_staging.stg_ads__performance_hourly AS "
        "SELECT hour_ts FROM dev_staging.base_ads__performance_hourly",
    )
    local.run(FAULTY, PostgresqlSink(server.uri, landing_tables(FAULTS)), jobs=1)
    execute(server, "DROP SCHEMA dev_staging CASCADE")


def test_every_view_of_dbt_on_raw_tables_is_known_by_its_name() -> None:
    folders = [ROOT / "dbt_project/models/staging", ROOT / "dbt_project/models/intermediate"]
    names = [model.name for folder in folders for model in folder.rglob("*.sql")]
    assert names
    assert all(
        name.startswith(("base_ads__", "stg_ads__", "stg_truth__", "int_")) for name in names
    )


def test_another_dataset_stays_and_is_named(server, run) -> None:
    command = ("generate", "smoke", "--quiet", "--to", server.uri, "--seed")
    assert run(*command, "7").code == 0
    refused = run(*command, "8")
    assert refused.code == 2
    assert "holds smoke, seed 7, as of 2025-10-01 (1 campaign, 672 hourly rows);" in refused.err
    assert execute(server, "SELECT seed FROM raw.runs") == [(7,)]
    assert run(*command, "8", "--replace").code == 0
    assert execute(server, "SELECT seed FROM raw.runs") == [(8,)]
