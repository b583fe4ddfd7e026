"""Landing alone: the raw tables of a market that already lie in Arrow, into a DuckDB file.

`python -m benchmarks.land_only make FOLDER CAMPAIGNS` writes each table as an Arrow stream;
`python -m benchmarks.land_only FOLDER FILE` lands them, one INSERT a table. What that takes is the
least that any generator of these tables could take.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa

from generator.market.dataset import world_of
from generator.pipeline.parts import all_pieces
from generator.scenario.overrides import parsed
from generator.scenario.templates import Library
from generator.schema import TABLES
from generator.schema.arrow import arrow_schema
from generator.schema.ddl import create_table
from generator.sinks.duckdb import named


def make(folder: Path, campaigns: int) -> None:
    """Write every table of a market to `folder/TABLE.arrow`."""
    world = world_of(Library().dataset("market", [parsed(f"market.campaigns={campaigns}")]))
    with ExitStack() as stack:
        streams = {
            table: stack.enter_context(
                pa.ipc.new_stream(str(folder / f"{table.table_name}.arrow"), arrow_schema(table))
            )
            for table in TABLES
        }
        for table, batch in all_pieces(world):
            streams[table].write_batch(batch)


def land(folder: Path, file: Path) -> None:
    """Land every table of a folder in a new DuckDB file."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute("BEGIN TRANSACTION")
        for table in TABLES:
            connection.execute(create_table(table))
            with pa.memory_map(str(folder / f"{table.table_name}.arrow")) as content:
                connection.register("rows", pa.ipc.open_stream(content))
                connection.execute(f"INSERT INTO {named(table)} FROM rows")
        connection.execute("COMMIT")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        land(Path(sys.argv[1]), Path(sys.argv[2]))
