"""Plans keep to what there is, follow their pacing, and end where a limit is reached."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.delivery.flight_supply import FlightSupply
from generator.delivery.limits import LimitedRows, billed_shares, stop_at, stop_at_limits
from generator.delivery.pacing import Goal, plan
from generator.enums import Pacing
from generator.randomness import row_keys
from generator.scenario.templates import platform

AHEAD = platform("netflix_like").pacing
FIGURES = AHEAD.times(0.0)
DAYS = 10


def goal(**changes) -> Goal:
    figures = {
        "flight_micros": 10**9,
        "day_micros": None,
        "day_impressions": None,
        "hour_impressions": None,
        "pacing": Pacing.EVEN,
        "pacing_pct": 150,
    }
    return Goal(**{**figures, **changes})


def supply(hourly: float = 1e5, price: float = 20_000.0, surprise: float = 1.0) -> FlightSupply:
    """Ten days of supply that is four times as high at night, on two devices."""
    shape = np.where(np.arange(DAYS * 24) % 24 >= 20, 4.0, 1.0)
    supply = hourly * shape[:, None] * np.array([0.75, 0.25])
    most = np.full(supply.shape, 2**40)
    price_each = np.full(supply.shape, price)
    return FlightSupply(
        supply, supply * surprise, np.ones(len(supply)), price_each, most, most, supply
    )


def spend(planned: np.ndarray, flight: FlightSupply) -> np.ndarray:
    return (planned * flight.price).sum(axis=1).reshape(DAYS, 24)


def test_even_pacing_spends_the_budget_a_tenth_a_day() -> None:
    flight = supply()
    daily = spend(plan(goal(), flight, FIGURES), flight).sum(axis=1)
    assert daily[:-1] == pytest.approx(1e8, rel=1e-9)
    assert 1e8 <= daily[-1] <= 1.1e8  # the last day aims two standard deviations higher


def test_days_aim_ahead_of_the_goal_and_the_budget_ends_with_the_flight() -> None:
    flight = supply()
    daily = spend(plan(goal(), flight, AHEAD), flight).sum(axis=1)
    assert daily[0] == pytest.approx(AHEAD.ahead * 1e8)
    assert (np.diff(daily[:-1]) < 0).all()
    assert daily.sum() == pytest.approx(1e9, rel=0.02)


def test_a_line_item_that_buys_more_one_day_buys_less_afterwards() -> None:
    flight = supply()
    demand = np.ones(DAYS * 24)
    demand[:24] = 1.4
    daily = spend(plan(goal(), replace(flight, demand=demand), FIGURES), flight).sum(axis=1)
    assert daily[0] == pytest.approx(1.4e8)
    assert daily[1] == pytest.approx((1e9 - 1.4e8) / 9)


def test_a_line_item_can_aim_past_its_goal_or_short_of_it() -> None:
    flight = supply()
    for beyond in (0.03, -0.2):
        daily = spend(plan(goal(beyond=beyond), flight, FIGURES), flight).sum(axis=1)
        assert daily[:-1] == pytest.approx((1 + beyond) * 1e8, rel=1e-9)


def test_a_day_that_aims_too_low_leaves_its_money_to_the_others() -> None:
    flight = supply()
    aims = np.ones(DAYS)
    aims[0] = 0.5
    daily = spend(plan(goal(day_aims=aims), flight, FIGURES), flight).sum(axis=1)
    assert daily[0] == pytest.approx(0.5e8)
    assert daily[1:-1] == pytest.approx((1e9 - 0.5e8) / 9)


def test_the_last_day_aims_for_all_that_is_left_however_the_forecast_errs() -> None:
    flight = supply()
    low, right = (goal(day_aims=np.full(DAYS, aim), pacing_pct=1000) for aim in (0.8, 1.0))
    total = [spend(plan(one, flight, FIGURES), flight).sum() for one in (low, right)]
    assert total[0] == pytest.approx(total[1])


def test_what_is_beyond_the_budget_is_delivered_and_not_billed() -> None:
    """4 hours of 10 impressions at 1 micro, a budget of 23 and half as much beyond it."""
    hours = np.arange(4)
    rows = LimitedRows(
        goal=goal(flight_micros=23, beyond=0.5),
        hour=hours,
        cell=hours,
        keys=row_keys(7, hours),
        prices=np.ones(4, dtype=np.int64),
        first_rows=hours,
        sizes=np.ones(4, dtype=np.int64),
    )
    fates = np.full((1, 4), 10.0)
    stop_at_limits(rows, fates, np.full(4, 10))
    assert fates.tolist() == [[10.0, 10.0, 10.0, 3.0]]
    billed = billed_shares(rows, fates[0])
    assert billed is not None
    assert np.floor(fates[0] * billed).tolist() == [10.0, 10.0, 2.0, 0.0]
    assert billed_shares(rows, np.full(4, 5.0)) is None


def test_frontloaded_pacing_spends_early() -> None:
    flight = supply()
    daily = spend(plan(goal(pacing=Pacing.FRONTLOADED), flight, FIGURES), flight).sum(axis=1)
    assert (np.diff(daily[:-1]) < 0).all()
    assert daily.sum() == pytest.approx(1e9, rel=0.02)


def test_asap_takes_all_there_is() -> None:
    flight = supply()
    assert plan(goal(pacing=Pacing.ASAP), flight, FIGURES) == pytest.approx(flight.available)


def test_money_that_a_weak_day_left_is_spent_later() -> None:
    flight = supply()
    weak = flight.available.copy()
    weak[:48] *= 0.5
    short = replace(flight, available=weak)
    daily = spend(plan(goal(), short, FIGURES), short).sum(axis=1)
    assert daily[0] == pytest.approx(0.5e8, rel=1e-6)
    assert daily[3] > 1e8
    assert daily.sum() == pytest.approx(1e9, rel=0.02)


def test_a_pacing_limit_leaves_money_over() -> None:
    flight = supply()
    assert spend(plan(goal(pacing_pct=50), flight, FIGURES), flight).sum() == pytest.approx(
        5e8, rel=0.03
    )


def test_a_daily_budget_is_aimed_at_every_day() -> None:
    flight = supply()
    daily = spend(plan(goal(day_micros=3 * 10**7), flight, FIGURES), flight).sum(axis=1)
    assert (daily >= 3e7).all()
    assert (daily < 3.5e7).all()


def test_a_frequency_cap_holds_the_plan_down() -> None:
    flight = supply()
    planned = plan(goal(flight_micros=10**13, day_impressions=1_000), flight, FIGURES)
    daily = planned.sum(axis=1).reshape(DAYS, 24).sum(axis=1)
    assert daily == pytest.approx(1_000 * FIGURES.cap_use)


@given(
    st.integers(0, 10**14),
    st.sampled_from(list(Pacing)),
    st.integers(1, 1000),
    st.floats(0, 1e7),
    st.floats(0, 3),
)
def test_a_plan_is_never_more_than_there_is(
    micros: int, pacing: Pacing, percent: int, hourly: float, surprise: float
) -> None:
    flight = supply(hourly, surprise=surprise)
    planned = plan(goal(flight_micros=micros, pacing=pacing, pacing_pct=percent), flight, FIGURES)
    assert np.isfinite(planned).all()
    assert (planned >= 0).all()
    assert (planned <= flight.available * (1 + 1e-9)).all()


@given(
    st.integers(0, 10**15),
    st.lists(st.integers(0, 10**13), min_size=24, max_size=72).filter(lambda x: len(x) % 24 == 0),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_counts_scaled_by_what_still_fits_never_exceed_the_limit(
    limit: int, amounts: list[int], parts: list[int]
) -> None:
    """Each hour is split into parts; scaled and rounded down they stay within the limit."""
    whole = np.array(amounts)
    pieces = np.array([whole * part // sum(parts) for part in parts])
    fits = stop_at(limit, pieces.sum(axis=0), 24)
    kept = np.floor(pieces * fits).astype(np.int64).sum(axis=0).reshape(-1, 24).sum(axis=1)
    assert (kept <= limit).all()


def test_delivery_ends_in_the_hour_that_reaches_the_limit() -> None:
    fits = stop_at(25, np.array([10, 10, 10, 10] + [0] * 20), 24)
    assert list(fits[:2]) == [1.0, 1.0]
    assert fits[2] == pytest.approx(0.5)
    assert fits[3] == 0.0
