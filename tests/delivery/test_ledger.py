"""The ledger: what is counted is what a list of all impressions says, and every cap holds."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from generator.arrays import Floats, Int64s
from generator.delivery.capping import Cap, cap_rates
from generator.delivery.ledger import TIERS, Addressed, Ledger, open_ledger

K = 0.6
CAPS = st.lists(
    st.builds(Cap, st.integers(1, 25), st.sampled_from([1, 2, 5, 12, 24, 36, 48, 168, 720])),
    max_size=3,
)


class Campaign(NamedTuple):
    addressed: Addressed
    hourly: Int64s
    shapes: Floats

    def ledger(self) -> Ledger:
        return open_ledger(self.addressed, self.hourly, self.shapes)

    def so_far(self) -> Int64s:
        return np.concatenate([[0], self.hourly.cumsum()])

    def until(self, day: int) -> Campaign:
        return self._replace(hourly=self.hourly[: 24 * day], shapes=self.shapes[:day])


def within(hourly: Int64s, addressed: Addressed) -> Int64s:
    """Scale impressions down to what caps let hours and days deliver."""
    households = addressed.households
    if not addressed.caps:
        return np.minimum(hourly, 40 * households // hourly.size)
    by_hour, by_day = (
        int(addressed.part_of_cap * households * rate) for rate in cap_rates(addressed.caps)
    )
    days = np.minimum(hourly, by_hour).reshape(-1, 24)
    totals = days.sum(axis=1, keepdims=True)
    return (days * np.minimum(1.0, by_day / np.maximum(totals, 1))).astype(np.int64).ravel()


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """Campaigns of all sizes, with hours and days of no delivery, up to all that a cap allows,
    for any plan."""
    days = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    households = int(np.exp(draw(st.floats(0, np.log(9_000)))))
    mean = draw(st.floats(0.01, 30) | st.just(1e4))
    weights = rng.gamma(0.7, size=days * 24) * (rng.random(days * 24) < draw(st.floats(0.1, 1)))
    hourly = (weights / max(weights.sum(), 1e-9) * mean * households).astype(np.int64)
    addressed = Addressed(
        households,
        planned=households * draw(st.floats(0, 30)),
        caps=tuple(draw(CAPS)),
        part_of_cap=draw(st.sampled_from([0.25, 0.5, 0.95, 1.0])),
        stream=draw(st.integers(0, 2**63)),
    )
    return Campaign(addressed, within(hourly, addressed), np.exp(rng.normal(-0.5, 0.5, days)))


@given(campaigns())
def test_reach_of_every_window_and_tier_is_the_count_of_households(campaign: Campaign) -> None:
    ledger, marks = campaign.ledger(), campaign.so_far()
    seen = ledger.places(np.arange(marks[-1]))
    assert not seen.size or (seen.min() >= 0 and seen.max() < campaign.addressed.households)
    hours = campaign.hourly.size
    days = np.arange(0, hours, 24)
    begin = np.concatenate([np.arange(hours), days, np.zeros(days.size, dtype=np.int64), [0]])
    end = np.concatenate([np.arange(hours) + 1, days + 24, days + 24, [0]])
    reached = ledger.reach(begin, end)
    for window, (first, last) in enumerate(zip(marks[begin], marks[end], strict=True)):
        times = np.bincount(seen[first:last], minlength=1)
        assert times.sum() == last - first
        for tier in TIERS:
            assert reached[tier][window] == (times >= tier).sum()


@given(campaigns(), st.data())
def test_what_a_household_sees_is_known_without_the_others(campaign: Campaign, data) -> None:
    """Its impressions, the how-manieth each is, and who sees any at all."""
    ledger = campaign.ledger()
    seen, exposures = ledger.views(np.arange(campaign.hourly.sum()))
    times: dict[int, int] = {}
    for place, number in zip(seen, exposures, strict=True):
        times[place] = times.get(place, 0) + 1
        assert number == times[place]
    assert (ledger.reached_places() == np.unique(seen)).all()
    household = st.integers(0, campaign.addressed.households - 1)
    places = np.array(data.draw(st.lists(household, max_size=5)), dtype=np.int64)
    owner, numbers = ledger.impressions_of(places)
    for position, place in enumerate(places):
        own = np.sort(numbers[owner == position])
        assert (own == np.flatnonzero(seen == place)).all()


@given(campaigns())
def test_no_household_sees_more_than_a_cap_allows(campaign: Campaign) -> None:
    """In any hours that follow one another, and for caps over days in any days that do."""
    marks = campaign.so_far()
    seen = campaign.ledger().places(np.arange(marks[-1]))
    for cap in campaign.addressed.caps:
        step = 1 if cap.hours < 24 else 24
        hours = -(-cap.hours // step) * step
        for hour in range(0, campaign.hourly.size, step):
            window = seen[marks[hour] : marks[min(hour + hours, campaign.hourly.size)]]
            assert not window.size or np.bincount(window).max() <= cap.impressions


@given(campaigns(), st.data())
def test_what_happened_does_not_depend_on_what_comes(campaign: Campaign, data) -> None:
    day = data.draw(st.integers(1, campaign.hourly.size // 24))
    early = campaign.until(day)
    late, marks = campaign.ledger(), early.so_far()
    assert (early.ledger().dealt == late.dealt[:, : 24 * day + 1]).all()
    seen = late.places(np.arange(marks[-1]))
    assert (early.ledger().places(np.arange(marks[-1])) == seen).all()


@given(campaigns(), st.data())
def test_a_part_of_the_impressions_is_seen_by_the_same_households(campaign: Campaign, data) -> None:
    total = int(campaign.hourly.sum())
    ledger = campaign.ledger()
    few = np.array(data.draw(st.lists(st.integers(0, max(total - 1, 0)), max_size=5)), dtype=int)
    few = few[few < total]
    assert (ledger.places(few) == ledger.places(np.arange(total))[few]).all()


@pytest.mark.parametrize("mean", [0.2, 1.0, 4.0, 15.0])
@pytest.mark.parametrize("shape_k", [0.4, 0.6, 1.2])
def test_reach_follows_the_negative_binomial(mean: float, shape_k: float) -> None:
    """For a day, a week and a month; five campaigns each. Tiers of few households scatter."""
    households = 500_000
    hourly = np.full(31 * 24, int(mean * households / (31 * 24)))
    ends = np.array([24, 7 * 24, 31 * 24])
    campaigns = [
        Campaign(
            Addressed(households, float(hourly.sum()), (), 1.0, stream),
            hourly,
            np.full(31, shape_k),
        )
        for stream in range(5)
    ]
    counted = [campaign.ledger().reach(np.zeros_like(ends), ends) for campaign in campaigns]
    means = hourly[0] * ends / households
    law = stats.nbinom(shape_k, shape_k / (shape_k + means))
    for tier, within_part in ((1, 0.03), (2, 0.15), (3, 0.2)):
        expected = households * law.sf(tier - 1)
        many = expected > 0.04 * households
        ratios = np.array([reached[tier] for reached in counted])[:, many] / expected[many]
        assert ratios == pytest.approx(1.0, abs=within_part)


def test_a_cap_spreads_the_same_impressions_over_more_households() -> None:
    hourly = np.full(28 * 24, 600)
    without = Addressed(100_000, float(hourly.sum()), (), 0.9, stream=3)
    start, end = np.array([0]), np.array([hourly.size])
    free, capped = (
        open_ledger(addressed, hourly, np.full(28, K)).reach(start, end)[1][0]
        for addressed in (without, replace(without, caps=(Cap(2, 168),)))
    )
    assert capped > 1.1 * free


def test_days_of_equal_households_reach_more_than_days_of_unequal_ones() -> None:
    hourly = np.full(3 * 24, 2_000)
    addressed = Addressed(50_000, float(hourly.sum()), (), 1.0, stream=9)
    days = np.arange(0, 72, 24)
    reached = open_ledger(addressed, hourly, np.array([0.3, 0.6, 2.0])).reach(days, days + 24)
    first, second, third = reached[1].tolist()
    assert 1.1 * first < second < third / 1.1
