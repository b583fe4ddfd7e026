"""Times the dbt project on 5 million raw rows: from nothing, the same SQL in DuckDB, one more day.

`python -m benchmarks.dbt_build [ROWS]` writes to a temporary folder and prints a table. The rows
are those of `complete`, repeated under other ids, so that every model has real work to do.
`python -m benchmarks.dbt_build log` takes a campaign with a log of 20 million impressions instead.
"The same SQL" is what dbt ran, model by model, from a plain DuckDB connection with the same
threads. Wall time is compared with wall time; processor time is shown too, since a busy machine
moves it less.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import duckdb

from generator.engines import local
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library, dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world

ROOT = Path(__file__).resolve().parent.parent
IDS = ("campaign_id", "line_item_id", "creative_id", "flight_id", "budget_id", "frequency_cap_id")
STEP = 1_000_000
THREADS = 2
ONE_DAY = "DATE '2025-10-01'"
RESTATED = {
    "performance_hourly": ("clicks = 0", "CAST(hour_ts AS DATE)"),
    "campaign_reach": ("reach_10plus = 0", "CAST(window_start AS DATE)"),
    "audience_daily": ("clicks = 0", "activity_date"),
}
LOGGED = "multi_device_advanced"
# In dollars, for 20 million impressions.
LOGGED_BUDGET = f"{LOGGED}.campaign.budget.amount=467000"
RESTATED_LOG = {"ad_impressions": ("is_clicked = false", "CAST(hour_ts AS DATE)")}
# What a new day changes: no views, and no models that judge all the data there are.
DAILY = ("--exclude", "config.materialized:view", "tag:audit")
OF_CAMPAIGNS = (
    "campaigns",
    "flights",
    "budgets",
    "frequency_caps",
    "line_items",
    "creatives",
    *RESTATED,
)


@dataclass(frozen=True)
class Cost:
    """Seconds of a dbt command: on the clock, of all processors, and in its models."""

    wall: float
    cpu: float
    models: float

    def __str__(self) -> str:
        return f"{self.wall:8.1f} {self.cpu:10.1f} {self.models:10.1f}"


def repeat(database: Path, rows: int) -> None:
    """Repeat what belongs to campaigns until there are `rows` rows of performance."""
    with duckdb.connect(str(database)) as connection:
        copies = -(-rows // count(connection, "performance_hourly"))
        for table in OF_CAMPAIGNS:
            columns = [row[0] for row in connection.execute(f"DESCRIBE raw.{table}").fetchall()]
            shifted = ", ".join(f"{c} + copy * {STEP} AS {c}" if c in IDS else c for c in columns)
            connection.execute(
                f"INSERT INTO raw.{table}"
                f" SELECT {shifted} FROM raw.{table}, range(1, {copies}) AS t(copy)"
            )
        for table in RESTATED:
            print(f"{count(connection, table):12,} rows of raw.{table}")


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    ((rows,),) = connection.execute(f"SELECT count(*) FROM raw.{table}").fetchall()
    return int(rows)


def dbt(database: Path, *arguments: str) -> Cost:
    """Return the cost of a dbt command."""
    folder = database.parent
    started, used = time.perf_counter(), cpu_of_children()
    subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--quiet", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "ADS_DATABASE": str(database),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        },
        check=True,
    )
    wall, cpu = time.perf_counter() - started, cpu_of_children() - used
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return Cost(wall, cpu, sum(result["execution_time"] for result in results))


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def straight(copy: Path) -> tuple[float, float]:
    """Wall and processor seconds of the SQL that dbt ran last, in one connection to a copy."""
    target = copy.parent / "target"
    manifest = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    ran = [result for result in results if result["unique_id"].startswith("model.")]
    in_order = sorted(ran, key=lambda result: result["timing"][-1]["completed_at"])
    with duckdb.connect(str(copy)) as connection:
        connection.execute(f"SET threads = {THREADS}")
        started, used = time.perf_counter(), time.process_time()
        for result in in_order:
            node = manifest[result["unique_id"]]
            kind = "VIEW" if node["config"]["materialized"] == "view" else "TABLE"
            connection.execute(
                f"CREATE OR REPLACE {kind} {node['schema']}.{node['name']}"
                f" AS {result['compiled_code']}"
            )
        return time.perf_counter() - started, time.process_time() - used


def shares(part: Cost, whole: Cost) -> str:
    """Return the share of one cost in another."""
    return (
        f"{part.models / whole.models:.1%} of the time in models, "
        f"{part.cpu / whole.cpu:.1%} of processor time, {part.wall / whole.wall:.1%} of wall time"
    )


def make(database: Path, rows: int) -> dict[str, tuple[str, str]]:
    """Make `rows` rows of performance, or with 0 a campaign with its whole log; return how a day of
    them is restated."""
    if rows:
        local.run(build_world(dataset("complete")), DuckdbSink(database, TABLES))
        repeat(database, rows)
        return RESTATED
    changes = [parse_override(LOGGED_BUDGET)]
    data = Library().dataset("complete", changes).with_log(1.0)
    local.run(build_world(data).only([LOGGED]), DuckdbSink(database, TABLES))
    with duckdb.connect(str(database), read_only=True) as connection:
        for table in ("ad_impressions", "households", "profiles", "devices"):
            print(f"{count(connection, table):12,} rows of raw.{table}")
    return RESTATED_LOG


def main(rows: int = 5_000_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "ads.duckdb"
        restated = make(database, rows)
        dbt(database, "seed")
        dbt(database, "run", "--select", "+int_campaigns_as_of")
        dbt(database, "snapshot")
        full = dbt(database, "run", "--full-refresh")
        copy = Path(folder) / "straight.duckdb"
        shutil.copy(database, copy)
        wall, cpu = straight(copy)
        with duckdb.connect(str(database)) as connection:
            for table, (change, day) in restated.items():
                connection.execute(f"UPDATE raw.{table} SET {change} WHERE {day} = {ONE_DAY}")
        one_day = dbt(database, "run", *DAILY)
        nothing = dbt(database, "run", *DAILY)
        idle = dbt(database, "run", "--select", "stg_ads__platforms")
    print(f"{'seconds':40} {'wall':>8} {'processor':>10} {'in models':>10}")
    print(f"{'dbt run, all models from nothing':40} {full}")
    print(f"{'the same SQL straight in DuckDB':40} {wall:8.1f} {cpu:10.1f}")
    print(f"{'dbt run of delivery, one day restated':40} {one_day}")
    print(f"{'dbt run of delivery, nothing changed':40} {nothing}")
    print(f"{'dbt run of nothing':40} {idle}")
    print(f"all models / the same SQL: {full.wall / wall:.2f} of wall time (at most 2)")
    print(f"one day / all models: {shares(one_day, full)}")
    more = Cost(*(a - b for a, b in zip(astuple(one_day), astuple(nothing), strict=True)))
    print(f"one day more than none / all models: {shares(more, full)}")


if __name__ == "__main__":
    main(*(0 if word == "log" else int(word) for word in sys.argv[1:]))
