"""Incidents happen as often and as long as the platform says, and change what they are about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import tables
from generator.clock import HOURS_A_DAY, hours_of
from generator.delivery.incidents import (
    Incident,
    first_of_steps,
    kept_demand,
    landing_hours,
    line_item_incidents,
)
from generator.enums import FaultType
from generator.market.build import build_market
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.parts import all_pieces
from generator.platform.incidents import Incidents
from generator.platform.life import Life, Preset
from generator.platform.model import PlatformModel
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library, dataset, platform
from generator.schema import FaultLog, PerformanceHourly
from generator.world.build import build_world
from generator.world.world import World

PLATFORM = platform("netflix_like")
ITEM = build_world(dataset("complete")).bookings[3].line_items[0]
INCIDENTS = [kind for kind in FaultType if kind.lower() in type(PLATFORM.incidents).model_fields]
FIGURES = PLATFORM.incidents
WORLD = build_market(
    Library().dataset(
        "market", [parse_override("market.campaigns=12"), parse_override("life.incidents=3")]
    )
)


def met(first_day: int, last_day: int, life: Life | None = None, seed: int = 1) -> set[Incident]:
    """The incidents that a line item meets on these days."""
    model = PLATFORM if life is None else PLATFORM.with_life(life)
    hours = hours_of(first_day, last_day)
    return set(line_item_incidents(model, ITEM.line_item, ITEM.creatives, hours, seed))


def test_spells_are_as_frequent_and_as_long_as_the_platform_says() -> None:
    years = 400
    spells = met(0, round(365.25 * years))
    subjects = {FaultType.TRACKING_GAP: 4, FaultType.APP_RELEASE: 4}
    subjects[FaultType.BAD_CREATIVE] = len(ITEM.creatives)
    for kind in INCIDENTS:
        figures = getattr(PLATFORM.incidents, kind.lower())
        of_kind = [incident for incident in spells if incident.kind is kind]
        expected = figures.per_year * subjects.get(kind, 1) * years
        assert len(of_kind) == pytest.approx(expected, abs=4 * np.sqrt(expected)), kind
        if kind is not FaultType.LATE_LOAD:
            median = np.median([incident.last - incident.first for incident in of_kind])
            assert median == pytest.approx(figures.median_hours, rel=0.25, abs=1), kind
        assert min(incident.strength for incident in of_kind) >= figures.strength[0]
        assert max(incident.strength for incident in of_kind) <= figures.strength[1]


@settings(max_examples=50)
@given(first=st.integers(0, 3000), days=st.integers(0, 200), cut=st.integers(0, 200))
def test_any_window_meets_the_incidents_of_the_whole(first: int, days: int, cut: int) -> None:
    last = first + days
    middle = min(first + cut, last)
    assert met(first, middle) | met(middle, last) == met(first, last)


def test_a_calm_life_has_no_incident_and_a_rough_one_has_more() -> None:
    counts = [len(met(0, 20_000, Life(preset=preset))) for preset in Preset]
    assert counts[0] == 0
    assert counts[2] == pytest.approx(1.8 * counts[1], rel=0.1)


def test_an_incident_acts_in_its_hours_and_nowhere_else() -> None:
    hours = hours_of(10, 11)
    outage = Incident(FaultType.AD_SERVER_OUTAGE, FIGURES, ("a",), 10 * 24 + 7, 10 * 24 + 9, 0.75)
    kept = kept_demand([outage], hours)
    assert kept[7:9].tolist() == [0.25, 0.25]
    assert np.delete(kept, [7, 8]).tolist() == [1.0] * 46
    assert first_of_steps([outage], hours).tolist() == [0, 6, 7, 9, 12, 18, 24, 30, 36, 42]
    late = Incident(FaultType.LATE_LOAD, FIGURES, ("a",), 10 * 24, 11 * 24, 5.2)
    delay = landing_hours([late], hours) - landing_hours([], hours)
    assert delay.tolist() == [5] * HOURS_A_DAY + [0] * HOURS_A_DAY


@pytest.fixture(scope="module")
def facts() -> dict[str, pa.Table]:
    pieces: dict[str, list[pa.RecordBatch]] = {}
    for table, batch in all_pieces(WORLD, [PerformanceHourly, FaultLog]):
        pieces.setdefault(table.table_name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in pieces.items()}


def test_the_log_of_a_market_has_incidents_and_no_faults(facts: dict[str, pa.Table]) -> None:
    kinds = set(facts["fault_log"].column("fault_type").cast(pa.string()).to_pylist())
    assert kinds <= {str(kind) for kind in INCIDENTS}
    assert len(kinds) >= 5
    assert pc.min(facts["fault_log"].column("rows_touched")).as_py() > 0
    campaigns = facts["fault_log"].column("campaign_id").to_pylist()
    days = facts["fault_log"].column("activity_date").to_pylist()
    faults = facts["fault_log"].column("fault").to_pylist()
    assert len(set(zip(campaigns, days, faults, strict=True))) == len(faults)


def test_rows_land_late_where_the_log_says_so(facts: dict[str, pa.Table]) -> None:
    rows = facts["performance_hourly"]
    late = pc.subtract(rows.column("loaded_at"), rows.column("hour_ts"))
    day_start = pc.floor_temporal(rows.column("hour_ts"), unit="day")
    usual = pc.add(day_start, pa.scalar(30 * 3_600_000_000, pa.duration("us")))
    is_late = pc.greater(rows.column("loaded_at"), usual)
    log = facts["fault_log"].filter(
        pc.equal(facts["fault_log"].column("fault_type").cast(pa.string()), "LATE_LOAD")
    )
    assert pc.sum(is_late).as_py() == pc.sum(log.column("rows_touched")).as_py() > 0
    assert max(late.to_pylist()).total_seconds() < 48 * 3600


def test_a_scenario_without_a_market_has_no_incident() -> None:
    assert tables("complete", only=["fault_log"])["fault_log"].num_rows == 0
    world = build_world(dataset("complete"))
    assert all(
        country.booked is None
        for supplies in CountrySupplies(world).values()
        for country in supplies.values()
    )


def _models(*kinds: str) -> dict[str, PlatformModel]:
    """The platforms of the market, with no incidents but these."""
    return {
        name: model.model_copy(
            update={"incidents": Incidents(**{k: getattr(model.incidents, k) for k in kinds})}
        )
        for name, model in WORLD.platform_models.items()
    }


def _performance(world: World) -> pa.Table:
    return pa.Table.from_batches([batch for _, batch in all_pieces(world, [PerformanceHourly])])


def test_rates_are_lower_where_the_log_says_so_and_untouched_elsewhere() -> None:
    """Gaps only take events away."""
    without = replace(WORLD, platform_models=_models("tracking_gap", "vendor_gap"))
    with_it = _performance(without)
    plain = _performance(replace(WORLD, platform_models=_models()))
    log = pa.Table.from_batches([batch for _, batch in all_pieces(without, [FaultLog])])
    assert log.num_rows > 0
    touched = set(
        zip(
            log.column("campaign_id").to_pylist(),
            log.column("activity_date").to_pylist(),
            strict=True,
        )
    )
    days = pc.cast(plain.column("hour_ts"), pa.date32()).to_pylist()
    rows = list(zip(plain.column("campaign_id").to_pylist(), days, strict=True))
    is_touched = np.array([row in touched for row in rows])
    first = dict(sorted(touched, reverse=True))
    is_earlier = np.array([day < first.get(campaign, day.max) for campaign, day in rows])
    assert is_earlier.sum() > 0
    for name in ("measurable_impressions", "video_starts", "clicks"):
        before, after = (table.column(name).to_numpy() for table in (plain, with_it))
        assert (before == after)[is_earlier].all()
        assert after[is_touched].sum() < before[is_touched].sum(), name
