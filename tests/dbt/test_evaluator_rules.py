"""The rules of dbt-project-evaluator, read off the manifest: no finding without a written reason.

The package itself would need `dbt deps`, hence a network. One function per rule gives its findings
with the package's default thresholds; `EXCEPTIONS` lists those that are meant, and a finding that
has gone may not stay listed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import has_key

Node = dict[str, Any]

# Rule -> what it finds and may find: the reasons are in docs/decisions/0048.
EXCEPTIONS: dict[str, set[str]] = {
    # A day of each campaign is what weeks, months, advertisers and the report are made of. Each
    # reader of the log, and of the households that it reached, is another question. Every mart of
    # campaigns has their names.
    "model fanout": {
        "dim_campaigns",
        "fct_ad_impressions",
        "fct_campaign_performance_daily",
        "fct_household_frequency_daily",
    },
    # A plan, a schedule and a snapshot are tables that people read and tests judge: not inlined.
    # What is measured asks the run for its market, the scorecard for its name. A mart of days asks
    # which of them to build again. What a removed campaign would leave is counted on all paths, and
    # credited to the touches of each. The truth of a tenth is that of the households in it.
    "rejoining of upstream concepts": {
        "dim_campaigns",
        "fct_conversions",
        "fct_experiment_households",
        "fct_touchpoints",
        "int_campaigns_as_of",
        "int_source_local_days",
        "stg_ads__line_items",
        "stg_ads__runs",
    },
    # Every row as it landed, so with the copies and versions that staging has to deal with.
    "missing primary key tests": {"base_ads__performance_hourly"},
    "test coverage": {"base_ads__performance_hourly"},
    # What is measured, and the digests of days, are queries, put under one another and not joined.
    # A plan is made of all that was booked and changed.
    "models with too many joins": {
        "int_pacing_plan",
        "int_source_days",
        "realism_scorecard",
        "realism_shapes",
    },
    # Data that was generated for a day in the past is not late.
    "missing source freshness": {"ads", "truth"},
    # The names are those that readers of that standard look for; what judges the data is neither a
    # fact nor a dimension of it.
    "model naming conventions": {
        "ad_reporting__account_report",
        "ad_reporting__ad_group_report",
        "ad_reporting__ad_report",
        "ad_reporting__campaign_report",
        "ad_reporting__monthly_campaign_country_report",
        "ad_reporting__monthly_campaign_region_report",
        "realism_invariants",
        "realism_scorecard",
        "realism_shapes",
    },
}
LAYERS = {
    "base": ("base_",),
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("dim_", "fct_"),
}
TOO_MANY_PARENTS, FANOUT, MOST_CHAINED_VIEWS = 7, 3, 5


class Project:
    """The manifest's nodes and the readers of each."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.sources: dict[str, Node] = manifest["sources"]
        self.exposures: dict[str, Node] = manifest["exposures"]
        nodes: dict[str, Node] = manifest["nodes"]
        self.tests = [node for node in nodes.values() if node["resource_type"] == "test"]
        self.built = {key: node for key, node in nodes.items() if node["resource_type"] != "test"}
        self.models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}

    def parents(self, key: str) -> list[str]:
        """What a model, a snapshot or an exposure reads."""
        return list((self.built | self.exposures)[key].get("depends_on", {}).get("nodes", []))

    def children(self, key: str) -> list[str]:
        """The models and snapshots that read it."""
        return [other for other in self.built if key in self.parents(other)]

    def is_leaf(self, key: str) -> bool:
        exposed = any(key in self.parents(exposure) for exposure in self.exposures)
        return not exposed and not self.children(key)

    def layer(self, key: str) -> str:
        """The innermost folder that is called like a layer; base models have one in staging."""
        folders = Path(self.models[key]["original_file_path"]).parent.parts
        return next(folder for folder in reversed(folders) if folder in LAYERS)

    def reads_sources(self, key: str) -> list[str]:
        return [name for name in self.parents(key) if name in self.sources]

    def sources_behind(self, key: str) -> list[str]:
        """The names of the sources that it reads, itself or through base models."""
        found = {self.sources[source]["source_name"] for source in self.reads_sources(key)}
        for parent in self.parents(key):
            if parent in self.models and self.layer(parent) == "base":
                found |= set(self.sources_behind(parent))
        return sorted(found)

    def tested(self, key: str) -> list[dict[str, Any]]:
        """The tests of a model: what is tested, with which arguments."""
        return [test["test_metadata"] for test in self.tests if test.get("attached_node") == key]


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
        if project.layer(key) in {"intermediate", "marts"} and project.reads_sources(key):
            yield name_of(key)


