"""The command line: parse, call, answer. No logic lives here."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from generator import __version__, commands, results
from generator.engines.job import EngineError
from generator.enums import Currency, Industry, Objective
from generator.registry import Registry
from generator.scenario.errors import InputError
from generator.scenario.templates import DEFAULT_WORKFLOW, Kind
from generator.sinks.sink import DestinationError
from generator.terminal import answers

EXIT_INPUT = 2
EXIT_FAILURE = 1
_SOURCES = Path("dbt_project/models/staging/ads")
_DAY = ["%Y-%m-%d"]
_MARKET = "Market"

app = typer.Typer(
    help="Synthetic streaming-advertising data: advertisers, campaigns and hourly delivery.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _known(kind: Kind) -> list[str]:
    return Registry().library.names(kind)


Target = Annotated[
    str | None,
    typer.Option(
        "--database",
        "--to",
        envvar="ADS_DATABASE",
        show_default="data/ads.duckdb",
        help="The DuckDB file, plain or as duckdb:FILE.",
    ),
]
Templates = Annotated[
    str | None,
    typer.Option(envvar="ADS_TEMPLATES", help="A folder with templates of your own."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a key of the template; repeatable."),
]
Seed = Annotated[
    int | None,
    typer.Option(envvar="ADS_SEED", help="Seed of every random draw.", show_default="workflow's"),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=_DAY,
        envvar="ADS_AS_OF",
        help="The day the data is made for; nothing on or after it is reported.",
        show_default="workflow's",
    ),
]
OfAdvertiser = Annotated[
    str | None,
    typer.Option("--advertiser-id", help="Id or name of an advertiser that is there."),
]


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
@answers
def generate(
    workflow: Annotated[
        str,
        typer.Argument(
            help="A workflow, or a .yml file with a workflow or scenarios.",
            autocompletion=lambda: _known(Kind.WORKFLOWS),
        ),
    ] = DEFAULT_WORKFLOW,
    seed: Seed = None,
    as_of: AsOf = None,
    database: Target = None,
    sets: Sets = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Only this scenario of the workflow; repeatable.")
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(help="A .yml file of faults to put in, in place of its own.")
    ] = None,
    tables: Annotated[
        list[str] | None, typer.Option(help="Fill only this raw table; repeatable.")
    ] = None,
    campaigns: Annotated[
        int | None, typer.Option(help="How many campaigns.", rich_help_panel=_MARKET)
    ] = None,
    advertisers: Annotated[
        int | None, typer.Option(help="How many advertisers.", rich_help_panel=_MARKET)
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=_DAY, help="First day of the market.", rich_help_panel=_MARKET
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--until", formats=_DAY, help="Last day of the market.", rich_help_panel=_MARKET
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            envvar="ADS_JOBS",
            min=1,
            help="Processes that make the data.",
            show_default="one per core",
        ),
    ] = None,
    templates: Templates = None,
) -> results.Generated:
    """Generate a dataset into schema `raw`, in place of what `raw` held before."""
    market = {
        "campaigns": campaigns,
        "advertisers": advertisers,
        "start_date": start and start.date(),
        "end_date": end and end.date(),
    }
    given = [f"market.{key}={value}" for key, value in market.items() if value is not None]
    return commands.generate(
        commands.setting(database=database, seed=seed, as_of=as_of, templates=templates),
        workflow,
        [*(sets or []), *given],
        select,
        faults,
        tables,
        jobs,
    )


@app.command("init-db")
@answers
def init_db(database: Target = None) -> results.Initialised:
    """Create schema `raw` without data, or migrate it to this version; safe to repeat."""
    return commands.init_db(commands.setting(database=database))


@app.command("create-advertiser")
@answers
def create_advertiser(
    auto: Annotated[bool, typer.Option("--auto", help="Make up what is not given.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the company.")] = None,
    email: Annotated[str | None, typer.Option(help="Address, ends in .example.")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand it advertises.")] = None,
    agency: Annotated[str | None, typer.Option(help="Its media agency.")] = None,
    industry: Annotated[
        Industry | None, typer.Option(help="What it sells.", case_sensitive=False)
    ] = None,
    currency: Annotated[
        Currency, typer.Option(help="What it pays in.", case_sensitive=False)
    ] = Currency.USD,
    database: Target = None,
) -> results.AddedAdvertiser:
    """Add an advertiser to a database."""
    plan = {
        "name": name,
        "contact_email": email,
        "brand": brand,
        "agency_name": agency,
        "industry": industry,
    }
    return commands.create_advertiser(commands.setting(database=database), auto, plan, currency)


@app.command("create-campaign")
@answers
def create_campaign(
    advertiser: Annotated[
        str, typer.Option("--advertiser-id", help="Id or name of the advertiser.")
    ],
    auto: Annotated[bool, typer.Option("--auto", help="Draw a profile by the seed.")] = False,
    objective: Annotated[
        Objective | None, typer.Option(help="What it is for.", case_sensitive=False)
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="The profile that it follows.", autocompletion=lambda: _known(Kind.PROFILES)
        ),
    ] = None,
    sets: Sets = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add a campaign with its performance to a database; earlier rows stay as they are."""
    chosen = commands.setting(database=database, templates=templates)
    return commands.create_campaign(chosen, advertiser, auto, objective, profile, sets or [])


