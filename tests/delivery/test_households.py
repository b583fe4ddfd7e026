"""Households: the same people in every campaign, and counting them gives every window of reach."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.clock import day_number
from generator.delivery.audience import HourlyDelivery
from generator.delivery.campaign import deliver, household_of
from generator.delivery.households import (
    CountryPart,
    country_parts,
    household_numbers,
    shuffle,
)
from generator.delivery.targeting import count_households
from generator.pipeline.country_supplies import CountrySupplies
from generator.scenario.templates import dataset, platform
from generator.world.build import build_world

PLATFORM = platform("netflix_like")
TARGETINGS = st.fixed_dictionaries(
    {},
    optional={
        "GEO_COUNTRY": st.lists(st.sampled_from(sorted(PLATFORM.countries)), min_size=1),
        "GENDER": st.just(["FEMALE"]),
        "DEVICE": st.just(["MOBILE"]),
    },
)


@given(st.integers(1, 3_000), st.integers(0, 2**63))
def test_a_shuffle_has_every_number_once(size: int, stream: int) -> None:
    assert sorted(shuffle(np.arange(size), size, stream).tolist()) == list(range(size))


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=1, max_size=6))
def test_a_campaign_addresses_no_household_twice(sizes: list[tuple[int, int]]) -> None:
    """And of each country as many as its part, for any places that are asked for."""
    parts = []
    first = 0
    for one, other in sizes:
        parts.append(CountryPart(first, max(one, other), min(one, other), 5, first))
        first += max(one, other)
    places = np.arange(sum(part.addressed for part in parts))
    numbers = household_numbers(parts, places)
    assert np.unique(numbers).size == numbers.size
    for part in parts:
        here = (numbers >= part.first) & (numbers < part.first + part.households)
        assert here.sum() == part.addressed
    assert (household_numbers(parts, places[::-7]) == numbers[::-7]).all()


@given(st.lists(TARGETINGS, min_size=1, max_size=3))
def test_the_parts_of_countries_add_up_to_the_households_of_the_campaign(targetings) -> None:
    parts = country_parts(PLATFORM, targetings, 1, seed=7)
    assert sum(part.addressed for part in parts) == count_households(PLATFORM, targetings)
    assert all(0 < part.addressed <= part.households for part in parts)


def test_who_watches_most_does_so_in_every_campaign() -> None:
    """Two campaigns address six in ten: of the tenths of their lines that watch least they have
    more than that in common, and no one with the other's tenth that watches most."""
    one, other = ([CountryPart(0, 40_000, 24_000, 5, choice)] for choice in (1, 2))
    tenth = np.arange(2_400)
    least, most = household_numbers(one, tenth), household_numbers(one, 23_999 - tenth)
    common = np.intersect1d(least, household_numbers(other, tenth)).size
    assert 0.6 < common / tenth.size < 0.75
    assert not np.intersect1d(most, household_numbers(other, tenth)).size


def test_counting_households_gives_every_window_and_tier_of_reach() -> None:
    world = build_world(dataset("smoke"))
    (booking,) = world.bookings
    platform_model = world.platform_models[booking.campaign.platform]
    horizon_day = day_number(world.run.as_of_date)
    supplies = CountrySupplies(world)
    facts = deliver(world.bookings, world.platform_models, supplies, world.run.seed, horizon_day)
    reach = facts.reach.to_pydict()
    hour = np.array(reach["window_start"], dtype="datetime64[h]").astype(np.int64)
    kind, impressions = np.array(reach["reach_window"]), np.array(reach["impressions"])
    hours, hourly = hour[kind == "HOUR"], impressions[kind == "HOUR"]
    nothing = np.zeros(hours.size)
    delivered = HourlyDelivery(hours, hourly.astype(float), nothing, nothing, nothing[:, None])
    numbers = np.arange(hourly.sum())
    seen = household_of(booking, platform_model, delivered, numbers, world.run.seed)
    hour_of = np.repeat(hours, hourly)
    day, monday = hour_of // 24, (hour_of // 24 + 3) // 7
    for row, start in enumerate(hour.tolist()):
        window = {
            "HOUR": hour_of == start,
            "DAY": day == start // 24,
            "WEEK": monday == (start // 24 + 3) // 7,
            "FLIGHT_TO_DATE": day <= start // 24,
        }[str(kind[row])]
        times = np.unique(seen[window], return_counts=True)[1]
        assert times.sum() == reach["impressions"][row]
        for tier, name in ((1, ""), (2, "_2plus"), (3, "_3plus"), (5, "_5plus"), (10, "_10plus")):
            assert (times >= tier).sum() == reach[f"reach{name}"][row]
    few = numbers[::997]
    part = household_of(booking, platform_model, delivered, few, world.run.seed)
    assert (part == seen[::997]).all()
