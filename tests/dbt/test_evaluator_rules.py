"""The rules of dbt-project-evaluator, read off the manifest: no finding without a written reason.

One function per rule (a few rules of one kind share one) gives the findings; `EXCEPTIONS` lists
those that are meant, and a finding that has gone may not stay listed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Node = dict[str, Any]

# Rule -> what it finds and may find: the reasons stand in DECISIONS.md.
EXCEPTIONS: dict[str, set[str]] = {
    # A day of each campaign is what weeks, months, advertisers, pacing and the report are made of;
    # a campaign is what its pacing, reach, audience and report are joined to.
    "model fan-out": {"fct_campaign_performance_daily", "dim_campaigns"},
    # A plan and a schedule are relations that people read and tests judge: not inlined.
    "rejoining of upstream concepts": {"dim_campaigns", "stg_ads__line_items"},
    # Every row as it landed, so with the copies and versions that staging has to deal with.
    "missing primary key tests and test coverage": {"base_ads__performance_hourly"},
    # Data that was generated for a day in the past is not late.
    "sources without freshness": {"ads"},
}
LAYERS = {
    "staging": ("stg_", "base_"),
    "intermediate": "int_",
    "marts": ("dim_", "fct_", "ad_reporting__"),
}
MOST_PARENTS, MOST_LEAF_CHILDREN, MOST_CHAINED_VIEWS = 7, 3, 4


class Project:
    """The manifest's nodes and who reads whom."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.nodes: dict[str, Node] = manifest["nodes"]
        self.sources: dict[str, Node] = manifest["sources"]
        self.exposures: list[Node] = list(manifest["exposures"].values())
        self.macros = manifest["macros"]
        self.models = {
            key: node for key, node in self.nodes.items() if node["resource_type"] == "model"
        }
        self.tests = [node for node in self.nodes.values() if node["resource_type"] == "test"]

    def parents(self, key: str) -> list[str]:
        return [name for name in self.models[key]["depends_on"]["nodes"] if name != key]

    def children(self, key: str) -> list[str]:
        return [other for other in self.models if key in self.parents(other)]

    def layer(self, key: str) -> str:
        return str(self.models[key]["fqn"][2 if self.models[key]["fqn"][1] == "dbt_project" else 1])

    def reads_sources(self, key: str) -> list[str]:
        return [name for name in self.parents(key) if name in self.sources]


@pytest.fixture(scope="module")
def project(built_database: Path) -> Project:
    return Project(json.loads((built_database.parent / "target" / "manifest.json").read_text()))


def name_of(key: str) -> str:
    return key.split(".")[-1]


def direct_join_to_source(project: Project) -> Iterator[str]:
    """A model reads a source and a model."""
    for key in project.models:
        if project.reads_sources(key) and len(project.parents(key)) > 1:
            yield name_of(key)


def past_staging(project: Project) -> Iterator[str]:
    """A mart or an intermediate model reads a source."""
    for key in project.models:
        if project.layer(key) != "staging" and project.reads_sources(key):
            yield name_of(key)


def staging_on_models(project: Project) -> Iterator[str]:
    """Staging reads staging, intermediate or marts; base models are there to be read by it."""
    for key in project.models:
        others = set(project.parents(key)) - set(project.reads_sources(key))
        if project.layer(key) == "staging" and any(
            not name_of(parent).startswith("base_") for parent in others
        ):
            yield name_of(key)


def multiple_sources_joined(project: Project) -> Iterator[str]:
    for key in project.models:
        if len(project.reads_sources(key)) > 1:
            yield name_of(key)


def source_fanout(project: Project) -> Iterator[str]:
    """A source is read by several models, or by none."""
    for source in project.sources:
        if sum(source in project.parents(key) for key in project.models) != 1:
            yield name_of(source)


def duplicate_sources(project: Project) -> Iterator[str]:
    places = Counter((each["schema"], each["identifier"]) for each in project.sources.values())
    yield from (f"{schema}.{table}" for (schema, table), number in places.items() if number > 1)


def hard_coded_references(project: Project) -> Iterator[str]:
    for key, model in project.models.items():
        sql = re.sub(r"{{.*?}}|{%.*?%}|extract\(.*?\)", "x", model["raw_code"], flags=re.DOTALL)
        ctes = set(re.findall(r"(\w+) as \(", sql)) | {"x"}
        if set(re.findall(r"\b(?:from|join)\s+([\w.\"]+)", sql)) - ctes:
            yield name_of(key)


def root_models(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.models if not project.parents(key))


def too_many_parents(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.models if len(project.parents(key)) > MOST_PARENTS)


