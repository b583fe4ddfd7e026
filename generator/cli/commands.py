"""What each command does, from its options to its result: find, check, run, report."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from generator.cli import dbt_project, results
from generator.cli.catalogue import Catalogue
from generator.cli.dbt import build_models, next_command
from generator.cli.progress import progress
from generator.cli.settings import Settings, effective_settings, load_settings
from generator.cli.terminal import tell_progress
from generator.engines import EngineName, engine
from generator.enums import Currency, Objective
from generator.faults.changed_columns import SPOILT, landing_tables
from generator.interruption import Interrupted
from generator.live.clock import datetime_of_moment, moment_of
from generator.live.kept import KeptFiles, cache_folder
from generator.live.stream import Beat, Plan, stream
from generator.live.targets.named import target_of
from generator.live.timeline import EVENTS, SENT, Timeline
from generator.market.dataset import market_notices, world_of
from generator.outputs import OutputError, has_first_line_of, mode_to_keep, write_text
from generator.pipeline.addition import (
    Addition,
    Start,
    add_advertiser,
    add_campaign,
    remove_campaign,
)
from generator.pipeline.logs import expected_impressions
from generator.pipeline.protection import refuse_loss
from generator.pipeline.run import TableTotal
from generator.platform.dbt_seeds import HASHES, hashes_of, is_hashes, seeds
from generator.platform.model import PlatformModel
from generator.report import queries
from generator.scenario import overrides
from generator.scenario.errors import bad_input, nearest
from generator.scenario.faults import Faults
from generator.scenario.kinds import TemplateKind
from generator.scenario.models import AdvertiserPlan
from generator.scenario.templates import (
    STANDARD_WORKFLOW,
    Dataset,
    Library,
    ResolvedScenario,
    faults_of,
)
from generator.scenario.validation import model_of
from generator.scenario.yaml_file import Document, KeyPath, Mark
from generator.schema import LOG, TABLES, TRUTH, FaultLog, PerformanceHourly, RawTable, Run
from generator.schema.dbt_delivery import BlockError, delivery_files
from generator.schema.dbt_sources import docs_markdown, source_files
from generator.schema.existing import Holdings
from generator.schema.live import AdEvent
from generator.sinks.duckdb import DuckdbSchema
from generator.sinks.summary import Contents, contents
from generator.sinks.target import database_file, file_size, label, sink_of
from generator.world.build import notices_of
from generator.world.extend import pick_profile

Status = results.Configuration | Contents
# A page has its mark in its head, so in its first characters.
_HEAD = 4_096
# Up to this number the campaigns of a live run are made once, and kept in memory.
_BOOKINGS_AT_HAND = 1_000


def catalogue(settings: Settings) -> Catalogue:
    """Return the catalogue with the templates of the settings."""
    return Catalogue(_library(settings))


def generate(
    settings: Settings,
    workflow: str,
    sets: Sequence[str],
    market: Sequence[overrides.Override],
    select: list[str] | None,
    faults: Path | None,
    log: float | None,
    tables: list[str] | None,
    replace: bool,
) -> results.Generated:
    """Generate a dataset, or some tables of it, with the faults of a file if one is given. `market`
    is what other options than --set change of it. Another dataset in the destination, or more than
    this one holds, is replaced if `replace` says so."""
    changes = [*_overrides(sets), *market]
    data = _check_selection(_data(settings, workflow, changes, faults, log), select)
    data = data.noting(sets, data.faults if faults is not None else None, log)
    wanted = _tables(tables)
    if log and set(LOG + TRUTH).isdisjoint(wanted):
        raise bad_input(
            "the log is in raw.ad_impressions and its neighbours, and none of them is among "
            "--tables; add --tables ad_impressions, or leave --log out",
            f"--log {log:g}",
        )
    spoilt = [table for table in SPOILT if data.faults.of_table(table) and table not in wanted]
    if faults is not None and spoilt:
        name = spoilt[0].table_name
        raise bad_input(
            f"faults are put into raw.{name}, which is not among --tables; add "
            f"--tables {name}, or leave --faults out",
            f"--faults {faults}",
        )
    data = data.with_tables(wanted)
    landing = landing_tables(data.faults)
    sink = sink_of(settings.database, landing)
    if settings.engine is EngineName.SPARK and not sink.packs_files:
        raise bad_input(
            f"Spark's executors write files: --engine spark needs --to parquet:DIR or s3://…, "
            f"not {label(settings.database)}"
        )
    world = world_of(data)
    if select:
        world = world.only(select)
    # A log that is too large is refused before the destination is touched.
    expected_impressions(world)
    started = time.monotonic()
    if not replace:
        sink.guard = partial(refuse_loss, world, wanted, label(settings.database))
    reached: list[tuple[int, int]] = []
    with progress() as bar:
        # Without a total the bar moves on its own, until the first campaigns are done.
        task = bar.add_task("Generating", total=None, unit="campaigns", rows=0)

        def tell(done: int, total: int, rows: int) -> None:
            reached.append((done, total))
            bar.update(task, completed=done, total=total if done else None, rows=rows)

        run = engine(settings.engine)
        landed = run(world, sink, jobs=settings.jobs, tables=wanted, progress=tell)
    return results.Generated(
        workflow=data.name,
        seed=data.seed,
        as_of=data.as_of,
        database=label(settings.database),
        tables=[
            results.LandedRows(
                table=total.table.relation(), rows=total.rows, hash=total.fingerprint
            )
            for total in landed
        ],
        next=next_command(settings.database),
        seconds=time.monotonic() - started,
        bytes=file_size(settings.database),
        notices=[
            *data.notices,
            *market_notices(data),
            *notices_of(world),
            *_run_notices(data, wanted, landed, *reached[0]),
        ],
    )


def live(
    settings: Settings,
    workflow: str,
    address: str,
    state: Path | None,
    speed: int | None,
    span: tuple[datetime | None, datetime | None],
    sets: Sequence[str],
    faults: Path | None,
    log: float | None,
    tables: list[str] | None,
) -> results.Streamed:
    """Send a dataset as it happens. `span` is from when to before when; without a speed everything
    is sent at once."""
    data = _data(settings, workflow, _overrides(sets), faults, log)
    target = target_of(address, state)
    wanted = _tables_to_send(tables, target.has_all)
    world = world_of(data)
    if len(world.bookings) <= _BOOKINGS_AT_HAND:
        world = dataclasses.replace(world, bookings=tuple(world.bookings))
    if not world.log and set(wanted) & {*LOG, AdEvent}:
        raise bad_input(
            f"workflow {data.name} has no log, and so no events; add --log 0.01, a share of the "
            "households, or --tables performance_hourly"
        )
    expected_impressions(world)
    kept = KeptFiles(cache_folder(), world.identity)
    timeline = Timeline(world, wanted, kept)
    first, until = _span(timeline, *span)
    started = time.monotonic()

    def listen(beat: Beat) -> None:
        tell_progress(
            results.Progress(
                event_time=beat.event_time,
                lag_seconds=round(beat.lag_seconds, 3),
                events_per_second=round(beat.events_per_second, 1),
                events=beat.totals.events,
                late_events=beat.totals.late_events,
                duplicate_events=beat.totals.duplicate_events,
                hourly_rows=beat.totals.hourly_rows,
                waits_for=beat.waits_for,
            )
        )

    plan = Plan(data.name, world.identity, first, until, speed)
    try:
        ending = stream(timeline, target, plan, listen)
    except Interrupted:
        raise Interrupted(
            "interrupted: what was sent is whole; the same command goes on at the next slice"
        ) from None
    if ending.is_complete:
        kept.remove()
    return results.Streamed(
        workflow=data.name,
        target=target.label,
        event_time=ending.event_time,
        is_complete=ending.is_complete,
        **vars(ending.totals),
        notices=[*data.notices, *market_notices(data), *notices_of(world)],
        seconds=time.monotonic() - started,
        is_beside_data=target.label == "stdout",
    )


def _tables_to_send(names: list[str] | None, has_all: bool) -> tuple[type[RawTable], ...]:
    """Return the tables of a live run: those named, or all, or those of what happens."""
    known = {table.table_name: table for table in SENT}
    for name in names or ():
        if name not in known:
            raise bad_input(f"there is no table {name!r} to send{nearest(name, set(known))}")
    if names:
        return tuple(known[name] for name in names)
    return SENT if has_all else (*EVENTS, PerformanceHourly)


def _span(timeline: Timeline, begin: datetime | None, end: datetime | None) -> tuple[int, int]:
    """Return from which moment to before which one a live run goes. Raises InputError."""
    first = timeline.first if begin is None else moment_of(begin)
    until = timeline.end if end is None else min(moment_of(end), timeline.end)
    if not timeline.first <= first < until:
        raise bad_input(
            f"there is nothing to send from {datetime_of_moment(first)} to before "
            f"{datetime_of_moment(until)}; the data is from {datetime_of_moment(timeline.first)} "
            f"to before {datetime_of_moment(timeline.end)}",
            "--from, --until",
        )
    return first, until


def _run_notices(
    data: Dataset,
    wanted: Sequence[type[RawTable]],
    landed: Sequence[TableTotal],
    there: int,
    campaigns: int,
) -> Iterator[str]:
    """Yield what only the run shows: how much was kept, and whether the faults matched rows."""
    if there:
        yield (
            f"{there:,} of {campaigns:,} campaigns were complete from an earlier run and were kept"
        )
    rows = {total.table: total.rows for total in landed}
    of_events = data.faults.of_table(AdEvent)
    if of_events:
        yield "the faults of ad_events are in live runs alone, which send events of ads"
    if data.faults and PerformanceHourly not in wanted:
        yield "the faults are not in the data: raw.performance_hourly is not among --tables"
    elif data.faults and not of_events and FaultLog in wanted and not rows[FaultLog]:
        yield ("no row matched these faults; check their dates, hours, campaigns and devices")


def init_db(settings: Settings) -> results.Initialised:
    """Make or migrate the raw tables."""
    file = _file(settings)
    with DuckdbSchema(file, TABLES) as schema:
        pass
    return results.Initialised(database=str(file), tables=schema.changes)


def create_advertiser(
    settings: Settings, auto: bool, given: dict[str, Any], currency: Currency
) -> results.AddedAdvertiser:
    """Add an advertiser; without `auto`, a name must be given."""
    values = {key: value for key, value in given.items() if value is not None}
    if not auto and "name" not in values:
        raise bad_input("give --name, or --auto to make one up")
    options = {"contact_email": "--email", "agency_name": "--agency"}
    marks: dict[KeyPath, Mark] = {(key,): Mark(options.get(key, f"--{key}")) for key in values}
    plan = model_of(Document(values, marks), AdvertiserPlan)
    file = _file(settings)
    added = add_advertiser(file, _start(settings), plan, currency)
    return results.AddedAdvertiser(
        database=str(file), advertiser=added.advertiser.model_dump(mode="json")
    )


def create_campaign(
    settings: Settings,
    advertiser: str,
    auto: bool,
    objective: Objective | None,
    profile: str | None,
    sets: Sequence[str],
) -> results.AddedCampaign:
    """Add a campaign of a profile: the one named, or one that the seed draws."""
    if profile is None and not auto:
        raise bad_input("give --profile NAME, or --auto to have one drawn")
    if objective is not None:
        sets = [f"campaign.objective={objective}", *sets] if profile else sets
    library, changes = _library(settings), _overrides(sets)

    def draw(holdings: Holdings, run: Run) -> ResolvedScenario:
        name = profile or pick_profile(_by_objective(library, objective), holdings, run)
        return library.scenario(TemplateKind.PROFILES, name, changes)

    return _addition(settings, add_campaign(_file(settings), _start(settings), draw, advertiser))


def create_from(
    settings: Settings,
    kind: TemplateKind,
    name: str | None,
    template: Path | None,
    sets: Sequence[str],
    advertiser: str | None,
) -> results.AddedCampaign:
    """Add the campaign of an example or profile, bundled or in a file."""
    library, changes = _library(settings), _overrides(sets)
    if template is not None:
        drawn = library.scenario_of_file(template, name, changes)
    elif name is not None:
        drawn = library.scenario(kind, name, changes)
    else:
        raise bad_input("give --example NAME, --template FILE, or both")
    return _addition(
        settings,
        add_campaign(_file(settings), _start(settings), lambda _holdings, _run: drawn, advertiser),
    )


def remove(settings: Settings, campaign_id: int) -> results.Removed:
    """Remove a campaign and all that belongs to it."""
    file = _file(settings)
    rows = remove_campaign(file, campaign_id)
    return results.Removed(database=str(file), campaign_id=campaign_id, rows=rows)


def status(config: bool, **options: Any) -> Status:
    """Return what the database holds, or which settings are in force."""
    if config:
        found = effective_settings(**options)
        for setting in found:
            if setting.name == "database":
                setting.value = label(str(setting.value))
        return results.Configuration(settings=found)
    return contents(_file(load_settings(**options)))


def validate(settings: Settings, file: Path, sets: Sequence[str]) -> results.Valid:
    """Check a file. Raises InputError with all that is wrong in it."""
    found = _library(settings).check(file, _overrides(sets))
    if isinstance(found, PlatformModel):
        return results.Valid(file=str(file), kind="platform", name=found.name)
    if isinstance(found, Faults):
        return results.Valid(file=str(file), kind="faults", name=file.stem)
    world = world_of(found)
    scenarios = [scenario.name for scenario in found.scenarios]
    kind = "scenario" if scenarios == [found.name] else "workflow"
    return results.Valid(
        file=str(file),
        kind=kind,
        name=found.name,
        scenarios=scenarios,
        notices=[*found.notices, *notices_of(world)],
    )


def build(settings: Settings, select: Sequence[str], run_tests: bool) -> results.Built:
    """Build the dbt models on the database, and test them."""
    file = _file(settings)
    held = contents(file)
    with progress() as bar:
        task = bar.add_task("dbt build", total=None, unit="nodes")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        summary = build_models(file, select, run_tests, show)
    return results.Built(
        database=str(file),
        models=summary.models,
        tests=summary.tests,
        seconds=round(summary.seconds, 1),
        campaigns=len(held.campaigns),
        performance_rows=held.rows_of("raw.performance_hourly"),
        first_hour=held.first_hour,
        last_hour=held.last_hour,
    )


def init(folder: Path) -> results.Project:
    """Write a project of the user's own."""
    files = dbt_project.write_project(folder)
    return results.Project(folder=str(folder), files=len(files))