def duplicate_sources(project: Project) -> Iterator[str]:
    places = Counter(
        (source["schema"], source["identifier"]) for source in project.sources.values()
    )
    yield from (f"{schema}.{table}" for (schema, table), number in places.items() if number > 1)


def hard_coded_references(project: Project) -> Iterator[str]:
    for key, model in project.models.items():
        code = re.sub(r"--[^\n]*", "", model["raw_code"])
        sql = re.sub(r"{{.*?}}|{%.*?%}|{#.*?#}|extract\(.*?\)", "x", code, flags=re.DOTALL)
        ctes = set(re.findall(r"(\w+) as \(", sql)) | {"x"}
        if set(re.findall(r"\b(?:from|join)\s+([\w.\"]+)", sql)) - ctes:
            yield name_of(key)


def model_fanout(project: Project) -> Iterator[str]:
    """Three or more models read it that nothing else reads."""
    for key in project.built:
        if sum(project.is_leaf(child) for child in project.children(key)) >= FANOUT:
            yield name_of(key)


def multiple_sources_joined(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.models if len(project.reads_sources(key)) > 1)


def rejoining(project: Project) -> Iterator[str]:
    """A model reads something and also what was made of it for this model alone."""
    for key in project.built:
        for parent in project.parents(key):
            if parent in project.built and project.children(parent) == [key]:
                shared = set(project.parents(parent)) & set(project.parents(key))
                yield from map(name_of, shared)


def root_models(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.models if not project.parents(key))


def source_fanout(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.sources if len(project.children(key)) > 1)


def staging_on_models(layers: set[str], project: Project) -> Iterator[str]:
    """Staging reads a model of these layers."""
    for key in project.models:
        read = [name for name in project.parents(key) if name in project.models]
        if project.layer(key) == "staging" and layers & set(map(project.layer, read)):
            yield name_of(key)


def unused_sources(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.sources if not project.children(key))


def too_many_parents(project: Project) -> Iterator[str]:
    for key in project.models:
        if len(set(project.parents(key))) >= TOO_MANY_PARENTS:
            yield name_of(key)


def missing_primary_key_tests(project: Project) -> Iterator[str]:
    """No column and no combination of columns is tested as unique and not NULL."""
    for key in project.models:
        if not any(has_key(test) for test in project.tested(key)):
            yield name_of(key)


def without_freshness(project: Project) -> Iterator[str]:
    yield from {
        node["source_name"]
        for node in project.sources.values()
        if not (node["freshness"] or {}).get("warn_after", {}).get("count")
    }


def untested_models(project: Project) -> Iterator[str]:
    yield from (name_of(key) for key in project.models if not project.tested(key))


def undescribed_models(project: Project) -> Iterator[str]:
    yield from (node["name"] for node in project.models.values() if not node["description"])


def undescribed_source_tables(project: Project) -> Iterator[str]:
    yield from (node["name"] for node in project.sources.values() if not node["description"])


def undescribed_sources(project: Project) -> Iterator[str]:
    for node in project.sources.values():
        if not node["source_description"]:
            yield node["source_name"]


def files_apart(project: Project) -> Iterator[str]:
    """The tests of a model are in the file next to it."""
    for model in project.models.values():
        beside = model["original_file_path"].replace(".sql", ".yml")
        if not (model["patch_path"] or "").endswith(beside):
            yield model["name"]


def model_names(project: Project) -> Iterator[str]:
    for key, model in project.models.items():
        if not model["name"].startswith(LAYERS[project.layer(key)]):
            yield model["name"]


