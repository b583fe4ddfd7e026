"""The generator beside others that make test data, in one run; `make bench` sets up the others.

`python -m benchmarks.compare PEERS [ROUNDS] [CAMPAIGNS]` runs all producers in turn, ROUNDS times
(3); PEERS is the Python of an environment with `benchmarks/peers/requirements.txt`. It prints the
tables that it writes to benchmarks/results.md. Every producer is a separate process, timed from
outside from its start to its end, and what it made is counted in what it left. Then the market is
made at one, four and sixteen times the size.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
from pyarrow import parquet

from benchmarks.process import Cost, cost
from generator import __version__

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"
PEERS = ("tpchgen-cli", "duckdb", "dbldatagen", "pyspark", "mimesis", "faker", "jafgen")
MILLION = 1_000_000
# Of the market's hourly performance a campaign has about 6,400 rows.
CAMPAIGNS = 4_800
# Some 1, 4 and 16 times as many rows; those of the inventory are the same for any number.
GROWTH = (500, 2_400, 10_100)
# Of a program with an ORM that inserts row by row into SQLite: 11,112 rows of 35 columns in 16 s.
EARLIER = 24_000


@dataclass(frozen=True)
class Producer:
    """Who makes data: its name, its command with `{folder}` for where to, and the name of the run
    of this generator that it is listed beside."""

    name: str
    command: tuple[str, ...]
    beside: str

    def run(self) -> Made:
        """Have it make its data in a folder that is gone afterwards."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            spent = cost([word.format(folder=folder) for word in self.command])
            rows, cells = counted(folder) or map(int, spent.printed.split())
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            return Made(rows, cells, size, spent)


@dataclass(frozen=True)
class Made:
    """What one run of a producer made, and its cost; `size` in bytes, 0 if nothing was written."""

    rows: int
    cells: int
    size: int
    cost: Cost

    @property
    def cells_a_second(self) -> float:
        return self.cells / self.cost.wall


def counted(folder: Path) -> tuple[int, int] | None:
    """Rows and cells of the files in a folder; None if there is none."""
    tables = [table for file in sorted(folder.rglob("*.*")) for table in tables_of(file)]
    if not tables:
        return None
    return sum(rows for rows, _ in tables), sum(rows * columns for rows, columns in tables)


def tables_of(file: Path) -> Iterable[tuple[int, int]]:
    """Rows and columns of each table of a file."""
    if file.suffix == ".parquet":
        found = parquet.read_metadata(file)
        yield found.num_rows, found.num_columns
    elif file.suffix == ".csv":
        read = duckdb.sql(f"FROM read_csv('{file}', all_varchar = true)")
        yield len(read), len(read.columns)
    elif file.suffix == ".duckdb":
        with duckdb.connect(str(file), read_only=True) as connection:
            names = connection.execute(
                "SELECT schema_name, table_name, column_count FROM duckdb_tables()"
            ).fetchall()
            for schema, table, columns in names:
                (rows,) = connection.execute(f'SELECT count(*) FROM {schema}."{table}"').fetchone()
                yield rows, columns


def market(campaigns: int, to: str, jobs: int) -> tuple[str, ...]:
    """Return the command that makes a market."""
    command = (sys.executable, "-m", "generator", "generate", "market", "--quiet")
    return (*command, "--campaigns", str(campaigns), "--jobs", str(jobs), "--to", to)


def whole_log(jobs: int) -> tuple[str, ...]:
    """Return the command that makes a campaign with a row for each of its impressions."""
    command = (sys.executable, "-m", "generator", "generate", "complete", "--quiet", "--log", "all")
    one = ("--select", "conversion_interactive", "--jobs", str(jobs))
    return (*command, *one, "--to", "parquet:{folder}")


def producers(peers: Path, arrow: Path, campaigns: int) -> list[Producer]:
    """Everyone, in the order of a round."""

    def script(name: str) -> tuple[str, ...]:
        return (str(peers), str(HERE / "peers" / f"{name}.py"), "{folder}")

    into_duckdb, into_parquet = "market → DuckDB", "market → Parquet"
    database = "duckdb:{folder}/ads.duckdb"
    tpchgen = (str(peers.with_name("tpchgen-cli")), "parquet", "-s", "1", "--output-dir={folder}")
    jafgen = f"cd {{folder}} && {peers.with_name('jafgen')} 1"
    landing = (sys.executable, "-m", "benchmarks.land_only", str(arrow), "{folder}/ads.duckdb")
    return [
        Producer(into_duckdb, market(campaigns, database, 2), into_duckdb),
        Producer("land-only: its tables, in Arrow already", landing, into_duckdb),
        Producer("DuckDB dbgen, TPC-H 1 → DuckDB", script("dbgen"), into_duckdb),
        Producer(into_parquet, market(campaigns, "parquet:{folder}", 2), into_parquet),
        Producer("tpchgen-cli, TPC-H 1 → Parquet", tpchgen, into_parquet),
        Producer(
            "market → Parquet, one process", market(campaigns, "parquet:{folder}", 1), into_parquet
        ),
        Producer("whole log of a campaign → Parquet", whole_log(2), into_parquet),
        Producer("whole log of a campaign → Parquet, one process", whole_log(1), into_parquet),
        Producer("dbldatagen on PySpark → Parquet", script("spark_table"), into_parquet),
        Producer("Mimesis, rows in memory", script("mimesis_rows"), into_duckdb),
        Producer("Faker, rows in memory", script("faker_rows"), into_duckdb),
        Producer("jafgen, a year → CSV", ("bash", "-c", jafgen), into_duckdb),
    ]