def report(settings: Settings, output: Path) -> results.Written:
    """Write the report on the marts of the database."""
    # What draws it takes a while to import, and no other command needs it.
    from generator.report import page

    if output.suffix.lower() not in (".html", ".htm") and not os.path.lexists(output):
        raise bad_input("would be an HTML file; let its name end in .html", str(output))
    text = page.html(queries.read(_file(settings)))
    _output(output, text, lambda held: page.MARK in held[:_HEAD])
    return results.Written(files=[str(output)])


def watch(settings: Settings, port: int) -> results.Watching:
    """Return the page that follows the database. Its port is taken already."""
    # No other command needs a server.
    from generator.watch.database import LiveDatabase
    from generator.watch.server import Server

    server = Server(LiveDatabase(settings.database), port)

    def serve() -> None:
        with server:
            try:
                server.serve_forever()
            except Interrupted:
                raise Interrupted(f"{server.url} is closed") from None

    return results.Watching(url=server.url, database=label(settings.database), serve=serve)


def scorecard(settings: Settings) -> results.Scorecard:
    """Return how realistic the database is, as dbt judged it."""
    file = _file(settings)
    found = queries.read_realism(file)
    return results.Scorecard(
        database=str(file),
        workflow=found["scorecard"][0]["workflow"],
        platform=found["scorecard"][0]["platform"],
        benchmarks=[
            results.Judgement(
                name=row["benchmark_id"], what=f"{row['metric']}: {row['segment']}", **row
            )
            for row in found["scorecard"]
        ],
        shapes=[
            results.Judgement(name=row["shape_id"], what=row["figure"], is_binding=True, **row)
            for row in found["shapes"]
        ],
    )


