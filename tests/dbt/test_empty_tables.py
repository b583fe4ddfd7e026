"""A database without campaigns: `init-db` makes the tables, and no run has filled them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSchema
from tests.support.project import dbt

MODELS = ("dim_campaigns", "fct_performance_hourly")


def test_the_models_of_tables_without_rows_build_and_have_none(tmp_path: Path) -> None:
    file = tmp_path / "ads.duckdb"
    with DuckdbSchema(file, TABLES):
        pass
    select = " ".join(f"+{name}" for name in MODELS)
    built = dbt(f"build --select staging {select}", file, tmp_path)
    assert built.returncode == 0, built.stdout[-4000:]
    with duckdb.connect(str(file), read_only=True) as connection:
        for name in MODELS:
            assert connection.execute(f"SELECT count(*) FROM marts.{name}").fetchall() == [(0,)]
