"""The output of commands: the result as a table or as JSON on stdout, all else on stderr.

`answers` gives a command the options that all commands share. A result is printed whole with
`--json`, as tables without, and not at all with `--quiet`; notices and progress go to stderr.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from generator.cli import layout, results, streams, views
from generator.cli.settings import LogLevel, load_settings

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


def answers(command: Callable[..., results.Result]) -> Callable[..., None]:
    """Give a command the options `--json`, `--quiet` and `--verbose`, and print its result."""
    hints = get_type_hints(command, include_extras=True)
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
        _listen(quiet, verbose)
        result = command(*arguments, **options)
        for notice in getattr(result, "notices", ()):
            log.warning("%s", notice)
        if as_json:
            print(result.model_dump_json(indent=2))
        elif log.isEnabledFor(logging.WARNING):
            show(result)
        if isinstance(result, results.Deed) and (why := streams.failure()):
            log.warning("done, but the result could not be printed: %s", why)

    answer.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    answer.__annotations__ = {**hints, **_SHARED}
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    answer.__doc__ = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return answer


def _listen(quiet: bool, verbose: bool) -> None:
    """Set how much is logged on stderr: by the options, else by ADS_LOG_LEVEL or `ads.yml`."""
    level = LogLevel.ERROR if quiet else LogLevel.DEBUG if verbose else load_settings().log_level
    logging.basicConfig(format="%(message)s", handlers=[_Notices()], force=True)
    log.setLevel(level.value)


class _Facts(ProgressColumn):
    """What is done of all, the rows so far, the time so far and the time that is left."""

    def render(self, task: Task) -> Text:
        """Return the facts of a task; its field `unit` says what is counted."""
        of_all = "" if task.total is None else f" of {task.total:,.0f}"
        facts = [f"{task.completed:,.0f}{of_all} {task.fields['unit']}"]
        if rows := task.fields.get("rows"):
            facts.append(f"{rows:,} rows")
        facts.append(_clock(task.finished_time or task.elapsed or 0))
        if task.time_remaining and not task.finished:
            facts.append(f"{_clock(task.time_remaining)} left")
        return Text(", ".join(facts))


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def progress() -> Progress:
    """Return a progress bar for stderr, which appears on a terminal only and not with `--quiet`.

    Each of its tasks has a field `unit`, the plural of what is counted.
    """
    stderr = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        _Facts(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal or not log.isEnabledFor(logging.WARNING),
    )


def show(result: results.Result) -> None:
    """Print a result for people."""
    stdout = layout.console()
    for part in views.parts(result, stdout.width, stdout.is_terminal):
        layout.print_part(stdout, part)


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
