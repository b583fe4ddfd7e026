"""Names of any kind survive the way into PostgreSQL and into the docs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from adbc_driver_postgresql import dbapi

from generator.engines import local
from generator.scenario.models import Scenario
from generator.scenario.templates import Dataset, dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.postgresql import PostgresqlSink
from generator.world.build import build_world
from tests.cli.test_commands import NAMES
from tests.support import postgresql
from tests.support.project import ROOT, run_dbt


@pytest.fixture(scope="module")
def named() -> Dataset:
    """A campaign for each name, with advertiser, brand, line item and creative called the same."""
    data = dataset("smoke")
    plan = data.scenarios[0].model_dump()
    plan["campaign"]["flights"] = [
        {"start_date": date(2025, 9, 1), "end_date": date(2025, 9, 1)},
    ]
    made = []
    for position, name in enumerate(NAMES):
        own = json.loads(json.dumps(plan, default=str))
        own["campaign"]["flights"] = plan["campaign"]["flights"]
        own["advertiser"] |= {
            "name": name,
            "brand": name,
            "agency_name": name,
            "contact_email": f"n{position}@names.example",
        }
        own["campaign"]["name"] = name
        for item in own["line_items"]:
            item["name"] = name
            for creative in item["creatives"]:
                creative["name"] = name
        made.append(Scenario.model_validate(own))
    return replace(data, scenarios=tuple(made))


def test_any_name_survives_the_way_into_postgresql_and_back(named: Dataset) -> None:
    with postgresql.server() as server:
        local.run(build_world(named), PostgresqlSink(server.uri, TABLES))
        with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
            for column in (
                "advertisers.name", "advertisers.brand", "advertisers.agency_name",
                "campaigns.name", "line_items.name", "creatives.name",
            ):  # fmt: skip
                table, name = column.split(".")
                cursor.execute(f"SELECT DISTINCT {name} FROM raw.{table}")
                assert {row[0] for row in cursor.fetchall()} == set(NAMES), column
            cursor.execute(
                "SELECT count(*) FROM raw.campaigns c JOIN raw.advertisers a "
                "USING (advertiser_id) WHERE a.name = c.name"
            )
            assert cursor.fetchone() == (len(NAMES),)


def test_any_text_survives_the_way_into_the_docs(named: Dataset, tmp_path: Path) -> None:
    """The docs describe tables and columns; what a row holds, a campaign's name, is in no page of
    them. So the promise is two: the docs build over a database with such names in it, and a
    description with such a text is in the page unchanged. Braces are dbt's own there."""
    project = tmp_path / "project"
    ignored = shutil.ignore_patterns("*.duckdb", "__pycache__")
    for folder in ("dbt_project", "profiles"):
        shutil.copytree(ROOT / folder, project / folder, ignore=ignored)
    for file in ("dbt_project.yml", "profiles/profiles.yml"):
        shutil.copy(ROOT / file, project / Path(file).name)
    text = " ~ ".join(name for name in NAMES if "{" not in name)
    described = project / "dbt_project/models/staging/ads/stg_ads__advertisers.yml"
    model = yaml.safe_load(described.read_text())
    model["models"][0]["description"] = text
    described.write_text(yaml.safe_dump(model, allow_unicode=True))
    database = tmp_path / "ads.duckdb"
    local.run(build_world(named), DuckdbSink(database, TABLES))
    variables = {"ADS_DATABASE": str(database), "DBT_WRITE_JSON": "true"}
    made = run_dbt(project, "docs", "generate", "--static", **variables)
    assert made.returncode == 0, made.stdout[-2000:]
    manifest = json.loads((project / "target/manifest.json").read_text())
    assert manifest["nodes"]["model.streaming_ads.stg_ads__advertisers"]["description"] == text
    page = (project / "target/static_index.html").read_text()
    for name in text.split(" ~ "):
        written = [json.dumps(name, ensure_ascii=escaped)[1:-1] for escaped in (True, False)]
        assert any(name in page for name in written)


def test_any_name_survives_the_way_into_describe(tmp_path: Path) -> None:
    """`describe` is the page of a template: its texts are shown unchanged."""
    text = " ~ ".join(name for name in NAMES if len(name) < 100)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/odd.yml").write_text(
        yaml.safe_dump({"extends": "small_two_weeks", "name": "odd", "description": text})
    )
    shown = subprocess.run(
        [sys.executable, "-m", "generator", "describe", "odd", "--json", "--templates", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads(shown)["content"]["description"] == text
