"""YAML files read safely, with the place of every key: PyYAML's safe constructors on a checked
node tree.

Duplicate keys, recursive aliases, and files that are or unfold too large are refused before
anything is built. Numbers that YAML 1.1 would read in base 8 or 60 (`010`, `12:30`) stay text. JSON
is read as the YAML that it is. `merge` is the one rule of inheritance and of overrides: mappings
merge key by key, a mapping over a list changes the items that it numbers, everything else replaces.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
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
# PyYAML's parser in C is ten times as fast; some of its builds lack it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE = "tag:yaml.org,2002:merge"
_OTHER_BASE = re.compile(r"[-+]?(0[0-9_]+$|[0-9_]+:)")
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]{1,4}")
_LONGEST_KEY_SHOWN = 120
# What JSON may hold and PyYAML does not read: tabs between values, a character in two halves.
_JSON_STRING_OR_TAB = re.compile(r'"(?:[^"\\]|\\.)*+"?|\t', re.DOTALL)
_HALVES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


@dataclass(frozen=True)
class Mark:
    """A place in a file, lines count from 1; or an option of the command line, without a line.

    `written` is the text of the value at this place, where YAML did not read it as text.
    """

    file: Path | str
    line: int | None = None
    written: str | None = None

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
        """Return `file:line: dotted.key` of a path, or of its nearest parent in the file."""
        known = path
        while known and known not in self.marks:
            known = known[:-1]
        place = str(self.marks[known]) if known in self.marks else ""
        key = self.written_as.get(path) or path_text(path)
        if path not in self.written_as and known in self.written_as:
            rest = path_text(path[len(known) :])
            joint = "." if rest and not rest.startswith("[") and self.written_as[known] else ""
            key = f"{self.written_as[known]}{joint}{rest}"
        if len(key) > _LONGEST_KEY_SHOWN:
            key = key[: _LONGEST_KEY_SHOWN - 1] + "…"
        return ": ".join(part for part in (place, key) if part)

    def text_at(self, path: KeyPath) -> str | None:
        """Return the text of the scalar at a path; None for strings and for other values."""
        mark = self.marks.get(path)
        return mark.written if mark else None


def path_text(path: KeyPath) -> str:
    """Return a path as people write it: `line_items[0].targeting.DEVICE`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def read(file: Path, shown_as: Path | None = None) -> Document:
    """Return the document in a YAML file. Raises InputError for what is not one safe YAML
    mapping."""
    name = shown_as or file
    log.debug("reading %s", name)
    _check_is_file(file, name)
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise bad_input(f"cannot be read: {error.strerror or error}", str(name)) from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise bad_input(f"is larger than {LARGEST_FILE_BYTES:,} bytes", str(name))
    try:
        text = raw.decode("utf-8")
        node = _compose(_json_as_yaml(text) if file.suffix == ".json" else text)
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


def _check_is_file(file: Path, name: Path) -> None:
    """Raise InputError for a folder, a device or a named pipe, on which a reader could wait for
    ever. A pipe that a shell makes for `<(command)` has no place among the files."""
    real = os.path.realpath(file)
    if os.path.exists(real) and not os.path.isfile(real):
        raise bad_input("is not a file", str(name))
    if os.path.islink(file) and not os.path.exists(file):
        raise bad_input("is a link to a file that does not exist", str(name))


def _json_as_yaml(text: str) -> str:
    """Return the JSON text without what PyYAML cannot read."""
    return _JSON_STRING_OR_TAB.sub(
        lambda match: " " if match[0] == "\t" else _HALVES.sub(_whole_character, match[0]), text
    )


def _whole_character(match: re.Match[str]) -> str:
    """Return the character that two escaped halves (a surrogate pair) stand for."""
    return bytes.fromhex(match[0].replace("\\u", "")).decode("utf-16-be")


def value_of(text: str, origin: Mark) -> Any:
    """Return the value that a piece of YAML stands for, read as safely as a file. Raises
    InputError."""
    try:
        node = _compose(text)
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError) as error:
        problem = getattr(error, "problem", None) or _line(error)
        raise bad_input(f"{text!r} is not a value: {problem}", str(origin)) from error
    return None if node is None else _Builder(origin.file).build(node, (), ())


def plain_value(given: Any, wanted: type) -> Any:
    """Return what a value is as the wanted type (int, float, bool or date): a text without its
    quotes, a whole number without `.0`, midnight as its day. None where it is nothing of it."""
    value = given
    if isinstance(given, str):
        if not 0 < len(given) <= LONGEST_NUMBER or _OTHER_BASE.match(given):
            return None
        loader: Any = yaml.SafeLoader("")
        try:
            tag = loader.resolve(yaml.ScalarNode, given, (True, False))
            value = loader.construct_object(yaml.ScalarNode(tag, given))
            if isinstance(value, str) and _EXPONENT.fullmatch(value):
                value = float(value)
        except (yaml.YAMLError, *_BAD_VALUES):
            return None
    if isinstance(value, datetime):
        value = value.date() if value.time() == time(0) else None
    if isinstance(value, float) and wanted is int:
        value = int(value) if value.is_integer() else None
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    return value if type(value) is wanted else None


