"""Whether a large market keeps every invariant: each row of it, in SQL.

`python -m benchmarks.invariants [CAMPAIGNS]` generates a market of that many campaigns (3,200: some
21 million rows of performance) and prints what each invariant of `tests/support/invariants.py`
finds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.compare import market
from tests.support.invariants import violations


def main(campaigns: int = 3_200) -> None:
    """Print rows, violations and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ads.duckdb"
        subprocess.run(market(campaigns, str(file), 2), check=True)
        with duckdb.connect(str(file), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            (rows,) = connection.execute("SELECT count(*) FROM raw.performance_hourly").fetchone()
            started = time.perf_counter()
            found = violations(connection)
            seconds = time.perf_counter() - started
    print(f"{campaigns:,} campaigns, {rows:,} rows of performance, checked in {seconds:.0f} s")
    print(f"violations: {found or 'none'}")
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
