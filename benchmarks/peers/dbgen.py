"""TPC-H at scale factor 1 by DuckDB's dbgen, into a DuckDB file."""

import sys
from pathlib import Path

import duckdb
import duckdb_extension_tpch

(extension,) = Path(duckdb_extension_tpch.__file__).parent.rglob("tpch.duckdb_extension")
with duckdb.connect(str(Path(sys.argv[1], "tpch.duckdb"))) as connection:
    connection.load_extension(str(extension))
    connection.execute("CALL dbgen(sf = 1)")
