"""Commands that are called the wrong way, as sentences in the style of all other errors."""

from __future__ import annotations

import re
from datetime import date

import typer

from generator import clock
from generator.cli.settings import TODAY
from generator.scenario.errors import nearest

_INVALID = re.compile(r"Invalid value for (?P<option>.+?): (Value error, )?(?P<why>.*)", re.DOTALL)
_NOT_ONE = re.compile(r"'(?P<word>.*)' is not one of (?P<known>'.*')", re.DOTALL)
_MISSING = re.compile(r"Missing (?P<kind>\w+) '?(?P<name>[^'.]+)'?")
_NO_COMMAND = re.compile(r"No such command '(?P<word>.*?)'(\. Did you mean '(?P<near>.*?)')?")


def sentence(error: Exception) -> str | None:
    """Return what is wrong with a call, and what to do; None for an error of any other kind."""
    if not hasattr(error, "format_message"):
        return None
    context = getattr(error, "ctx", None)
    message = str(error.format_message()).strip().rstrip(".?")
    what, is_solved = _what(error, message)
    if is_solved or context is None:
        return what
    return f"{what}; see `{context.command_path} --help`"


def _what(error: Exception, message: str) -> tuple[str, bool]:
    """Return what is wrong, and whether that says what to do."""
    if hasattr(error, "possibilities"):
        near = sorted(error.possibilities or ())
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"there is no option {getattr(error, 'option_name', '')}{hint}", bool(near)
    if found := _NO_COMMAND.match(message):
        hint = f"; did you mean {found['near']!r}?" if found["near"] else ""
        return f"there is no command {found['word']!r}{hint}", bool(hint)
    if found := _INVALID.match(message):
        why = found["why"]
        if choice := _NOT_ONE.match(why):
            known = re.findall(r"'([^']+)'", choice["known"])
            why = f"{choice['word']!r} is not known{nearest(choice['word'], known)}"
        return f"{found['option'].strip(chr(39))}: {why}", True
    if found := _MISSING.match(message):
        return f"{found['kind']} {found['name']} is missing", False
    return message[:1].lower() + message[1:], False


def day(text: str) -> date:
    """Return the day of an option, which can be `today`. Raises typer.BadParameter."""
    try:
        return clock.today() if text == TODAY else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a day; write one as 2025-10-01, or today"
        ) from None


def number(text: str) -> int:
    """Return the whole number of an option. Raises typer.BadParameter."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None
