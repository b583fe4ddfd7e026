"""The output of commands: the result as a table or as JSON on stdout, all else on stderr.

`answers` gives a command the options that all commands share. A result is printed whole with
`--json`, as tables without, and not at all with `--quiet`; notices and progress go to stderr.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from rich.text import Text

from generator.cli import layout, streams
from generator.cli.later import load_later

if TYPE_CHECKING:
    from generator.cli import results, settings, views
else:
    results, settings, views = map(
        load_later, ("generator.cli.results", "generator.cli.settings", "generator.cli.views")
    )

_PANEL = "Output"
_SHARED = {
    "as_json": Annotated[
        bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=_PANEL)
    ],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=_PANEL)
    ],
    "verbose": Annotated[
        bool, typer.Option("--verbose", "-v", help="Log progress details.", rich_help_panel=_PANEL)
    ],
}

log = logging.getLogger("generator")


@dataclass
class _Output:
    """How this command prints."""

    as_json: bool = False


_output = _Output()


def answers(command: Callable[..., results.Result]) -> Callable[..., None]:
    """Give a command the options `--json`, `--quiet` and `--verbose`, and print its result."""
    # The type of the result is of no interest here, and takes time to load.
    options = {name: kind for name, kind in command.__annotations__.items() if name != "return"}
    hints = get_type_hints(
        SimpleNamespace(__annotations__=options), command.__globals__, include_extras=True
    )
    own = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(command).parameters.values()
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in _SHARED.items()
    ]

    @functools.wraps(command)
    def answer(*arguments: Any, as_json: bool, quiet: bool, verbose: bool, **options: Any) -> None:
        _listen(quiet, verbose, as_json)
        result = command(*arguments, **options)
        for notice in getattr(result, "notices", ()):
            log.warning("%s", notice)
        is_beside_data = isinstance(result, results.Deed) and result.is_beside_data
        if as_json:
            print(result.model_dump_json(indent=2), file=sys.stderr if is_beside_data else None)
        elif log.isEnabledFor(logging.WARNING):
            show(result, is_beside_data)
        if isinstance(result, results.Deed) and (why := streams.failure()):
            log.warning("done, but the result could not be printed: %s", why)
        if isinstance(result, results.Watching):
            sys.stdout.flush()
            result.serve()

    answer.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    answer.__annotations__ = {**hints, **_SHARED}
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    answer.__doc__ = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return answer


def _listen(quiet: bool, verbose: bool, as_json: bool) -> None:
    """Set how much is logged on stderr: by the options, else by ADS_LOG_LEVEL or `ads.yml`."""
    levels = settings.LogLevel
    level = (
        levels.ERROR if quiet else levels.DEBUG if verbose else settings.load_settings().log_level
    )
    logging.basicConfig(format="%(message)s", handlers=[_Notices()], force=True)
    log.setLevel(level.value)
    _output.as_json = as_json


def tell_progress(now: results.Progress) -> None:
    """Print on stderr how a live run is doing: a line, with `--json` one of JSON, and none with
    `--quiet`."""
    if log.isEnabledFor(logging.WARNING):
        text = now.model_dump_json() if _output.as_json else views.progress_line(now)
        print(text, file=sys.stderr)


def show(result: results.Result, to_stderr: bool = False) -> None:
    """Print a result for people."""
    target = layout.console(to_stderr)
    for part in views.parts(result, target.width, target.is_terminal):
        layout.print_part(target, part)


def say(sentence: str, label: str = "") -> None:
    """Print a sentence on stderr, with a label in red, folded at the ends of words on a terminal;
    several lines below their label."""
    start = f"{label}:\n" if "\n" in sentence else f"{label}: "
    said = layout.text(start, "bold red") if label else Text()
    layout.print_part(layout.console(to_stderr=True), said + layout.text(sentence))


class _Notices(logging.Handler):
    """Prints log records on stderr as sentences."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))
