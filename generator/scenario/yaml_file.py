"""YAML files read safely, with the place of every key: PyYAML's safe constructors on a checked
node tree.

Duplicate keys, recursive aliases, and files that are or unfold too large are refused before
anything is built. `merged` is the one rule of inheritance and of overrides: mappings merge key by
key, a mapping over a list changes the items that it numbers, everything else replaces.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from generator.scenario.errors import bad_input

log = logging.getLogger(__name__)

KeyPath = tuple[str | int, ...]

LARGEST_FILE_BYTES = 500_000
MOST_NODES = 50_000
LONGEST_NUMBER = 1_000
DEEPEST = 60
_LONGEST_SHOWN = 80
# What PyYAML raises for a tagged value that is not one: `!!int ""`, `!!bool maybe`, and so on.
_BAD_VALUES = (ValueError, OverflowError, LookupError, AttributeError, TypeError)
_PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True)
class Mark:
    """A place in a file, lines count from 1; or an option of the command line, without a line."""

    file: Path | str
    line: int | None = None

    def __str__(self) -> str:
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Document:
    """The content of a file, or of several merged ones, and where each key was written.

    `written_as` has the keys that were called something else where they were written.
    """

    data: Any
    marks: dict[KeyPath, Mark]
    written_as: Mapping[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """`file:line: dotted.key` of a path, or of the nearest of its parents that was written."""
        known = path
        while known and known not in self.marks:
            known = known[:-1]
        place = str(self.marks[known]) if known in self.marks else ""
        key = self.written_as.get(path) or self.written_as.get(known) or dotted(path)
        return ": ".join(part for part in (place, key) if part)


def dotted(path: KeyPath) -> str:
    """A path as people write it: `line_items[0].targeting.DEVICE`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def read(file: Path, shown_as: Path | None = None) -> Document:
    """The document in a YAML file. Raises InputError for what is not one safe YAML mapping."""
    name = shown_as or file
    log.debug("reading %s", name)
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror or error}", str(name)) from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise bad_input(f"is larger than {LARGEST_FILE_BYTES:,} bytes", str(name))
    try:
        node = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise bad_input(f"is not UTF-8 text (byte {error.start})", str(name)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else str(name)
        raise bad_input(f"is not valid YAML: {error.problem or error.context}", where) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise bad_input(f"is not valid YAML: {_line(error)}", str(name)) from error
    if not isinstance(node, yaml.MappingNode):
        raise bad_input("must be a mapping of keys to values", str(name))
    builder = _Builder(name)
    data = builder.build(node, (), ())
    return Document(data, builder.marks)


def value_of(text: str, origin: Mark) -> Any:
    """The value that a piece of YAML stands for, read as safely as a file. Raises InputError."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        problem = getattr(error, "problem", None) or _line(error)
        raise bad_input(f"{text!r} is not a value: {problem}", str(origin)) from error
    return None if node is None else _Builder(origin.file).build(node, (), ())


def merged(base: Document, over: Document) -> Document:
    """`over` on top of `base`: mappings merge key by key, a mapping of numbers over a list changes
    (or, one past the end, adds) the items it numbers, and anything else replaces what was there.

    Raises InputError where a number points past the end of its list.
    """
    marks = dict(base.marks)
    data = _merge(base.data, over, over.data, (), marks)
    marks.update(over.marks)
    return Document(data, marks, {**base.written_as, **over.written_as})


def _merge(base: Any, over: Document, value: Any, path: KeyPath, marks: dict[KeyPath, Mark]) -> Any:
    if isinstance(base, dict) and isinstance(value, dict):
        result = dict(base)
        for name, inner in value.items():
            result[name] = _merge(base.get(name), over, inner, (*path, name), marks)
        return result
    if isinstance(base, list) and _numbers_items(value):
        items = list(base)
        for index, inner in sorted(value.items()):
            below = (*path, index)
            if not 0 <= index <= len(items):
                raise bad_input(f"there is no item {index}, only {len(items)}", over.where(below))
            if index == len(items):
                items.append(None)
            items[index] = _merge(items[index], over, inner, below, marks)
        return items
    for known in [known for known in marks if known[: len(path)] == path]:
        del marks[known]
    return value


def _numbers_items(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(type(key) is int for key in value)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which stops at the first node that is one too many."""

    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node. Raises MarkedYAMLError where there are too many."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            place = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem=f"more than {MOST_NODES:,} values", problem_mark=place
            )
        return super().compose_node(parent, index)


class _Builder:
    """Python data from a node tree, counting what it builds."""

    def __init__(self, file: Path | str) -> None:
        self.file = file
        self.marks: dict[KeyPath, Mark] = {}
        self.nodes = 0
        self.scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, path: KeyPath, parents: tuple[yaml.Node, ...]) -> Any:
        """The value of a node; remembers its line under `path`."""
        mark = Mark(self.file, node.start_mark.line + 1)
        self.marks.setdefault(path, mark)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise bad_input(f"unfolds to more than {MOST_NODES:,} values", str(mark))
        if len(parents) > DEEPEST:
            raise bad_input(f"is nested more than {DEEPEST} levels deep", str(mark))
        if any(node is parent for parent in parents):
            raise bad_input("an alias contains itself", str(mark))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN:
            raise bad_input(f"the tag {node.tag} is not allowed", str(mark))
        inside = (*parents, node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, inside)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i), inside) for i, item in enumerate(node.value)]
        return self._scalar(node, f"{mark}: {dotted(path)}")

    def _mapping(
        self, node: yaml.MappingNode, path: KeyPath, parents: tuple[yaml.Node, ...]
    ) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            mark = Mark(self.file, key_node.start_mark.line + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise bad_input("a key must be a single word or number", str(mark))
            key = (
                key_node.value
                if key_node.tag.endswith(":str")
                else self._scalar(key_node, str(mark))
            )
            if not isinstance(key, str | int) or isinstance(key, bool):
                key = key_node.value
            if key in result:
                raise bad_input(f"{dotted((*path, key))} is given twice", str(mark))
            self.marks[(*path, key)] = mark
            result[key] = self.build(value_node, (*path, key), parents)
        return result

    def _scalar(self, node: yaml.Node, where: str) -> Any:
        if len(node.value) > LONGEST_NUMBER and not node.tag.endswith(":str"):
            what = f"{node.value[:40]}…"
            raise bad_input(f"{what!r} is longer than a number or a date can be", where)
        try:
            return self.scalars.construct_object(node)
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or str(error)
            raise bad_input(f"has a value that YAML cannot make: {problem}", where) from error
        except _BAD_VALUES as error:
            shown = node.value if len(node.value) <= _LONGEST_SHOWN else node.value[:40] + "…"
            raise bad_input(f"{shown!r} is not a value: {error}", where) from error
