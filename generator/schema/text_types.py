"""The types of text in files and rows: names, time zones, and plain text that every database can
hold."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

LONGEST = 255
TEMPLATE_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


def _without_control_characters(text: str) -> str:
    """Return text that every database can hold: no control characters, no halves of a character."""
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cs"):
            raise ValueError(f"holds the character U+{ord(letter):04X}, which is not text")
    if not text.strip():
        raise ValueError("is blank")
    return text


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error
    return name


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST),
    AfterValidator(_without_control_characters),
]
TimeZone = Annotated[Text, AfterValidator(_check_zone)]
TemplateName = Annotated[str, StringConstraints(pattern=TEMPLATE_NAME)]
