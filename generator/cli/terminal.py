"""The output of commands: the result as a table or as JSON on stdout, all else on stderr.

`answers` gives a command the options that all commands share. A result is printed whole with
`--json`, as tables without, and not at all with `--quiet`; notices and progress go to stderr.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from generator.cli import results, streams
from generator.cli.settings import LogLevel, load_settings
from generator.scenario.errors import visible
from generator.sinks.summary import Contents

# The command that the user typed: the installed one, or the package of a checkout.
COMMAND = "streaming-ads" if Path(sys.argv[0]).stem == "streaming-ads" else "python -m generator"
_MILLION = 1_000_000
_WIDTH_OF_A_PIPE = 200
_VERDICTS = {"INSIDE": "inside", "OUTSIDE": "OUTSIDE", "NOT_APPLICABLE": "-"}
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
    return answer


def _listen(quiet: bool, verbose: bool) -> None:
    """Set how much is logged on stderr: by the options, else by ADS_LOG_LEVEL or `ads.yml`."""
    level = LogLevel.ERROR if quiet else LogLevel.DEBUG if verbose else load_settings().log_level
    logging.basicConfig(format="%(message)s", force=True)
    log.setLevel(level.value)


def progress() -> Progress:
    """Return a progress bar for stderr, which appears on a terminal only and not with `--quiet`."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or not log.isEnabledFor(logging.WARNING),
    )


def show(result: results.Result) -> None:
    """Print a result for people."""
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_PIPE
    for part in _lines(result):
        if isinstance(part, str):
            print("\n".join(map(visible, part.splitlines())))
        else:
            console.print(part)


def _lines(result: results.Result) -> Iterable[str | Table]:
    match result:
        case results.Generated():
            title = f"{result.workflow}, seed {result.seed} → {result.database}"
            rows = [(table.table, f"{table.rows:,}", table.hash) for table in result.tables]
            yield _table(title, ("table", "rows", "hash"), rows, numbers={"rows"})
            if result.next:
                yield f"next: {result.next}"
        case results.AddedCampaign():
            yield (
                f"campaign {result.campaign_id} {result.name!r} of advertiser "
                f"{result.advertiser_id} {result.advertiser!r}, {result.start_date} to "
                f"{result.end_date}, {result.status} → {result.database}"
            )
            yield from _rows(result.rows)
        case results.Removed():
            yield f"campaign {result.campaign_id} removed from {result.database}"
            yield from _rows(result.rows)
        case results.AddedAdvertiser():
            row = result.advertiser
            yield f"advertiser {row['advertiser_id']} {row['name']!r} → {result.database}"
        case results.Initialised():
            yield result.database
            yield from (f"  raw.{name}: {what}" for name, what in result.tables.items())
        case results.Listing():
            width = max((len(entry.name) for entry in result.entries), default=0)
            yield from (f"{entry.name:{width}}  {entry.description}" for entry in result.entries)
        case results.Description():
            yield from _description(result)
        case results.Valid():
            held = f" of {', '.join(result.scenarios)}" if result.scenarios else ""
            yield f"{result.file}: a valid {result.kind}, {result.name}{held}"
        case results.Configuration():
            rows = [
                (setting.name, "" if setting.value is None else str(setting.value), setting.source)
                for setting in result.settings
            ]
            yield _table("", ("setting", "value", "set by"), rows)
        case results.Scorecard():
            yield from _scorecard(result)
        case results.Built():
            yield from _build_lines(result)
        case results.Project():
            yield f"{result.folder}: {result.files} files"
            yield f"Next: cd {result.folder}; its README.md says what to run"
        case results.Written():
            yield from result.files
        case Contents():
            yield from _contents(result)