def dbt_sources(folder: Path) -> results.Written:
    """Write into a dbt project what the schema says of raw tables and delivery columns."""
    staging = "models/staging"
    files = {f"{staging}/{name}": text for name, text in source_files(TABLES).items()}
    files[f"{staging}/ads/_ads__docs.md"] = docs_markdown(TABLES)
    try:
        return _write(
            files | delivery_files(folder),
            folder,
            lambda _name, text, held: has_first_line_of(text)(held),
        )
    except BlockError as error:
        raise bad_input(str(error)) from None


def dbt_seeds(settings: Settings, folder: Path) -> results.Written:
    """Write what dbt has to know of every platform that there is a template of."""
    library = _library(settings)
    platforms = [library.platform(name) for name in library.names(TemplateKind.PLATFORMS)]
    texts = seeds(platforms)
    hashes = folder / HASHES
    earlier = hashes.read_text(errors="replace").splitlines() if hashes.is_file() else []

    def is_own(name: str, text: str, held: str) -> bool:
        if name == HASHES:
            return is_hashes(held)
        return held == text or hashes_of({name: held}).strip() in earlier

    return _write(texts | {HASHES: hashes_of(texts)}, folder, is_own)


def _write(
    files: Mapping[str, str], folder: Path, is_own: Callable[[str, str, str], bool]
) -> results.Written:
    """Write files by their names, or none where one is not the command's own: `is_own` is called
    with the name, the new text and the existing text."""
    if not folder.is_dir():
        raise bad_input(f"there is no folder {folder}; run this at the top of the checkout")
    for name, text in files.items():
        _output(folder / name, None, partial(is_own, name, text))
    for name, text in files.items():
        _output(folder / name, text, partial(is_own, name, text))
    return results.Written(files=[str(folder / name) for name in files])


