"""Reach curves that cannot contradict one another, with and without a frequency cap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from generator.delivery.capping import Cap, cap_rates, caps_of, most_exposures
from generator.delivery.reach import (
    TIERS,
    HourlyImpressions,
    _uncapped_mean,
    exposure,
    shape_of,
    shapes_of_days,
    tiers,
    windows_of,
)
from generator.platform.life import Life, Preset
from generator.scenario.templates import platform
from generator.schema import FrequencyCap

K = 0.6
PLATFORM = platform("netflix_like")
SMALL = st.integers(0, 2_000)


def reach(impressions: list[int], households: int, cap: int | None = None) -> dict:
    limit = None if cap is None else np.full(len(impressions), cap)
    return tiers(np.array(impressions), households, K, limit)


@given(SMALL, SMALL, st.integers(1, 5_000))
def test_two_parts_reach_at_least_what_their_sum_reaches(a: int, b: int, households: int) -> None:
    first, second, both = (reach([n], households)[1][0] for n in (a, b, a + b))
    assert max(first, second) <= both <= first + second


@given(st.integers(1, 5_000), st.integers(1, 6), st.data())
def test_a_capped_household_sees_at_most_the_cap(households: int, cap: int, data) -> None:
    most = int(0.95 * households * cap)
    impressions = data.draw(st.integers(0, most))
    counted = reach([impressions], households, cap)
    assert counted[1][0] * cap >= impressions
    assert counted[1][0] <= min(impressions, households)
    for tier in TIERS:
        if tier > cap:
            assert counted[tier][0] == 0


@given(st.integers(0, 10**9), st.integers(1, 10**8))
def test_tiers_are_nested_and_claim_no_more_than_was_delivered(
    impressions: int, households: int
) -> None:
    counted = [int(reach([impressions], households)[tier][0]) for tier in TIERS]
    assert counted == sorted(counted, reverse=True)
    assert (counted[0] > 0) == (impressions > 0)
    claims = counted[0] + counted[1] + counted[2] + 2 * counted[3] + 5 * counted[4]
    assert claims <= impressions


@given(st.floats(1e-6, 0.99), st.integers(1, 60), st.floats(0.05, 20))
def test_a_cap_leaves_the_mean_that_was_delivered(share: float, cap: int, shape_k: float) -> None:
    """E[min(N, cap)] of the law that is solved for, term by term from scipy's."""
    mean, most, shape = np.array([share * cap]), np.array([cap]), np.array([shape_k])
    without = _uncapped_mean(mean, shape, most)
    law = stats.nbinom(shape_k, shape_k / (shape_k + without[0]))
    served = law.sf(np.arange(cap)).sum()
    assert without[0] >= mean[0]
    if without[0] < mean[0] * 1e15:  # beyond, no household is left that saw too little
        assert served == pytest.approx(mean[0], rel=1e-6)


def test_the_curve_is_the_negative_binomial() -> None:
    """P(N = 0) = (1 + m / k)^-k and P(N >= 2) by its first two terms, at m = 2 and k = 0.6."""
    households = 1_000_000
    counted = reach([2_000_000], households)
    none = (1 + 2 / K) ** -K
    one = none * K * (2 / (2 + K))
    assert counted[1][0] == np.ceil(households * (1 - none))
    assert counted[2][0] == np.floor(households * (1 - none - one))


def test_mean_exposure_is_impressions_over_reach() -> None:
    mean = exposure(np.array([0.0, 10.0, 2_000_000.0]), 1_000_000, K)
    assert mean[0] == 1.0
    assert mean[1] == pytest.approx(1.0, abs=1e-4)
    assert mean[2] == pytest.approx(2_000_000 / reach([2_000_000], 1_000_000)[1][0], rel=1e-5)


