"""Line items of a market are steered past their goals, short of them, and with errors."""

from __future__ import annotations

import numpy as np
import pytest

from generator.enums import BuyType
from generator.market.build import build_market
from generator.platform.booking_mix import Control
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library, platform
from generator.schema.booking import STRAIGHT, Booking

CONTROL = platform("netflix_like").scaled_booking_mix.control


def bookings(*sets: str) -> list[Booking]:
    """Four hundred campaigns of a market."""
    changes = [parse_override(text) for text in ("market.campaigns=400", *sets)]
    return list(build_market(Library().dataset("market", changes)).bookings)


@pytest.fixture(scope="module")
def steered() -> list[Booking]:
    return bookings()


def test_only_guaranteed_buys_aim_past_their_goal(steered: list[Booking]) -> None:
    by_auction: dict[bool, list[float]] = {True: [], False: []}
    for booking in steered:
        is_auction = booking.campaign.buy_type is BuyType.PRIVATE_AUCTION
        by_auction[is_auction] += [item.steering.beyond for item in booking.line_items]
    assert max(by_auction[True]) == 0.0
    past = np.array(by_auction[False])
    wanted = CONTROL.beyond.share * (1 - CONTROL.shortfall.share)
    assert (past > 0).mean() == pytest.approx(wanted, abs=0.1)
    assert np.median(past[past > 0]) == pytest.approx(CONTROL.beyond.mean, rel=0.2)


def test_some_fall_short_and_the_first_days_of_a_flight_are_slow(steered: list[Booking]) -> None:
    steerings = [item.steering for booking in steered for item in booking.line_items]
    short = np.mean([steering.beyond < 0 for steering in steerings])
    assert 0 < short < 3 * CONTROL.shortfall.share
    first = np.array([steering.ramp[0] for steering in steerings])
    assert np.median(first) == pytest.approx(CONTROL.ramp.first_day, rel=0.1)
    assert all(list(steering.ramp) == sorted(steering.ramp) for steering in steerings)


def test_a_calm_market_is_steered_straight() -> None:
    calm = bookings("life.control=0", "life.rotation=0")
    assert {item.steering for booking in calm for item in booking.line_items} == {STRAIGHT}


def test_errors_grow_with_the_scale() -> None:
    wild = CONTROL.times(2.0)
    assert wild.forecast_error.log_sd == 2 * CONTROL.forecast_error.log_sd
    assert wild.ramp.first_day == pytest.approx(CONTROL.ramp.first_day**2)
    assert wild.shortfall.share == 2 * CONTROL.shortfall.share
    assert CONTROL.times(0.0).forecast_error == Control().forecast_error


def test_a_program_moves_some_rotations_and_none_in_a_calm_market(steered: list[Booking]) -> None:
    rotation = platform("netflix_like").scaled_booking_mix.rotation

    def optimised(of: list[Booking]) -> float:
        several = [item for one in of for item in one.line_items if len(item.creatives) > 1]
        return float(np.mean([item.steering.optimiser.gain > 0 for item in several]))

    assert optimised(steered) == pytest.approx(rotation.optimised, abs=0.1)
    assert optimised(bookings("life.rotation=0")) == 0.0
