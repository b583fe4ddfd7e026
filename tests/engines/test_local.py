"""Same inputs, same bytes: whatever is made beside, before or after, and wherever it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date

import duckdb
import pyarrow as pa
import pytest

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import AudienceDaily, CampaignReach, PerformanceHourly
from generator.sinks.fingerprint import Fingerprint
from generator.world.build import build_world
from tests.conftest import ROOT

FACTS = (PerformanceHourly, CampaignReach, AudienceDaily)

# The `smoke` dataset, frozen. A change here is a change of everybody's data: say so in the release.
GOLDEN = {
    "advertisers": "98e7a50e3a5a8bf0",
    "audience_daily": "f5b5bb6123876eda",
    "budgets": "38584dacd5cc50fe",
    "campaign_reach": "673406dbed60827d",
    "campaigns": "ea6055ef4c7297bb",
    "creatives": "99153dc7338cea1b",
    "flights": "5baf20bf59a55175",
    "inventory_hourly": "300882e949e8d105",
    "line_items": "32076ecbcda9773b",
    "performance_hourly": "2893f1381d161bb1",
    "platforms": "6e4f3c958af4ee4c",
    "runs": "dac3c1012f9e87ec",
}


def fingerprints(world, only=None) -> dict[str, str]:
    prints: dict[str, Fingerprint] = {}
    for table, batch in local.pieces(world, only):
        prints.setdefault(table.table_name, Fingerprint()).add(batch)
    return {name: each.hexdigest for name, each in prints.items()}


def rows(world, only=None) -> dict[str, pa.Table]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for table, batch in local.pieces(world, only):
        batches.setdefault(table.table_name, []).append(batch)
    return {name: pa.Table.from_batches(each) for name, each in batches.items()}


def test_smoke_is_frozen() -> None:
    assert fingerprints(build_world(dataset("smoke"))) == GOLDEN


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
    assert json.loads(result.stdout) == GOLDEN


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


def test_an_earlier_horizon_gives_the_same_rows_up_to_it() -> None:
    """What is known on a day does not change when the next day is known."""
    data = dataset("complete")
    day = date(2025, 9, 20)
    early = rows(build_world(replace(data, as_of=day)))["performance_hourly"]
    late = rows(build_world(data))["performance_hourly"]
    cut = late.filter(
        pa.compute.field("hour_ts") < pa.scalar(day, pa.date32()).cast("timestamp[us]")
    )
    assert 0 < early.num_rows < late.num_rows
    with duckdb.connect() as connection:
        connection.register("early", early)
        connection.register("cut", cut)
        different = connection.execute(
            "select count(*) from ((from early except from cut) union all "
            "(from cut except from early))"
        ).fetchone()
    assert different == (0,)
    assert early.num_rows == cut.num_rows


def test_progress_counts_campaigns() -> None:
    seen = []
    list(local.pieces(build_world(dataset("smoke")), progress=lambda *step: seen.append(step)))
    assert seen == [(0, 1), (1, 1)]
