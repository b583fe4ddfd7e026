"""Reach of windows, its shapes, and the caps that bound it."""

from __future__ import annotations

import numpy as np
import pytest

from generator.arrays import Int64s
from generator.delivery.capping import Cap, cap_rates, caps_of
from generator.delivery.ledger import TIERS, Addressed
from generator.delivery.reach import (
    HourlyImpressions,
    Windows,
    exposure,
    shape_of,
    shapes_of_days,
    windows_of,
)
from generator.platform.life import Life, Preset
from generator.scenario.templates import platform
from generator.schema import FrequencyCap

K = 0.6
PLATFORM = platform("netflix_like")


def windows(
    hours: Int64s, hourly: int, households: int, caps: tuple[Cap, ...], shape_k: float = K
) -> list[Windows]:
    """The windows of a campaign that delivers the same in every hour."""
    impressions = np.full(hours.size, hourly)
    addressed = Addressed(households, float(impressions.sum()), caps, 0.95, stream=1)
    shapes = np.full(hours.size // 24, shape_k)
    return windows_of([HourlyImpressions(hours, impressions[None], (addressed,), shapes)])


def test_mean_exposure_is_impressions_over_reach() -> None:
    mean = exposure(np.array([0.0, 10.0, 2_000_000.0]), 1_000_000, K)
    assert mean[0] == 1.0
    assert mean[1] == pytest.approx(1.0, abs=1e-4)
    assert mean[2] == pytest.approx(2.0 / (1.0 - (1.0 + 2.0 / K) ** -K), rel=1e-5)


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
    made = windows(hours, 20, 1_200, caps)
    assert all(window.tiers[3].max() == 0 for window in made)
    assert all((window.impressions <= 2 * window.tiers[1]).all() for window in made)


def test_a_week_with_one_day_of_delivery_reaches_what_the_day_reached() -> None:
    hours = np.arange(24) + 100 * 24
    caps = caps_of([capped(4, "DAY")], 24)
    _, day, week, to_date = windows(hours, 400, 5_000, caps)
    for tier in TIERS:
        assert day.tiers[tier][0] == week.tiers[tier][0] == to_date.tiers[tier][0]
    assert day.tiers[5][0] == 0


def test_of_several_caps_each_holds() -> None:
    caps = caps_of([capped(1, "HOUR"), capped(5, "DAY")], 48)
    assert cap_rates(caps) == (1.0, 5.0)
    assert cap_rates(caps_of([capped(1, "HOUR", 3)], 48)) == (1 / 3, 8.0)


def test_a_cap_longer_than_the_campaign_is_a_cap_for_its_life() -> None:
    assert caps_of([capped(2, "MONTH")], 168) == (Cap(2, 168),)


def test_a_cap_counts_all_days_that_it_touches() -> None:
    assert cap_rates((Cap(6, 36),)) == (6.0, 3.0)


def test_a_huge_cap_changes_nothing() -> None:
    hours = np.arange(48) + 100 * 24
    free, capped = (windows(hours, 200, 2_000, caps) for caps in ((), (Cap(10**6, 24),)))
    for one, other in zip(free, capped, strict=True):
        assert (one.tiers[1] == other.tiers[1]).all()


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
