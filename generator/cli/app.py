"""The command line: parse, call, print the result. No logic is here."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from generator import __version__
from generator.cli import failures, streams, usage
from generator.cli.later import load_later
from generator.cli.program import COMMAND, ENVIRONMENT, NAME
from generator.cli.terminal import answers, say
from generator.enums import Currency, Industry, Objective
from generator.extras import MissingExtraError
from generator.interruption import was_asked
from generator.live.targets.named import FORMS
from generator.pipeline.errors import EngineError
from generator.scenario.errors import InputError, bad_input
from generator.scenario.kinds import DEFAULT_WORKFLOW, TemplateKind
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.target import short_form, short_forms

if TYPE_CHECKING:
    from generator.cli import catalogue, dbt, results, settings
    from generator.cli.commands import additions, databases, datasets, live_runs, lookups, projects
    from generator.scenario import overrides
else:
    catalogue, dbt, results, settings, overrides = map(
        load_later,
        (
            "generator.cli.catalogue",
            "generator.cli.dbt",
            "generator.cli.results",
            "generator.cli.settings",
            "generator.scenario.overrides",
        ),
    )
    additions, databases, datasets, live_runs, lookups, projects = map(
        load_later,
        (
            "generator.cli.commands.additions",
            "generator.cli.commands.databases",
            "generator.cli.commands.datasets",
            "generator.cli.commands.live_runs",
            "generator.cli.commands.lookups",
            "generator.cli.commands.projects",
        ),
    )

EXIT_INPUT = 2
EXIT_FAILURE = 1
_COMPLETION = {"--install-completion", "--show-completion"}
_MAKE, _LOOK = "Make and change data", "Look at data and templates"
_DBT_PROJECT = Path("dbt_project")
_SEEDS = Path("dbt_project/seeds")
_MARKET = "Market"
# What the help of each command shows of it.
EXAMPLES: dict[str, tuple[str, ...]] = {}
_GENERATED = (TemplateKind.WORKFLOWS, TemplateKind.PROFILES, TemplateKind.EXAMPLES)


class _Group(TyperGroup):
    """The commands together; their help shows no types of Python."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments."""
        return _without_types(super().get_params(ctx))


class _Command(TyperCommand):
    """A command with no types of Python in its help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments."""
        return _without_types(super().get_params(ctx))