def source_directories(project: Project) -> Iterator[str]:
    for key, source in project.sources.items():
        if f"staging/{source['source_name']}/" not in source["original_file_path"]:
            yield name_of(key)


def model_directories(project: Project) -> Iterator[str]:
    """Staging lies in a folder of its source, a mart in one of its subject, the others in that of
    their layer."""
    for key, model in project.models.items():
        source = "".join(project.sources_behind(key))
        folders = {
            "staging": f"staging/{source}",
            "base": f"staging/{source}/base",
            "intermediate": "(realism/)?intermediate",
            "marts": r"(realism/marts|marts/[a-z_]+)",
        }
        folder = Path(model["original_file_path"]).parent.as_posix()
        expected = f"dbt_project/models/{folders[project.layer(key)]}"
        if not re.fullmatch(expected, folder):
            yield model["name"]


def chained_views(project: Project) -> Iterator[str]:
    def depth(key: str) -> int:
        if key not in project.models or not is_view(project.models[key]):
            return 0
        return 1 + max(map(depth, project.parents(key)))

    for key in project.models:
        if max(map(depth, project.parents(key))) > MOST_CHAINED_VIEWS:
            yield name_of(key)


def is_view(model: Node) -> bool:
    return model["config"]["materialized"] not in {"table", "incremental", "seed"}


def exposures_on_views(project: Project) -> Iterator[str]:
    """An exposure reads a source, or a model that is not stored."""
    for key in project.exposures:
        for parent in project.parents(key):
            if parent in project.sources or is_view(project.built[parent]):
                yield f"{name_of(key)} reads {name_of(parent)}"


def public_without_contract(project: Project) -> Iterator[str]:
    for model in project.models.values():
        if model["access"] == "public" and not model["contract"]["enforced"]:
            yield model["name"]


def exposures_on_private(project: Project) -> Iterator[str]:
    for key in project.exposures:
        for parent in project.parents(key):
            # A seed has no access to restrict.
            if parent in project.models and project.models[parent]["access"] != "public":
                yield f"{name_of(key)} reads {name_of(parent)}"


def undescribed_public_models(project: Project) -> Iterator[str]:
    """A public model or one of its columns has no description."""
    for model in project.models.values():
        texts = [
            model["description"],
            *(column["description"] for column in model["columns"].values()),
        ]
        if model["access"] == "public" and not all(texts):
            yield model["name"]


RULES: dict[str, Callable[[Project], Iterator[str]]] = {
    # modeling
    "direct join to source": direct_join_to_source,
    "downstream models dependent on source": past_staging,
    "duplicate sources": duplicate_sources,
    "hard coded references": hard_coded_references,
    "model fanout": model_fanout,
    "multiple sources joined": multiple_sources_joined,
    "rejoining of upstream concepts": rejoining,
    "root models": root_models,
    "source fanout": source_fanout,
    "staging models dependent on downstream models": partial(
        staging_on_models, {"intermediate", "marts"}
    ),
    "staging models dependent on other staging models": partial(staging_on_models, {"staging"}),
    "unused sources": unused_sources,
    "models with too many joins": too_many_parents,
    # testing
    "missing primary key tests": missing_primary_key_tests,
    "missing source freshness": without_freshness,
    "test coverage": untested_models,
    # documentation
    "documentation coverage": undescribed_models,
    "undocumented models": undescribed_models,
    "undocumented source tables": undescribed_source_tables,
    "undocumented sources": undescribed_sources,
    # structure
    "test directories": files_apart,
    "model naming conventions": model_names,
    "source directories": source_directories,
    "model directories": model_directories,
    # performance
    "chained view dependencies": chained_views,
    "exposure parents materializations": exposures_on_views,
    # governance
    "public models without contracts": public_without_contract,
    "exposures dependent on private models": exposures_on_private,
    "undocumented public models": undescribed_public_models,
}


def test_the_published_rules_are_29() -> None:
    assert len(RULES) == 29
    assert EXCEPTIONS.keys() <= RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_holds(project: Project, rule: str) -> None:
    assert set(RULES[rule](project)) == EXCEPTIONS.get(rule, set())
