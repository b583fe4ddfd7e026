"""What people do with a dbt project besides `dbt build`: they select, exclude, change targets, ask
how fresh the sources are, leave the file open elsewhere, install the project in another one."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
import yaml

from generator.schema import TABLES
from tests.dbt.test_portability import ON_PARQUET
from tests.support.project import ROOT, dbt, link_project, run_dbt

LOADED_ONCE = "{freshness_warn_after_hours: 30, freshness_error_after_hours: 87600000}"
PARTS = ("ad_reporting", "log", "quality", "realism", "semantic_layer")
ALICE = """
streaming_ads:
  target: dev
  outputs:
    dev: {type: duckdb, path: ads.duckdb, schema: alice, threads: 1}
"""
# The files of docs/dbt-package.md, and others with the project's own sources.
FILES = r"```(?:yaml|sql)\n(?:#|--) (\S+)\n(.*?)```"
OF_ANOTHER_PROJECT = {
    "models/sources.yml": """
sources:
  - {name: crm, tables: [{name: accounts}]}
  - name: rival
    schema: crm
    tables: [{name: performance_hourly, columns: [{name: late}]}]
""",
    "models/accounts.sql": "select * from {{ source('crm', 'accounts') }}",
    "models/twice.sql": "select * from {{ ref('accounts') }}, {{ ref('accounts') }}",
}


@pytest.fixture
def fresh(smoke_database: Path, tmp_path: Path) -> Path:
    """A copy of `smoke` in which nothing is built, in a folder from which dbt can run."""
    return Path(shutil.copy(smoke_database, tmp_path))


def succeeds(result: subprocess.CompletedProcess) -> str:
    """What dbt printed, of a run that went well."""
    assert result.returncode == 0, result.stdout[-4000:]
    printed: str = result.stdout
    return printed


def sentence(result: subprocess.CompletedProcess) -> str:
    """What dbt said of a run that could not begin."""
    assert result.returncode == 2
    assert "Traceback" not in result.stdout + result.stderr
    said: str = result.stdout
    return said


def test_tests_run_with_what_is_selected(fresh: Path) -> None:
    """On a file in which nothing is built, none reads a model that is not; a mart and what it is
    made of, a view alone, and everything but the facts."""
    for selection in (
        "--select +dim_campaigns",
        "--select stg_ads__creatives",
        "--exclude base_ads__performance_hourly+ int_campaigns_as_of+ resource_type:unit_test",
    ):
        assert " ERROR=0 SKIP=0 " in succeeds(dbt(f"build {selection}", fresh, fresh.parent))


def test_what_reads_no_raw_data_wants_none(tmp_path: Path) -> None:
    succeeds(dbt("build --select industry_benchmarks", tmp_path / "ads.duckdb", tmp_path))


def test_each_target_has_a_file_of_its_own() -> None:
    outputs = yaml.safe_load((ROOT / "profiles" / "profiles.yml").read_text())["streaming_ads"]
    paths = [output["path"] for output in outputs["outputs"].values() if "path" in output]
    assert len(paths) == len(set(paths)) == 2


def test_parquet_is_not_built_in_a_file_of_raw_tables(fresh: Path) -> None:
    file = fresh.rename(fresh.with_name(ON_PARQUET))
    result = dbt("build --target parquet", file, file.parent)
    assert f"{ON_PARQUET} has its raw tables" in sentence(result)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("SELECT count(*) FROM raw.runs").fetchall() == [(1,)]


def test_a_file_that_is_open_elsewhere_is_a_sentence(fresh: Path) -> None:
    with duckdb.connect(str(fresh)):
        said = sentence(dbt("build", fresh, fresh.parent))
    assert "ads.duckdb is open in another process: close it there and run dbt again" in said


def test_the_folder_of_the_file_is_made_and_other_files_are_named(tmp_path: Path) -> None:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt_common.exceptions import DbtRuntimeError

    place = ROOT / "dbt_project" / "plugins" / "database_file.py"
    plugin = runpy.run_path(str(place))["Plugin"]

    def look_at(path: str | Path) -> None:
        credentials = DuckDBCredentials(database="ads", schema="marts", path=str(path))
        plugin("database_file", {}, credentials)

    look_at(":memory:")
    look_at(tmp_path / "a" / "folder" / "ads.duckdb")
    assert (tmp_path / "a" / "folder").is_dir()
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(b"a photograph" * 1000)
    with pytest.raises(DbtRuntimeError, match=r"photograph.jpg is not a DuckDB database: name"):
        look_at(photograph)
    for path in (tmp_path / "a" / "folder", photograph / "ads.duckdb"):
        with pytest.raises(DbtRuntimeError, match=rf"{path} cannot be opened: .+"):
            look_at(path)


def test_sources_are_as_fresh_as_their_data(fresh: Path) -> None:
    """The day for which they were made lies behind; nothing is asked unless by var."""
    folder = fresh.parent
    assert "Nothing to do" in succeeds(dbt("source freshness", fresh, folder))
    arguments = ("--vars", LOADED_ONCE)
    succeeds(dbt("source freshness", fresh, folder, *arguments, DBT_WRITE_JSON="true"))
    results = json.loads((folder / "target" / "sources.json").read_text())["results"]
    assert {(result["unique_id"], result["status"]) for result in results} == {
        ("source.streaming_ads.ads.runs", "warn"),
        ("source.streaming_ads.ads.performance_hourly", "warn"),
        ("source.streaming_ads.ads.ad_impressions", "warn"),
        ("source.streaming_ads.ads.ad_errors", "warn"),
    }
    with duckdb.connect(str(fresh)) as connection:
        connection.execute("UPDATE raw.runs SET as_of_date = current_date")
        for table in ("performance_hourly", "ad_impressions", "ad_errors"):
            connection.execute(f"UPDATE raw.{table} SET loaded_at = current_date")
    printed = succeeds(dbt("source freshness", fresh, folder, *arguments))
    assert printed.count(" PASS freshness of ads.") == 4


def test_another_project_has_it_as_a_package(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other sources, one of them called like ours: no hook takes them for raw data, and
    what is only theirs is built without any. The profile is theirs, too, even where our
    variables and ads.yml name another file."""
    folder = fresh.parent
    monkeypatch.setenv("ADS_DATABASE", "data/unknown.duckdb")
    (folder / "ads.yml").write_text("database: data/unknown.duckdb")
    page = (ROOT / "docs" / "dbt-package.md").read_text()
    documented = dict(re.findall(FILES, page, re.DOTALL))
    assert list(documented)[:3] == ["packages.yml", "dbt_project.yml", "profiles.yml"]
    for name, text in (documented | OF_ANOTHER_PROJECT).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.replace("../streaming-ads", str(ROOT)))
    with duckdb.connect(str(fresh)) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute(
            "CREATE TABLE crm.accounts AS SELECT 'first' AS account, 1 AS advertiser_id"
        )
    succeeds(run_dbt(folder, "deps"))
    succeeds(run_dbt(folder, "build", "--select", "+spend_by_account"))
    with duckdb.connect(str(fresh)) as connection:
        built = connection.execute("SELECT * FROM main.spend_by_account").fetchall()
        spend = "SELECT 'first', sum(spend_micros) / 1000000 FROM raw.performance_hourly"
        assert [(name, float(amount)) for name, amount in built] == connection.execute(
            spend
        ).fetchall()
        comments = "SELECT count(comment) FROM duckdb_tables() WHERE schema_name = 'main_marts'"
        assert connection.execute(comments).fetchall() == [(3,)]
        connection.execute("DROP SCHEMA raw CASCADE")
    assert "ads.duckdb has no raw." not in succeeds(run_dbt(folder, "run", "--select", "accounts"))
    assert "no raw data in ads.duckdb: run" in sentence(run_dbt(folder, "run"))


