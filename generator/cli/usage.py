"""Commands that are called the wrong way, as sentences in the style of all other errors."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import typer

from generator.cli.later import load_later
from generator.scenario.errors import nearest

if TYPE_CHECKING:
    from generator import clock
    from generator.cli import settings
    from generator.scenario import log
else:
    clock, settings, log = map(
        load_later, ("generator.clock", "generator.cli.settings", "generator.scenario.log")
    )

_MOST_SPEED = 86_400
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
        return clock.today() if text == settings.TODAY else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a day; write one as 2025-10-01, or today"
        ) from None


def moment(text: str) -> datetime:
    """Return the time of an option, in UTC without a zone. Raises typer.BadParameter."""
    try:
        found = datetime.fromisoformat(text)
        if found.microsecond:
            raise ValueError
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time; write one as 2025-10-01 or 2025-10-01T18:30:00, in UTC"
        ) from None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def rate(given: str | int) -> int | None:
    """Return the speed of an option: event time in seconds a second, None for the most. Raises
    typer.BadParameter."""
    text = str(given)
    if text == "max":
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_SPEED:
        return int(text)
    raise typer.BadParameter(
        f"{text!r} is not a speed; write 1 for real time, 60 for a minute a second, 3600 for an "
        f"hour, any whole number up to {_MOST_SPEED:,}, or max"
    )


def share(text: str) -> float:
    """Return the share of households of an option. Raises typer.BadParameter."""
    try:
        return log.LogPlan.model_validate({"households": _plain(text)}).households
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a share of the households; write none, all, or one such as 0.001"
        ) from None


def _plain(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def number(text: str) -> int:
    """Return the whole number of an option. Raises typer.BadParameter."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None
