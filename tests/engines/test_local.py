"""Same inputs, same bytes: independent of what else is made, and of where it runs."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generator.engines import local
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.errors import EngineError
from generator.pipeline.parts import _edges, all_pieces, parts_of, pieces
from generator.scenario.templates import dataset
from generator.schema import (
    LOG,
    TABLES,
    TRUTH,
    AudienceDaily,
    Campaign,
    CampaignReach,
    PerformanceHourly,
)
from generator.sinks.fingerprint import Fingerprint, Tally
from generator.world.build import build_world
from tests.engines.basket import Basket
from tests.support.project import ROOT

FACTS = (PerformanceHourly, CampaignReach, AudienceDaily)


def fingerprints(world, only=None) -> dict[str, str]:
    """The hash of each table but `runs`, which names the version of the generator."""
    prints: dict[str, Fingerprint] = {}
    for table, batch in all_pieces(world.only(only) if only else world):
        prints.setdefault(table.table_name, Fingerprint()).add(batch)
    return {name: tally.hexdigest for name, tally in prints.items() if name != "runs"}


def rows(world, only=None) -> dict[str, pa.Table]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for table, batch in all_pieces(world.only(only) if only else world):
        batches.setdefault(table.table_name, []).append(batch)
    return {name: pa.Table.from_batches(landed) for name, landed in batches.items()}


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"},
    ],
    ids=str,
)
def test_smoke_is_the_same_in_any_process(environment: dict[str, str]) -> None:
    """Another hash seed, another time zone, another processor: the same bytes."""
    script = (
        "import json; from tests.engines.test_local import *;"
        "print(json.dumps(fingerprints(build_world(dataset('smoke')))))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    recorded = json.loads((ROOT / "tests/golden_hashes.json").read_text())["hashes"]["smoke"]
    without_rows = f"{0:016x}"
    assert json.loads(result.stdout) == {
        name: tally for name, tally in recorded.items() if tally != without_rows
    }


def test_another_seed_gives_other_data() -> None:
    first = fingerprints(build_world(dataset("smoke")))
    second = fingerprints(build_world(dataset("smoke").with_seed(8)))
    assert all(first[t.table_name] != second[t.table_name] for t in FACTS)


def test_one_campaign_alone_equals_its_rows_in_the_whole() -> None:
    world = build_world(dataset("complete"))
    whole = rows(world)
    for booking in world.bookings:
        alone = rows(world, only=[booking.campaign.scenario])
        campaign_id = booking.campaign.campaign_id
        for table in FACTS:
            name = table.table_name
            part = whole[name].filter(pa.compute.field("campaign_id") == campaign_id)
            assert alone[name].to_pylist() == part.to_pylist()


# What the as-of day decides of an entity. It also decides when a campaign that is still a DRAFT was
# booked, and so when its advertiser came.
OF_THE_DAY = {"status", "as_of_date", "updated_at"}


# What the truth counts grows until nothing follows from a campaign any more.
COUNTED_UP_TO_THE_DAY = {"campaign_lift", "household_outcomes", "media_returns"}


# No campaign of `complete` has one.
OF_AN_EXPERIMENT = {
    "experiments",
    "experiment_assignments",
    "ghost_impressions",
    "experiment_lift",
}


def tally(table: pa.Table) -> Tally:
    """Rows and fingerprint of a table."""
    print_of = Fingerprint()
    for batch in table.to_batches():
        print_of.add(batch)
    return print_of.tally


def known_by(name: str, day: date) -> pa.compute.Expression | None:
    """Which rows of a table are complete on a day; None for tables of entities."""
    at = pa.scalar(day, pa.date32()).cast("timestamp[us]")
    field = pa.compute.field
    week_ends = pa.compute.add(field("window_start"), pa.scalar(timedelta(days=7)))
    return {
        "performance_hourly": field("hour_ts") < at,
        "inventory_hourly": field("hour_ts") < at,
        "audience_daily": field("activity_date") < pa.scalar(day, pa.date32()),
        "ad_impressions": field("hour_ts") < at,
        "ad_errors": field("hour_ts") < at,
        "conversions": field("event_ts") < at,
        "conversions_daily": field("activity_date") < pa.scalar(day, pa.date32()),
        "prices_weekly": field("week_start_date") < pa.scalar(day, pa.date32()),
        "campaign_reach": (field("window_start") < at)
        & ((field("reach_window") != "WEEK") | (week_ends <= at)),
    }.get(name)


def test_an_earlier_horizon_gives_the_same_rows_up_to_it() -> None:
    """What is known on a day does not change when the next day is known: hours, days and whole
    weeks of all facts, and all that entities are but their status."""
    data, day = dataset("complete"), date(2025, 9, 20)
    early, late = rows(build_world(replace(data, as_of=day))), rows(build_world(data))
    always = {table.table_name for table in TABLES if not table.is_optional}
    always |= {"conversions_daily", "prices_weekly", "holidays"}
    people = {"households": "household_id", "profiles": "profile_id", "devices": "device_id"}
    people |= {"conversion_causes": "conversion_id"}
    of_a_log = {table.table_name for table in LOG + TRUTH} - OF_AN_EXPERIMENT
    # No holiday is that early.
    assert {*early, "holidays"} == set(late) == always | of_a_log
    drafts = early["campaigns"].filter(pa.compute.field("status") == "DRAFT")
    assert 0 < drafts.num_rows < 7
    for name in set(late) - COUNTED_UP_TO_THE_DAY - {"holidays"}:
        earlier, seen = early[name], late[name]
        if (known := known_by(name, day)) is not None:
            assert 0 < earlier.num_rows < seen.num_rows, name
            earlier, seen = earlier.filter(known), seen.filter(known)
        if key := {"campaigns": "campaign_id", "advertisers": "advertiser_id"}.get(name):
            begun = ~pa.compute.field(key).isin(drafts[key])
            earlier, seen = earlier.filter(begun), seen.filter(begun)
        if key := people.get(name):
            assert 0 < earlier.num_rows < seen.num_rows, name
            seen = seen.filter(pa.compute.field(key).isin(earlier[key]))
        kept = [column for column in seen.column_names if column not in OF_THE_DAY]
        assert seen.num_rows > 0
        assert tally(earlier.select(kept)) == tally(seen.select(kept)), name


def landed(basket: Basket, **options: Any) -> dict[str, tuple[int, str]]:
    made = local.run(build_world(dataset("complete")), basket, **options)
    return {totals.table.table_name: (totals.rows, totals.fingerprint) for totals in made}


@pytest.fixture(scope="module")
def of_one_process() -> dict[str, tuple[int, str]]:
    return landed(Basket(40_000))


@pytest.mark.parametrize("jobs", [2, 3])
def test_several_processes_make_the_same(jobs: int, of_one_process) -> None:
    basket = Basket(5_000)
    assert landed(basket, jobs=jobs) == of_one_process
    assert list(basket.parts) == [
        part.name for part in parts_of(build_world(dataset("complete")), 5_000)
    ]
    assert len(basket.parts) > 5
    assert not multiprocessing.active_children()


def test_the_size_of_a_part_changes_nothing(of_one_process) -> None:
    assert landed(Basket(10**9)) == of_one_process
    assert landed(Basket(1)) == of_one_process


def test_blocks_of_a_part_follow_one_another_in_time(
    monkeypatch: pytest.MonkeyPatch, of_one_process
) -> None:
    """So that a partition by month fills in one go; a part of one block keeps the order of ids."""
    world = build_world(dataset("complete"))
    begins = {
        booking.campaign.campaign_id: booking.flights[0].start_date for booking in world.bookings
    }

    def order() -> list[int]:
        (part,) = (part for part in parts_of(world, 10**9) if part.campaigns)
        made = pieces(world, part, CountrySupplies(world), (PerformanceHourly,))
        ids = pa.concat_arrays([batch.column("campaign_id") for _, batch in made])
        return ids.unique().to_pylist()

    ids = sorted(begins)
    monkeypatch.setattr("generator.pipeline.parts.ROWS_A_BLOCK", 10**9)
    assert order() == ids
    monkeypatch.setattr("generator.pipeline.parts.ROWS_A_BLOCK", 2_000)
    assert order() == sorted(ids, key=begins.__getitem__) != ids
    assert landed(Basket(10**9)) == of_one_process


def test_the_last_of_many_parts_are_small() -> None:
    """So that processes are done at the same time; a few parts are all of one size."""
    rows = np.full(1000, 100)
    sizes = np.diff(_edges(rows, 10_000), prepend=0)
    assert sizes.sum() >= rows.sum()
    assert sizes[0] == 10_000
    assert sizes[-1] == 1_250
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert _edges(rows, 30_000) == [30_000, 60_000, 90_000, 120_000]
    assert _edges(np.zeros(3, dtype=np.int64), 30_000) == []


def test_what_a_sink_holds_is_not_made_again(of_one_process) -> None:
    whole = Basket(5_000)
    landed(whole)
    some = dict(list(whole.parts.items())[::2])
    rest = Basket(5_000, held=some)
    seen: list[tuple[int, int, int]] = []
    assert landed(rest, progress=lambda *step: seen.append(step)) == of_one_process
    assert set(rest.parts) == set(whole.parts) - set(some)
    assert seen[0][0] > 0
    assert seen[-1][0] == seen[-1][1]


def test_tables_that_are_not_wanted_are_not_made(of_one_process) -> None:
    wanted = (Campaign, PerformanceHourly)
    made = landed(Basket(40_000), tables=wanted)
    for table in TABLES:
        name = table.table_name
        assert made[name] == (of_one_process[name] if table in wanted else (0, "0" * 16))


def test_a_worker_that_dies_is_told_of_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_work", died)
    with pytest.raises(EngineError, match=r"ended with code 9.*fewer --jobs"):
        landed(Basket(5_000), jobs=2)
    assert not multiprocessing.active_children()


def test_no_memory_to_share_is_told_of_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(EngineError, match=r"No space left on device.*try --jobs 1"):
        landed(Basket(5_000), jobs=2)
    assert not multiprocessing.active_children()


def died(_connection: object) -> None:
    """A worker in the place of the real one, killed for want of memory."""
    os._exit(9)


class Packed(Basket):
    """A basket with a packer that meets an error, in the process that makes the part."""

    def __init__(self, fail: Callable[..., Any]) -> None:
        super().__init__(5_000)
        self.packer = fail


def no_memory(*_part: object) -> None:
    raise MemoryError("16 GB")


class UnpicklableError(Exception):
    def __reduce__(self) -> str:
        raise TypeError


def odd(*_part: object) -> None:
    raise UnpicklableError("odd")


@pytest.mark.parametrize(
    ("fail", "kind", "text"), [(no_memory, MemoryError, "16 GB"), (odd, RuntimeError, "odd")]
)
def test_what_a_worker_meets_is_raised_here_with_its_traceback(
    fail, kind, text, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(kind, match=text) as raised:
        landed(Packed(fail), jobs=2)
    assert fail.__name__ in raised.value.__notes__[0]
    assert capfd.readouterr().err == ""
    assert not multiprocessing.active_children()


def test_a_system_without_threads_is_a_sentence_before_arrow_waits_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, started = threading.Thread.start, []

    def refuse(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    sink = Basket(5_000)
    sink.packs_files = True
    with pytest.raises(EngineError, match=r"cannot start another thread.*pids\.max"):
        landed(sink)
    assert not any(thread.is_alive() for thread in started)


def test_who_asks_to_stop_while_a_worker_starts_is_heard_afterwards() -> None:
    """Also where another thread takes the signal, as those of the libraries do."""
    heard: list[str] = []
    now = threading.Event()

    def ask() -> None:
        now.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("asked"))
    try:
        with local._signals_wait():
            now.set()
            asking.join()
            assert heard == []
        assert heard == ["asked"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_progress_counts_campaigns() -> None:
    seen: list[tuple[int, int, int]] = []
    made = landed(Basket(5_000), progress=lambda *step: seen.append(step))
    assert seen[0] == (0, 7, 0)
    assert seen[-1] == (7, 7, sum(rows for rows, _ in made.values()))
    assert seen == sorted(seen)
