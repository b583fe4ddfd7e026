"""The catalogue: everything that has a name, by attribute and by name.

`catalogue.BudgetType.LIFETIME`, `catalogue.Campaign`, `catalogue.profiles["mobile_consideration"]`,
`catalogue.tables.campaigns`. Nothing is listed twice: tables and enums are read off their modules,
templates off their folders, so an addition in its one place is an addition here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from generator import enums
from generator.cli.results import DescribedColumn, Description, Entry, Listing
from generator.engines import EngineName, engine
from generator.platform.model import PlatformModel
from generator.scenario.errors import bad_input, nearest
from generator.scenario.kinds import TemplateKind
from generator.scenario.models import Scenario, Workflow
from generator.scenario.templates import Library
from generator.schema import TABLES, RawTable
from generator.sinks.target import SCHEMES, sink_class

Member = TypeVar("Member")


class Members(Mapping[str, Member]):
    """Members of one kind by name, `members["name"]` or `members.name`, read when asked for."""

    def __init__(self, names: Callable[[], Iterable[str]], load: Callable[[str], Member]) -> None:
        self._names = names
        self._load = load

    def __getitem__(self, name: str) -> Member:
        if name not in self._names():
            raise KeyError(f"{name}{nearest(name, set(self._names()))}")
        return self._load(name)

    def __getattr__(self, name: str) -> Member:
        if name.startswith("_") or name not in self._names():
            raise AttributeError(name)
        return self._load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(list(self._names()))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names()]


def _all(members: Mapping[str, Member]) -> Members[Member]:
    return Members(lambda: members, members.__getitem__)


class Catalogue:
    """Everything that has a name, over one library of templates."""

    def __init__(self, library: Library | None = None) -> None:
        self.library = library or Library()
        self.tables: Members[type[RawTable]] = _all({table.table_name: table for table in TABLES})
        self.models: Members[type[RawTable]] = _all({table.__name__: table for table in TABLES})
        self.enums: Members[type[StrEnum]] = _all(
            {
                name: member
                for name, member in vars(enums).items()
                if inspect.isclass(member) and issubclass(member, StrEnum) and member is not StrEnum
            }
        )
        self.platforms: Members[PlatformModel] = self._templates(
            TemplateKind.PLATFORMS, self.library.platform
        )
        self.examples: Members[Scenario] = self._scenarios(TemplateKind.EXAMPLES)
        self.profiles: Members[Scenario] = self._scenarios(TemplateKind.PROFILES)
        self.workflows: Members[Workflow] = self._templates(
            TemplateKind.WORKFLOWS, self.library.workflow
        )
        self.sinks = Members(lambda: SCHEMES, sink_class)
        self.engines = Members(lambda: list(EngineName), engine)

    def __getattr__(self, name: str) -> Any:
        """Return an enum or the model of a table, by the name of its class."""
        if not name.startswith("_"):
            for members in (self.enums, self.models):
                if name in members:
                    return members[name]
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.enums, *self.models]

    def kinds(self) -> dict[str, Members[Any]]:
        """Return the kinds that can be listed and described."""
        return {
            "profiles": self.profiles,
            "examples": self.examples,
            "workflows": self.workflows,
            "platforms": self.platforms,
            "tables": self.tables,
            "enums": self.enums,
            "sinks": self.sinks,
            "engines": self.engines,
        }

    def listing(self, kind: str) -> Listing:
        """Return every name of a kind with a line on what it is. Raises InputError for an unknown
        kind."""
        if kind not in self.kinds():
            raise bad_input(f"cannot list {kind!r}{nearest(kind, set(self.kinds()))}")
        members = self.kinds()[kind]
        return Listing(
            kind=kind,
            entries=[Entry(name=name, description=_line(members[name])) for name in members],
        )

    def description(self, name: str) -> Description:
        """Return what a name of any kind holds. Raises InputError for an unknown name."""
        for kind, members in self.kinds().items():
            if name in members:
                return self._describe(kind.removesuffix("s"), name, members[name])
        if name in self.models:
            return self._describe("table", self.models[name].table_name, self.models[name])
        known = {other for members in self.kinds().values() for other in members}
        raise bad_input(f"there is nothing called {name!r}{nearest(name, known)}")

    def _describe(self, kind: str, name: str, member: Any) -> Description:
        text = inspect.cleandoc(_text(member)).replace("\n", " ")
        described = Description(kind=kind, name=name, description=text)
        if kind == "table":
            described.grain = list(member.grain)
            described.columns = [
                DescribedColumn(
                    name=column.name,
                    type=column.storage.duckdb,
                    unit=column.unit,
                    nullable=column.nullable,
                    references=column.references,
                    description=column.description,
                )
                for column in member.columns()
            ]
        elif kind == "enum":
            described.members = [str(value) for value in member]
        elif kind + "s" in set(TemplateKind):
            described.file = f"{kind}s/{name}.yml"
            described.content = member.model_dump(mode="json", exclude_none=True)
        return described

    def _templates(self, kind: TemplateKind, load: Callable[[str], Member]) -> Members[Member]:
        return Members(lambda: self.library.names(kind), load)

    def _scenarios(self, kind: TemplateKind) -> Members[Scenario]:
        return self._templates(kind, lambda name: self.library.scenario(kind, name).scenario)


def _text(member: Any) -> str:
    """Return what a member says of itself; the text of an engine is that of its module."""
    if inspect.isfunction(member):
        return inspect.getdoc(inspect.getmodule(member)) or ""
    own = getattr(member, "description", None)
    return own if isinstance(own, str) else inspect.getdoc(member) or ""


def _line(member: Any) -> str:
    """Return the first sentence of what a member says of itself; of a table all of them."""
    text = " ".join(_text(member).split())
    is_table = inspect.isclass(member) and issubclass(member, RawTable)
    return text if is_table else text.split(". ")[0].removesuffix(".")


catalogue = Catalogue()
