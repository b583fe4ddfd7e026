"""How long `create-campaign` takes on a database with 1,000 campaigns.

`python -m benchmarks.create_campaign [CAMPAIGNS]` makes a database with that many small campaigns
and prints the wall-clock seconds of five runs of the command, each a separate process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world

RUNS = 5


def seconds(file: Path) -> float:
    """Wall-clock time of one `create-campaign`."""
    start = time.perf_counter()
    subprocess.run(
        [
            sys.executable, "-m", "generator", "create-campaign", "--advertiser-id", "1",
            "--profile", "high_cpm_tv_awareness", "--quiet", "--to", str(file),
        ],
        check=True,
    )  # fmt: skip
    return time.perf_counter() - start


def main(campaigns: int = 1_000) -> None:
    """Print campaigns, rows, and the median and slowest run."""
    smoke = dataset("smoke").with_as_of(date(2026, 2, 1))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ads.duckdb"
        many = replace(smoke, scenarios=smoke.scenarios * campaigns)
        local.run(build_world(many), DuckdbSink(file, TABLES))
        times = [seconds(file) for _ in range(RUNS)]
        with duckdb.connect(str(file), read_only=True) as connection:
            held = connection.execute(
                "select count(distinct campaign_id), count(*) from raw.performance_hourly"
            ).fetchone()
        assert held == (campaigns + RUNS, held[1])
    print(f"{campaigns:,} campaigns, {held[1]:,} rows of performance")
    print(f"create-campaign: median {statistics.median(times):.2f} s, slowest {max(times):.2f} s")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