def _without_types(parameters: list[Any]) -> list[Any]:
    """Leave types out of the help of flags, which have none, and of arguments, which have a name
    and a text."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = _no_type
    return parameters


def _no_type(**_: Any) -> None:
    return None


app = typer.Typer(
    help="Generate streaming-advertising data: campaigns and their delivery.\n\n"
    "An option that you leave out is read from its $VARIABLE, then from ads.yml.",
    cls=_Group,
    pretty_exceptions_enable=False,
)


def _names(kind: TemplateKind) -> list[str]:
    return catalogue.Catalogue().library.names(kind)


def _help(name: str, text: str) -> str:
    """Return the help of an option that an environment variable sets too."""
    return f"{text} (${ENVIRONMENT[name]})."


def _choices(what: str, members: type[StrEnum]) -> str:
    return f"{what}: {', '.join(member.value.lower() for member in members)}."


def _command(
    name: str, panel: str, *examples: str
) -> Callable[[Callable[..., results.Result]], Callable[..., None]]:
    """Return a decorator that makes a command of a function, with examples in its help."""
    EXAMPLES[name] = examples
    lines = "\n".join(f"$ {COMMAND} {example}" for example in examples)

    def command(function: Callable[..., results.Result]) -> Callable[..., None]:
        return app.command(name, cls=_Command, rich_help_panel=panel, epilog=f"Examples:\n{lines}")(
            answers(function)
        )

    return command


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
    int | None,
    typer.Option(
        parser=usage.number, metavar="NUMBER", help=_help("seed", "Seed of all random draws")
    ),
]
AsOf = Annotated[
    date | None,
    typer.Option(
        parser=usage.day,
        metavar="DATE",
        help=_help("as_of", "Report data before this day, or before today"),
    ),
]
FaultsFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="YAML file of faults to inject.")
]
Share = Annotated[
    float | None,
    typer.Option(
        parser=usage.share,
        metavar="SHARE",
        help="Log who saw what: none, all, or a share of the households.",
    ),
]
Tables = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only this table; repeatable.")
]
OfAdvertiser = Annotated[
    str | None,
    typer.Option("--advertiser-id", metavar="ID", help="ID or name of an existing advertiser."),
]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(__version__)
    elif context.invoked_subcommand is None:
        context.get_help()


@_command(
    "generate",
    _MAKE,
    "generate smoke",
    "generate nexbank_conversion --to data/nexbank.duckdb",
    "generate market --campaigns 50 --to parquet:data/market",
)
def generate(
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A workflow, a profile, an example, or a YAML file.",
            autocompletion=lambda: [name for kind in _GENERATED for name in _names(kind)],
        ),
    ] = DEFAULT_WORKFLOW,
    seed: Seed = None,
    as_of: AsOf = None,
    database: Destination = None,
    sets: Sets = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this scenario; repeatable.")
    ] = None,
    faults: FaultsFile = None,
    log: Share = None,
    tables: Tables = None,
    campaigns: Annotated[
        int | None,
        typer.Option(
            parser=usage.number,
            metavar="NUMBER",
            help="Campaigns to book.",
            rich_help_panel=_MARKET,
        ),
    ] = None,
    advertisers: Annotated[
        int | None,
        typer.Option(
            parser=usage.number,
            metavar="NUMBER",
            help="Advertisers that book.",
            rich_help_panel=_MARKET,
        ),
    ] = None,
    start: Annotated[
        date | None,
        typer.Option(
            "--from",
            parser=usage.day,
            metavar="DATE",
            help="First day of the market.",
            rich_help_panel=_MARKET,
        ),
    ] = None,
    end: Annotated[
        date | None,
        typer.Option(
            "--until",
            parser=usage.day,
            metavar="DATE",
            help="Last day of the market.",
            rich_help_panel=_MARKET,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            parser=usage.number, metavar="NUMBER", help=_help("jobs", "Processes, or Spark tasks")
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(metavar="ENGINE", help=_help("engine", "local or spark")),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace another dataset in the destination.")
    ] = False,
    templates: Templates = None,
) -> results.Generated:
    """Generate a dataset into schema `raw`.

    The same dataset is made again. Another one in its place needs --replace. Other schemas stay
    unchanged. Days from the as-of day on have no rows.
    """
    market = [
        overrides.Override(("market", key), str(value), f"{option} {value}")
        for key, option, value in (
            ("campaigns", "--campaigns", campaigns),
            ("advertisers", "--advertisers", advertisers),
            ("start_date", "--from", start),
            ("end_date", "--until", end),
        )
        if value is not None
    ]
    return datasets.generate(
        settings.load_settings(
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
        log,
        tables,
        replace,
    )


@_command(
    "live",
    _MAKE,
    "live smoke --log all --speed 3600 --until 2025-09-07T02",
    "live smoke --to ndjson:data/events --speed max",
    "live smoke --to data/stream.duckdb --speed max",
)
def live(
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A workflow, a profile, an example, or a YAML file.",
            autocompletion=lambda: [name for kind in _GENERATED for name in _names(kind)],
        ),
    ] = DEFAULT_WORKFLOW,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="TARGET", help=f"Where to send it: {', '.join(map(short_form, FORMS))}."
        ),
    ] = "-",
    speed: Annotated[
        int | None,
        typer.Option(
            parser=usage.rate,
            metavar="SPEED",
            help="Seconds of event time a second: 1 is real time; or max.",
        ),
    ] = 60,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keeps how far it is, for standard output and a webhook.",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", parser=usage.moment, metavar="TIME", help="First moment, in UTC."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--until", parser=usage.moment, metavar="TIME", help="The moment to stop before."
        ),
    ] = None,
    seed: Seed = None,
    as_of: AsOf = None,
    sets: Sets = None,
    faults: FaultsFile = None,
    log: Share = None,
    tables: Tables = None,
    templates: Templates = None,
) -> results.Streamed:
    """Send the rows of a dataset as they happen, in the order of time.

    Files and databases get all tables, other targets events, conversions and hourly rows. The same
    command again goes on where the last one ended, after a kill, too. With --speed 1 and days
    around the present, event time is the time of day.
    """
    return live_runs.live(
        settings.load_settings(seed=seed, as_of=as_of, templates=templates),
        workflow,
        to,
        state,
        speed,
        (start, end),
        sets or [],
        faults,
        log,
        tables,
    )


@_command("init-db", _MAKE, "init-db --to data/mine.duckdb")
def init_db(database: Target = None) -> results.Initialised:
    """Create the tables of schema `raw`, or migrate them.

    Rows are kept. It is safe to repeat.
    """
    return additions.init_db(settings.load_settings(database=database))


@_command(
    "create-advertiser",
    _MAKE,
    "create-advertiser --auto",
    "create-advertiser --name Kettle --industry retail",
)
def create_advertiser(
    auto: Annotated[bool, typer.Option("--auto", help="Invent what you leave out.")] = False,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the company.")] = None,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="E-mail address in .example.")
    ] = None,
    brand: Annotated[str | None, typer.Option(metavar="NAME", help="Its brand.")] = None,
    agency: Annotated[str | None, typer.Option(metavar="NAME", help="Its media agency.")] = None,
    industry: Annotated[
        Industry | None,
        typer.Option(
            metavar="INDUSTRY", help=_choices("Its industry", Industry), case_sensitive=False
        ),
    ] = None,
    currency: Annotated[
        Currency,
        typer.Option(
            metavar="CODE",
            help=_choices("Currency of its budgets", Currency),
            case_sensitive=False,
        ),
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
    return additions.create_advertiser(
        settings.load_settings(database=database), auto, plan, currency
    )


@_command(
    "create-campaign",
    _MAKE,
    "create-campaign --advertiser-id 1 --auto",
    "create-campaign --advertiser-id 1 --profile small_two_weeks",
)
def create_campaign(
    advertiser: Annotated[
        str, typer.Option("--advertiser-id", metavar="ID", help="ID or name of the advertiser.")
    ],
    auto: Annotated[bool, typer.Option("--auto", help="Let the seed choose a profile.")] = False,
    objective: Annotated[
        Objective | None,
        typer.Option(
            metavar="OBJECTIVE", help=_choices("Its objective", Objective), case_sensitive=False
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
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
    chosen = settings.load_settings(database=database, templates=templates)
    return additions.create_campaign(chosen, advertiser, auto, objective, profile, sets or [])


@_command("create-profile", _MAKE, "create-profile --name mobile_consideration")
def create_profile(
    name: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The profile.",
            autocompletion=lambda: _names(TemplateKind.PROFILES),
        ),
    ],
    template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Template file (current or legacy format).")
    ] = None,
    sets: Sets = None,
    advertiser: OfAdvertiser = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add the campaign of a profile.

    Its advertiser is invented, or an existing one.
    """
    chosen = settings.load_settings(database=database, templates=templates)
    return additions.create_from(
        chosen, TemplateKind.PROFILES, name, template, sets or [], advertiser
    )


