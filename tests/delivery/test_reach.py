"""Reach by hour, day, week and to date is what the households of each window are, counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.arrays import Int64s
from generator.delivery.capping import Cap, cap_rates, caps_of
from generator.delivery.reach import (
    HourlyImpressions,
    Windows,
    exposure,
    reach_batch,
    shape_of,
    windows_of,
)
from generator.delivery.turns import TIERS, arrange
from generator.enums import ReachWindow
from generator.platform.life import Life, Preset
from generator.scenario.templates import platform
from generator.schema import CampaignReach, FrequencyCap

K = 0.6
MONDAY = 20_089
PLATFORM = platform("netflix_like")


def campaign(
    hourly: list[int] | Int64s, households: int, *caps: Cap, first_day: int = MONDAY
) -> HourlyImpressions:
    impressions = np.array(hourly)
    hours = np.arange(first_day * 24, first_day * 24 + impressions.size)
    return HourlyImpressions(hours, impressions, households, K, caps, stream=11)


def by_kind(windows: list[Windows]) -> dict[ReachWindow, Windows]:
    return {few.kind: few for few in windows}


@given(
    st.lists(st.integers(0, 300), min_size=24, max_size=24 * 9).filter(lambda x: len(x) % 24 == 0),
    st.integers(1, 4_000),
    st.integers(0, 20_000),
)
def test_windows_are_counts_of_the_same_households(
    hourly: list[int], households: int, first_day: int
) -> None:
    one = campaign(hourly, households, first_day=first_day)
    marks = np.concatenate([[0], one.impressions.cumsum()])
    turns = arrange(households, K, marks, (), one.stream)
    seen = turns.households(np.arange(marks[-1]))
    windows = by_kind(windows_of([one]))
    lengths = {ReachWindow.HOUR: 1, ReachWindow.DAY: 24, ReachWindow.WEEK: 168}
    first = int(one.hours[0])
    for kind, few in windows.items():
        for position, start in enumerate(few.start.tolist()):
            if kind is ReachWindow.FLIGHT_TO_DATE:
                begin, end = 0, start - first + 24
            else:
                begin, end = start - first, start - first + lengths[kind]
            part = seen[marks[max(begin, 0)] : marks[min(end, one.hours.size)]]
            times = np.bincount(part, minlength=1)
            assert few.impressions[position] == part.size
            for tier in TIERS:
                assert few.tiers[tier][position] == (times >= tier).sum()


def test_campaigns_together_are_the_campaigns_alone() -> None:
    some = [
        campaign(np.full(48, 90), 700),
        campaign(np.full(24, 5), 40, Cap(2, 24), first_day=MONDAY + 3),
    ]
    together = reach_batch([7, 9], windows_of(some)).to_pylist()
    alone = [
        row
        for campaign_id, one in zip([7, 9], some, strict=True)
        for row in reach_batch([campaign_id], windows_of([one])).to_pylist()
    ]
    assert together == alone
    assert set(together[0]) == set(CampaignReach.model_fields)


def test_mean_exposure_is_that_of_the_negative_binomial() -> None:
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
    one = HourlyImpressions(hours, np.full(hours.size, 20), 1_200, K, caps, stream=3)
    for windows in windows_of([one]):
        assert windows.tiers[3].max() == 0
        assert (windows.impressions <= 2 * windows.tiers[1]).all()


def test_a_week_with_one_day_of_delivery_reaches_what_the_day_reached() -> None:
    caps = caps_of([capped(4, "DAY")], 24)
    _, day, week, to_date = windows_of([campaign(np.full(24, 400), 5_000, *caps)])
    for tier in TIERS:
        assert day.tiers[tier][0] == week.tiers[tier][0] == to_date.tiers[tier][0]
    assert day.tiers[5][0] == 0


def test_caps_limit_hours_and_days() -> None:
    assert cap_rates(caps_of([capped(1, "HOUR"), capped(5, "DAY")], 48)) == (1.0, 5.0)
    assert cap_rates(caps_of([capped(1, "HOUR", 3)], 48)) == (1 / 3, 8.0)
    # A cap of 36 hours touches two days.
    assert cap_rates(caps_of([capped(4, "HOUR", 36)], 240)) == (4.0, 2.0)


def test_a_cap_longer_than_the_campaign_is_a_cap_for_its_life() -> None:
    assert caps_of([capped(2, "MONTH")], 168) == (Cap(2, 168),)


def test_a_huge_cap_costs_nothing() -> None:
    without, with_cap = (
        windows_of([campaign(np.full(72, 100), 2_000, *caps)])
        for caps in ((), (Cap(1_000_000, 24),))
    )
    for first, second in zip(without, with_cap, strict=True):
        assert np.abs(first.tiers[1] - second.tiers[1]).max() <= 0.02 * first.tiers[1].max()


def test_campaigns_have_shapes_around_the_platforms() -> None:
    figures = PLATFORM.reach
    logs = np.log([shape_of(PLATFORM, campaign_id, seed=1) for campaign_id in range(3000)])
    assert np.exp(np.median(logs)) == pytest.approx(figures.shape_k, rel=0.03)
    assert logs.std() == pytest.approx(figures.campaign_log_sd, rel=0.05)
    calm = PLATFORM.with_life(Life(preset=Preset.CALM))
    assert shape_of(calm, 1, seed=1) == figures.shape_k
