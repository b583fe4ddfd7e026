"""dbt builds the database that the generator filled, or says that it would not."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from generator.cli.dbt import dbt_target, next_command
from tests.support.project import generate, link_project, run_dbt

ONE_MODEL = ("--select", "stg_ads__runs", "--exclude-resource-type", "test")


@pytest.fixture
def project(cwd, monkeypatch) -> Path:
    """A folder with the project and `smoke` in `data/ads.duckdb`."""
    monkeypatch.delenv("ADS_DATABASE", raising=False)
    link_project(cwd)
    assert generate("generate", "smoke", cwd=cwd).returncode == 0
    return cwd


def is_built(file: Path) -> bool:
    """Whether dbt has made its model in a file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        views = connection.execute("select view_name from duckdb_views()").fetchall()
    return ("stg_ads__runs",) in views


def test_a_database_of_ads_yml_is_the_one_that_dbt_builds(project) -> None:
    (project / "ads.yml").write_text("database: data/team.duckdb\n")
    generated = generate("generate", "smoke", cwd=project)
    assert "next: ADS_DATABASE=data/team.duckdb dbt build" in generated.stdout
    refused = run_dbt(project, "build", *ONE_MODEL)
    assert refused.returncode == 2
    assert (
        "ads.yml sets the database data/team.duckdb, but dbt would build data/ads.duckdb: run "
        "`python -m generator dbt build`"
    ) in refused.stdout
    assert not is_built(project / "data/ads.duckdb")
    built = generate("dbt", "build", *ONE_MODEL, cwd=project)
    assert built.returncode == 0, built.stdout
    assert built.stderr == ""
    assert not is_built(project / "data/ads.duckdb")
    assert is_built(project / "data/team.duckdb")


def test_an_empty_variable_is_as_good_as_none(project) -> None:
    built = run_dbt(project, "build", *ONE_MODEL, ADS_DATABASE="")
    assert built.returncode == 0, built.stdout
    assert is_built(project / "data/ads.duckdb")


def test_an_address_in_the_variable_is_no_name_of_a_file(project) -> None:
    address = "postgresql://me:secret@server/data"
    before = set(os.listdir(project)) | {"target", "logs"}
    refused = run_dbt(project, "build", *ONE_MODEL, ADS_DATABASE=address)
    assert refused.returncode == 2
    assert "ADS_DATABASE sets the database postgresql://…" in refused.stdout
    assert "secret" not in refused.stdout
    assert set(os.listdir(project)) <= before


@pytest.mark.parametrize(
    ("database", "variable", "command"),
    [
        ("data/ads.duckdb", "", "dbt build"),
        ("duckdb:data/ads.duckdb", "", "dbt build"),
        ("my data/x.duckdb", "", "ADS_DATABASE='my data/x.duckdb' dbt build"),
        ("x.duckdb", "x.duckdb", "dbt build"),
        ("data/ads.duckdb", "x.duckdb", "ADS_DATABASE=data/ads.duckdb dbt build"),
        ("parquet:lake", "", "ADS_PARQUET=lake dbt build --target parquet"),
        ("s3://lake/a", "", "ADS_PARQUET=s3://lake/a dbt build --target parquet"),
        ("postgresql://a:b@c/d", "", "dbt build --target postgres"),
        ("csv:folder", "", None),
    ],
)
def test_the_command_that_builds_what_was_generated_is_given(
    cwd, monkeypatch, database, variable, command
) -> None:
    monkeypatch.setenv("ADS_DATABASE", variable)
    assert next_command(database) is None
    (cwd / "dbt_project.yml").touch()
    assert next_command(database) == command


def test_dbt_gets_nothing_of_another_destination() -> None:
    assert dbt_target("csv:x") is None
    parquet = dbt_target("parquet:lake")
    assert parquet
    assert (parquet.name, dict(parquet.variables)) == ("parquet", {"ADS_PARQUET": "lake"})