@_command("create-example", _MAKE, "create-example --example nexbank_conversion")
def create_example(
    example: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The example; required without --template.",
            autocompletion=lambda: _names(TemplateKind.EXAMPLES),
        ),
    ] = None,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Template file (current or legacy format).")
    ] = None,
    sets: Sets = None,
    advertiser: OfAdvertiser = None,
    database: Target = None,
    templates: Templates = None,
) -> results.AddedCampaign:
    """Add the campaign of an example.

    Its advertiser is added once, or is an existing one.
    """
    chosen = settings.load_settings(database=database, templates=templates)
    return additions.create_from(
        chosen, TemplateKind.EXAMPLES, example, template, sets or [], advertiser
    )


@_command("remove", _MAKE, "remove --campaign-id 2")
def remove(
    campaign_id: Annotated[
        int, typer.Option(parser=usage.number, metavar="ID", help="The campaign.")
    ],
    database: Target = None,
) -> results.Removed:
    """Remove a campaign and all its rows.

    Its advertiser and the inventory stay.
    """
    return additions.remove(settings.load_settings(database=database), campaign_id)


@_command("status", _LOOK, "status", "status --config")
def status(
    config: Annotated[
        bool, typer.Option("--config", help="Show the settings and where each is set.")
    ] = False,
    database: Target = None,
    templates: Templates = None,
) -> results.Status:
    """Show the content of a database, or the settings.

    The run, the rows of each table, the dates, and the spend of each campaign.
    """
    return databases.status(config, database=database, templates=templates)


@_command("list", _LOOK, "list profiles", "list tables")
def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="profiles, examples, workflows, platforms, tables, enums, sinks or engines.",
            autocompletion=lambda: list(catalogue.Catalogue().kinds()),
        ),
    ],
    templates: Templates = None,
) -> results.Listing:
    """List profiles, tables, enums and other names."""
    return lookups.catalogue(settings.load_settings(templates=templates)).listing(kind)


@_command("describe", _LOOK, "describe performance_hourly", "describe nexbank_conversion")
def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A profile, example, workflow, platform, table or enum.",
            autocompletion=lambda: [
                n for kind in catalogue.Catalogue().kinds().values() for n in kind
            ],
        ),
    ],
    templates: Templates = None,
) -> results.Description:
    """Show the content of a template, table or enum.

    Columns with type, unit and meaning.
    """
    return lookups.catalogue(settings.load_settings(templates=templates)).description(name)


