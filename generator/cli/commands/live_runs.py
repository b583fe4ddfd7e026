"""A dataset sent as it happens."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from generator.cli import results
from generator.cli.commands.inputs import dataset_of, parse_overrides
from generator.cli.settings import Settings
from generator.cli.terminal import tell_progress
from generator.interruption import Interrupted
from generator.live.clock import datetime_of_moment, moment_of
from generator.live.kept import KeptFiles, cache_folder
from generator.live.stream import Beat, Plan, stream
from generator.live.targets.named import target_of
from generator.live.timeline import EVENTS, SENT, Timeline
from generator.market.dataset import market_notices, world_of
from generator.pipeline.logs import expected_impressions
from generator.scenario.errors import bad_input
from generator.scenario.tables import pick_tables
from generator.scenario.templates import Dataset
from generator.schema import LOG, PerformanceHourly, RawTable
from generator.schema.live import AdEvent
from generator.world.build import notices_of
from generator.world.world import World

# Up to this number the campaigns of a live run are made once, and kept in memory.
_BOOKINGS_AT_HAND = 1_000


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
    data = dataset_of(settings, workflow, parse_overrides(sets), faults, log)
    target = target_of(address, state)
    wanted = _tables_to_send(tables, target.has_all)
    world = _world_to_send(data, wanted)
    kept = KeptFiles(cache_folder(), world.identity)
    timeline = Timeline(world, wanted, kept)
    first, until = _span(timeline, *span)
    started = time.monotonic()
    plan = Plan(data.name, world.identity, first, until, speed)
    try:
        ending = stream(timeline, target, plan, _tell)
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


def _world_to_send(data: Dataset, wanted: Sequence[type[RawTable]]) -> World:
    """Return the world of a live run. Raises InputError for events without a log, and for a log
    that is too large."""
    world = world_of(data)
    if len(world.bookings) <= _BOOKINGS_AT_HAND:
        world = dataclasses.replace(world, bookings=tuple(world.bookings))
    if not world.log and set(wanted) & {*LOG, AdEvent}:
        raise bad_input(
            f"workflow {data.name} has no log, and so no events; add --log 0.01, a share of the "
            "households, or --tables performance_hourly"
        )
    expected_impressions(world)
    return world


def _tell(beat: Beat) -> None:
    """Print how the run is doing."""
    totals = beat.totals
    tell_progress(
        results.Progress(
            event_time=beat.event_time,
            lag_seconds=round(beat.lag_seconds, 3),
            events_per_second=round(beat.events_per_second, 1),
            events=totals.events,
            late_events=totals.late_events,
            duplicate_events=totals.duplicate_events,
            hourly_rows=totals.hourly_rows,
            waits_for=beat.waits_for,
        )
    )


def _tables_to_send(names: list[str] | None, has_all: bool) -> tuple[type[RawTable], ...]:
    """Return the tables of a live run: those named, or all, or those of what happens."""
    if names:
        return pick_tables(names, SENT)
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
