"""Viewers: counting the households of all impressions gives every window and tier of reach, caps
hold, and what any household sees is known without the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.arrays import Int64s
from generator.clock import HOURS_A_DAY, day_number
from generator.delivery.campaign import deliver
from generator.delivery.capping import caps_of
from generator.delivery.households import cells_of
from generator.delivery.targeting import countries_of, regions_of, targeting_of
from generator.log.addressed import AddressedLine
from generator.log.population import Population
from generator.log.viewers import Viewers
from generator.pipeline.country_supplies import CountrySupplies
from generator.randomness import row_keys, uniforms
from generator.scenario.templates import dataset, platform
from generator.schema.booking import Booking
from generator.world.build import build_world
from generator.world.world import World
from tests.support.strategies import datasets

PLATFORM = platform("netflix_like")
POPULATION = Population(PLATFORM, seed=7)
MOST = 20_000
WINDOWS = {"HOUR": 1, "DAY": 24, "WEEK": 168}
TIERS = ((1, "reach"), *((tier, f"reach_{tier}plus") for tier in (2, 3, 5, 10)))


class Log(NamedTuple):
    """All impressions of a campaign up to some day: (impressions,) each."""

    group: Int64s
    hour: Int64s
    slot: Int64s
    household: Int64s
    exposure: Int64s


def wants_two_in_five(numbers: Int64s) -> np.ndarray:
    return uniforms(row_keys(3, numbers), "wanted") < 0.4


def log_of(viewers: Viewers, by_cell: Int64s) -> Log:
    """List the impressions of the campaign's first days, up to about `MOST`."""
    counts = by_cell.sum(axis=1)
    days = (
        counts.sum(axis=0).reshape(counts.shape[1] // HOURS_A_DAY, HOURS_A_DAY).sum(axis=1).cumsum()
    )
    hours = HOURS_A_DAY * max(1, int(np.searchsorted(days, MOST)))
    counts = counts[:, :hours]
    if counts.sum() > 4 * MOST:
        counts = counts[:, :0]
    group, hour = np.indices(counts.shape)
    flat = counts.ravel()
    slot = np.arange(flat.sum()) - np.repeat(flat.cumsum() - flat, flat)
    place = np.repeat(group.ravel(), flat), np.repeat(hour.ravel(), flat), slot
    households, exposures = viewers.views(*place)
    assert (viewers.exposure_numbers(*place) == exposures).all()
    together = viewers.views_of_hours(0, counts.shape[1])
    in_order = np.lexsort(together[2::-1])
    for one, listed in zip((*place, households, exposures), together, strict=True):
        assert (one == listed[in_order]).all()
    return Log(*place, households, exposures)


def check(world: World) -> int:
    """Check every campaign of a world; return how many impressions were looked at."""
    supplies = CountrySupplies(world)
    horizon = day_number(world.run.as_of_date)
    facts = deliver(world.bookings, world.platform_models, supplies, world.run.seed, horizon)
    reach = {name: np.array(values) for name, values in facts.reach.to_pydict().items()}
    checked = 0
    for booking, seen in zip(world.bookings, facts.seen, strict=True):
        population = Population(world.platform_models[booking.campaign.platform], world.run.seed)
        for wants in (None, wants_two_in_five):
            viewers = Viewers(seen, population, world.run.seed, wants)
            log = log_of(viewers, seen.by_cell)
            own = reach["campaign_id"] == booking.campaign.campaign_id
            check_reach(viewers.hours, log, {name: values[own] for name, values in reach.items()})
            check_caps(booking, viewers.hours, log)
            check_places(booking, population, seen.groups, log)
            check_households(viewers, log)
            checked += log.household.size
    return checked


def check_reach(hours: Int64s, log: Log, reach: dict[str, np.ndarray]) -> None:
    """Every window of reach is a count of households, and so is each exposure number."""
    at = hours[log.hour]
    end = (hours[log.hour.max(initial=0)] + 1) if hours.size and log.hour.size else 0
    begins = reach["window_start"].astype("datetime64[h]").astype(np.int64)
    for row, begin in enumerate(begins.tolist()):
        kind = str(reach["reach_window"][row])
        first = hours[0] if kind == "FLIGHT_TO_DATE" else begin
        last = begin + WINDOWS.get(kind, 24)
        if last <= end:
            inside = (at >= first) & (at < last)
            times = np.unique(log.household[inside], return_counts=True)[1]
            assert times.sum() == reach["impressions"][row]
            for tier, name in TIERS:
                assert (times >= tier).sum() == reach[name][row]
    order = np.lexsort((log.exposure, log.household))
    households = log.household[order]
    begins = np.flatnonzero(np.diff(households, prepend=-1))
    counted = np.arange(households.size) - np.repeat(
        begins, np.diff(np.append(begins, households.size))
    )
    assert (log.exposure[order] == counted + 1).all()
    assert (np.diff(log.hour[order])[np.diff(households) == 0] >= 0).all()


def check_caps(booking: Booking, hours: Int64s, log: Log) -> None:
    """No household sees more in a cap's hours of delivery that follow one another."""
    days = sum((flight.end_date - flight.start_date).days + 1 for flight in booking.flights)
    order = np.lexsort((log.hour, log.household))
    household, hour = log.household[order], log.hour[order]
    for cap in caps_of(booking.frequency_caps, days * HOURS_A_DAY):
        step = 1 if cap.hours < HOURS_A_DAY else HOURS_A_DAY
        later = household[cap.impressions :] == household[: household.size - cap.impressions]
        ahead = hour[cap.impressions :] // step - hour[: hour.size - cap.impressions] // step
        assert (ahead[later] * step >= cap.hours).all()


def check_places(
    booking: Booking, population: Population, groups: tuple[int, ...], log: Log
) -> None:
    """A line item's impressions are seen where it runs."""
    block = population.locate(log.household)
    for item, group in zip(booking.line_items, groups, strict=True):
        targeting = targeting_of(item.line_item)
        countries = countries_of(targeting, population.platform_model)
        regions = regions_of(targeting)
        for position in np.unique(block[log.group == group]).tolist():
            assert population.country[position] in countries
            assert regions is None or population.region[position] in regions


def check_households(viewers: Viewers, log: Log) -> None:
    """A household asked for alone has its impressions of the whole."""
    distinct = np.unique(log.household)
    some = np.append(distinct[:: max(1, distinct.size // 40)], [0, 10**6])
    owner, group, hour, slot = viewers.slots_of(some)
    early = hour <= log.hour.max(initial=-1)
    found = sorted(zip(some[owner[early]], group[early], hour[early], slot[early], strict=True))
    mine = np.isin(log.household, some)
    listed = (log.household[mine], log.group[mine], log.hour[mine], log.slot[mine])
    assert found == sorted(zip(*listed, strict=True))


@pytest.mark.slow
@settings(max_examples=max(10, settings.default.max_examples // 10))
@given(plans=datasets(2))
def test_the_log_of_random_campaigns_is_their_reach_and_keeps_their_caps(plans) -> None:
    check(build_world(plans.dataset))


@pytest.mark.parametrize("workflow", ["smoke", "three_platforms"])
def test_the_log_of_a_workflow_is_its_reach_and_keeps_its_caps(workflow: str) -> None:
    assert check(build_world(dataset(workflow))) > 30_000


@given(
    st.lists(st.sampled_from(["US", "GB", "ES", "JP"]), min_size=1, unique=True),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=20)
def test_no_household_is_twice_in_a_line(countries, is_young: bool, is_choosy: bool) -> None:
    """And each one alone has the same place."""
    targeting = {"GEO_COUNTRY": countries, **({"AGE_RANGE": ["18-24"]} if is_young else {})}
    for cell in cells_of(PLATFORM, [targeting])[:2]:
        wants = wants_two_in_five if is_choosy else None
        line = AddressedLine(cell.parts, POPULATION, 5, wants)
        places = np.arange(0, cell.households, max(1, cell.households // 3_000))
        numbers = line.numbers(places)
        assert np.unique(numbers).size == numbers.size
        assert (line.places(numbers) == places).all()
        zone = {POPULATION.zone[block] for block in np.unique(POPULATION.locate(numbers))}
        assert zone == {cell.zone}


def test_a_line_has_those_that_are_wanted_as_far_as_they_suffice() -> None:
    """A campaign addresses 35 of 100, and wants 40."""
    (cell,) = cells_of(PLATFORM, [{"GEO_COUNTRY": ["GB"], "AGE_RANGE": ["18-24", "25-34"]}])
    line = AddressedLine(cell.parts, POPULATION, 5, wants_two_in_five)
    found = line.numbers(np.arange(0, cell.households, 97))
    share = cell.households / cell.parts[0].block.households
    assert wants_two_in_five(found).mean() > min(1.0, 0.4 / share) - 0.08


def test_who_watches_most_does_so_in_every_campaign() -> None:
    """Of the tenths of two lines that watch least more are common than by chance, and the tenth
    that watches most has no one in common with it."""
    (cell,) = cells_of(PLATFORM, [{"GEO_COUNTRY": ["KR"]}])
    one, other = (AddressedLine(cell.parts, POPULATION, stream, None) for stream in (1, 2))
    tenth = np.arange(cell.households // 10)
    least, most = one.numbers(tenth), one.numbers(cell.households - 1 - tenth)
    assert not np.intersect1d(most, other.numbers(tenth)).size
    assert np.intersect1d(least, other.numbers(tenth)).size > 0.8 * tenth.size
    assert POPULATION.watching(least).max() < POPULATION.watching(most).min()


@pytest.mark.parametrize("share", [0.001, 0.027])
def test_a_panel_is_a_share_of_the_households_by_any_way(share: float) -> None:
    panel = POPULATION.panel(share)
    assert panel.size == round(POPULATION.size * share)
    some = np.arange(1_000_000, 1_200_000)
    inside = np.intersect1d(panel, some)
    assert (some[POPULATION.in_panel(some, share)] == inside).all()
