"""The command line: parse, call, print. No logic lives here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from generator import __version__
from generator.engines import local
from generator.scenario.errors import InputError, bad_input, nearest
from generator.scenario.templates import DEFAULT_WORKFLOW, Dataset, Kind, dataset, names
from generator.schema import TABLES
from generator.schema.dbt_sources import docs_markdown, source_yaml
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.sink import DestinationError
from generator.world.build import build_world

EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 130
_SOURCES = Path("dbt_project/models/staging/ads")

app = typer.Typer(
    help="Synthetic streaming-advertising data: advertisers, campaigns and hourly delivery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def generate(
    workflow: Annotated[
        str,
        typer.Argument(help="A bundled workflow, or a .yml file with a workflow or one scenario."),
    ] = DEFAULT_WORKFLOW,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every random draw; the workflow's own by default.")
    ] = None,
    database: Annotated[
        Path,
        typer.Option(envvar="ADS_DATABASE", help="The DuckDB file; created if it is not there."),
    ] = Path("data/ads.duckdb"),
    select: Annotated[
        list[str] | None, typer.Option(help="Only this scenario of the workflow; may be repeated.")
    ] = None,
) -> None:
    """Generate a dataset into schema `raw` of a DuckDB file, in place of what `raw` held before."""
    data = _chosen(dataset(workflow), seed, select)
    world = build_world(data)
    with _progress() as bar:
        task = bar.add_task("Generating", total=len(world.bookings))
        landed = local.run(
            world,
            DuckdbSink(database, TABLES),
            only=select,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    table = Table(title=f"{data.name}, seed {data.seed} → {database}", title_justify="left")
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("hash")
    for each in landed:
        table.add_row(f"raw.{each.table.table_name}", f"{each.rows:,}", each.fingerprint)
    Console().print(table)


@app.command("list")
def list_templates(kind: Annotated[Kind, typer.Argument(help="What to list.")]) -> None:
    """List the bundled platforms, examples, profiles or workflows."""
    for name in names(kind):
        print(name)


@app.command("dbt-sources")
def dbt_sources(
    folder: Annotated[Path, typer.Argument(help="The folder to write them to.")] = _SOURCES,
) -> None:
    """Write the dbt sources and their descriptions, as the raw models state them."""
    folder.joinpath("_ads__sources.yml").write_text(source_yaml(TABLES), encoding="utf-8")
    folder.joinpath("_ads__docs.md").write_text(docs_markdown(TABLES), encoding="utf-8")


def main() -> None:
    """Run a command; every foreseeable failure is a sentence and an exit code."""
    try:
        app()
    except InputError as error:
        _say(str(error), EXIT_INPUT)
    except DestinationError as error:
        _say(str(error), EXIT_INPUT)
    except KeyboardInterrupt:
        _say("interrupted; nothing was changed", EXIT_INTERRUPTED)


def _say(sentence: str, code: int) -> None:
    print(f"error: {sentence}" if "\n" not in sentence else f"error:\n{sentence}", file=sys.stderr)
    raise SystemExit(code)


def _chosen(data: Dataset, seed: int | None, select: list[str] | None) -> Dataset:
    known = {scenario.name for scenario in data.scenarios}
    for name in select or ():
        if name not in known:
            raise bad_input(f"workflow {data.name} has no scenario {name!r}{nearest(name, known)}")
    if seed is None:
        return data
    if not 0 <= seed < 2**63:
        raise bad_input(f"--seed must be a whole number from 0 to {2**63 - 1}, not {seed}")
    return data.with_seed(seed)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
