"""Times the delivery models on 5 million raw rows: dbt's, the same SQL in DuckDB, one more day.

`python -m benchmarks.dbt_build [ROWS]` writes to a temporary folder and prints a table. The rows
are those of `complete`, repeated under other ids, so that every model has real work to do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world

ROOT = Path(__file__).resolve().parent.parent
FACTS = ("performance_hourly", "campaign_reach", "audience_daily")
IDS = ("campaign_id", "line_item_id", "creative_id", "flight_id", "budget_id", "frequency_cap_id")
STEP = 1_000_000


def repeat(database: Path, rows: int) -> int:
    """Repeat what belongs to campaigns until there are `rows` rows of performance."""
    with duckdb.connect(str(database)) as connection:
        ((present,),) = connection.execute("SELECT count(*) FROM raw.performance_hourly").fetchall()
        copies = -(-rows // present)
        for table in (
            "campaigns",
            "flights",
            "budgets",
            "frequency_caps",
            "line_items",
            "creatives",
        ):
            copy(connection, table, copies)
        copy(connection, "performance_hourly", copies)
        ((total,),) = connection.execute("SELECT count(*) FROM raw.performance_hourly").fetchall()
    return int(total)


def copy(connection: duckdb.DuckDBPyConnection, table: str, copies: int) -> None:
    columns = [row[0] for row in connection.execute(f"DESCRIBE raw.{table}").fetchall()]
    shifted = ", ".join(f"{c} + copy * {STEP} AS {c}" if c in IDS else c for c in columns)
    connection.execute(
        f"INSERT INTO raw.{table} SELECT {shifted} FROM raw.{table}, range(1, {copies}) AS t(copy)"
    )


def dbt(database: Path, *arguments: str) -> tuple[float, float]:
    """Seconds of a dbt command in all, and of its models alone."""
    folder = database.parent
    started = time.perf_counter()
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
    total = time.perf_counter() - started
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return total, sum(each["execution_time"] for each in results)


def straight(database: Path) -> float:
    """Seconds of the same statements in one DuckDB connection: the compiled SQL, table by table."""
    manifest = json.loads((database.parent / "target" / "manifest.json").read_text())
    models = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    done: list[str] = []
    while len(done) < len(models):
        done += [
            key
            for key, node in models.items()
            if key not in done
            and all(
                parent in done or parent not in models for parent in node["depends_on"]["nodes"]
            )
        ]
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET threads = 2")
        started = time.perf_counter()
        for key in done:
            node = models[key]
            kind = "VIEW" if node["config"]["materialized"] == "view" else "TABLE"
            compiled = database.parent / "target" / "run" / "streaming_ads"
            sql = compiled.parent.parent / "compiled" / "streaming_ads" / node["original_file_path"]
            connection.execute(
                f"CREATE OR REPLACE {kind} {node['schema']}.{node['name']} AS {sql.read_text()}"
            )
        return time.perf_counter() - started


def main(rows: int = 5_000_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "ads.duckdb"
        local.run(build_world(dataset("complete")), DuckdbSink(database, TABLES))
        total = repeat(database, rows)
        dbt(database, "seed")
        dbt(database, "run", "--select", "+int_campaigns_as_of")
        dbt(database, "snapshot")
        dbt(database, "run", "--full-refresh")
        full, full_models = dbt(database, "run", "--full-refresh")
        in_duckdb = straight(database)
        dbt(database, "run", "--full-refresh")
        with duckdb.connect(str(database)) as connection:
            connection.execute(
                """UPDATE raw.performance_hourly SET clicks = 0
                   WHERE CAST(hour_ts AS DATE) = DATE '2025-10-01'"""
            )
        day, day_models = dbt(database, "run")
    print(f"{total:,} rows of raw.performance_hourly")
    print(
        f"dbt run, all models from nothing   {full:6.1f} s   of it in models {full_models:6.1f} s"
    )
    print(f"the same SQL straight in DuckDB    {in_duckdb:6.1f} s")
    print(f"dbt run after one day has changed  {day:6.1f} s   of it in models {day_models:6.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