@pytest.fixture(scope="module")
def of_alice(smoke_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a `marts` of another person. Alice has built a mart of raw tables in a schema
    `landing`, where advertisers have another name, with her profile and all parts switched off."""
    folder = tmp_path_factory.mktemp("alice")
    file = Path(shutil.copy(smoke_database, folder))
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.dim_advertisers AS SELECT 1")
        connection.execute("CREATE SCHEMA landing")
        for table in TABLES:
            renamed = "REPLACE ('Landed' AS name)" if table.table_name == "advertisers" else ""
            connection.execute(
                f"CREATE TABLE landing.{table.table_name} AS "
                f"SELECT * {renamed} FROM {table.relation()}"
            )
    link_project(folder)
    (folder / "hers").mkdir()
    (folder / "hers" / "profiles.yml").write_text(ALICE)
    variables = {"raw_schema": "landing"} | {f"{part}_enabled": False for part in PARTS}
    build = ("build", "--select", "+dim_advertisers", "--profiles-dir", "hers")
    succeeds(run_dbt(folder, *build, "--vars", json.dumps(variables), DBT_WRITE_JSON="true"))
    return file


def test_people_with_other_schemas_in_their_profiles_do_not_meet(of_alice: Path) -> None:
    with duckdb.connect(str(of_alice), read_only=True) as connection:
        assert connection.execute("FROM marts.dim_advertisers").fetchall() == [(1,)]
        schemas = connection.execute("SELECT DISTINCT schema_name FROM duckdb_columns()").fetchall()
    made = {name for (name,) in schemas} - {
        "raw",
        "landing",
        "truth",
        "marts",
        "information_schema",
    }
    assert {name for name in made if name != "pg_catalog"} == {
        "main",
        "alice_staging",
        "alice_marts",
    }


def test_raw_tables_can_be_in_a_schema_of_another_name(of_alice: Path) -> None:
    with duckdb.connect(str(of_alice), read_only=True) as connection:
        names = "SELECT DISTINCT advertiser_name FROM alice_marts.dim_advertisers"
        assert connection.execute(names).fetchall() == [("Landed",)]


def test_parts_are_switched_off_by_variables(of_alice: Path) -> None:
    """What is left is the rest: no model of a folder that is switched off, no metric, and no
    exposure, since each reads a part."""
    manifest = json.loads((of_alice.parent / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    folders = {folder for model in models for folder in model["fqn"]}
    assert {"staging", "planning", "delivery", "audience"} <= folders
    assert not folders & {"ad_reporting", "log", "quality", "realism", "int_quality_findings"}
    for kind in ("metrics", "semantic_models", "saved_queries", "exposures"):
        assert manifest[kind] == {}, kind