def _output(file: Path, text: str | None, is_own: Callable[[str], bool]) -> None:
    """Write a file, or only check that it may be written. Raises InputError."""
    try:
        if text is None:
            mode_to_keep(file, is_own)
        else:
            write_text(file, text, is_own)
    except OutputError as error:
        raise bad_input(str(error), str(file)) from error


def _library(settings: Settings) -> Library:
    return Library(Path(settings.templates)) if settings.templates else Library()


def _file(settings: Settings) -> Path:
    """Return the DuckDB file of the settings. Raises DestinationError, and FileNotFoundError for a
    path in a current folder that no longer exists."""
    file = database_file(settings.database)
    if not file.is_absolute():
        Path.cwd()
    return file


def _data(
    settings: Settings,
    workflow: str,
    changes: Sequence[overrides.Override],
    faults: Path | None,
    log: float | None,
) -> Dataset:
    """Return the dataset of a workflow with what options change of it."""
    data = _library(settings).dataset(workflow, changes)
    if settings.seed is not None:
        data = data.with_seed(settings.seed)
    if settings.as_of is not None:
        data = data.with_as_of(settings.as_of)
    if faults is not None:
        data = data.with_faults(faults_of(faults))
    return data if log is None else data.with_log(log)


def _overrides(sets: Sequence[str]) -> list[overrides.Override]:
    return [overrides.parse_override(change) for change in sets]


