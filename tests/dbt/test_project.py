"""What the dbt project promises of itself: described, keyed, typed, tested, clear without data."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from generator.platform.dbt_seeds import HASHES, hashes_of, seeds
from generator.scenario.kinds import TemplateKind
from generator.scenario.templates import names, platform
from generator.schema import TABLES, TRUTH
from generator.schema.dbt_sources import docs_markdown
from tests.support import diagrams
from tests.support.answers import check_answers
from tests.support.project import ROOT, dbt, has_key

DBT_PROJECT = ROOT / "dbt_project"
RAW_MODELS = DBT_PROJECT / "models" / "staging" / "ads"


@pytest.fixture(scope="module")
def manifest(built_database: Path) -> dict[str, Any]:
    """What dbt wrote of the project when it built the database."""
    artefact = built_database.parent / "target" / "manifest.json"
    content: dict[str, Any] = json.loads(artefact.read_text())
    return content


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def metric_columns(macro: str) -> set[str]:
    """The names that a macro of formulas knows."""
    sql = (DBT_PROJECT / "macros/delivery_columns.sql").read_text()
    (body,) = re.findall(rf"macro {macro}\(\)(.*?)endmacro", sql, re.DOTALL)
    return set(re.findall(r'"(\w+)": \(', body))


def columns_of(database: Path, model: dict[str, Any]) -> list[str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        described = connection.execute(f"DESCRIBE {model['schema']}.{model['name']}").fetchall()
    return [row[0] for row in described]


def test_the_committed_doc_blocks_are_in_step() -> None:
    assert (RAW_MODELS / "_ads__docs.md").read_text() == docs_markdown(TABLES)


def test_the_committed_platform_seeds_are_in_step() -> None:
    platforms = [platform(name) for name in names(TemplateKind.PLATFORMS)]
    texts = seeds(platforms)
    for name, text in [*texts.items(), (HASHES, hashes_of(texts))]:
        assert (DBT_PROJECT / "seeds" / name).read_text() == text, "run `make sources`"


def test_the_committed_diagrams_are_in_step_and_have_every_table() -> None:
    text = diagrams.PAGE.read_text(encoding="utf-8")
    assert text == diagrams.page(), "run `make sources`"
    folders = (diagrams.MARTS, diagrams.REALISM)
    marts = {file.stem for folder in folders for file in folder.rglob("*.sql")}
    assert marts | {table.table_name for table in TABLES} <= set(re.findall(r"\w+", text))


def test_a_diagram_leaves_out_what_follows_from_other_references() -> None:
    types = {"creative_id": "bigint", "campaign_id": "bigint"}
    campaigns = diagrams.Entity("campaigns", {}, ("campaign_id",), {}, frozenset())
    creatives = diagrams.Entity("creatives", {}, (), {"campaign_id": "campaigns"}, frozenset())
    refers = {"creative_id": "creatives", "campaign_id": "campaigns"}
    facts = diagrams.Entity("facts", types, ("creative_id",), refers, frozenset({"creative_id"}))
    drawn = diagrams.diagram([facts], [campaigns, creatives, facts], "LR").splitlines()
    assert drawn[3:-1] == [
        "    facts {",
        "        bigint creative_id PK, FK",
        "        bigint campaign_id FK",
        "    }",
        "    creatives ||--o| facts : creative_id",
    ]


def test_every_model_and_column_is_described(
    manifest: dict[str, Any], built_database: Path
) -> None:
    bare = [model["name"] for model in models(manifest) if not model["description"]]
    for model in models(manifest):
        described = {name for name, column in model["columns"].items() if column["description"]}
        undescribed = set(columns_of(built_database, model)) ^ described
        bare += [f"{model['name']}.{column}" for column in sorted(undescribed)]
    assert bare == []


def test_every_model_has_a_tested_key(manifest: dict[str, Any]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and has_key(node.get("test_metadata", {}))
    }
    unkeyed = [model["name"] for model in models(manifest) if model["unique_id"] not in keyed]
    assert unkeyed == ["base_ads__performance_hourly"], "it has every row as it landed"


def test_each_layer_has_one_colour_in_the_lineage(manifest: dict[str, Any]) -> None:
    colours: dict[str, set[str | None]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] in {"model", "seed", "snapshot"}:
            layer = "realism" if "realism" in node["fqn"] else node["schema"]
            colours.setdefault(layer, set()).add(node["docs"]["node_color"])
    assert {"staging", "intermediate", "marts", "realism", "seeds", "snapshots"} == set(colours)
    assert all(len(of_layer) == 1 for of_layer in colours.values()), colours
    assert len(set().union(*colours.values()) - {None}) == len(colours)


def test_every_mart_has_an_enforced_contract(manifest: dict[str, Any]) -> None:
    marts = [model for model in models(manifest) if model["schema"] == "marts"]
    assert len(marts) >= 8
    assert [model["name"] for model in marts if not model["contract"]["enforced"]] == []


def test_a_mart_is_for_everybody_and_what_it_is_made_of_is_not(manifest: dict[str, Any]) -> None:
    access = {(model["schema"], model["access"]) for model in models(manifest)}
    assert access == {
        ("marts", "public"),
        ("intermediate", "private"),
        ("staging", "protected"),
    }


def test_descriptions_are_comments_of_tables_views_and_columns(
    manifest: dict[str, Any], built_database: Path
) -> None:
    with duckdb.connect(str(built_database), read_only=True) as connection:
        commented = connection.execute(
            """SELECT schema_name, table_name, comment FROM duckdb_tables()
               UNION ALL SELECT schema_name, view_name, comment FROM duckdb_views()
               UNION ALL SELECT schema_name, table_name || '.' || column_name, comment
               FROM duckdb_columns()"""
        ).fetchall()
    assert descriptions(manifest) <= set(commented)


def descriptions(manifest: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Schema, name and description of every model, `model`, and column, `model.column`."""
    return {
        (model["schema"], name, text)
        for model in models(manifest)
        for name, text in (
            (model["name"], model["description"]),
            *(
                (f"{model['name']}.{name}", column["description"])
                for name, column in model["columns"].items()
            ),
        )
    }