@_command("validate", _LOOK, "validate autumn.yml")
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .yml file of any kind.")],
    sets: Sets = None,
    templates: Templates = None,
) -> results.Valid:
    """Check a YAML file without generating anything.

    A scenario, a workflow, a platform, faults, or a file in the legacy format.
    """
    return lookups.validate(settings.load_settings(templates=templates), file, sets or [])


@_command("build", _MAKE, "build", "build --no-tests")
def build(
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="MODELS", help="Only these models, as dbt selects; repeatable."),
    ] = None,
    tests: Annotated[bool, typer.Option(help="Test the data too.")] = True,
    database: Database = None,
) -> results.Built:
    """Build the dbt models on a DuckDB file and test them.

    Uses the dbt project of the current folder, or the one that came with the installation. The
    unit tests of its formulas run with `dbt build` or `dbt test`.
    """
    return projects.build(settings.load_settings(database=database), select or [], tests)


@_command("init", _MAKE, "init my_project")
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
) -> results.Project:
    """Write your own project into a folder: the dbt project and a scenario."""
    return projects.init(folder)


@_command("report", _LOOK, "report", "report --database data/market.duckdb --output market.html")
def report(
    output: Annotated[Path, typer.Option(metavar="FILE.html", help="The file to write.")] = Path(
        "data/report.html"
    ),
    database: Database = None,
) -> results.Written:
    """Write the delivery report, one HTML file, from the marts."""
    return databases.report(settings.load_settings(database=database), output)


@_command("watch", _LOOK, "watch data/stream.duckdb", "watch data/stream.duckdb --port 9000")
def watch(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help=_help("database", "A DuckDB file, or postgresql://…"),
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            parser=usage.number, metavar="NUMBER", help="Port on this machine; 0 takes a free one."
        ),
    ] = 8722,
) -> results.Watching:
    """Follow a live database on a local page: delivery against plan, rate, lag, errors.

    It only reads, and answers this machine only. Ctrl-C ends it.
    """
    return databases.watch(settings.load_settings(database=target), port)


@_command("scorecard", _LOOK, "scorecard")
def scorecard(database: Database = None) -> results.Scorecard:
    """Show how the data compares with published figures."""
    return databases.scorecard(settings.load_settings(database=database))


@app.command(
    "dbt",
    rich_help_panel=_MAKE,
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def run_dbt(context: typer.Context) -> None:
    """Run dbt on the database that is set, as in `dbt build`.

    Everything after `dbt` is passed on to it.
    """
    dbt.run_dbt(settings.load_settings(), context.args)


@app.command("dbt-sources", cls=_Command, hidden=True)
@answers
def dbt_sources(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The dbt project to write to.")
    ] = _DBT_PROJECT,
) -> results.Written:
    """Write the dbt files that follow from the schema.

    The sources of the raw tables, and the macros, columns, texts and metrics of delivery.
    """
    return projects.dbt_sources(folder)


@_command("dbt-seeds", _MAKE, "dbt-seeds --templates ours")
def dbt_seeds(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder to write them to.")
    ] = _SEEDS,
    templates: Templates = None,
) -> results.Written:
    """Write the dbt seeds that describe all platforms.

    Population, calendar and clocks of every platform.
    """
    return projects.dbt_seeds(settings.load_settings(templates=templates), folder)


@cache
def _program() -> Any:
    """Return all commands as click runs them, made once for a process that runs several."""
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; every failure is a sentence and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        is_completion = bool(_COMPLETION & set(given))
        prog_name = _completed_command() if is_completion else COMMAND
        raise SystemExit(_program()(given, prog_name=prog_name, standalone_mode=False) or 0)
    except SystemExit as left:
        if not left.code and (why := streams.failure()):
            _say(f"stdout: cannot be written: {why}", EXIT_FAILURE)
        raise
    except (EngineError, DestinationFailedError, MissingExtraError) as error:
        _say(str(error), EXIT_FAILURE)
    except (InputError, DestinationError) as error:
        _say(str(error), EXIT_INPUT)
    except Exception as error:
        if (call := usage.sentence(error)) is not None:
            _say(call, EXIT_INPUT)
        _say(failures.sentence(error), EXIT_FAILURE)


def _completed_command() -> str:
    """Return the command that a shell can complete. Raises InputError if it is not installed."""
    if shutil.which(NAME) is None:
        raise bad_input(
            f"shells complete the command {NAME}, which is not on the path; "
            f"`pip install -e .` makes it"
        )
    return NAME


def _say(sentence: str, code: int) -> None:
    # What fails after a signal is a consequence of it, and the interruption has a separate line.
    if was_asked():
        raise SystemExit(code)
    say(sentence, "error")
    raise SystemExit(code)
