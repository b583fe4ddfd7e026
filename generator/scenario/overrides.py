"""`--set path=value`: overrides of a template from the command line, by the rule that `extends:`
merges by.

A path is written as people write it (`line_items[0].bid_cpm`), the value as in a YAML file. The
model at the end of the path says what the value is, so text needs no quotes. A path that the model
does not have is an error that names the nearest ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from generator.scenario.errors import bad_input
from generator.scenario.validation import bare, is_model, type_at
from generator.scenario.yaml_file import Document, KeyPath, Mark, merge, path_text, value_of

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,4})\]")
_NEAREST = 3
_MOST_COMPARED, _LONGEST = 2_000, 120


@dataclass(frozen=True)
class Override:
    """One `--set`, or an option that means one: the path, and the text of the value.

    `source` is the whole text that the user typed, for messages.
    """

    path: KeyPath
    text: str
    source: str

    @property
    def mark(self) -> Mark:
        """The place that messages name."""
        shown = self.source if len(self.source) <= 120 else self.source[:117] + "…"
        return Mark(shown)


def parse_override(source: str) -> Override:
    """Return an override from `path=value`. Raises InputError for what is not one."""
    name, equals, text = source.partition("=")
    path, position = [], 0
    for match in _STEP.finditer(name.strip()):
        if match.start() != position:
            break
        word, index = match.groups()
        path.append(int(index) if index else word)
        position = match.end()
    if not equals or not path or position != len(name.strip()):
        raise bad_input("is written path=value, as in campaign.target_cpm=40", f"--set {source}")
    steps = tuple(
        int(step) if isinstance(step, str) and step.isdecimal() and len(step) <= 4 else step
        for step in path
    )
    return Override(steps, text.strip(), f"--set {source}")


def with_overrides(
    document: Document, overrides: Iterable[Override], model: type[BaseModel]
) -> Document:
    """Return the document with each override merged in, in order. Raises InputError for unknown
    paths."""
    for override in overrides:
        annotation = type_at(model, override.path)
        if annotation is None:
            raise _unknown_key(override, document, model)
        value = value_for(override, annotation)
        path = _match_spelling(override.path, document.data)
        data = _nest(path, value, document.data)
        steps = range(1, len(path) + 1)
        marks = {path[:step]: override.mark for step in steps}
        document = merge(document, Document(data, marks))
    return document


def value_for(override: Override, annotation: Any) -> Any:
    """Return the value of an override as the model takes it. What the model calls text is what was
    typed, quotes around it left out; `null` takes a value away. Raises InputError."""
    text = override.text
    if _is_text(annotation) and text[:1] not in ("'", '"') and text != "null":
        return text
    value = value_of(text, override.mark)
    is_list = get_origin(annotation) is list and isinstance(value, list)
    if is_list and _is_text(bare(get_args(annotation)[0])):
        return [item if isinstance(item, list | dict) else str(item) for item in value]
    return value


def _is_text(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, str)


def _match_spelling(path: KeyPath, present: Any) -> KeyPath:
    """Return a path with the keys that mappings have, which may be numbers in quotes."""
    steps: list[str | int] = []
    for step in path:
        is_text = isinstance(present, dict) and step not in present and str(step) in present
        steps.append(str(step) if is_text else step)
        is_list_item = isinstance(present, list) and isinstance(step, int) and step < len(present)
        if isinstance(present, dict):
            present = present.get(steps[-1])
        else:
            present = present[step] if is_list_item else None
    return tuple(steps)


def _nest(path: KeyPath, value: Any, present: Any) -> Any:
    """Return the value inside a mapping per step; index 0 of a missing list makes the list."""
    if not path:
        return value
    step, below = path[0], path[1:]
    if isinstance(present, dict) or (isinstance(present, list) and isinstance(step, int)):
        items = present if isinstance(present, dict) else dict(enumerate(present))
        return {step: _nest(below, value, items.get(step))}
    if step == 0:
        return [_nest(below, value, None)]
    return {step: _nest(below, value, None)}


def _unknown_key(override: Override, document: Document, model: type[BaseModel]) -> Exception:
    every = (path_text(path) for path in paths(model, document.data))
    known = list(dict.fromkeys(islice(every, _MOST_COMPARED)))
    asked, last = path_text(override.path)[:_LONGEST], str(override.path[-1])[:_LONGEST]
    parent = asked.removesuffix(last)
    beside = {path.removeprefix(parent): path for path in known if path.startswith(parent)}
    near = [beside[path] for path in get_close_matches(last, beside, n=_NEAREST, cutoff=0.4)]
    near += [path for path in known if path.endswith((f".{last}", f"].{last}"))]
    near += get_close_matches(asked, known, n=_NEAREST, cutoff=0.5)
    shown = list(dict.fromkeys(near))[:_NEAREST] or [*model.model_fields]
    return bad_input(f"there is no {asked}; near it: {', '.join(shown)}", str(override.mark))


def paths(model: type[BaseModel], data: Any = None, prefix: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield every path of a model; lists are walked as far as `data` has items, at least one."""
    for name in model.model_fields:
        path = (*prefix, name)
        yield path
        annotation = type_at(model, (name,))
        value = data.get(name) if isinstance(data, dict) else None
        if is_model(annotation):
            yield from paths(annotation, value, path)
        elif get_origin(annotation) is list:
            member = type_at(model, (name, 0))
            items = value if isinstance(value, list) and value else [None]
            for index, item in enumerate(items):
                yield (*path, index)
                if is_model(member):
                    yield from paths(member, item, (*path, index))