def test_every_raw_table_is_read_by_one_view_of_staging(manifest: dict[str, Any]) -> None:
    """Only performance, which may land more than once, has base models between raw and staging."""
    staging = [model for model in models(manifest) if model["schema"] == "staging"]
    parents = {model["name"]: model["depends_on"]["nodes"] for model in staging}
    of_sources = [found for found in parents.values() if found[0].startswith("source.")]
    assert sorted(of_sources) == sorted([key] for key in manifest["sources"])
    assert {name for name, found in parents.items() if found not in of_sources} == {
        "stg_ads__performance_hourly",
        "base_ads__performance_irregular",
    }
    tables = [one["name"] for one in staging if one["config"]["materialized"] != "view"]
    assert tables == ["base_ads__performance_irregular"]


def test_a_metric_is_used_under_its_name_and_no_mart_divides_in_another_way(
    manifest: dict[str, Any], built_database: Path
) -> None:
    delivery, further = metric_columns("metric_formulas"), metric_columns("further_formulas")
    assert min(len(delivery), len(further)) > 0
    seen = set()
    for model in models(manifest):
        columns = set(columns_of(built_database, model))
        used = re.findall(r"metric\('(\w+)'\) }} as (\w+)", model["raw_code"])
        assert all(column in (formula, "measured_value") for formula, column in used)
        if used:
            assert {formula for formula, _ in used} <= further
            assert {column for _, column in used} <= columns
            assert "/" not in re.sub(r"--.*", "", model["raw_code"])
        if is_rollup(model):
            assert delivery <= columns
            seen |= delivery
        seen |= {formula for formula, _ in used}
    assert seen == delivery | further


def test_a_metric_is_unit_tested_where_it_is_defined_and_where_it_is_not(
    manifest: dict[str, Any],
) -> None:
    """Once is enough: `recomputes` shows that every mart has the same sums and formulas."""
    expected = [
        row
        for test in manifest["unit_tests"].values()
        if isinstance(test["expect"]["rows"], list)
        for row in test["expect"]["rows"]
    ]
    for metric in metric_columns("metric_formulas") | metric_columns("further_formulas"):
        values = [row[metric] for row in expected if metric in row]
        assert None in values, f"{metric} is not unit-tested where it is undefined"
        assert any(values), f"{metric} is not unit-tested with a value"


def test_every_delivery_mart_is_recomputed_from_the_finest(manifest: dict[str, Any]) -> None:
    """So what is tested of the finest mart or of a metric holds in all of them."""
    delivery = {model["unique_id"] for model in models(manifest) if is_rollup(model)}
    assert len(delivery) == 8
    assert delivery == {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata", {}).get("name") == "recomputes"
    }


def is_rollup(model: dict[str, Any]) -> bool:
    return "_performance_" in model["name"] and "effective_cpm" in model["columns"]


def macro_signatures() -> Iterator[tuple[str, list[str]]]:
    """The macros and generic tests of the project with the arguments that they take."""
    for file in (*DBT_PROJECT.glob("macros/*.sql"), *DBT_PROJECT.glob("tests/generic/*.sql")):
        for kind, name, arguments in re.findall(
            r"{%-? (macro|test) (\w+)\(([^)]*)\)", file.read_text()
        ):
            full_name = f"test_{name}" if kind == "test" else name
            yield full_name, [one.split("=")[0].strip() for one in arguments.split(",") if one]


