"""The catalogue lists nothing itself: what is added in its one place is seen everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator import catalogue, enums, schema
from generator.scenario.kinds import TemplateKind
from generator.scenario.templates import names
from tests.support.project import ROOT


def test_everything_is_there_by_attribute_and_by_name() -> None:
    assert catalogue.BudgetType.LIFETIME is enums.BudgetType.LIFETIME
    assert catalogue.enums["BudgetType"] is catalogue.enums.BudgetType is enums.BudgetType
    assert catalogue.Campaign is schema.Campaign
    assert catalogue.tables["campaigns"] is catalogue.tables.campaigns is schema.Campaign
    assert catalogue.profiles["mobile_consideration"].campaign.objective == "CONSIDERATION"
    assert catalogue.examples.nexbank_conversion.advertiser.name == "NexBank"
    assert catalogue.workflows.complete.seed == 2025
    assert catalogue.platforms["netflix_like"].name == "netflix_like"
    assert {"duckdb", "parquet", "csv", "postgresql"} <= set(catalogue.sinks)
    assert {"local"} <= set(catalogue.engines)


def test_the_kinds_are_complete() -> None:
    assert list(catalogue.tables) == [table.table_name for table in schema.TABLES]
    for kind in TemplateKind:
        assert list(catalogue.kinds()[kind]) == names(kind)
    for enum in catalogue.enums.values():
        assert list(enum)
    assert {"Campaign", "BudgetType"} <= set(dir(catalogue))


def test_an_unknown_name_is_a_key_error_that_helps() -> None:
    with pytest.raises(KeyError, match="did you mean 'mobile_consideration'"):
        catalogue.profiles["mobile_consideratio"]
    with pytest.raises(AttributeError):
        _ = catalogue.Campain
    with pytest.raises(AttributeError):
        _ = catalogue.profiles.unknown


SCRIPT = """
import json
from generator import catalogue
from generator.schema import TABLES
from generator.schema.arrow import arrow_schema
from generator.schema.ddl import create_table
print(json.dumps({
    "column": "note" in arrow_schema(catalogue.Platform).names,
    "column ddl": '"note" VARCHAR' in create_table(catalogue.tables.platforms),
    "table": catalogue.Channel.table_name,
    "table ddl": "channel_id" in create_table(catalogue.tables["channels"]),
    "tables": [table.table_name for table in TABLES].count("channels"),
    "member": catalogue.Objective.LOYALTY,
    "enum ddl": "'LOYALTY'" in create_table(catalogue.Campaign),
    "profile": catalogue.profiles["added"].campaign.target_cpm,
}))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with a column, a table, an enum member and a profile more."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "generator", folder / "generator")
    package = folder / "generator"

    def edit(file: str, old: str, new: str) -> None:
        text = (package / file).read_text()
        assert text.count(old) == 1
        (package / file).write_text(text.replace(old, new))

    sold = '    is_skippable_allowed: bool = column("Whether the platform sells'
    edit("schema/entities.py", sold, f'    note: str | None = column("A note.")\n{sold}')
    edit(
        "schema/entities.py",
        "class Advertiser(RawTable):",
        'class Channel(RawTable):\n    """One row per channel."""\n\n'
        '    table_name: ClassVar = "channels"\n    grain: ClassVar = ("channel_id",)\n'
        '    primary_key: ClassVar = "channel_id"\n\n'
        '    channel_id: Id = column("Identifies the channel.")\n\n\n'
        "class Advertiser(RawTable):",
    )
    edit(
        "enums.py",
        '    CONVERSION = "CONVERSION"\n',
        '    CONVERSION = "CONVERSION"\n    LOYALTY = "LOYALTY"\n',
    )
    (package / "templates/profiles/added.yml").write_text(
        "extends: small_two_weeks\nname: added\ncampaign: {target_cpm: 33, objective: LOYALTY}\n"
    )
    return folder


def command(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_one_edit_is_seen_in_registry_arrow_and_ddl(changed: Path) -> None:
    assert json.loads(command(changed, "-c", SCRIPT)) == {
        "column": True, "column ddl": True, "table": "channels", "table ddl": True, "tables": 1,
        "member": "LOYALTY", "enum ddl": True, "profile": 33,
    }  # fmt: skip


def test_one_edit_is_seen_in_lists_help_and_docs(changed: Path) -> None:
    assert "added" in command(changed, "-m", "generator", "list", "profiles")
    assert "channels" in command(changed, "-m", "generator", "list", "tables")
    assert "A note." in command(changed, "-m", "generator", "describe", "platforms")
    assert "loyalty" in command(changed, "-m", "generator", "create-campaign", "--help").lower()
    command(changed, "-m", "generator", "dbt-sources", ".")
    sources, docs = (
        (changed / "models/staging/ads" / name).read_text()
        for name in ("_ads__sources.yml", "_ads__docs.md")
    )
    for text in (sources, docs):
        assert "channel" in text
        assert "A note." in text
    assert "LOYALTY" in sources


def test_one_edit_is_seen_in_a_database(changed: Path) -> None:
    command(changed, "-m", "generator", "init-db")
    held = json.loads(command(changed, "-m", "generator", "status", "--json"))
    assert {"table": "raw.channels", "rows": 0} in held["tables"]
