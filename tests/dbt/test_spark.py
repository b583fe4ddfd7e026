"""The models on Spark, over the Parquet files of the generator: the numbers are those of DuckDB, and what
was read and written lies where it was told to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.parquet import ParquetSink
from generator.world.build import build_world
from tests.conftest import ROOT, dbt
from tests.dbt.test_portability import assert_equal, in_duckdb, rows

pytestmark = pytest.mark.spark

# A snapshot needs tables whose rows can be updated.
NOT_ON_SPARK = {"dim_campaigns_history"}
# Spark on two threads of one process, with what a few rows want of it.
SETTINGS = {
    "PYSPARK_PYTHON": sys.executable,
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYSPARK_SUBMIT_ARGS": " ".join(
        [
            "--master local[2] --driver-memory 1g",
            "--conf spark.ui.enabled=false",
            "--conf spark.sql.shuffle.partitions=1",
            "--conf spark.sql.adaptive.enabled=false",
            "--conf spark.sql.codegen.wholeStage=false",
            "pyspark-shell",
        ]
    ),
    "JDK_JAVA_OPTIONS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=160m",
}


@dataclass(frozen=True)
class Built:
    """A folder in which dbt ran, and what it printed."""

    folder: Path
    raw: Path
    result: subprocess.CompletedProcess

    def marts(self) -> set[str]:
        return {path.name for path in (self.folder / "spark" / "marts.db").iterdir()}

    def mart(self, name: str, like: pa.Schema) -> pa.Table:
        files = (self.folder / "spark" / "marts.db" / name).glob("*.parquet")
        tables = [parquet.read_table(file) for file in files]
        assert [table.column_names for table in tables] == [like.names] * len(tables)
        return pa.concat_tables(table.cast(like) for table in tables)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """`complete` as Parquet files in many parts; seeds and models, and the tests of keys."""
    folder = tmp_path_factory.mktemp("spark")
    raw = folder / "it's here"
    local.run(build_world(dataset("complete")), ParquetSink(str(raw), TABLES, 10_000))
    result = dbt(
        "build --target spark --exclude-resource-type unit_test --exclude",
        folder / "ads.duckdb",
        folder,
        "test_type:data,test_name:*",
        ADS_PARQUET=str(raw),
        ADS_SPARK=str(folder / "spark"),
        **SETTINGS,
    )
    assert result.returncode == 0, result.stdout[-4000:]
    return Built(folder, raw, result)


def test_spark_gives_the_same_numbers(built: Built, built_database: Path) -> None:
    with duckdb.connect(str(built_database), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'"
        ).fetchall()
    assert built.marts() == {name for (name,) in tables} - NOT_ON_SPARK
    for name in built.marts():
        expected = in_duckdb(built_database, name)
        assert_equal(name, rows(built.mart(name, expected.schema)), rows(expected))