def test_every_macro_documents_each_of_its_arguments() -> None:
    documented = {}
    for file in (DBT_PROJECT / "macros/_macros.yml", DBT_PROJECT / "tests/generic/_generic.yml"):
        for macro in yaml.safe_load(file.read_text())["macros"]:
            assert macro["description"]
            names = [argument["name"] for argument in macro.get("arguments", [])]
            documented[macro["name"]] = names
    signatures = {
        name: arguments
        for name, arguments in macro_signatures()
        if not re.match(r"(default|duckdb|postgres|spark)__", name)
    }
    assert documented == signatures


def test_a_build_without_raw_data_stops_with_one_sentence(tmp_path: Path) -> None:
    database = tmp_path / "ads.duckdb"
    result = dbt("build", database, tmp_path)
    assert result.returncode == 2
    assert "  no raw data in ads.duckdb: run `make generate`\n" in result.stdout
    assert "Catalog" not in result.stdout
    with duckdb.connect(str(database)) as connection:
        tables = connection.execute("SELECT count(*) FROM information_schema.tables").fetchall()
    assert tables == [(0,)]


def test_a_build_without_one_raw_table_names_it(complete_database: Path, tmp_path: Path) -> None:
    database = tmp_path / "ads.duckdb"
    shutil.copy(complete_database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("DROP TABLE raw.flights")
    result = dbt("test", database, tmp_path)
    assert result.returncode == 2
    assert "  ads.duckdb has no raw.flights: run `make generate`\n" in result.stdout


def test_the_views_of_a_renamed_file_still_work(built_database: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "another name.duckdb"
    shutil.copy(built_database, renamed)
    with duckdb.connect(str(renamed), read_only=True) as connection:
        views = connection.execute(
            "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        assert len(views) >= len(TABLES)
        for (view,) in views:
            connection.execute(f"SELECT count(*) FROM {view}").fetchall()


def test_the_overview_counts_tables_and_staging_views_right() -> None:
    models = ROOT / "dbt_project/models"
    views = list(models.glob("staging/*/stg_*.sql"))
    (counted,) = re.findall(r"(\d+) +(\d+) views", (models / "overview.md").read_text())
    assert counted == (str(len(TABLES)), str(len(views)))


def test_the_page_on_the_log_has_the_answers_of_its_marts(built_database: Path) -> None:
    _, asked = (ROOT / "docs/log.md").read_text().split("## In dbt")
    with duckdb.connect(str(built_database), read_only=True) as connection:
        assert check_answers(asked, connection) == 4


def test_scorecards_alone_read_the_truth(manifest: dict[str, Any]) -> None:
    """Directly, or by what reads it."""
    nodes = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    reading = {key for key in manifest["sources"] if ".truth." in key}
    assert len(reading) == len(TRUTH)
    for _ in nodes:
        reading |= {
            key for key, node in nodes.items() if reading & set(node["depends_on"]["nodes"])
        }
    names = {nodes[key]["name"] for key in reading & set(nodes)}
    allowed = {name for name in names if name.endswith("_scorecard")}
    assert names - allowed == {f"stg_truth__{table.table_name}" for table in TRUTH}
    assert allowed


def test_nothing_outside_a_part_that_can_be_switched_off_reads_it(manifest: dict[str, Any]) -> None:
    """So any of them can be off while the others are on. A test of something else would be off
    with it, without a word."""
    nodes = manifest["nodes"] | manifest["exposures"]
    parts = {key: switches_of(node) for key, node in nodes.items()}
    assert set().union(*parts.values()) == {
        "ad_reporting",
        "log",
        "quality",
        "realism",
        "semantic_layer",
    }
    for key, node in nodes.items():
        if node["resource_type"] == "model":
            folders = {"ad_reporting", "log", "quality", "realism"} & set(node["fqn"][1:-1])
            assert folders <= parts[key], f"{key} wants `enabled: \"{{{{ var('…_enabled') }}}}\"`"
        for read in node.get("depends_on", {}).get("nodes", ()):
            assert parts.get(read, set()) <= parts[node.get("attached_node") or key], key


def switches_of(node: dict[str, Any]) -> set[str]:
    """The parts that a model or an exposure belongs to: its YAML asks their variables."""
    file = (node.get("patch_path") or node["original_file_path"]).removeprefix("streaming_ads://")
    if not file.endswith(".yml") or node["resource_type"] not in {"model", "exposure"}:
        return set()
    entries = yaml.safe_load((ROOT / file).read_text())[f"{node['resource_type']}s"]
    (entry,) = (found for found in entries if found["name"] == node["name"])
    return set(re.findall(r"var\('(\w+)_enabled'\)", str(entry.get("config"))))
