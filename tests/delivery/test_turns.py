"""Households take turns: what is counted is what a list of all impressions says, and caps hold."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.arrays import Int64s
from generator.delivery.capping import Cap, cap_rates
from generator.delivery.turns import TIERS, Turns, arrange

K = 0.6
CAPS = st.lists(
    st.builds(Cap, st.integers(1, 25), st.sampled_from([1, 2, 5, 12, 24, 36, 48, 168, 720])),
    max_size=3,
)


def so_far(hourly: Int64s) -> Int64s:
    return np.concatenate([[0], hourly.cumsum()])


def within(hourly: Int64s, households: int, caps: list[Cap], use: float) -> Int64s:
    """Scale impressions down to `use` of what caps let hours and days deliver."""
    if not caps:
        return np.minimum(hourly, 40 * households // hourly.size)
    by_hour, by_day = (int(use * households * rate) for rate in cap_rates(caps))
    days = np.minimum(hourly, by_hour).reshape(-1, 24)
    totals = days.sum(axis=1, keepdims=True)
    return (days * np.minimum(1.0, by_day / np.maximum(totals, 1))).astype(np.int64).ravel()


@st.composite
def campaigns(draw: st.DrawFn) -> tuple[int, Int64s, list[Cap], Turns]:
    households = draw(st.integers(1, 6_000))
    days = draw(st.integers(1, 9))
    mean = draw(st.floats(0.01, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = rng.gamma(0.7, size=days * 24) * (rng.random(days * 24) < draw(st.floats(0.1, 1)))
    # As much in an hour as it may have: only the cap limits delivery.
    if draw(st.booleans()):
        mean = 1e4
    hourly = (weights / max(weights.sum(), 1e-9) * mean * households).astype(np.int64)
    caps = draw(CAPS)
    hourly = within(hourly, households, caps, draw(st.sampled_from([0.5, 0.9, 1.0])))
    shape_k = draw(st.floats(0.05, 5))
    turns = arrange(households, shape_k, so_far(hourly), caps, draw(st.integers(0, 2**63)))
    return households, hourly, caps, turns


def counted(seen: Int64s, tier: int) -> int:
    return sum(times >= tier for times in Counter(seen.tolist()).values())


@given(campaigns(), st.data())
def test_reach_of_any_window_is_the_count_of_distinct_households(
    campaign: tuple[int, Int64s, list[Cap], Turns], data: st.DataObject
) -> None:
    households, hourly, _, turns = campaign
    total = int(hourly.sum())
    seen = turns.households(np.arange(total))
    assert seen.size == 0 or (seen.min() >= 0 and seen.max() < households)
    ends = st.integers(0, total)
    windows = data.draw(st.lists(st.tuples(ends, ends).map(sorted), min_size=1, max_size=8))
    begin, end = np.array(windows).T
    reached = turns.reached(begin, end)
    for position, (first, last) in enumerate(windows):
        for tier in TIERS:
            assert reached[tier][position] == counted(seen[first:last], tier)


@given(campaigns())
def test_no_household_sees_more_than_a_cap_allows(
    campaign: tuple[int, Int64s, list[Cap], Turns],
) -> None:
    """In any hours that follow one another, and for caps over days in any days that do."""
    _, hourly, caps, turns = campaign
    marks = so_far(hourly)
    seen = turns.households(np.arange(marks[-1]))
    for cap in caps:
        step = 1 if cap.hours < 24 else 24
        hours = -(-cap.hours // step) * step
        for hour in range(0, hourly.size, step):
            window = seen[marks[hour] : marks[min(hour + hours, hourly.size)]]
            assert not window.size or np.bincount(window).max() <= cap.impressions


@pytest.mark.parametrize("mean", [0.2, 1.0, 4.0, 15.0])
@pytest.mark.parametrize("shape_k", [0.4, 0.6, 1.2])
def test_reach_follows_the_negative_binomial(mean: float, shape_k: float) -> None:
    """P(N = 0) = (1 + m / k)^-k, for a day, a week and the whole; ten campaigns each."""
    households = 500_000
    hourly = np.full(31 * 24, int(mean * households / (31 * 24)))
    marks = so_far(hourly)
    for days in (1, 7, 31):
        end = marks[[days * 24]]
        law = 1.0 - (1.0 + end / households / shape_k) ** -shape_k
        ratios = [
            arrange(households, shape_k, marks, (), stream).reached(np.zeros_like(end), end)[1][0]
            / (households * law[0])
            for stream in range(10)
        ]
        assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)
        assert np.std(ratios) < 0.06


def test_a_cap_spreads_the_same_impressions_over_more_households() -> None:
    households = 100_000
    marks = so_far(np.full(28 * 24, 600))
    start, end = np.array([0]), marks[[-1]]
    without, with_cap = (
        arrange(households, K, marks, caps, 3).reached(start, end)[1][0]
        for caps in ((), (Cap(2, 168),))
    )
    assert with_cap > 1.1 * without


def test_a_part_of_the_impressions_is_seen_by_the_same_households() -> None:
    marks = so_far(np.full(48, 500))
    turns = arrange(9_000, K, marks, (), 5)
    everything = turns.households(np.arange(marks[-1]))
    few = np.array([7, 23_000, 11_111])
    assert turns.households(few).tolist() == everything[few].tolist()
