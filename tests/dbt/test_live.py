"""dbt beside a stream: a build holds at any minute, and the last one is a build of the whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.dbt.test_restatement import MARTS, Warehouse
from tests.support.project import MODELS_ONLY, WITHOUT_UNIT_TESTS, dbt, generate

SELECTED = f"--select +{' +'.join(MARTS)} +fct_frequency_distribution --exclude tag:audit"
# A minute in the middle of an hour, of a day, of a week and of the campaign.
MINUTE = "2025-09-10T15:37"
CLOSED_HOUR = "TIMESTAMP '2025-09-10 14:00'"
# Tables that land in different rhythms: by the hour, the day and the week.
COMPARED = "+stg_ads__campaign_reach +stg_ads__performance_hourly"


def send(file: Path, *arguments: str) -> None:
    """Send `smoke` to a file as fast as it goes."""
    ended = generate("live", "smoke", "--to", str(file), "--speed", "max", *arguments)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A file with the rows of a stream up to the minute."""
    warehouse = Warehouse(tmp_path_factory.mktemp("live"))
    send(warehouse.file, "--until", MINUTE)
    return warehouse


def run(warehouse: Warehouse, command: str) -> subprocess.CompletedProcess:
    return dbt(command, warehouse.file, warehouse.folder)


def test_every_test_holds_in_the_middle_of_an_hour(warehouse: Warehouse) -> None:
    result = run(warehouse, f"build {SELECTED} {WITHOUT_UNIT_TESTS}")
    assert result.returncode == 0, result.stdout[-3000:]
    ((last,),) = warehouse.ask("SELECT max(hour_ts) FROM marts.fct_performance_hourly")
    assert f"{last:%Y-%m-%dT%H}" == "2025-09-10T14"
    ((last,),) = warehouse.ask("SELECT max(event_ts) FROM marts.fct_ad_impressions")
    assert f"{last:%Y-%m-%dT%H}" == "2025-09-10T15"


def test_an_hour_that_has_closed_is_checked_before_its_day_has(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute("CREATE SCHEMA kept")
        connection.execute("CREATE TABLE kept.performance AS FROM raw.performance_hourly")
        connection.execute(f"DELETE FROM raw.performance_hourly WHERE hour_ts = {CLOSED_HOUR}")
    result = run(warehouse, f"build --select {COMPARED} {WITHOUT_UNIT_TESTS} --no-use-colors")
    assert result.returncode == 1
    assert "FAIL 1 reach_counts_delivery_stg_ads__campaign_reach" in result.stdout
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute(
            "INSERT INTO raw.performance_hourly FROM kept.performance"
            f" WHERE hour_ts = {CLOSED_HOUR}"
        )


def test_the_last_build_is_a_build_of_the_whole(warehouse: Warehouse, smoke_database: Path) -> None:
    """Raw tables are those of `generate`, and incremental marts those of a full refresh."""
    send(warehouse.file)
    result = run(warehouse, f"build {SELECTED} {MODELS_ONLY}")
    assert result.returncode == 0, result.stdout[-3000:]
    with duckdb.connect(str(warehouse.file), read_only=True) as connection:
        connection.execute(f"ATTACH '{smoke_database}' AS batch (READ_ONLY)")
        for table in ("performance_hourly", "campaign_reach", "audience_daily", "ad_impressions"):
            differences = connection.execute(
                f"(FROM raw.{table} EXCEPT ALL FROM batch.raw.{table}) UNION ALL"
                f" (FROM batch.raw.{table} EXCEPT ALL FROM raw.{table})"
            ).fetchall()
            assert differences == [], table
    assert warehouse.differing() == []