def merge(base: Document, over: Document) -> Document:
    """Return `over` on top of `base`.

    Mappings merge key by key. A mapping of numbers over a list changes the items with these
    numbers, or adds one past the end. Anything else replaces the value of `base`.

    Raises InputError where a number points past the end of its list.
    """
    marks = dict(base.marks)
    over = _with_numbers(base.data, over)
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
    for replaced in _paths(base, path):
        marks.pop(replaced, None)
    return value


def _paths(data: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Yield the path of a value, and of every value in it."""
    yield path
    if isinstance(data, dict | list):
        for step, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _paths(inner, (*path, step))


def _numbers_items(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(type(key) is int for key in value)


def _with_numbers(base: Any, over: Document) -> Document:
    """Return `over` with numbers for the items that are numbers in quotes, as JSON has them."""
    renamed: dict[KeyPath, KeyPath] = {}

    def renumber(below: Any, value: Any, old: KeyPath, new: KeyPath) -> Any:
        if not isinstance(value, dict) or not isinstance(below, dict | list):
            return value
        is_numbered = isinstance(below, list) and all(
            isinstance(key, str) and key.isdecimal() and len(key) < 10 for key in value
        )
        result = {}
        for key, inner in value.items():
            step = int(key) if is_numbered else key
            if is_numbered:
                renamed[*old, key] = *new, step
            is_held = isinstance(below, dict) and step in below
            is_held = is_held or (is_numbered and step < len(below))
            result[step] = renumber(
                below[step] if is_held else None, inner, (*old, key), (*new, step)
            )
        return result

    data = renumber(base, over.data, (), ())
    if not renamed:
        return over
    marks = {}
    for path, mark in over.marks.items():
        lengths = range(len(path), 0, -1)
        known = next((path[:size] for size in lengths if path[:size] in renamed), ())
        marks[(*renamed.get(known, ()), *path[len(known) :])] = mark
    return Document(data, marks, over.written_as)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _compose(text: str) -> yaml.Node | None:
    """Return the tree of a text, None for an empty one. Raises YAMLError, also for too many values,
    before there is a tree."""
    values = 0
    event: Any
    for event in yaml.parse(text, Loader=_LOADER):
        values += isinstance(event, yaml.NodeEvent)
        if values > MOST_NODES:
            problem = f"more than {MOST_NODES:,} values"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
    return yaml.compose(text, Loader=_LOADER)


class _Builder:
    """Python data from a node tree, counting what it builds."""

    def __init__(self, file: Path | str) -> None:
        self.file = file
        self.marks: dict[KeyPath, Mark] = {}
        self.nodes = 0
        self.scalars = yaml.SafeLoader("")

    def build(self, node: yaml.Node, path: KeyPath, parents: tuple[yaml.Node, ...]) -> Any:
        """Return the value of a node, and note its line under `path`."""
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
        return self._scalar(node, path, f"{mark}: {path_text(path)}")

    def _mapping(
        self, node: yaml.MappingNode, path: KeyPath, parents: tuple[yaml.Node, ...]
    ) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        own = set()
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                result.update(self._merge_keys(value_node, path, parents))
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            mark = Mark(self.file, key_node.start_mark.line + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise bad_input("a key must be a single word or number", str(mark))
            key = (
                key_node.value
                if key_node.tag.endswith(":str")
                else self._scalar(key_node, None, str(mark))
            )
            if not isinstance(key, str | int) or isinstance(key, bool):
                key = key_node.value
            if key in own:
                shown = path_text((*path, key))[:_LONGEST_KEY_SHOWN]
                raise bad_input(f"{shown} is given twice", str(mark))
            own.add(key)
            self.marks[(*path, key)] = mark
            result[key] = self.build(value_node, (*path, key), parents)
        return result

    def _merge_keys(
        self, node: yaml.Node, path: KeyPath, parents: tuple[yaml.Node, ...]
    ) -> dict[Any, Any]:
        """Return what `<<:` brings into a mapping: the keys of another one, or of several."""
        result: dict[Any, Any] = {}
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                mark = Mark(self.file, source.start_mark.line + 1)
                raise bad_input("<<: takes a mapping, or a list of mappings", str(mark))
            result.update(self.build(source, path, parents))
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath | None, where: str) -> Any:
        if len(node.value) > LONGEST_NUMBER and not node.tag.endswith(":str"):
            what = f"{node.value[:40]}…"
            raise bad_input(f"{what!r} is longer than a number or a date can be", where)
        if path is not None and not node.tag.endswith(":str"):
            self.marks[path] = replace(self.marks[path], written=node.value)
        if node.tag.endswith((":int", ":float")) and _OTHER_BASE.match(node.value):
            return node.value
        try:
            return self.scalars.construct_object(node)
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or str(error)
            raise bad_input(f"has a value that YAML cannot make: {problem}", where) from error
        except _BAD_VALUES as error:
            shown = node.value if len(node.value) <= _LONGEST_SHOWN else node.value[:40] + "…"
            raise bad_input(f"{shown!r} is not a value: {error}", where) from error
