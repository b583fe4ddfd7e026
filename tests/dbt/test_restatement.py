"""A delivery mart builds again the days that differ, and no others; nothing stale survives.

One file goes through the life of a warehouse: a first build, nothing new, a new day, a restated
day, an edited creative, another data set. After each step the incremental marts are what a full
refresh makes of the same raw data, and the history of campaigns has the earlier names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from tests.support.project import MODELS_ONLY, dbt, spend_doubled

MARTS = (
    "fct_performance_hourly",
    "fct_campaign_performance_hourly",
    "fct_campaign_performance_daily",
    "fct_campaign_performance_daily_local",
    "fct_creative_performance_daily",
    "fct_device_performance_daily",
    "fct_advertiser_performance_daily",
    "fct_campaign_reach",
    "fct_audience_daily",
    "fct_household_frequency_daily",
)
BUILD = f"build --select +{' +'.join(MARTS)} +dim_campaigns_history {MODELS_ONLY}"
MARK = 1_000_000
# The column that says which day a row is of, where it is not the UTC day.
DAY = {"fct_campaign_performance_daily_local": "local_date"}
OLD, NEW = "DATE '2025-09-10'", "DATE '2025-09-13'"
HISTORY = """
    SELECT campaign_name, valid_from, valid_to FROM marts.dim_campaigns_history
    ORDER BY version_number
"""
WRONG_CLICKS = """
    SELECT creative_id, device, hour_ts, clicks FROM marts.fct_performance_hourly
    EXCEPT SELECT creative_id, device, hour_ts, clicks FROM raw.performance_hourly
"""
NAME_OF_DAY = """
    SELECT h.campaign_name FROM marts.fct_campaign_performance_daily AS f
    INNER JOIN marts.dim_campaigns_history AS h
        ON f.campaign_id = h.campaign_id AND h.valid_from <= f.activity_date
        AND coalesce(f.activity_date < h.valid_to, true)
    WHERE f.activity_date = {day}
"""


class Warehouse:
    """A DuckDB file and the dbt runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ads.duckdb"

    def generate(self, as_of: date, seed: int = 7) -> None:
        """Replace raw by the smoke data set as of a day."""
        data = replace(dataset("smoke"), as_of=as_of, seed=seed)
        local.run(build_world(data), DuckdbSink(self.file, TABLES))

    def build(self, *arguments: str) -> None:
        """`dbt build` of the marts of days and of the history, without tests."""
        result = dbt(BUILD, self.file, self.folder, *arguments)
        assert result.returncode == 0, result.stdout[-3000:]

    def do(self, *statements: str) -> None:
        with duckdb.connect(str(self.file)) as connection:
            for statement in statements:
                assert connection.execute(statement).fetchall() != [(0,)], statement

    def ask(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def differing(self) -> list[str]:
        """The marts that are not what a full refresh makes of the same raw data."""
        self.do(
            "CREATE SCHEMA IF NOT EXISTS kept",
            *(f"CREATE OR REPLACE TABLE kept.{mart} AS FROM marts.{mart}" for mart in MARTS),
        )
        self.build("--full-refresh")
        return [
            mart
            for mart in MARTS
            if self.ask(
                f"(FROM kept.{mart} EXCEPT ALL FROM marts.{mart}) UNION ALL"
                f" (FROM marts.{mart} EXCEPT ALL FROM kept.{mart})"
            )
        ]


def day_of(mart: str) -> str:
    """The column with the day of a row."""
    return DAY.get(mart, "activity_date")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Built on the 13th, again with nothing changed but a mark in every mart on an old day, and a
    day later."""
    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse"))
    warehouse.generate(date(2025, 9, 13))
    warehouse.build()
    marked = f"SET impressions = impressions + {MARK} WHERE"
    warehouse.do(*(f"UPDATE marts.{mart} {marked} {day_of(mart)} = {OLD}" for mart in MARTS))
    warehouse.build()
    warehouse.generate(date(2025, 9, 14))
    warehouse.do("UPDATE raw.campaigns SET name = 'Renamed'")
    warehouse.build()
    return warehouse


def test_nothing_new_touches_nothing_and_one_more_day_that_day_only(warehouse: Warehouse) -> None:
    """What was marked on an old day is still marked; the new day exists."""
    for mart in MARTS:
        ((least,),) = warehouse.ask(
            f"SELECT min(impressions) FROM marts.{mart} WHERE {day_of(mart)} = {OLD}"
        )
        assert least >= MARK, mart
        ((new,),) = warehouse.ask(
            f"SELECT sum(impressions) FROM marts.{mart} WHERE {day_of(mart)} = {NEW}"
        )
        assert new > 0, mart


def test_names_are_as_they_were(warehouse: Warehouse) -> None:
    assert [(to is None) for _, _, to in warehouse.ask(HISTORY)] == [False, True]
    ((old,),) = warehouse.ask(NAME_OF_DAY.format(day=OLD))
    assert old != "Renamed"
    assert warehouse.ask(HISTORY)[1][:2] == ("Renamed", warehouse.ask(HISTORY)[0][2])


def test_a_restated_day_and_an_edited_creative_are_built_again(warehouse: Warehouse) -> None:
    """Two rows of a day exchange their clicks, so no sum of the day changes; the marks vanish. A
    name that is corrected on the same as-of date replaces the one that never held."""
    warehouse.do(
        f"""
        WITH day AS (
            SELECT rowid AS id, clicks FROM raw.performance_hourly
            WHERE CAST(hour_ts AS DATE) = {OLD} ORDER BY clicks DESC, id
        ),
        swapped AS (
            SELECT first(id) AS id, last(clicks) AS clicks FROM day
            UNION ALL SELECT last(id), first(clicks) FROM day
        )
        UPDATE raw.performance_hourly SET clicks = swapped.clicks, impressions =
            greatest(impressions, swapped.clicks)
        FROM swapped WHERE performance_hourly.rowid = swapped.id
        """,
        "UPDATE raw.campaigns SET name = 'Corrected'",
    )
    warehouse.build()
    assert warehouse.ask(WRONG_CLICKS) == []
    assert [name for name, _, _ in warehouse.ask(HISTORY)][1:] == ["Corrected"]
    before = warehouse.ask("SELECT sum(watch_seconds) FROM marts.fct_performance_hourly")
    warehouse.do("UPDATE raw.creatives SET duration_seconds = 75 WHERE placement <> 'PAUSE'")
    warehouse.build()
    after = warehouse.ask("SELECT sum(watch_seconds) FROM marts.fct_performance_hourly")
    assert after > before
    assert warehouse.differing() == []


def test_nothing_of_another_data_set_survives(warehouse: Warehouse) -> None:
    """Another seed has other days and other amounts, an earlier day fewer days."""
    warehouse.generate(date(2025, 9, 8), seed=9)
    warehouse.build()
    days = "SELECT count(DISTINCT activity_date) FROM marts.fct_performance_hourly"
    raw_days = "SELECT count(DISTINCT CAST(hour_ts AS DATE)) FROM raw.performance_hourly"
    assert warehouse.ask(days) == warehouse.ask(raw_days)
    assert warehouse.differing() == []
    assert len(warehouse.ask(HISTORY)) == 1


def test_a_changed_macro_builds_every_day_again(warehouse: Warehouse) -> None:
    amounts = " UNION ALL ".join(
        f"SELECT sum(spend) FROM marts.{mart}" for mart in MARTS if "performance" in mart
    )
    before = warehouse.ask(amounts)
    with spend_doubled(warehouse.folder):
        warehouse.build()
    assert warehouse.ask(amounts) == [(2 * amount,) for (amount,) in before]