def model_fanout(project: Project) -> Iterator[str]:
    for key in project.models:
        leaves = [child for child in project.children(key) if not project.children(child)]
        if len(leaves) > MOST_LEAF_CHILDREN and project.layer(key) != "staging":
            yield name_of(key)


def rejoined(project: Project) -> Iterator[str]:
    """A model reads both a model and one that reads it for this model alone."""
    for key in project.models:
        parents = [name for name in project.parents(key) if name in project.models]
        for parent in parents:
            if project.children(parent) == [key]:
                yield from map(name_of, set(project.parents(parent)) & set(parents))


def chained_views(project: Project) -> Iterator[str]:
    def depth(key: str) -> int:
        if key not in project.models:
            return 0
        if project.models[key]["config"]["materialized"] != "view":
            return 0
        return 1 + max(map(depth, project.parents(key)), default=0)

    yield from (name_of(key) for key in project.models if depth(key) > MOST_CHAINED_VIEWS)


def names_and_folders(project: Project) -> Iterator[str]:
    """The prefix says the layer, the folder is the layer's, staging has a folder per source."""
    for key, model in project.models.items():
        layer = project.layer(key)
        path = model["original_file_path"].removeprefix("dbt_project/models/")
        folder = "staging/ads" if layer == "staging" else layer
        folder += "/base" if model["name"].startswith("base_") else ""
        if not model["name"].startswith(LAYERS[layer]) or path.rsplit("/", 1)[0] != folder:
            yield model["name"]


def source_folders(project: Project) -> Iterator[str]:
    for key, source in project.sources.items():
        if "staging/ads" not in source["original_file_path"]:
            yield name_of(key)


def yaml_beside_the_model(project: Project) -> Iterator[str]:
    """What is tested of a model stands in the file next to it."""
    for model in project.models.values():
        beside = model["original_file_path"].replace(".sql", ".yml")
        if not (model["patch_path"] or "").endswith(beside):
            yield model["name"]


def untested_keys(project: Project) -> Iterator[str]:
    keyed = {
        test["attached_node"]
        for test in project.tests
        if test.get("test_metadata", {}).get("name") in {"unique", "unique_grain"}
    }
    yield from (name_of(key) for key in project.models if key not in keyed)


def undescribed(project: Project) -> Iterator[str]:
    """Models, sources and source tables; columns are held by test_project.py."""
    for node in (*project.models.values(), *project.sources.values()):
        if not node["description"]:
            yield node["name"]
    yield from (
        node["source_name"] for node in project.sources.values() if not node["source_description"]
    )


def without_freshness(project: Project) -> Iterator[str]:
    yield from {
        node["source_name"]
        for node in project.sources.values()
        if not (node["freshness"] or {}).get("warn_after", {}).get("count")
    }


def governance(project: Project) -> Iterator[str]:
    """Public models have a contract and descriptions, and exposures read only public ones."""
    for model in project.models.values():
        if model["access"] == "public":
            described = all(column["description"] for column in model["columns"].values())
            if not (model["contract"]["enforced"] and model["description"] and described):
                yield model["name"]
    for exposure in project.exposures:
        for parent in exposure["depends_on"]["nodes"]:
            if project.models[parent]["access"] != "public":
                yield f"{exposure['name']} reads {name_of(parent)}"


def exposures_on_views(project: Project) -> Iterator[str]:
    for exposure in project.exposures:
        for parent in exposure["depends_on"]["nodes"]:
            if parent in project.sources:
                yield f"{exposure['name']} reads a source"
            elif project.models[parent]["config"]["materialized"] not in {"table", "incremental"}:
                yield f"{exposure['name']} reads the view {name_of(parent)}"


RULES: dict[str, Callable[[Project], Iterator[str]]] = {
    "direct join to source": direct_join_to_source,
    "marts or intermediate dependent on source": past_staging,
    "staging dependent on staging, intermediate or marts": staging_on_models,
    "multiple sources joined": multiple_sources_joined,
    "source fan-out and unused sources": source_fanout,
    "duplicate sources": duplicate_sources,
    "hard-coded references": hard_coded_references,
    "root models": root_models,
    "too many joins": too_many_parents,
    "model fan-out": model_fanout,
    "rejoining of upstream concepts": rejoined,
    "chained views": chained_views,
    "model names and directories": names_and_folders,
    "source directories": source_folders,
    "test directories": yaml_beside_the_model,
    "missing primary key tests and test coverage": untested_keys,
    "undocumented models, sources and source tables": undescribed,
    "sources without freshness": without_freshness,
    "public models without contract or documentation, exposures on private models": governance,
    "exposures dependent on views or sources": exposures_on_views,
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_holds(project: Project, rule: str) -> None:
    assert set(RULES[rule](project)) == EXCEPTIONS.get(rule, set())
