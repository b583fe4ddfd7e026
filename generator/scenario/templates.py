"""Templates found by name: platforms, examples, profiles and workflows, with what they extend.

A name is looked up among the bundled files of its kind, never as a path; a file of one's own is
given as a path that ends in .yml or .yaml, and may extend a bundled file or a neighbour by its
file name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from generator.scenario.errors import InputError, Problem, bad_input, nearest
from generator.scenario.models import Scenario, Workflow, platform_problems
from generator.scenario.validation import input_error, validated
from generator.scenario.yaml_file import Document, Mark, merged, read
from generator.schema.behaviour import Behaviour

BUNDLED = Path(__file__).resolve().parent.parent / "templates"
DEFAULT_WORKFLOW = "complete"
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
_SUFFIXES = (".yml", ".yaml")


class Kind(StrEnum):
    """The folders of `templates/`."""

    PLATFORMS = "platforms"
    EXAMPLES = "examples"
    PROFILES = "profiles"
    WORKFLOWS = "workflows"


@dataclass(frozen=True)
class Dataset:
    """A workflow with its scenarios read: what one run generates, in the order of their campaign
    ids."""

    name: str
    seed: int
    as_of: date
    scenarios: tuple[Scenario, ...]
    platforms: dict[str, Behaviour]

    def with_seed(self, seed: int) -> Dataset:
        """The same dataset under another seed."""
        return replace(self, seed=seed)


def names(kind: Kind) -> list[str]:
    """The bundled templates of a kind, in order of name."""
    return sorted(file.stem for file in (BUNDLED / kind).glob("*.yml"))


def dataset(name_or_file: str) -> Dataset:
    """The dataset of a bundled workflow, or of a file with a workflow or one scenario in it."""
    if name_or_file.endswith(_SUFFIXES):
        file = Path(name_or_file)
        document = _extended(_read(file), Kind.PROFILES, (file.resolve(),))
        if "line_items" in document.data or "campaign" in document.data:
            return _dataset_of_scenario(document)
        return _dataset_of_workflow(document, file.parent)
    return _dataset_of_workflow(_document(Kind.WORKFLOWS, name_or_file), None)


@lru_cache
def platform(name: str) -> Behaviour:
    """A bundled platform."""
    return validated(_document(Kind.PLATFORMS, name), Behaviour)


def _dataset_of_scenario(document: Document) -> Dataset:
    scenario = _scenario(document)
    default = validated(_document(Kind.WORKFLOWS, DEFAULT_WORKFLOW), Workflow)
    workflow = default.model_copy(update={"name": scenario.name})
    return _dataset(workflow, [scenario])


def _dataset_of_workflow(document: Document, folder: Path | None) -> Dataset:
    workflow = validated(document, Workflow)
    scenarios, problems = [], []
    for kind, listed in ((Kind.EXAMPLES, workflow.examples), (Kind.PROFILES, workflow.profiles)):
        for index, name in enumerate(listed):
            try:
                scenarios.append(_scenario(_document(kind, name, folder)))
            except InputError as error:
                here = document.where((kind.value, index))
                problems += [
                    Problem(here, each.what) if not each.where else each for each in error.problems
                ]
    if problems:
        raise input_error(problems)
    return _dataset(workflow, scenarios)


def _dataset(workflow: Workflow, scenarios: list[Scenario]) -> Dataset:
    platforms = {scenario.campaign.platform: None for scenario in scenarios}
    return Dataset(
        name=workflow.name,
        seed=workflow.seed,
        as_of=workflow.as_of,
        scenarios=tuple(scenarios),
        platforms={name: platform(name) for name in platforms},
    )


def _scenario(document: Document) -> Scenario:
    scenario = validated(document, Scenario)
    try:
        behaviour = platform(scenario.campaign.platform)
    except InputError as error:
        where = document.where(("campaign", "platform"))
        raise input_error(
            Problem(each.where or where, each.what) for each in error.problems
        ) from error
    problems = [
        Problem(document.where(path), what) for path, what in platform_problems(scenario, behaviour)
    ]
    if problems:
        raise input_error(problems)
    return scenario


def _document(kind: Kind, name: str, folder: Path | None = None) -> Document:
    """The file of a name with everything it extends; `folder` is where neighbours are looked up."""
    file = _file(kind, name, folder)
    return _extended(_read(file), kind, (file.resolve(),))


def _file(kind: Kind, name: str, folder: Path | None) -> Path:
    if name.endswith(_SUFFIXES) and folder is not None:
        if Path(name).name != name:
            raise bad_input(f"{name!r} must be the name of a file in the same folder")
        return folder / name
    if not _NAME.match(name) or not (BUNDLED / kind / f"{name}.yml").is_file():
        singular = kind.value.removesuffix("s")
        raise bad_input(f"there is no {singular} {name!r}{nearest(name, set(names(kind)))}")
    return BUNDLED / kind / f"{name}.yml"


def _read(file: Path) -> Document:
    return read(file, shown_as=_short(file))


def _short(file: Path) -> Path:
    """A path as it is best shown: from the current folder if it lies below it."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else Path(relative)


def _extended(document: Document, kind: Kind, chain: tuple[Path, ...]) -> Document:
    """The document on top of what its `extends:` names, whose own `extends:` is followed first."""
    data: dict[str, Any] = dict(document.data)
    if "extends" not in data:
        return document
    base_name = data.pop("extends")
    here = document.where(("extends",))
    if not isinstance(base_name, str):
        raise bad_input("must be the name of the template to extend", here)
    try:
        file = _file(kind, base_name, chain[-1].parent)
    except InputError as error:
        raise input_error(Problem(here, each.what) for each in error.problems) from error
    if file.resolve() in chain:
        names = " → ".join(each.stem for each in (*chain, file))
        raise bad_input(f"templates extend one another in a circle: {names}", here)
    base = _extended(_read(file), kind, (*chain, file.resolve()))
    marks: dict[tuple[str | int, ...], Mark] = {
        path: mark for path, mark in document.marks.items() if path[:1] != ("extends",)
    }
    return merged(base, Document(data, marks))
