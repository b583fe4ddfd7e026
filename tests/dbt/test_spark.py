"""The models on Spark, over Parquet files of the generator: the numbers are those of DuckDB, and
what is read and written lies where the settings say."""

from __future__ import annotations

import shutil
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
from tests.dbt.test_portability import assert_equal, in_duckdb, rows
from tests.support.project import dbt

pytestmark = pytest.mark.spark

# All marts have the rows of DuckDB, where keys are tested; two tests show that they work here, too.
TESTS = " ".join(
    f"path:dbt_project/models/marts/delivery/fct_performance_hourly.yml,test_name:{test}"
    for test in ("rules", "references")
)
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
class Place:
    """A folder in which dbt runs, with the raw files below it."""

    folder: Path

    @property
    def raw(self) -> Path:
        return self.folder / "it's here"

    @property
    def marts(self) -> dict[str, Path]:
        return {path.name: path for path in (self.folder / "spark" / "marts.db").iterdir()}

    def build(self, *arguments: str) -> subprocess.CompletedProcess:
        """`dbt build` on Spark."""
        return dbt(
            "build --target spark",
            self.folder / "ads.duckdb",
            self.folder,
            *arguments,
            ADS_PARQUET=str(self.raw),
            ADS_SPARK="spark",
            **SETTINGS,
        )


def content(mart: Path, like: pa.Schema) -> pa.Table:
    """A mart's rows, with the columns of `like`."""
    tables = [parquet.read_table(file) for file in mart.glob("*.parquet")]
    assert [table.column_names for table in tables] == [like.names] * len(tables)
    return pa.concat_tables(table.cast(like) for table in tables)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """`complete` in many parts, among files that are not of the run: seeds, models, a key."""
    place = Place(tmp_path_factory.mktemp("on_spark"))
    local.run(build_world(dataset("complete")), ParquetSink(str(place.raw), TABLES, 10_000))
    for part in list(place.raw.rglob("performance_hourly/*/*.parquet"))[:3]:
        shutil.copy(part, part.with_stem("of-another-run-01234567"))
    result = place.build(
        "--indirect-selection=empty",
        f"--select=resource_type:seed resource_type:model {TESTS}",
    )
    assert result.returncode == 0, result.stdout[-4000:]
    assert "PASS rules_fct_performance_hourly" in result.stdout
    return place


def test_spark_gives_the_same_numbers(built: Place, built_database: Path) -> None:
    with duckdb.connect(str(built_database), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'"
        ).fetchall()
    assert set(built.marts) == {name for (name,) in tables}
    for name, mart in built.marts.items():
        expected = in_duckdb(built_database, name)
        assert_equal(name, rows(content(mart, expected.schema)), rows(expected))


def test_all_that_spark_writes_is_in_its_folder(built: Place) -> None:
    written = {path.name for path in built.folder.iterdir() if not path.is_symlink()}
    assert written == {"it's here", "logs", "spark", "target"}


def test_without_raw_data_it_says_so(tmp_path: Path) -> None:
    result = Place(tmp_path).build()
    assert result.returncode == 2
    assert f"no raw data in folder {tmp_path}/it's here: run `python -m generator" in result.stdout
