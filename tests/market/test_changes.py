"""Campaigns of a market are changed after they are booked, and each change is in the log."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from generator.enums import BuyType
from generator.market.build import build_market
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library
from generator.schema.booking import Booking
from generator.world.changes import state_on


def bookings(*sets: str) -> list[Booking]:
    """Four hundred campaigns of a market."""
    changes = [parse_override(text) for text in ("market.campaigns=400", *sets)]
    return list(build_market(Library().dataset("market", changes)).bookings)


@pytest.fixture(scope="module")
def changed() -> list[Booking]:
    return bookings()


def test_many_campaigns_are_changed_and_some_run_in_several_flights(changed) -> None:
    assert 0.3 < sum(bool(booking.changes) for booking in changed) / len(changed) < 0.7
    assert 0.05 < sum(len(booking.flights) > 1 for booking in changed) / len(changed) < 0.35
    fields = Counter(change.field for booking in changed for change in booking.changes)
    assert set(fields) == {"status", "amount_micros", "bid_cpm_micros", "rotation_end_date"}


def test_weeks_lie_between_flights(changed) -> None:
    several = [booking.flights for booking in changed if len(booking.flights) > 1]
    for flights in several:
        for before, after in pairwise(flights):
            gap = (after.start_date - before.end_date).days - 1
            assert gap in (7, 14)
            assert (before.end_date - before.start_date).days + 1 >= 7


def test_changes_happen_in_order_after_the_booking_and_before_the_end(changed) -> None:
    for booking in changed:
        moments = [change.changed_at for change in booking.changes]
        assert moments == sorted(moments)
        if moments:
            assert moments[0] > booking.campaign.created_at
            assert moments[-1].date() <= booking.flights[-1].end_date


def test_only_auctions_change_bids(changed) -> None:
    for booking in changed:
        if any(change.field == "bid_cpm_micros" for change in booking.changes):
            assert booking.campaign.buy_type is BuyType.PRIVATE_AUCTION


def test_rows_have_the_values_of_the_day_on_which_they_are_seen(changed) -> None:
    booking = next(
        booking
        for booking in changed
        if [change.field for change in booking.changes] == ["amount_micros"]
    )
    (change,) = booking.changes
    day: date = change.changed_at.date()
    before, after = state_on(booking, day), state_on(booking, day + timedelta(days=1))
    assert (before.changes, len(after.changes)) == ((), 1)
    assert before.budget.amount_micros == int(change.old_value or 0)
    assert after.budget.amount_micros == int(change.new_value or 0)


def test_nothing_happens_in_a_calm_market() -> None:
    calm = bookings("life.changes=0")
    assert not any(booking.changes or len(booking.flights) > 1 for booking in calm)
