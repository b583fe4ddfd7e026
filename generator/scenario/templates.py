"""Templates found by name: platforms, examples, profiles and workflows, with what they extend.

A name is looked up in the user's folder and then among the bundled files of its kind, never as a
path. A custom file is given as a path that ends in .yml or .yaml, and may extend a template or a
neighbour by its file name. Overrides are laid on top before anything is validated.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from generator.platform.life import UNCHANGED, Life
from generator.platform.model import PlatformModel
from generator.scenario.errors import InputError, Problem, bad_input, nearest
from generator.scenario.faults import NO_FAULTS, Faults
from generator.scenario.kinds import TemplateKind
from generator.scenario.legacy_format import LegacyFile, Remarks, is_legacy, translate
from generator.scenario.log import NO_LOG, LogPlan
from generator.scenario.models import (
    MarketPlan,
    Scenario,
    Workflow,
    budget_problems,
    platform_problems,
)
from generator.scenario.overrides import Override, with_overrides
from generator.scenario.validation import MOST_PROBLEMS, first_problems, input_error, model_of
from generator.scenario.yaml_file import Document, KeyPath, Mark, merge, path_text, read
from generator.schema import LOG, TRUTH, RawTable
from generator.schema.text_types import TEMPLATE_NAME

BUNDLED = Path(__file__).resolve().parent.parent / "templates"
# Gives its seed and as-of day to files and databases that have none.
STANDARD_WORKFLOW = "complete"
# Of a dataset that is as its files say.
NO_OVERRIDES = "{}"
_PROFILE_OF_OBJECTIVE = {
    "AWARENESS": "high_cpm_tv_awareness",
    "CONSIDERATION": "mobile_consideration",
    "CONVERSION": "conversion_interactive",
}
_SUFFIXES = (".yml", ".yaml", ".json")
_PLATFORM_KEYS = {"countries", "genres", "supply", "funnel", "funnel_floor", "reach"}
_WORKFLOW_KEYS = {"seed", "as_of", "examples", "profiles", "market", "faults", "life", "log"}


_EXTENDED = (
    TemplateKind.PROFILES,
    TemplateKind.EXAMPLES,
    TemplateKind.WORKFLOWS,
    TemplateKind.PLATFORMS,
)


_GENERATED = (TemplateKind.WORKFLOWS, TemplateKind.PROFILES, TemplateKind.EXAMPLES)


@dataclass(frozen=True)
class Dataset:
    """A workflow with its scenarios read, in the order of their campaign ids, or with its market:
    what one run generates. `notices` are what its reader should know and need not act on.
    `overrides` says as JSON what the command line changed in it."""

    name: str
    seed: int
    as_of: date
    scenarios: tuple[Scenario, ...]
    platforms: dict[str, PlatformModel]
    notices: tuple[str, ...] = ()
    market: MarketPlan | None = None
    faults: Faults = NO_FAULTS
    life: Life = UNCHANGED
    log: LogPlan = NO_LOG
    overrides: str = NO_OVERRIDES

    def noting(self, sets: Sequence[str], faults: Faults | None, log: float | None) -> Dataset:
        """Return the same dataset with a note of the options --set, --faults and --log."""
        noted: dict[str, Any] = {"set": list(sets)} if sets else {}
        if faults is not None:
            text = faults.model_dump_json(exclude_unset=True).encode()
            noted["faults"] = hashlib.blake2b(text, digest_size=8).hexdigest()
        if log is not None:
            noted["log"] = log
        return replace(self, overrides=json.dumps(noted))

    def with_faults(self, faults: Faults) -> Dataset:
        """Return the same dataset with these faults."""
        return replace(self, faults=faults)

    def with_log(self, households: float) -> Dataset:
        """Return the same dataset with a log of this share of the households."""
        return replace(self, log=self.log.model_copy(update={"households": households}))

    def with_tables(self, tables: Collection[type[RawTable]]) -> Dataset:
        """Return the same dataset for these tables alone: without a log, if none of them has it."""
        return self.with_log(0.0) if set(LOG + TRUTH).isdisjoint(tables) else self

    def with_seed(self, seed: int) -> Dataset:
        """Return the same dataset under another seed."""
        return replace(self, seed=seed)

    def with_as_of(self, as_of: date) -> Dataset:
        """Return the same dataset with another as-of day."""
        return replace(self, as_of=as_of)


@dataclass(frozen=True)
class ResolvedScenario:
    """One scenario with the platform it runs on, what its reader should know, and the overrides
    that are in it."""

    scenario: Scenario
    platform: PlatformModel
    notices: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class Library:
    """Where names are looked up: the bundled templates, behind those in a custom folder.

    The folder is laid out like the bundled one (`profiles/`, `platforms/` …) and is asked first.

    >>> from generator.scenario.overrides import parse_override
    >>> library = Library()
    >>> library.names(TemplateKind.PLATFORMS)
    ['fast_channel', 'live_sports', 'netflix_like']
    >>> data = library.dataset("smoke", [parse_override("campaign.target_cpm=20")])
    >>> data.scenarios[0].campaign.target_cpm
    20.0
    """

    own: Path | None = None

    def names(self, kind: TemplateKind) -> list[str]:
        """Return the templates of a kind, in order of name. Raises InputError."""
        return sorted(self._files(kind))

    def file(self, kind: TemplateKind, name: str) -> Path:
        """Return the file of a name. Raises InputError for a name that does not exist."""
        files = self._files(kind)
        if name in files:
            return files[name]
        singular = kind.value.removesuffix("s")
        raise bad_input(f"there is no {singular} {name[:80]!r}{nearest(name, files)}")

    def _files(self, kind: TemplateKind) -> dict[str, Path]:
        """Return the files of a kind by name, which is that of the file. Raises InputError."""
        found: dict[str, Path] = {}
        for folder in reversed(self._folders(kind)):
            own: dict[str, Path] = {}
            for file in _templates_in(folder):
                if not TEMPLATE_NAME.fullmatch(file.stem):
                    raise bad_input(
                        "a template's name has small letters, digits and underscores, with a "
                        f"letter first; rename the file to {template_name(file.stem)}{file.suffix}",
                        str(file),
                    )
                if file.stem in own:
                    raise bad_input(
                        f"has the name of {own[file.stem].name}, too; rename one", str(file)
                    )
                own[file.stem] = file
            found |= own
        return found

    def document(self, kind: TemplateKind, name: str, folder: Path | None = None) -> Document:
        """Return the file of a name with all that it extends; neighbours are looked up in
        `folder`."""
        file = self._file(kind, name, folder)
        own = _read(file)
        named = own.data.get("name")
        if not _is_file_name(name) and named not in (None, file.stem):
            raise bad_input(
                f"is {str(named)[:80]!r} in a file that is called {file.name}; make them the same, "
                "or leave name: out",
                own.where(("name",)),
            )
        return _with_name(self._extend(own, kind, (file.resolve(),)), own, file)

    def platform(self, name: str) -> PlatformModel:
        """Return the platform of a name."""
        if self.own is None:
            return _bundled_platform(name)
        return model_of(self.document(TemplateKind.PLATFORMS, name), PlatformModel)

    def workflow(self, name: str) -> Workflow:
        """Return the workflow of a name."""
        return model_of(self.document(TemplateKind.WORKFLOWS, name), Workflow)

    def scenario(
        self, kind: TemplateKind, name: str, overrides: Sequence[Override] = ()
    ) -> ResolvedScenario:
        """Return an example or profile of a name, with overrides."""
        return self._resolve(self.document(kind, name), overrides)

    def scenario_of_file(
        self, file: Path, entry: str | None, overrides: Sequence[Override] = ()
    ) -> ResolvedScenario:
        """Return the scenario in a file: the only one, or `entry` of a file in the older shape."""
        document = self._of_file(file)
        if is_legacy(document.data):
            legacy = LegacyFile(document, self._bundled_profile)
            if entry is None and len(legacy.entries) > 1:
                names = ", ".join(legacy.entries)
                raise bad_input(f"has several entries: {names[:400]}; name one", str(file))
            chosen = entry or next(iter(legacy.entries))
            remarks = _remarks_on(legacy, file)
            resolved = self._of_legacy(legacy, chosen, overrides, remarks)
            return replace(resolved, notices=remarks.notices())
        resolved = self._resolve(document, overrides)
        if entry not in (None, resolved.scenario.name):
            hint = nearest(entry, {resolved.scenario.name})
            raise bad_input(f"there is no entry {entry!r}{hint}", str(file))
        return resolved

    def dataset(self, name_or_file: str, overrides: Sequence[Override] = ()) -> Dataset:
        """Return the dataset of a workflow, of one example or profile, or of a file with a workflow
        or scenarios in it. Seed and as-of day of an example or profile are the default's.

        An override with a path that starts with the name of a scenario is for it alone. Raises
        InputError.
        """
        if not _is_file_name(name_or_file):
            kind = self._generated_kind(name_or_file)
            document = self.document(kind, name_or_file)
            if kind is TemplateKind.WORKFLOWS:
                return self._of_workflow(document, None, overrides)
            of_run, others = _of_run(overrides)
            only = self._resolve(document, _for(name_or_file, {name_or_file}, others))
            return self._dataset(self._like_default(name_or_file, of_run), [only])
        file = Path(name_or_file)
        return self._of_document(self._of_file(file), file, overrides)

    def _generated_kind(self, name: str) -> TemplateKind:
        """Return the kind of a template that a dataset can be made of. Raises InputError."""
        names = {kind: self.names(kind) for kind in _GENERATED}
        for kind, known in names.items():
            if name in known:
                return kind
        if os.path.isdir(name):
            raise bad_input("is a folder; give the path of a YAML file in it", name)
        workflows = names[TemplateKind.WORKFLOWS]
        near = nearest(name, {known for some in names.values() for known in some})
        hint = near if "did you mean" in near else nearest(name, workflows)
        raise bad_input(f"there is no workflow, profile or example {name[:80]!r}{hint}")

    def dataset_of_mapping(
        self, content: Mapping[str, Any], overrides: Sequence[Override] = ()
    ) -> Dataset:
        """Return the dataset of a mapping with what a file of a workflow or scenario can hold. What
        it names by a file name is in the current folder. Raises InputError."""
        file = Path(str(content.get("name", "mapping")))
        document = self._complete(Document(dict(content), {}), file)
        return self._of_document(document, file, overrides)

    def _of_document(
        self, document: Document, file: Path, overrides: Sequence[Override]
    ) -> Dataset:
        if is_legacy(document.data):
            return self._of_legacy_file(
                LegacyFile(document, self._bundled_profile), file, overrides
            )
        if "line_items" in document.data or "campaign" in document.data:
            of_run, others = _of_run(overrides)
            only = self._resolve(document, others)
            return self._dataset(self._like_default(only.scenario.name, of_run), [only])
        return self._of_workflow(document, file.parent, overrides)

    def _folders(self, kind: TemplateKind) -> list[Path]:
        if self.own is None:
            return [BUNDLED / kind]
        if not os.path.isdir(self.own):
            raise bad_input("is not a folder of templates", str(self.own))
        return [self.own / kind, BUNDLED / kind]

    def check(
        self, file: Path, overrides: Sequence[Override] = ()
    ) -> Dataset | PlatformModel | Faults:
        """Return what a file holds, whole and valid: a dataset, a platform, or faults. Raises
        InputError."""
        own = _read(file)
        if set(own.data) & set(Faults.model_fields):
            return model_of(with_overrides(own, overrides, Faults), Faults)
        document = self._complete(own, file)
        if _PLATFORM_KEYS & set(document.data):
            return model_of(with_overrides(document, overrides, PlatformModel), PlatformModel)
        return self._of_document(document, file, overrides)

    def _of_file(self, file: Path) -> Document:
        return self._complete(_read(file), file)

    def _complete(self, own: Document, file: Path) -> Document:
        """Return a file with all that it extends; its name is its own."""
        if is_legacy(own.data):
            return own
        kind = self._kind_of_base(own)
        return _with_name(self._extend(own, kind, (file.resolve(),)), own, file)

    def _kind_of_base(self, document: Document) -> TemplateKind:
        """Return what a file extends: a template of the only kind with this name, else one of the
        kind that the file is. Raises InputError for a profile and an example of the same name."""
        base = document.data.get("extends")
        kinds = [kind for kind in _EXTENDED if base in self.names(kind)]
        if len(kinds) > 1:
            keys = set(document.data)
            if keys & _PLATFORM_KEYS:
                likely = {TemplateKind.PLATFORMS}
            elif keys & _WORKFLOW_KEYS:
                likely = {TemplateKind.WORKFLOWS}
            else:
                likely = {TemplateKind.PROFILES, TemplateKind.EXAMPLES}
            kinds = [kind for kind in kinds if kind in likely] or kinds
        if len(kinds) > 1:
            names = " and ".join(kind.value for kind in kinds)
            where = document.where(("extends",))
            raise bad_input(f"there are {names} called {base!r}; rename one of them", where)
        return kinds[0] if kinds else TemplateKind.PROFILES

    def _of_legacy_file(
        self, legacy: LegacyFile, file: Path, overrides: Sequence[Override]
    ) -> Dataset:
        """Return every entry of a file of the older shape. Raises InputError with all problems."""
        remarks = _remarks_on(legacy, file)
        of_run, others = _of_run(overrides)
        resolved, problems = [], []
        for name in legacy.entries:
            try:
                chosen = _for(name, legacy.entries, others)
                resolved.append(self._of_legacy(legacy, name, chosen, remarks))
            except InputError as error:
                problems += error.problems
        if problems:
            raise input_error(problems)
        data = self._dataset(self._like_default(template_name(file.stem), of_run), resolved)
        return replace(data, notices=(*data.notices, *remarks.notices()))

    def _of_legacy(
        self, legacy: LegacyFile, name: str, overrides: Sequence[Override], remarks: Remarks
    ) -> ResolvedScenario:
        translation = translate(name, legacy.entry(name), legacy.default_hours)
        resolved = self._resolve(translation.document, overrides)
        remarks.add(translation.remarks)
        return resolved

    def _bundled_profile(self, objective: str) -> Document:
        """Return the bundled profile that a campaign of an objective is like."""
        return Library().document(TemplateKind.PROFILES, _PROFILE_OF_OBJECTIVE[objective])

    def _like_default(self, name: str, of_run: Sequence[Override]) -> Workflow:
        document = Library().document(TemplateKind.WORKFLOWS, STANDARD_WORKFLOW)
        default = model_of(with_overrides(document, of_run, Workflow), Workflow)
        return default.model_copy(update={"name": name})

    def _of_workflow(
        self, document: Document, folder: Path | None, overrides: Sequence[Override]
    ) -> Dataset:
        of_run, overrides = _of_run(overrides)
        of_market = [override for override in overrides if override.path[0] == "market"]
        if of_market and "market" not in document.data:
            name = document.data.get("name")
            raise bad_input(
                f"workflow {name!r} has no market, as the workflow market has",
                str(of_market[0].mark),
            )
        document = with_overrides(document, [*of_run, *of_market], Workflow)
        workflow = model_of(document, Workflow)
        if workflow.market is not None:
            paths = ", ".join(f"market.{field}" for field in MarketPlan.model_fields)
            others = [override for override in overrides if override not in of_market]
            if others:
                raise input_error(
                    Problem(
                        str(override.mark),
                        f"there is no {path_text(override.path)} in a market; there are {paths}",
                    )
                    for override in others
                )
            return self._of_market(workflow, workflow.market, document)
        listed = [
            (kind, index, name)
            for kind, names in (
                (TemplateKind.EXAMPLES, workflow.examples),
                (TemplateKind.PROFILES, workflow.profiles),
            )
            for index, name in enumerate(names)
        ]
        documents, problems = {}, []
        for kind, index, name in listed:
            try:
                documents[kind, index] = self.document(kind, name, folder)
            except InputError as error:
                problems += _problems_at(document.where((kind.value, index)), error)
        known = {str(found.data["name"]) for found in documents.values()}
        resolved = []
        for (kind, index), found in documents.items():
            try:
                chosen = _for(str(found.data["name"]), known, overrides)
                resolved.append(self._resolve(found, chosen))
            except InputError as error:
                problems += _problems_at(document.where((kind.value, index)), error)
        if problems:
            raise input_error(problems)
        return self._dataset(workflow, resolved)

    def _of_market(self, workflow: Workflow, market: MarketPlan, document: Document) -> Dataset:
        platforms, problems = {}, []
        for index, name in enumerate(market.platforms):
            here = document.where(("market", "platforms", index))
            try:
                platforms[name] = self.platform(name)
            except InputError as error:
                problems += _problems_at(here, error)
                continue
            if platforms[name].booking_mix is None:
                problems.append(Problem(here, f"platform {name} says nothing under `market:`"))
        if problems:
            raise input_error(problems)
        return Dataset(
            name=workflow.name,
            seed=workflow.seed,
            as_of=workflow.as_of,
            scenarios=(),
            platforms={name: found.with_life(workflow.life) for name, found in platforms.items()},
            market=market,
            faults=workflow.faults,
            life=workflow.life,
            log=workflow.log,
        )

    def _dataset(self, workflow: Workflow, resolved: Sequence[ResolvedScenario]) -> Dataset:
        return Dataset(
            name=workflow.name,
            seed=workflow.seed,
            as_of=workflow.as_of,
            scenarios=tuple(found.scenario for found in resolved),
            platforms={
                found.platform.name: found.platform.with_life(workflow.life) for found in resolved
            },
            notices=tuple(notice for found in resolved for notice in found.notices),
            faults=workflow.faults,
            life=workflow.life,
            log=workflow.log,
        )

    def _resolve(self, document: Document, overrides: Sequence[Override]) -> ResolvedScenario:
        """Return the scenario of a document, checked against its platform."""
        document = with_overrides(document, overrides, Scenario)
        scenario = model_of(document, Scenario)
        try:
            platform_model = self.platform(scenario.campaign.platform)
        except InputError as error:
            where = document.where(("campaign", "platform"))
            raise input_error(_problems_at(where, error)) from error
        problems = [*budget_problems(scenario), *platform_problems(scenario, platform_model)]
        if problems:
            shown = [Problem(document.where(path), say()) for path, say in problems[:MOST_PROBLEMS]]
            raise first_problems(shown, len(problems))
        return ResolvedScenario(scenario, platform_model, overrides=tuple(overrides))

    def _file(self, kind: TemplateKind, name: str, folder: Path | None) -> Path:
        if _is_file_name(name) and folder is not None:
            if Path(name).name != name:
                raise bad_input(f"{name!r} must be the name of a file in the same folder")
            return folder / name
        return self.file(kind, name)

    def _extend(self, document: Document, kind: TemplateKind, chain: tuple[Path, ...]) -> Document:
        """Return the document on top of the one its `extends:` names, itself extended first."""
        data: dict[str, Any] = dict(document.data)
        if "extends" not in data:
            return document
        base_name = data.pop("extends")
        here = document.where(("extends",))
        if not isinstance(base_name, str):
            raise bad_input("must be the name of the template to extend", here)
        try:
            file = self._file(kind, base_name, chain[-1].parent)
        except InputError as error:
            raise input_error(Problem(here, problem.what) for problem in error.problems) from error
        if file.resolve() in chain:
            names = " → ".join(link.stem for link in (*chain, file))
            raise bad_input(f"templates extend one another in a circle: {names}", here)
        base = self._extend(_read(file), kind, (*chain, file.resolve()))
        marks: dict[KeyPath, Mark] = {
            path: mark for path, mark in document.marks.items() if path[:1] != ("extends",)
        }
        return merge(base, Document(data, marks))


def faults_of(file: Path) -> Faults:
    """Return the faults in a file. Raises InputError."""
    return model_of(_read(file), Faults)


def names(kind: TemplateKind) -> list[str]:
    """Return the bundled templates of a kind, in order of name."""
    return Library().names(kind)


def dataset(name_or_file: str) -> Dataset:
    """Return the dataset of a bundled workflow, or of a file with a workflow or scenarios in it."""
    return Library().dataset(name_or_file)


def platform(name: str) -> PlatformModel:
    """Return a bundled platform."""
    return Library().platform(name)


@lru_cache
def _bundled_platform(name: str) -> PlatformModel:
    """Return a bundled platform. Its file does not change, as those of a user do."""
    return model_of(Library().document(TemplateKind.PLATFORMS, name), PlatformModel)


def _of_run(overrides: Sequence[Override]) -> tuple[list[Override], list[Override]]:
    """Return the overrides of the run as a whole, its life and its log, and the others."""
    of_run = [override for override in overrides if override.path[0] in ("life", "log")]
    return of_run, [override for override in overrides if override not in of_run]


def _for(
    name: str, known: Sequence[str] | set[str] | dict[str, Any], overrides: Sequence[Override]
) -> list[Override]:
    """Return the overrides that are for a scenario: those that name it, and those that name
    none."""
    chosen = []
    for override in overrides:
        if override.path[0] == name:
            chosen.append(replace(override, path=override.path[1:]))
        elif override.path[0] not in known:
            chosen.append(override)
    return chosen


def _remarks_on(legacy: LegacyFile, file: Path) -> Remarks:
    """Return what is remarked on a file as a whole: its keys that have no meaning here."""
    lines = {key: legacy.document.marks.get((key,)) for key in legacy.unused}
    return Remarks(
        str(_short(file)),
        unused={
            f"{key}: {why}": [str(mark.line)] if (mark := lines[key]) else []
            for key, why in legacy.unused.items()
        },
    )


def _problems_at(here: str, error: InputError) -> list[Problem]:
    """Return the problems of an error, those without a place at `here`."""
    return [Problem(problem.where or here, problem.what) for problem in error.problems]


def _is_file_name(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES)


def _templates_in(folder: Path) -> list[Path]:
    """Return the files of a folder that are templates; none of a folder that does not exist."""
    try:
        files = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror}", str(folder)) from error
    return [
        file
        for file in files
        if _is_file_name(file.name) and not file.name.startswith(".") and file.is_file()
    ]


def template_name(text: str) -> str:
    """Return a text as the name of a template: small letters, digits, underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"template_{plain}".strip("_"))[:63]


def _with_name(document: Document, own: Document, file: Path) -> Document:
    """Return a document with the name that its file gives itself, else the file's name. Names are
    not inherited."""
    if own.data.get("name") is not None:
        return document
    marks = {**document.marks, ("name",): Mark(_short(file), 1)}
    return replace(document, data={**document.data, "name": template_name(file.stem)}, marks=marks)


def _read(file: Path) -> Document:
    return read(file, shown_as=_short(file))


def _short(file: Path) -> Path:
    """Return a path for messages: relative to the current folder if it lies below it."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else Path(relative)
