"""The page with the diagrams of the tables, docs/tables.md: keys and references of the raw tables
from generator/schema, those of the marts from the YAML of the models.

`python -m tests.support.diagrams` writes it (`make sources` runs it).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from re import search
from typing import Any

import yaml

from generator.schema import TABLES, RawTable
from tests.support.project import ROOT

PAGE = ROOT / "docs/tables.md"
MARTS = ROOT / "dbt_project/models/marts"
REALISM = ROOT / "dbt_project/models/realism/marts"


@dataclass(frozen=True)
class Entity:
    """A table in a diagram: its key columns with their types, and the table that each refers to."""

    name: str
    types: dict[str, str]
    grain: tuple[str, ...]
    references: dict[str, str]
    unique: frozenset[str]

    def lines(self) -> Iterator[str]:
        """Yield the Mermaid lines of the table and its key columns."""
        yield f"    {self.name} {{"
        for column, data_type in self.types.items():
            marks = ("PK", column in self.grain), ("FK", column in self.references)
            if keys := ", ".join(mark for mark, is_so in marks if is_so):
                yield f"        {data_type} {column} {keys}"
        yield "    }"

    def reference_lines(self, known: dict[str, Entity]) -> Iterator[str]:
        """Yield a line for each reference, except those that follow from another one."""
        followed = {name for target in self.references.values() for name in above(target, known)}
        for column, target in self.references.items():
            if target not in followed:
                many = "o|" if column in self.unique else "o{"
                yield f"    {target} ||--{many} {self.name} : {column}"


def above(name: str, known: dict[str, Entity]) -> set[str]:
    """Return the tables that a table refers to, directly and through others."""
    targets = set(known[name].references.values()) if name in known else set()
    return targets.union(*(above(target, known) for target in targets))


def page() -> str:
    """Return the text of docs/tables.md."""
    subjects = {folder.name: mart_entities(folder) for folder in sorted(MARTS.iterdir())[::-1]}
    subjects["realism"] = mart_entities(REALISM)
    marts = [mart for of_subject in subjects.values() for mart in of_subject]
    related = {name for mart in marts if mart.references for name in mart.references.values()}
    related |= {mart.name for mart in marts if mart.references}
    alone = ", ".join(f"`{mart.name}`" for mart in marts if mart.name not in related)
    sections = [
        f"### {subject.capitalize()}\n\n{diagram(shown, marts, 'LR')}"
        for subject, of_subject in subjects.items()
        if (shown := [mart for mart in of_subject if mart.name in related])
    ]
    drawn = "\n\n".join(sections)
    raw = [raw_entity(table) for table in TABLES]
    return f"""\
# Tables and their keys

Each table has the columns that make a row unique (PK, together) and those that refer to another
table (FK). dbt tests both on every build. A line that follows from others is left out: a creative's
campaign is that of its line item. All other columns are in the dbt documentation
(`make serve-docs`). A code host draws the diagrams; the site shows their text.

## Raw tables

{diagram(raw, raw, "TB")}

## Marts

{drawn}

### Without a tested reference

{textwrap.fill(alone, 98)}

<!-- Written by `make sources` from generator/schema and the YAML of the marts. -->
"""


def diagram(shown: list[Entity], known: list[Entity], direction: str) -> str:
    """Return an entity-relationship diagram in Mermaid of some of the known tables."""
    by_name = {entity.name: entity for entity in known}
    lines = [line for entity in shown for line in entity.lines()]
    lines += [line for entity in shown for line in entity.reference_lines(by_name)]
    return "\n".join(("```mermaid", "erDiagram", f"    direction {direction}", *lines, "```"))


def raw_entity(table: type[RawTable]) -> Entity:
    """Return a raw table as its pydantic model defines it."""
    columns = table.columns()
    return Entity(
        name=table.table_name,
        types={column.name: word(column.storage.duckdb) for column in columns},
        grain=(table.primary_key,) if table.primary_key else table.grain,
        references={
            column.name: column.references.split(".")[0] for column in columns if column.references
        },
        unique=frozenset(column.name for column in columns if column.unique),
    )


def mart_entities(folder: Path) -> list[Entity]:
    """Return the models of a folder by name, as the tests in their YAML files define keys."""
    files = sorted(folder.rglob("*.yml"), key=lambda file: file.stem)
    models = (yaml.safe_load(file.read_text("utf-8"))["models"] for file in files)
    return [mart_entity(model) for (model,) in models]


def mart_entity(model: dict[str, Any]) -> Entity:
    """Return a mart with the key and the references that its data tests are about."""
    columns = model["columns"]
    grain: list[str] = []
    references: dict[str, str] = {}
    for test in model.get("data_tests", ()):
        if "unique_grain" in test:
            grain += test["unique_grain"]["arguments"]["columns"]
        elif "rules" in test:
            grain += chain.from_iterable(test["rules"]["arguments"].get("unique", ()))
        elif "references" in test:
            for column, parent in test["references"]["arguments"]["columns"].items():
                to = search(r"ref\('(\w+)'\)", parent)
                assert to, column
                references[column] = to[1]
    types = {column["name"]: word(column["data_type"]) for column in columns}
    unique = frozenset(grain) if len(grain) == 1 else frozenset[str]()
    return Entity(model["name"], types, tuple(grain), references, unique)


def word(data_type: str) -> str:
    """Return a type as one word in small letters, without its length."""
    return data_type.lower().split("(")[0].replace(" ", "_")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
