"""The bar on a terminal that says how far a long command has come."""

from __future__ import annotations

import logging

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from generator.cli.terminal import log


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
