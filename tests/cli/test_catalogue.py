"""The registry lists nothing itself: what is added in its one place is seen everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator import enums, schema
from generator.cli.catalogue import registry
from generator.scenario.templates import TemplateKind, names
from tests.support.project import ROOT


def test_everything_is_there_by_attribute_and_by_name() -> None:
    assert registry.BudgetType.LIFETIME is enums.BudgetType.LIFETIME
    assert registry.enums["BudgetType"] is registry.enums.BudgetType is enums.BudgetType
    assert registry.Campaign is schema.Campaign
    assert registry.tables["campaigns"] is registry.tables.campaigns is schema.Campaign
    assert registry.profiles["mobile_consideration"].campaign.objective == "CONSIDERATION"
    assert registry.examples.nexbank_conversion.advertiser.name == "NexBank"
    assert registry.workflows.complete.seed == 2025
    assert registry.platforms["netflix_like"].name == "netflix_like"
    assert {"duckdb", "parquet", "csv", "postgresql"} == set(registry.sinks)
    assert {"local"} <= set(registry.engines)


def test_the_kinds_are_complete() -> None:
    assert list(registry.tables) == [table.table_name for table in schema.TABLES]
    for kind in TemplateKind:
        assert list(registry.kinds()[kind]) == names(kind)
    for enum in registry.enums.values():
        assert list(enum)
    assert {"Campaign", "BudgetType"} <= set(dir(registry))


def test_an_unknown_name_is_a_key_error_that_helps() -> None:
    with pytest.raises(KeyError, match="did you mean 'mobile_consideration'"):
        registry.profiles["mobile_consideratio"]
    with pytest.raises(AttributeError):
        _ = registry.Campain
    with pytest.raises(AttributeError):
        _ = registry.profiles.nobody


SCRIPT = """
import json
from generator.cli.catalogue import registry
from generator.schema import TABLES
from generator.schema.arrow import arrow_schema
from generator.schema.ddl import create_table
print(json.dumps({
    "column": "note" in arrow_schema(registry.Platform).names,
    "column ddl": '"note" VARCHAR' in create_table(registry.tables.platforms),
    "table": registry.Channel.table_name,
    "table ddl": "channel_id" in create_table(registry.tables["channels"]),
    "tables": [table.table_name for table in TABLES].count("channels"),
    "member": registry.Objective.LOYALTY,
    "enum ddl": "'LOYALTY'" in create_table(registry.Campaign),
    "profile": registry.profiles["added"].campaign.target_cpm,
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
