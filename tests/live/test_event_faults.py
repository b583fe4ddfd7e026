"""Faults in the events of ads, by their names."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from pydantic import ValidationError

from generator.live.timeline import Slice, Timeline
from generator.scenario.faults import Faults
from generator.world.world import World
from tests.live.conftest import Tables, assert_equal, together

HOUR = 3600 * 10**6
MINUTES = 90
FAULTS = Faults.model_validate(
    {
        "late_rows": [
            {
                "table": "ad_events",
                "events": ["thirdQuartile", "complete"],
                "rate": 0.5,
                "minutes": MINUTES,
            }
        ],
        "duplicates": [{"table": "ad_events", "events": ["start"], "rate": 0.25}],
    }
)


def spoilt(world: World) -> Timeline:
    return Timeline(replace(world, faults=FAULTS))


@pytest.fixture(scope="module")
def slices(world: World) -> list[Slice]:
    timeline = spoilt(world)
    return list(timeline.slices(timeline.first, timeline.end, lambda _: HOUR))


def events_of(slices: list[Slice]) -> list[tuple]:
    """Name, time, moment and the two marks of each event of an ad."""
    return [
        row
        for piece in slices
        for part in piece.rows
        if part.table.table_name == "ad_events"
        for row in zip(
            part.rows.column("event_id").to_pylist(),
            part.rows.column("event_name").to_pylist(),
            part.rows.column("event_ts").cast("int64").to_pylist(),
            part.moment.tolist(),
            part.is_late.tolist(),
            part.is_repeated.tolist(),
            strict=True,
        )
    ]


def test_some_events_are_late_and_others_come_twice(slices: list[Slice]) -> None:
    events = events_of(slices)
    for _, name, happened, moment, is_late, is_repeated in events:
        assert moment - happened == (MINUTES * 60 * 10**6 if is_late else 0)
        assert name in ("thirdQuartile", "complete") or not is_late
        assert name == "start" or not is_repeated
    completes = [event for event in events if event[1] == "complete"]
    starts = [event for event in events if event[1] == "start"]
    assert 0.4 < sum(event[4] for event in completes) / len(completes) < 0.6
    # Each event of an ad is late by a chance apart: not all of them, or none.
    late = {event[0]: event[4] for event in events}
    ads = [event[0].partition(":")[0] for event in completes]
    assert {late[f"{ad}:complete"] == late[f"{ad}:thirdQuartile"] for ad in ads} == {True, False}
    copies = sum(event[5] for event in starts)
    assert 0.15 < copies / (len(starts) - copies) < 0.35
    assert sum(piece.duplicate_events for piece in slices) == copies
    assert len({event[0] for event in starts}) == len(starts) - copies


def test_each_event_once_is_the_batch(slices: list[Slice], batch: Tables) -> None:
    live = together([(part.table, part.rows) for piece in slices for part in piece.rows])
    connection = duckdb.connect()
    distinct = {}
    for place, tables in (("live", live), ("batch", batch)):
        connection.register("events", tables["ad_events"])
        distinct[place] = connection.sql("select distinct * from events").to_arrow_table()
    assert_equal({"ad_events": distinct["live"]}, {"ad_events": distinct["batch"]})


def test_a_run_goes_on_among_late_events(world: World, slices: list[Slice]) -> None:
    timeline = spoilt(world)
    first = timeline.first + 22 * HOUR + HOUR // 2
    again = events_of(list(timeline.slices(first, timeline.end, lambda _: HOUR)))
    assert sorted(again) == sorted(event for event in events_of(slices) if event[3] >= first)


@pytest.mark.parametrize(
    "fault",
    [
        {"table": "ad_events", "days": 1},
        {"table": "ad_events"},
        {"minutes": 5},
        {"days": 1, "minutes": 5},
        {"events": ["start"], "days": 1},
        {"table": "ad_events", "events": ["begin"], "minutes": 5},
    ],
    ids=str,
)
def test_what_cannot_be_late_like_this_is_a_sentence(fault: dict) -> None:
    with pytest.raises(ValidationError, match=r"late by|add table: ad_events|Input should be"):
        Faults.model_validate({"late_rows": [fault]})
