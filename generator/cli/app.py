"""The command line: parse, call, print the result. No logic is here."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from generator import __version__
from generator.cli import commands, failures, results, streams
from generator.cli.catalogue import Catalogue
from generator.cli.dbt import run_dbt
from generator.cli.settings import ENVIRONMENT, load_settings
from generator.cli.terminal import answers
from generator.enums import Currency, Industry, Objective
from generator.extras import MissingExtraError
from generator.interruption import was_asked
from generator.pipeline.run import EngineError
from generator.scenario.errors import InputError, bad_input
from generator.scenario.overrides import Override
from generator.scenario.templates import DEFAULT_WORKFLOW, TemplateKind
from generator.sinks.sink import DestinationError, DestinationFailedError
from generator.sinks.target import short_forms

EXIT_INPUT = 2
EXIT_FAILURE = 1
COMMAND = "streaming-ads"
_COMPLETION = {"--install-completion", "--show-completion"}
_MAKE, _LOOK = "Make and change data", "Look at data and templates"
_DBT_PROJECT = Path("dbt_project")
_SEEDS = Path("dbt_project/seeds")
_DAY = ["%Y-%m-%d"]
_MARKET = "Market"

app = typer.Typer(
    help="Generate streaming-advertising data: campaigns and their delivery.\n\n"
    "An option that you leave out is read from its $VARIABLE, then from ads.yml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _names(kind: TemplateKind) -> list[str]:
    return Catalogue().library.names(kind)


def _help(name: str, text: str) -> str:
    """Return the help of an option that an environment variable sets too."""
    return f"{text} (${ENVIRONMENT[name]})."


Target = Annotated[
    str | None,
    typer.Option(
        "--database",
        "--to",
        metavar="TARGET",
        help=_help("database", "A DuckDB file"),
    ),
]
Destination = Annotated[
    str | None,
    typer.Option(
        "--database",
        "--to",
        metavar="TARGET",
        help=_help("database", "A DuckDB file, " + ", ".join(short_forms())),
    ),
]
Database = Annotated[
    str | None,
    typer.Option(metavar="FILE", help=_help("database", "The DuckDB file with the marts")),
]
Templates = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help=_help("templates", "Your templates")),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a template's key; repeatable."),
]
Seed = Annotated[
    int | None, typer.Option(metavar="NUMBER", help=_help("seed", "Seed of all random draws"))
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=_DAY,
        metavar="DATE",
        help=_help("as_of", "Report data before this day"),
    ),
]
OfAdvertiser = Annotated[
    str | None,
    typer.Option("--advertiser-id", metavar="ID", help="ID or name of an existing advertiser."),
]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command(rich_help_panel=_MAKE)
@answers
def generate(
    workflow: Annotated[
        str,
        typer.Argument(
            help="A workflow, or a YAML file.",
            autocompletion=lambda: _names(TemplateKind.WORKFLOWS),
        ),
    ] = DEFAULT_WORKFLOW,
    seed: Seed = None,
    as_of: AsOf = None,
    database: Destination = None,
    sets: Sets = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this scenario; repeatable.")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="YAML file of faults to inject.")] = None,
    tables: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this table; repeatable.")
    ] = None,
    campaigns: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Campaigns to book.", rich_help_panel=_MARKET),
    ] = None,
    advertisers: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Advertisers that book.", rich_help_panel=_MARKET),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=_DAY,
            metavar="DATE",
            help="First day of the market.",
            rich_help_panel=_MARKET,
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            formats=_DAY,
            metavar="DATE",
            help="Last day of the market.",
            rich_help_panel=_MARKET,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help=_help("jobs", "Processes, or Spark tasks")),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="ENGINE", help=_help("engine", "local or spark")),
    ] = None,
    templates: Templates = None,
) -> results.Generated:
    """Generate a dataset that replaces schema `raw`.

    Other schemas stay unchanged. Days from the as-of day on have no rows.
    """
    market = [
        Override(("market", key), str(value), f"{option} {value}")
        for key, option, value in (
            ("campaigns", "--campaigns", campaigns),
            ("advertisers", "--advertisers", advertisers),
            ("start_date", "--from", start and start.date()),
            ("end_date", "--until", end and end.date()),
        )
        if value is not None
    ]
    return commands.generate(
        load_settings(
            database=database,
            seed=seed,
            as_of=as_of,
            templates=templates,
            jobs=jobs,
            engine=engine,
        ),
        workflow,
        sets or [],
        market,
        select,
        faults,
        tables,
    )


@app.command("init-db", rich_help_panel=_MAKE)
@answers
def init_db(database: Target = None) -> results.Initialised:
    """Create the tables of schema `raw`, or migrate them.

    Rows are kept. It is safe to repeat.
    """
    return commands.init_db(load_settings(database=database))


@app.command("create-advertiser", rich_help_panel=_MAKE)
@answers
def create_advertiser(
    auto: Annotated[bool, typer.Option("--auto", help="Invent what you leave out.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the company.")] = None,
    email: Annotated[str | None, typer.Option(help="E-mail address in .example.")] = None,
    brand: Annotated[str | None, typer.Option(help="Its brand.")] = None,
    agency: Annotated[str | None, typer.Option(help="Its media agency.")] = None,
    industry: Annotated[
        Industry | None, typer.Option(help="Its industry.", case_sensitive=False)
    ] = None,
    currency: Annotated[
        Currency, typer.Option(help="Currency of its budgets.", case_sensitive=False)
    ] = Currency.USD,
    database: Target = None,
) -> results.AddedAdvertiser:
    """Add an advertiser."""
    plan = {
        "name": name,
        "contact_email": email,
        "brand": brand,
        "agency_name": agency,
        "industry": industry,
    }
    return commands.create_advertiser(load_settings(database=database), auto, plan, currency)


@app.command("create-campaign", rich_help_panel=_MAKE)
@answers
def create_campaign(
    advertiser: Annotated[
        str, typer.Option("--advertiser-id", help="Id or name of the advertiser.")
    ],
    auto: Annotated[bool, typer.Option("--auto", help="Let the seed choose a profile.")] = False,
    objective: Annotated[
        Objective | None, typer.Option(help="Objective of the campaign.", case_sensitive=False)
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="The profile to use.",
            autocompletion=lambda: _names(TemplateKind.PROFILES),
        ),
    ] = None,
    sets: Sets = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add a campaign of an advertiser, with its delivery.

    Existing rows stay unchanged. IDs continue; seed and as-of day are those of the run.
    """
    settings = load_settings(database=database, templates=templates)
    return commands.create_campaign(settings, advertiser, auto, objective, profile, sets or [])