@given(
    st.lists(st.integers(0, 300), min_size=24, max_size=24 * 9).filter(lambda x: len(x) % 24 == 0),
    st.integers(500, 4_000),
    st.none() | st.builds(Cap, st.integers(1, 4), st.sampled_from([24, 168, 720])),
    st.integers(0, 20_000),
    st.lists(st.floats(0.1, 3.0), min_size=9, max_size=9),
)
def test_windows_of_a_campaign_agree(
    hourly: list[int], households: int, cap: Cap | None, first_day: int, shapes: list[float]
) -> None:
    impressions = np.array(hourly)
    if cap is not None:
        daily_limit = 0.9 * households * cap.impressions * 24 / cap.hours
        daily = impressions.reshape(-1, 24).sum(axis=1, keepdims=True)
        scale = np.minimum(1.0, daily_limit / np.maximum(daily, 1))
        impressions = np.floor(impressions.reshape(-1, 24) * scale).astype(np.int64).ravel()
    hours = np.arange(first_day * 24, first_day * 24 + impressions.size)
    caps = () if cap is None else (cap,)
    shape = np.array(shapes[: hours.size // 24])
    hour, day, week, to_date = windows_of(
        [HourlyImpressions(hours, impressions, households, shape, caps)]
    )
    daily = hour.tiers[1].reshape(-1, 24)
    assert (day.tiers[1] >= daily.max(axis=1)).all()
    assert (day.tiers[1] <= daily.sum(axis=1)).all()
    assert week.impressions.sum() == impressions.sum() == to_date.impressions[-1]
    for tier in TIERS:
        assert (np.diff(to_date.tiers[tier]) >= 0).all()
        assert (to_date.tiers[tier] >= np.maximum.accumulate(day.tiers[tier])).all()
    for window in (hour, day, week, to_date):
        claims = sum(
            weight * window.tiers[tier] for tier, weight in zip(TIERS, (1, 1, 1, 2, 5), strict=True)
        )
        assert (claims <= window.impressions).all()
        assert (np.diff([window.tiers[tier] for tier in TIERS], axis=0) <= 0).all()
    assert (to_date.tiers[1] <= day.tiers[1].cumsum()).all()
    mondays = week.start.searchsorted(day.start, side="right") - 1
    assert (week.tiers[1] <= np.bincount(mondays, day.tiers[1])).all()


def capped(max_impressions: int, time_unit: str, time_units: int = 1) -> FrequencyCap:
    return FrequencyCap(
        frequency_cap_id=1,
        campaign_id=1,
        max_impressions=max_impressions,
        time_unit=time_unit,
        time_units=time_units,
        scope="HOUSEHOLD",
    )


def test_a_cap_for_life_holds_over_gaps_between_flights() -> None:
    days = np.array([100, 101, 119, 120])
    hours = (days[:, None] * 24 + np.arange(24)).ravel()
    caps = caps_of([capped(2, "LIFETIME")], hours.size)
    windows = windows_of([HourlyImpressions(hours, np.full(hours.size, 20), 1_200, K, caps)])
    assert all(window.tiers[3].max() == 0 for window in windows)
    assert all((window.impressions <= 2 * window.tiers[1]).all() for window in windows)


def test_a_week_with_one_day_of_delivery_reaches_what_the_day_reached() -> None:
    hours = np.arange(24) + 100 * 24
    caps = caps_of([capped(4, "DAY")], 24)
    hourly_impressions = HourlyImpressions(hours, np.full(24, 400), 5_000, K, caps)
    _, day, week, to_date = windows_of([hourly_impressions])
    for tier in TIERS:
        assert day.tiers[tier][0] == week.tiers[tier][0] == to_date.tiers[tier][0]
    assert day.tiers[5][0] == 0


def test_of_several_caps_each_holds() -> None:
    caps = caps_of([capped(1, "HOUR"), capped(5, "DAY")], 48)
    assert list(most_exposures(caps, np.array([1, 24, 48]))) == [1, 5, 10]
    assert cap_rates(caps) == (1.0, 5.0)
    assert cap_rates(caps_of([capped(1, "HOUR", 3)], 48)) == (1 / 3, 8.0)


def test_a_cap_longer_than_the_campaign_is_a_cap_for_its_life() -> None:
    assert caps_of([capped(2, "MONTH")], 168) == (Cap(2, 168),)


def test_a_huge_cap_costs_nothing() -> None:
    limit = np.array([1_000_000 * 24])
    counted = tiers(np.array([5_000]), 2_000, K, limit)
    assert counted[1][0] == reach([5_000], 2_000)[1][0]


def test_campaigns_and_days_have_shapes_of_their_own_around_the_platforms() -> None:
    figures = PLATFORM.reach
    logs = np.log([shape_of(PLATFORM, campaign_id, seed=1) for campaign_id in range(3000)])
    assert np.exp(np.median(logs)) == pytest.approx(figures.shape_k, rel=0.03)
    assert logs.std() == pytest.approx(figures.campaign_log_sd, rel=0.05)
    days = np.arange(20_000, 22_000)
    of_days = np.log(shapes_of_days(PLATFORM, 1, days, seed=1) / shape_of(PLATFORM, 1, seed=1))
    assert of_days.std() == pytest.approx(figures.day.log_sd, rel=0.1)
    gap = shapes_of_days(PLATFORM, 1, days[[0, 5]], seed=1)
    assert (gap == shapes_of_days(PLATFORM, 1, days, seed=1)[[0, 5]]).all()
    calm = PLATFORM.with_life(Life(preset=Preset.CALM))
    assert set(shapes_of_days(calm, 1, days, seed=1)) == {figures.shape_k}


def test_equal_impressions_reach_differently_on_different_days() -> None:
    hours = np.arange(48) + 24 * 20_089
    shapes = np.array([0.4, 0.8])
    hourly_impressions = HourlyImpressions(hours, np.full(48, 50), 1_000, shapes, ())
    _, day, _, _ = windows_of([hourly_impressions])
    first, second = day.tiers[1].tolist()
    assert first < second
