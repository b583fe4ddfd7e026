"""What pydantic finds wrong with a file, in the words of the people who write such files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from generator.masking import mask
from generator.scenario.errors import nearest
from generator.schema.text_types import TEMPLATE_NAME

MAPPING_TYPES = ("model_type", "model_attributes_type", "dict_type")
_LONGEST_SHOWN = 80
_ZEROS_IN_FRONT = re.compile(r"[-+]?0[0-9_]+")
_GROUPED = re.compile(r"[^0-9]{0,3}[0-9]{1,3}([., ][0-9]{3})*([.,][0-9]+)?[^0-9]{0,5}")

# What pydantic asks for, by the kind of its complaint.
_WANTED = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "date_from_datetime_inexact": "should be a day, written as 2025-09-01",
    "date_from_datetime_parsing": "should be a day, written as 2025-09-01",
    "date_parsing": "should be a day, written as 2025-09-01",
    "date_type": "should be a day, written as 2025-09-01",
    "datetime_from_date_parsing": "should be a day, written as 2025-09-01",
    "datetime_parsing": "should be a day, written as 2025-09-01",
    "datetime_type": "should be a day, written as 2025-09-01",
    "decimal_max_digits": "should have at most {max_digits} digits",
    "decimal_max_places": "should have at most {decimal_places} decimals",
    "decimal_parsing": "should be a number",
    "decimal_type": "should be a number",
    "decimal_whole_digits": "should have at most {whole_digits} digits before the point",
    "finite_number": "should be a finite number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a smaller number",
    "int_type": "should be a whole number",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be less than or equal to {le}",
    "list_type": "should be a list",
    "literal_error": "should be {expected}",
    "string_too_long": "should have at most {max_length} characters",
    "string_too_short": "should have at least {min_length} character",
    "string_type": "should be text",
    "string_unicode": "should be text",
    "too_long": "should have at most {max_length} items",
    "too_short": "should have at least {min_length} item",
}
_PATTERNS = {
    TEMPLATE_NAME.pattern: "small letters, digits and underscores, with a letter first",
    r"^[A-Z]{2}$": "the two capital letters of a country",
    r"^\d\d-\d\d$": "a full date, or MM-DD for every year",
}


def sentence(
    detail: Mapping[str, Any],
    path: tuple[str | int, ...],
    written: str | None,
    known: Collection[str],
) -> str:
    """Return what is wrong, and what to do, of one detail of a `ValidationError`.

    `written` is the text of the value in the file, where YAML did not read it as text; `known` has
    the keys or words that may be at `path`.
    """
    kind, given = detail["type"], detail["input"]
    shown = _value_text(given, written)
    if kind == "extra_forbidden":
        return f"unknown key{nearest(path[-1], known)}"
    if kind == "missing":
        return "is missing"
    is_text = isinstance(given, str | list | dict)
    if (kind == "string_type" and not is_text) or (kind == "enum" and written in known):
        return _name_the_quotes(given, written)
    if kind == "enum":
        return f"{'is empty' if given is None else f'{shown} is not known'}{nearest(given, known)}"
    if kind in MAPPING_TYPES:
        keys = ", ".join(sorted(known))
        return f"should be a mapping{f' of {keys}' if keys else ''}, not {shown}"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        return f"should be {_PATTERNS.get(pattern, f'text of the form {pattern}')}, not {shown}"
    if kind in _WANTED:
        limits = {name: _figure(limit) for name, limit in detail.get("ctx", {}).items()}
        return f"{_WANTED[kind].format(**limits)}, not {shown}{_hint(kind, given)}"
    return f"{shown} cannot be used here"


def _name_the_quotes(given: Any, written: str | None) -> str:
    """Say that a value is not text in YAML, and how it becomes text."""
    kinds = ((bool, "true or false"), (int | float, "a number"), (date, "a date"))
    kind = next((name for of, name in kinds if isinstance(given, of)), "nothing")
    text = (str(given) if written is None else written)[:_LONGEST_SHOWN]
    if given is None and not text.strip("None~"):
        return "is empty; give it a value"
    return f'{text} is {kind} in YAML; put quotes around it: "{text}"'


def _hint(kind: str, given: Any) -> str:
    """Return what else a text that should be a number may need."""
    if kind in ("int_type", "float_type") and isinstance(given, str):
        if _ZEROS_IN_FRONT.fullmatch(given):
            return "; write it without zeros in front"
        if _GROUPED.fullmatch(given):
            return "; write digits and a point only, as in 1000.50"
    return ""


def _figure(limit: Any) -> str:
    is_whole = isinstance(limit, float) and limit.is_integer()
    return str(int(limit) if is_whole else limit)


def _value_text(value: Any, written: str | None) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    text = mask(repr(value) if isinstance(value, str) else written or str(value))
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "…"