def _description(result: results.Description) -> Iterable[str | Table]:
    yield f"{result.kind} {result.name}: {result.description}"
    if result.columns:
        yield f"One row per {', '.join(result.grain or ())}."
        rows = [
            (
                column.name,
                column.type + ("?" if column.nullable else ""),
                column.unit or "",
                column.description,
            )
            for column in result.columns
        ]
        yield _table("", ("column", "type", "unit", "what"), rows)
    if result.members:
        yield from (f"  {member}" for member in result.members)
    if result.content:
        yield yaml.safe_dump(result.content, sort_keys=False, allow_unicode=True, width=100)


def _scorecard(result: results.Scorecard) -> Iterable[str | Table]:
    columns = ("", "benchmark", "what", "measured", "low", "high", "impressions")
    numbers = {"measured", "low", "high", "impressions"}
    for title, judged in (("Benchmarks", result.benchmarks), ("Shapes", result.shapes)):
        rows = [
            (
                _VERDICTS[row.status] + ("" if row.is_binding else " *"),
                row.name,
                row.why_not_applicable or row.what,
                *map(_figure, (row.measured_value, row.low, row.high)),
                "" if row.impressions is None else f"{row.impressions:,}",
            )
            for row in judged
        ]
        yield _table(title, columns, rows, numbers)
    for kind, judged in (("benchmarks", result.benchmarks), ("shapes", result.shapes)):
        applicable = [row for row in judged if row.is_binding and row.status != "NOT_APPLICABLE"]
        inside = sum(row.status == "INSIDE" for row in applicable)
        left = sum(row.status == "NOT_APPLICABLE" for row in judged)
        yield (
            f"{inside} of {len(applicable)} {kind} that bind are inside, {left} not applicable; "
            f"{result.platform}, {result.workflow}"
        )
    yield "* an assumption or a specification: shown, but it binds nothing"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _contents(result: Contents) -> Iterable[str | Table]:
    run = result.run
    made = f"{run.workflow}, seed {run.seed}, as of {run.as_of_date}" if run else "no run yet"
    hours = f", {result.first_hour} to {result.last_hour} UTC" if result.first_hour else ""
    yield f"{result.database}: {made}{hours}"
    rows = [(table.table, f"{table.rows:,}") for table in result.tables]
    yield _table("", ("table", "rows"), rows, numbers={"rows"})
    campaigns = [
        (
            str(campaign.campaign_id),
            campaign.name,
            str(campaign.start_date),
            str(campaign.end_date),
            f"{campaign.impressions:,}",
            f"{campaign.spend_micros / _MILLION:,.2f} {campaign.currency_code}",
            f"{campaign.budget_micros / _MILLION:,.2f} {campaign.budget_type.lower()}",
        )
        for campaign in result.campaigns
    ]
    columns = ("id", "campaign", "from", "to", "impressions", "spend", "budget")
    if campaigns:
        yield _table("", columns, campaigns, numbers={"id", "impressions", "spend", "budget"})


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _build_lines(result: results.Built) -> Iterable[str]:
    days = (
        f", {result.first_hour:%Y-%m-%d} to {result.last_hour:%Y-%m-%d}"
        if (result.first_hour and result.last_hour)
        else ""
    )
    yield (
        f"{result.database}: {_count(result.campaigns, 'campaign')}, "
        f"{result.performance_rows:,} hourly rows{days}"
    )
    yield (
        f"{_count(result.models, 'model')} built, {_count(result.tests, 'test')} passed in "
        f"{result.seconds:.0f} s"
    )
    yield "Try:"
    yield f"  {COMMAND} status      what the database holds"
    yield f"  {COMMAND} report      charts in one HTML file"
    yield (f'  duckdb {result.database} "from marts.fct_campaign_performance_monthly limit 10"')


def _rows(rows: dict[str, int]) -> Iterable[str]:
    return (f"  raw.{name}: {count:,} rows" for name, count in rows.items())


def _table(
    title: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[str, ...]],
    numbers: Iterable[str] = (),
) -> Table:
    table = Table(title=Text(visible(title)) if title else None, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table
