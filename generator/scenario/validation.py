"""Documents become models, and what pydantic finds wrong becomes sentences that name the key."""

from __future__ import annotations

import copy
import types
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from generator.scenario.errors import InputError, Problem
from generator.scenario.sentences import MAPPING_TYPES, sentence
from generator.scenario.yaml_file import Document, KeyPath, plain_value

Model = TypeVar("Model", bound=BaseModel)

MOST_PROBLEMS = 10
_KEY = "[key]"
# Complaints about a value that a text in quotes could be without them, or a number without `.0`.
_TYPES = {
    "bool_type": bool,
    "date_from_datetime_inexact": date,
    "date_type": date,
    "float_type": float,
    "int_from_float": int,
    "int_type": int,
}


def model_of(document: Document, model: type[Model]) -> Model:
    """Return the document as a model. A number, a day, true or false may be in quotes, as JSON and
    other programs write them.

    Raises InputError with every problem, the first ten in full.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
    data = _without_quotes(document.data, details)
    if data is not None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_url=False)
    problems: dict[KeyPath, Problem] = {}
    for detail in details:
        path = _path_in_file(document.data, detail["loc"])
        # A value that may be of two types has a complaint of each; the first will do.
        if path not in problems:
            problems[path] = Problem("", "")
            if len(problems) <= MOST_PROBLEMS:
                problems[path] = _problem(document, model, path, detail)
    raise first_problems([*problems.values()][:MOST_PROBLEMS], len(problems))


def input_error(problems: Iterable[Problem]) -> InputError:
    """Return an InputError of these problems without repeats, shortened after ten."""
    unique = list(dict.fromkeys(problems))
    return first_problems(unique[:MOST_PROBLEMS], len(unique))


def first_problems(shown: list[Problem], count: int) -> InputError:
    """Return an InputError of the first problems, which says how many there are in all."""
    if count > len(shown):
        shown = [*shown, Problem("", f"… and {count - len(shown)} more")]
    return InputError(shown)


def _without_quotes(data: Any, details: Sequence[Any]) -> Any:
    """Return the data with what is a number, a day, true or false without its quotes; None if
    nothing is."""
    found: dict[KeyPath, Any] = {}
    for detail in details:
        wanted = _TYPES.get(detail["type"])
        if wanted is not None:
            value = plain_value(detail["input"], wanted)
            if value is not None:
                found[detail["loc"]] = value
    if not found:
        return None
    data = copy.deepcopy(data)
    for location, value in found.items():
        holder: Any = None
        is_key = location[-1] == _KEY
        path = _path_in_file(data, location[:-1] if is_key else location)
        for step in path[:-1]:
            holder = data if holder is None else holder
            holder = holder[step]
        holder = data if holder is None else holder
        if is_key and isinstance(holder, dict):
            holder[value] = holder.pop(path[-1])
        elif path:
            holder[path[-1]] = value
    return data


def _problem(document: Document, model: type[BaseModel], path: KeyPath, detail: Any) -> Problem:
    kind = detail["type"]
    known: set[str] = set()
    if kind in MAPPING_TYPES:
        known = _fields_at(model, path)
    elif kind == "extra_forbidden":
        known = _fields_at(model, path[:-1])
    elif kind == "enum":
        known = _members_at(model, path)
    return Problem(document.where(path), sentence(detail, path, document.text_at(path), known))


def _path_in_file(data: Any, location: KeyPath) -> KeyPath:
    """Return the part of pydantic's location that is in the file; union tags and `[key]` are
    not."""
    path: list[str | int] = []
    for position, step in enumerate(location):
        is_last = position == len(location) - 1
        below: Any = data if isinstance(data, dict) else None
        if isinstance(data, list) and isinstance(step, int) and step < len(data):
            below = {step: data[step]}
        is_skipped = not isinstance(data, dict | list) or step == _KEY
        if is_skipped or (step not in (below or {}) and not is_last):
            continue
        path.append(step)
        data = below.get(step) if below else None
    return tuple(path)


def type_at(model: type[BaseModel], path: tuple[str | int, ...]) -> Any:
    """Return the bare type that a model has at a path, None where the model has no such path."""
    current: Any = model
    for step in path:
        current = bare(current)
        if is_model(current):
            field = current.model_fields.get(str(step))
            current = field.annotation if field else None
        elif get_origin(current) is list and not isinstance(step, int):
            current = None
        else:
            arguments = get_args(current)
            current = arguments[-1] if arguments else None
    return bare(current)


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """Return the keys that a mapping at this path may have."""
    found = type_at(model, path)
    return set(found.model_fields) if is_model(found) else set()


def _members_at(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    found = type_at(model, path)
    if isinstance(found, type) and issubclass(found, Enum):
        return {str(member.value) for member in found}
    return set()


def bare(annotation: Any) -> Any:
    """Return a type without its `Annotated` and without its alternative None."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(member for member in get_args(annotation) if member is not type(None))
        else:
            return annotation


def is_model(annotation: Any) -> bool:
    """Return whether a type is a pydantic model."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