@app.command("create-profile")
@answers
def create_profile(
    name: Annotated[
        str, typer.Option(help="The profile.", autocompletion=lambda: _known(Kind.PROFILES))
    ],
    template: Annotated[
        Path | None, typer.Option(help="A file that holds it, of the older shape or our own.")
    ] = None,
    sets: Sets = None,
    advertiser: OfAdvertiser = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add the campaign of a profile; its advertiser is made up, or one that is there."""
    chosen = commands.setting(database=database, templates=templates)
    return commands.create_from(chosen, Kind.PROFILES, name, template, sets or [], advertiser)


@app.command("create-example")
@answers
def create_example(
    example: Annotated[
        str | None,
        typer.Option(help="The example.", autocompletion=lambda: _known(Kind.EXAMPLES)),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help="A file that holds it, of the older shape or our own.")
    ] = None,
    sets: Sets = None,
    advertiser: OfAdvertiser = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add the campaign of an example, with its advertiser, to a database."""
    chosen = commands.setting(database=database, templates=templates)
    return commands.create_from(chosen, Kind.EXAMPLES, example, template, sets or [], advertiser)


@app.command()
@answers
def remove(
    campaign_id: Annotated[int, typer.Option(help="The campaign.")],
    database: Target = None,
) -> results.Removed:
    """Remove a campaign and all its rows; advertiser and inventory stay."""
    return commands.remove(commands.setting(database=database), campaign_id)


@app.command()
@answers
def status(
    config: Annotated[
        bool, typer.Option("--config", help="Show the settings and where each is set.")
    ] = False,
    database: Target = None,
    templates: Templates = None,
) -> commands.Status:
    """Show what a database holds: run, rows, dates, and the spend of each campaign."""
    return commands.status(config, database=database, templates=templates)


@app.command("list")
@answers
def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            help="profiles, examples, workflows, platforms, tables, enums, sinks or engines.",
            autocompletion=lambda: list(Registry().kinds()),
        ),
    ],
    templates: Templates = None,
) -> results.Listing:
    """List everything of a kind, one a line."""
    return commands.catalogue(commands.setting(templates=templates)).listing(kind)


@app.command()
@answers
def describe(
    name: Annotated[
        str,
        typer.Argument(
            help="A profile, example, workflow, platform, table or enum.",
            autocompletion=lambda: [n for kind in Registry().kinds().values() for n in kind],
        ),
    ],
    templates: Templates = None,
) -> results.Description:
    """Show what a template, table or enum holds; columns with type and unit."""
    return commands.catalogue(commands.setting(templates=templates)).description(name)


@app.command()
@answers
def validate(
    file: Annotated[Path, typer.Argument(help="A .yml file of any kind.")],
    sets: Sets = None,
    templates: Templates = None,
) -> results.Valid:
    """Check a file of your own: a scenario, a workflow, a platform, or the older shape."""
    return commands.validate(commands.setting(templates=templates), file, sets or [])


@app.command("dbt-sources")
@answers
def dbt_sources(
    folder: Annotated[Path, typer.Argument(help="The folder to write them to.")] = _SOURCES,
) -> results.Written:
    """Write the dbt sources and their descriptions, as the raw models state them."""
    return commands.dbt_sources(folder)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; every foreseeable failure is a sentence and an exit code."""
    try:
        app(arguments)
    except (InputError, DestinationError) as error:
        _say(str(error), EXIT_INPUT)
    except EngineError as error:
        _say(str(error), EXIT_FAILURE)


def _say(sentence: str, code: int) -> None:
    print(f"error: {sentence}" if "\n" not in sentence else f"error:\n{sentence}", file=sys.stderr)
    raise SystemExit(code)
