"""A dataset made and landed in a destination."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from generator.cli import results
from generator.cli.commands.inputs import dataset_of, parse_overrides
from generator.cli.dbt import next_command
from generator.cli.progress import progress
from generator.cli.settings import Settings
from generator.engines import EngineName, engine
from generator.faults.changed_columns import SPOILT, landing_tables
from generator.market.dataset import market_notices, world_of
from generator.pipeline.logs import expected_impressions
from generator.pipeline.protection import refuse_loss
from generator.pipeline.run import TableTotal
from generator.scenario import overrides
from generator.scenario.errors import bad_input, nearest
from generator.scenario.faults import Faults
from generator.scenario.tables import pick_tables
from generator.scenario.templates import Dataset
from generator.schema import LOG, TABLES, TRUTH, FaultLog, RawTable
from generator.schema.live import AdEvent
from generator.sinks.sink import Sink
from generator.sinks.target import file_size, label, sink_of
from generator.world.build import notices_of
from generator.world.world import World


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
    changes = [*parse_overrides(sets), *market]
    data = _check_selection(dataset_of(settings, workflow, changes, faults, log), select)
    data = data.noting(sets, data.faults if faults is not None else None, log)
    wanted = pick_tables(tables, TABLES) if tables else TABLES
    _check_tables(wanted, data.faults, faults, log)
    data = data.with_tables(wanted)
    sink = _sink(settings, landing_tables(data.faults))
    world = world_of(data)
    if select:
        world = world.only(select)
    # A log that is too large is refused before the destination is touched.
    expected_impressions(world)
    started = time.monotonic()
    if not replace:
        sink.guard = partial(refuse_loss, world, wanted, label(settings.database))
    landed, kept = _land(settings, world, sink, wanted)
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
            *_run_notices(data.faults, wanted, landed, kept, len(world.bookings)),
        ],
    )


def _check_tables(
    wanted: Sequence[type[RawTable]], faults: Faults, file: Path | None, log: float | None
) -> None:
    """Raise InputError where options ask for a log, or for the faults of a file, and none of the
    wanted tables would have them."""
    if log and set(LOG + TRUTH).isdisjoint(wanted):
        raise bad_input(
            "the log is in raw.ad_impressions and its neighbours, and none of them is among "
            "--tables; add --tables ad_impressions, or leave --log out",
            f"--log {log:g}",
        )
    missing = [table for table in SPOILT if faults.of_table(table) and table not in wanted]
    if file is not None and missing:
        name = missing[0].table_name
        raise bad_input(
            f"faults are put into raw.{name}, which is not among --tables; add "
            f"--tables {name}, or leave --faults out",
            f"--faults {file}",
        )


def _sink(settings: Settings, landing: Sequence[type[RawTable]]) -> Sink:
    """Return the destination. Raises InputError where the engine cannot write to it."""
    sink = sink_of(settings.database, landing)
    if settings.engine is EngineName.SPARK and not sink.packs_files:
        raise bad_input(
            f"Spark's executors write files: --engine spark needs --to parquet:DIR or s3://…, "
            f"not {label(settings.database)}"
        )
    return sink


def _land(
    settings: Settings, world: World, sink: Sink, wanted: Sequence[type[RawTable]]
) -> tuple[Sequence[TableTotal], int]:
    """Make a world and land it, with a bar of progress. Return what each table received, and the
    number of campaigns that were complete from an earlier run."""
    reached: list[int] = []
    with progress() as bar:
        # Without a total the bar moves on its own, until the first campaigns are done.
        task = bar.add_task("Generating", total=None, unit="campaigns", rows=0)

        def tell(done: int, total: int, rows: int) -> None:
            reached.append(done)
            bar.update(task, completed=done, total=total if done else None, rows=rows)

        run = engine(settings.engine)
        landed = run(world, sink, jobs=settings.jobs, tables=wanted, progress=tell)
    return landed, reached[0]


def _run_notices(
    faults: Faults,
    wanted: Sequence[type[RawTable]],
    landed: Sequence[TableTotal],
    kept: int,
    campaigns: int,
) -> Iterator[str]:
    """Yield what only the run shows: how much was kept, and whether the faults matched rows."""
    if kept:
        yield (
            f"{kept:,} of {campaigns:,} campaigns were complete from an earlier run and were kept"
        )
    rows = {total.table: total.rows for total in landed}
    of_events = faults.of_table(AdEvent)
    if of_events:
        yield "the faults of ad_events are in live runs alone, which send events of ads"
    spoilt = [table for table in SPOILT if faults.of_table(table)]
    if spoilt and set(spoilt).isdisjoint(wanted):
        names = ", ".join(table.relation() for table in spoilt)
        yield f"the faults are not in the data: --tables leaves out {names}"
    elif spoilt and not of_events and FaultLog in wanted and not rows[FaultLog]:
        yield "no row matched these faults; check their dates, hours, campaigns and devices"


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