def _start(settings: Settings) -> Start:
    default = Library().workflow(STANDARD_WORKFLOW)
    seed = default.seed if settings.seed is None else settings.seed
    return Start(seed=seed, as_of=settings.as_of or default.as_of)


def _tables(names: list[str] | None) -> Sequence[type[RawTable]]:
    known = {table.table_name: table for table in TABLES}
    for name in names or ():
        if name not in known:
            raise bad_input(f"there is no raw table {name!r}{nearest(name, set(known))}")
    return [known[name] for name in names or known]


def _check_selection(data: Dataset, select: list[str] | None) -> Dataset:
    known = {scenario.name for scenario in data.scenarios}
    if select and data.market is not None:
        raise bad_input(
            f"workflow {data.name} books a market and has no scenarios to select; make it smaller "
            "with --campaigns, or later look at some of its campaigns",
            "--select",
        )
    for name in select or ():
        if name not in known:
            raise bad_input(f"workflow {data.name} has no scenario {name!r}{nearest(name, known)}")
    return data


def _by_objective(library: Library, objective: Objective | None) -> dict[str, Objective]:
    """Return the profiles of an objective, or all."""
    found = {
        name: library.scenario(TemplateKind.PROFILES, name).scenario.campaign.objective
        for name in library.names(TemplateKind.PROFILES)
    }
    return {name: aim for name, aim in found.items() if objective in (None, aim)}


def _addition(settings: Settings, added: Addition) -> results.AddedCampaign:
    (booking,) = added.world.bookings
    days: list[date] = [
        day for flight in booking.flights for day in (flight.start_date, flight.end_date)
    ]
    return results.AddedCampaign(
        database=str(_file(settings)),
        campaign_id=booking.campaign.campaign_id,
        name=booking.campaign.name,
        advertiser_id=added.advertiser.advertiser_id,
        advertiser=added.advertiser.name,
        scenario=booking.campaign.scenario,
        platform=booking.campaign.platform,
        start_date=min(days),
        end_date=max(days),
        status=booking.campaign.status,
        rows=added.rows,
        notices=[*added.notices, *notices_of(added.world)],
    )