@app.command("create-profile", rich_help_panel=_MAKE)
@answers
def create_profile(
    name: Annotated[
        str, typer.Option(help="The profile.", autocompletion=lambda: _names(TemplateKind.PROFILES))
    ],
    template: Annotated[
        Path | None, typer.Option(help="Template file (current or legacy format).")
    ] = None,
    sets: Sets = None,
    advertiser: OfAdvertiser = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add the campaign of a profile.

    Its advertiser is invented, or an existing one.
    """
    settings = load_settings(database=database, templates=templates)
    return commands.create_from(
        settings, TemplateKind.PROFILES, name, template, sets or [], advertiser
    )


@app.command("create-example", rich_help_panel=_MAKE)
@answers
def create_example(
    example: Annotated[
        str | None,
        typer.Option(help="The example.", autocompletion=lambda: _names(TemplateKind.EXAMPLES)),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help="Template file (current or legacy format).")
    ] = None,
    sets: Sets = None,
    advertiser: OfAdvertiser = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add the campaign of an example.

    Its advertiser is added once, or is an existing one.
    """
    settings = load_settings(database=database, templates=templates)
    return commands.create_from(
        settings, TemplateKind.EXAMPLES, example, template, sets or [], advertiser
    )


@app.command(rich_help_panel=_MAKE)
@answers
def remove(
    campaign_id: Annotated[int, typer.Option(help="The campaign.")],
    database: Target = None,
) -> results.Removed:
    """Remove a campaign and all its rows.

    Its advertiser and the inventory stay.
    """
    return commands.remove(load_settings(database=database), campaign_id)


@app.command(rich_help_panel=_LOOK)
@answers
def status(
    config: Annotated[
        bool, typer.Option("--config", help="Show the settings and where each is set.")
    ] = False,
    database: Target = None,
    templates: Templates = None,
) -> commands.Status:
    """Show the content of a database, or the settings.

    The run, the rows of each table, the dates, and the spend of each campaign.
    """
    return commands.status(config, database=database, templates=templates)


@app.command("list", rich_help_panel=_LOOK)
@answers
def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            help="profiles, examples, workflows, platforms, tables, enums, sinks or engines.",
            autocompletion=lambda: list(Catalogue().kinds()),
        ),
    ],
    templates: Templates = None,
) -> results.Listing:
    """List profiles, tables, enums and other names."""
    return commands.catalogue(load_settings(templates=templates)).listing(kind)