def said(text: str) -> None:
    """Say on stderr what is going on."""
    print(text, file=sys.stderr, flush=True)


def rounds(everyone: Sequence[Producer], number: int) -> dict[str, list[Made]]:
    """Return what every tool made, round after round."""
    made: dict[str, list[Made]] = {tool.name: [] for tool in everyone}
    for position in range(number):
        for tool in everyone:
            made[tool.name].append(tool.run())
            speed = made[tool.name][-1].cells_a_second / MILLION
            said(f"round {position + 1} of {number}: {tool.name}: {speed:.2f} million cells/s")
    return made


def median(figures: Iterable[float]) -> float:
    return statistics.median(figures)


def of_rounds(everyone: Sequence[Producer], made: dict[str, list[Made]]) -> str:
    """Return the table of all producers: medians over the rounds, ratios within a round."""
    lines = [
        "| producer | million rows | rows/s | million cells/s | CPU-s per million rows "
        "| peak MB | bytes a row | speed of the market relative to it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for tool in everyone:
        runs, ours = made[tool.name], made[tool.beside]
        first = runs[0]
        ratio = median(
            mine.cells_a_second / run.cells_a_second for mine, run in zip(ours, runs, strict=True)
        )
        lines.append(
            f"| {tool.name} | {first.rows / MILLION:.2f} "
            f"| {median(run.rows / run.cost.wall for run in runs):,.0f} "
            f"| {median(run.cells_a_second for run in runs) / MILLION:.2f} "
            f"| {median(run.cost.cpu / run.rows * MILLION for run in runs):,.2f} "
            f"| {max(run.cost.memory for run in runs):,.0f} "
            f"| {f'{first.size / first.rows:.0f}' if first.size else ''} "
            f"| {'' if tool.name == tool.beside else f'{ratio:,.2f}'} |"
        )
    return "\n".join(lines)


def of_growth(start_up: float, made: Sequence[Made]) -> str:
    """Return the table of the sizes."""
    lines = [
        "| campaigns | rows | million rows | seconds | seconds after start-up, per million rows "
        "| peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for campaigns, run in zip(GROWTH, made, strict=True):
        after = (run.cost.wall - start_up) / run.rows * MILLION
        lines.append(
            f"| {campaigns:,} | {run.rows / made[0].rows:.1f} × | {run.rows / MILLION:.2f} "
            f"| {run.cost.wall:.1f} | {after:.3f} | {run.cost.memory:,.0f} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Processor, memory, system and Python."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, {gigabytes:.0f} GiB; "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def versions(peers: Path) -> str:
    """Return the versions of the peers, as their environment says."""
    script = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    asked = [str(peers), "-c", script, *PEERS]
    found = subprocess.run(asked, check=True, capture_output=True, text=True)
    return ", ".join(
        f"{name} {version}" for name, version in zip(PEERS, found.stdout.split(), strict=True)
    )


def main(peers: Path, number: int = 3, campaigns: int = CAMPAIGNS) -> None:
    """Print and write the tables."""
    # Everyone keeps what is compiled, as Python does by default.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    smoke = (sys.executable, "-m", "generator", "generate", "smoke", "--quiet")
    start = Producer("smoke", (*smoke, "--to", "{folder}/ads.duckdb"), "smoke")
    with tempfile.TemporaryDirectory() as folder:
        arrow = Path(folder)
        making = [sys.executable, "-m", "benchmarks.land_only", "make", str(arrow), str(campaigns)]
        subprocess.run(making, check=True)
        everyone = [start, *producers(peers, arrow, campaigns)]
        made = rounds(everyone, number)
    start_up = median(run.cost.wall for run in made.pop(start.name))
    grown = []
    for many in GROWTH:
        command = market(many, "duckdb:{folder}/ads.duckdb", 2)
        grown.append(Producer(f"{many} campaigns", command, "").run())
        said(f"{many:,} campaigns: {grown[-1].cost.wall:.1f} s")
    ours = median(run.cells_a_second for run in made["market → DuckDB"])
    one, two = made["market → Parquet, one process"], made["market → Parquet"]
    gain = median(
        both.cells_a_second / alone.cells_a_second for both, alone in zip(two, one, strict=True)
    )
    grew = (grown[-1].cost.wall - start_up) / (grown[0].cost.wall - start_up)
    text = f"""# How fast

Written by `benchmarks/compare.py` in {number} rounds on {date.today()}: version {__version__}.
On {machine()}.
The others: {versions(peers)}.

Medians of {number} rounds in which everyone ran in turn; a ratio is the median of the ratios.
Seconds are those of a whole process, its start included; MB are the memory of all its processes.

## Everyone

A cell is a row × a column. The market is `generate market --campaigns {campaigns}`, all raw tables.
The log has 12.4 million impressions of 30 columns, and the people behind them.

{of_rounds(everyone[1:], made)}

- Into Parquet, two processes are {gain:.2f} × as fast as one.
- Into DuckDB, the market is {ours / EARLIER:,.0f} × as fast as a program that inserts row by row
  ({EARLIER:,} cells/s).
- `generate smoke` takes {start_up:.2f} s, nearly all of it start-up.

## Growth

The market into DuckDB, one run each.

{of_growth(start_up, grown)}

{grown[-1].rows / grown[0].rows:.1f} × the rows take {grew:.1f} × the time after start-up.
"""
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
