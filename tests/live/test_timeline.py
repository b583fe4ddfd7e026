"""The timeline: all rows of the batch, each once, in the order of time, from any moment on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from generator.live.timeline import SENT, Slice, Timeline, join
from generator.scenario.faults import Faults
from generator.scenario.log import NO_LOG
from generator.schema import AdImpression, Conversion, PerformanceHourly, RawTable
from generator.schema.live import AdEvent
from generator.world.world import World
from tests.live.conftest import Tables, assert_equal, together

HOUR, MINUTE = 3600 * 10**6, 60 * 10**6


def hourly(_moment: int) -> int:
    return HOUR


@pytest.fixture(scope="module")
def slices(world: World) -> list[Slice]:
    timeline = Timeline(world)
    return list(timeline.slices(timeline.first, timeline.end, hourly))


def rows_of(slices: list[Slice]) -> list[tuple[type[RawTable], pa.Table]]:
    return [(part.table, part.rows) for piece in slices for part in piece.rows]


def test_slices_start_and_truth_are_the_batch(
    timeline: Timeline, slices: list[Slice], batch: Tables
) -> None:
    """Row for row, with late and repeated rows; and the events are those of the dbt model."""
    pieces = [*timeline.start(), *rows_of(slices), *timeline.rest()]
    assert_equal(together(pieces), batch)


def test_each_row_is_in_the_slice_of_its_moment_in_order(slices: list[Slice]) -> None:
    for piece in slices:
        for part in piece.rows:
            assert (np.diff(part.moment) >= 0).all()
            assert piece.begin <= part.moment[0]
            assert part.moment[-1] < piece.end


@pytest.mark.parametrize("share", [0.002, 0.21, 0.43, 0.5, 0.85])
def test_a_run_that_goes_on_sends_what_the_whole_run_sends(
    world: World, slices: list[Slice], share: float
) -> None:
    """In the middle of an hour, also where late rows of earlier days are due."""
    timeline = Timeline(world)
    first = timeline.first + int((timeline.end - timeline.first) * share) // MINUTE * MINUTE
    rest = [
        (part.table, part.within(first, timeline.end).rows)
        for piece in slices
        for part in piece.rows
        if part.last >= first
    ]
    again = list(timeline.slices(first, timeline.end, hourly))
    assert again[0].begin == first
    assert [(table.table_name, rows.to_pylist()) for table, rows in rest] == [
        (table.table_name, rows.to_pylist()) for table, rows in rows_of(again)
    ]


def test_the_latest_rows_are_sent_by_a_run_that_goes_on_after_its_campaigns(world: World) -> None:
    """Rows that are restated land up to two months after the last campaign, on a platform without
    conversions, too."""
    days = {"start_date": date(2025, 10, 1), "end_date": date(2025, 10, 3), "rate": 1, "days": 60}
    faults = Faults.model_validate({"restated_days": [days | {"counted_at_first": 0.5}]})
    model = world.platform_models["netflix_like"]
    assert model.conversions
    soon = model.conversions.model_copy(update={"longest_lag_days": 1})
    models = {"netflix_like": model.model_copy(update={"conversions": soon})}
    run = world.run.model_copy(update={"as_of_date": date(2026, 2, 28)})
    later = replace(world, faults=faults, run=run, log=NO_LOG, platform_models=models)
    timeline = Timeline(later, [PerformanceHourly])
    whole = list(timeline.slices(timeline.first, timeline.end, hourly))
    last = max(piece.begin for piece in whole if piece.rows)
    (part,) = next(piece for piece in whole if piece.begin == last).rows
    assert last > timeline.first + 60 * 24 * HOUR
    again = next(timeline.slices(last, timeline.end, hourly))
    assert [found.rows for found in again.rows] == [part.rows]


def test_short_slices_have_the_rows_of_long_ones(world: World, slices: list[Slice]) -> None:
    timeline = Timeline(world)
    begin, end = timeline.first + 20 * HOUR, timeline.first + 24 * HOUR
    short = list(timeline.slices(begin, end, lambda _: MINUTE))
    assert [piece.end - piece.begin for piece in short] == [MINUTE] * 240
    long = [piece for piece in slices if begin <= piece.begin < end]
    assert_equal(together(rows_of(short)), together(rows_of(long)))


def test_slices_that_are_sent_together_have_their_tables_in_one_order(slices: list[Slice]) -> None:
    """The first slice with rows has a few tables only."""
    some = [piece for piece in slices if piece.rows]
    found = [part.table for part in join(some).rows]
    assert [table for table in SENT if table in found] == found
    assert [part.table for piece in some for part in piece.rows][: len(found)] != found


def test_hourly_rows_land_when_their_hour_is_closed(slices: list[Slice]) -> None:
    """Five minutes after the hour, but for those that a fault makes late."""
    for piece in slices:
        for part in piece.rows:
            if issubclass(part.table, PerformanceHourly):
                hours = part.rows.column("hour_ts").cast(pa.int64()).to_numpy()
                after = part.moment - hours
                assert (after[~part.is_late] == HOUR + 5 * MINUTE).all()
                assert (after[part.is_late] > 24 * HOUR).all()


def test_late_and_repeated_events_are_counted(slices: list[Slice], batch: Tables) -> None:
    impressions = batch["ad_impressions"]
    repeated = impressions.num_rows - len(impressions.column("impression_id").unique())
    parts = [
        part for piece in slices for part in piece.rows if issubclass(part.table, AdImpression)
    ]
    assert sum(part.is_repeated.sum() for part in parts) == repeated > 0
    assert sum(piece.duplicate_events for piece in slices) > repeated
    late: dict[str, set[int]] = {}
    for part in (one for piece in slices for one in piece.rows if issubclass(one.table, AdEvent)):
        ads = part.rows.column("ad_id").to_pylist()
        for ad, moment, is_late in zip(ads, part.moment.tolist(), part.is_late, strict=True):
            if is_late:
                late.setdefault(ad, set()).add(moment)
    # Those of an impression that lands late are all sent when it does.
    assert late
    assert {len(moments) for moments in late.values()} == {1}
    assert sum(piece.late_events for piece in slices) > 5
    assert sum(piece.count(Conversion) for piece in slices) == batch["conversions"].num_rows