@app.command(rich_help_panel=_LOOK)
@answers
def describe(
    name: Annotated[
        str,
        typer.Argument(
            help="A profile, example, workflow, platform, table or enum.",
            autocompletion=lambda: [n for kind in Catalogue().kinds().values() for n in kind],
        ),
    ],
    templates: Templates = None,
) -> results.Description:
    """Show the content of a template, table or enum.

    Columns with type, unit and meaning.
    """
    return commands.catalogue(load_settings(templates=templates)).description(name)


@app.command(rich_help_panel=_LOOK)
@answers
def validate(
    file: Annotated[Path, typer.Argument(help="A .yml file of any kind.")],
    sets: Sets = None,
    templates: Templates = None,
) -> results.Valid:
    """Check a YAML file without generating anything.

    A scenario, a workflow, a platform, faults, or a file in the legacy format.
    """
    return commands.validate(load_settings(templates=templates), file, sets or [])


@app.command(rich_help_panel=_MAKE)
@answers
def build(
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="MODELS", help="Only these models, as dbt selects; repeatable."),
    ] = None,
    tests: Annotated[bool, typer.Option(help="Run the tests too.")] = True,
    database: Database = None,
) -> results.Built:
    """Build the dbt models on a DuckDB file and test them.

    Uses the dbt project of the current folder, or the one that came with the installation.
    """
    return commands.build(load_settings(database=database), select or [], tests)


@app.command(rich_help_panel=_MAKE)
@answers
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> results.Project:
    """Write your own project into a folder: the dbt project and a scenario."""
    return commands.init(folder)


@app.command(rich_help_panel=_LOOK)
@answers
def report(
    output: Annotated[Path, typer.Option(metavar="FILE.html", help="The file to write.")] = Path(
        "data/report.html"
    ),
    database: Database = None,
) -> results.Written:
    """Write the delivery report, one HTML file, from the marts."""
    return commands.report(load_settings(database=database), output)


@app.command(rich_help_panel=_LOOK)
@answers
def scorecard(database: Database = None) -> results.Scorecard:
    """Show how the data compares with published figures."""
    return commands.scorecard(load_settings(database=database))


@app.command(
    "dbt",
    rich_help_panel=_MAKE,
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def dbt(context: typer.Context) -> None:
    """Run dbt on the database that is set, as in `dbt build`.

    Everything after `dbt` is passed on to it.
    """
    run_dbt(load_settings(), context.args)


@app.command("dbt-sources", hidden=True)
@answers
def dbt_sources(
    folder: Annotated[Path, typer.Argument(help="The dbt project to write to.")] = _DBT_PROJECT,
) -> results.Written:
    """Write the dbt files that follow from the schema.

    The sources of the raw tables, and the macros, columns, texts and metrics of delivery.
    """
    return commands.dbt_sources(folder)


@app.command("dbt-seeds", rich_help_panel=_MAKE)
@answers
def dbt_seeds(
    folder: Annotated[Path, typer.Argument(help="The folder to write them to.")] = _SEEDS,
    templates: Templates = None,
) -> results.Written:
    """Write the dbt seeds that describe all platforms.

    Population, calendar and clocks of every platform.
    """
    return commands.dbt_seeds(load_settings(templates=templates), folder)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; every failure is a sentence and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(given, prog_name=_completed_command() if _COMPLETION & set(given) else None)
    except SystemExit as left:
        if not left.code and (why := streams.failure()):
            _say(f"stdout: cannot be written: {why}", EXIT_FAILURE)
        raise
    except (EngineError, DestinationFailedError, MissingExtraError) as error:
        _say(str(error), EXIT_FAILURE)
    except (InputError, DestinationError) as error:
        _say(str(error), EXIT_INPUT)
    except Exception as error:
        _say(failures.sentence(error), EXIT_FAILURE)


def _completed_command() -> str:
    """Return the command that a shell can complete. Raises InputError if it is not installed."""
    if shutil.which(COMMAND) is None:
        raise bad_input(
            f"shells complete the command {COMMAND}, which is not on the path; "
            f"`pip install -e .` makes it"
        )
    return COMMAND


def _say(sentence: str, code: int) -> None:
    # What fails after a signal is a consequence of it, and the interruption has a separate line.
    if was_asked():
        raise SystemExit(code)
    print(f"error: {sentence}" if "\n" not in sentence else f"error:\n{sentence}", file=sys.stderr)
    raise SystemExit(code)
