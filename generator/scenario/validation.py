"""Documents become models, and what pydantic finds wrong becomes sentences that name the key."""

from __future__ import annotations

import types
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from generator.masking import masked
from generator.scenario.errors import InputError, Problem, nearest
from generator.scenario.yaml_file import Document

Model = TypeVar("Model", bound=BaseModel)

_MOST_PROBLEMS = 10


def validated(document: Document, model: type[Model]) -> Model:
    """The document as a model. Raises InputError with every problem, the first ten in full."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(document, model, detail) for detail in error.errors(include_url=False)]
        raise input_error(problems) from error


def input_error(problems: Iterable[Problem]) -> InputError:
    """An InputError of these problems without repeats, shortened after ten."""
    unique = list(dict.fromkeys(problems))
    shown = unique[:_MOST_PROBLEMS]
    if len(unique) > len(shown):
        shown.append(Problem("", f"… and {len(unique) - len(shown)} more"))
    return InputError(shown)


def _problem(document: Document, model: type[BaseModel], detail: Any) -> Problem:
    path = _written_path(document.data, detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        fields = _fields_at(model, path[:-1])
        what = f"unknown key{nearest(path[-1], fields)}"
    elif kind == "missing":
        what = "is missing"
    elif kind == "enum":
        members = _members_at(model, path)
        what = f"{_shown(detail['input'])} is not known{nearest(detail['input'], members)}"
    elif kind in ("model_type", "dict_type"):
        keys = ", ".join(sorted(_fields_at(model, path)))
        what = f"should be a mapping{f' of {keys}' if keys else ''}, not {_shown(detail['input'])}"
    elif kind == "value_error":
        what = str(detail["ctx"]["error"])
    else:
        message = detail["msg"][0].lower() + detail["msg"][1:]
        what = f"{message}, not {_shown(detail['input'])}"
    return Problem(document.where(path), what)


def _written_path(data: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The part of pydantic's location that stands in the file; union tags and `[key]` do not."""
    path: list[str | int] = []
    for position, step in enumerate(location):
        is_last = position == len(location) - 1
        below: Any = dict(enumerate(data)) if isinstance(data, list) else data
        if not isinstance(below, dict) or (step not in below and not is_last) or step == "[key]":
            continue
        path.append(step)
        data = below.get(step)
    return tuple(path)


def _shown(value: Any) -> str:
    text = masked(repr(value))
    return text if len(text) <= 80 else text[:77] + "…"


def type_at(model: type[BaseModel], path: tuple[str | int, ...]) -> Any:
    """The bare type that a model has at a path, None where the model has no such path."""
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
    """The keys that a mapping at this path may have."""
    found = type_at(model, path)
    return set(found.model_fields) if is_model(found) else set()


def _members_at(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    found = type_at(model, path)
    if isinstance(found, type) and issubclass(found, Enum):
        return {str(member.value) for member in found}
    return set()


def bare(annotation: Any) -> Any:
    """A type without its `Annotated` and without the None that it may be instead."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(each for each in get_args(annotation) if each is not type(None))
        else:
            return annotation


def is_model(annotation: Any) -> bool:
    """Whether a type is a pydantic model."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
