"""Campaigns of a market are changed after they are booked, and each change is in the log."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from generator.clock import day_number
from generator.delivery.addressees import days_of
from generator.delivery.campaign import deliver
from generator.delivery.history import added_micros, booked_flights, changes_of
from generator.enums import BudgetType, BuyType, ChangedEntity
from generator.market.build import build_market
from generator.pipeline.country_supplies import CountrySupplies
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library
from generator.schema.booking import BookedLineItem, Booking
from generator.world.changes import state_on

DAY = timedelta(days=1)


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
    assert set(fields) == {
        "status",
        "amount_micros",
        "bid_cpm_micros",
        "end_date",
        "rotation_end_date",
    }


def test_weeks_lie_between_flights(changed) -> None:
    flights_of = (booked_flights(booking) for booking in changed)
    several = [flights for flights in flights_of if len(flights) > 1]
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


def extended(bookings: list[Booking]) -> list[Booking]:
    """Those that were extended."""
    return [booking for booking in bookings if len(booked_flights(booking)) < len(booking.flights)]


def test_an_extension_is_a_flight_right_after_the_booked_one_with_its_part_of_the_budget(
    changed,
) -> None:
    assert 0.03 < len(extended(changed)) / len(changed) < 0.15
    for booking in extended(changed):
        before, after = booking.flights
        assert (after.start_date - before.end_date).days == 1
        (change,) = changes_of(booking, ChangedEntity.FLIGHT, after.flight_id, "end_date")
        assert (change.old_value, change.new_value) == (str(before.end_date), str(after.end_date))
        assert change.changed_at.date() <= before.end_date
        if booking.budget.budget_type is BudgetType.DAILY:
            assert added_micros(booking, after) == 0
            continue
        per_day = booking.budget.amount_micros / days_of(before)
        assert added_micros(booking, after) == pytest.approx(per_day * days_of(after), rel=0.1)


def test_an_extension_is_not_known_before_it_is_logged(changed) -> None:
    booking = extended(changed)[0]
    moment = max(change.changed_at for change in booking.changes if change.field == "end_date")
    before, after = state_on(booking, moment.date()), state_on(booking, moment.date() + DAY)
    assert before.flights == booked_flights(booking)
    assert after.flights == booking.flights


def test_an_extension_changes_nothing_of_what_came_before_it(changed) -> None:
    """Its days are delivered for its own money, and the budget is kept."""
    world = build_market(Library().dataset("market", [parse_override("market.campaigns=400")]))
    booking = next(
        booking
        for booking in extended(changed)
        if {change.field for change in booking.changes} == {"end_date", "amount_micros"}
    )
    money = (booking.budget.amount_micros, added_micros(booking, booking.flights[-1]))
    horizon = day_number(booking.flights[-1].end_date) + 1
    supplies = CountrySupplies(world)

    def spend(of: Booking) -> list[int]:
        rows = deliver([of], world.platform_models, supplies, world.run.seed, horizon).performance
        hours, spent = (rows.column(name) for name in ("hour_ts", "spend_micros"))
        ends = [datetime.combine(flight.end_date + DAY, time()) for flight in booking.flights]
        return [pc.sum(spent.filter(pc.less(hours, pa.scalar(end)))).as_py() or 0 for end in ends]

    as_booked = replace(booking, flights=booking.flights[:1], changes=())
    (first, both), (alone, _) = spend(booking), spend(as_booked)
    assert first == alone
    assert 0.5 * money[0] < first <= money[0]
    assert 0 < both - first <= (money[1] or 0)


def test_nothing_happens_in_a_calm_market() -> None:
    calm = bookings("life.changes=0")
    assert not any(booking.changes or len(booking.flights) > 1 for booking in calm)


def test_some_line_items_begin_later_or_end_earlier_than_their_campaign(changed) -> None:
    own = 0
    for booking in changed:
        first, *others = booking.line_items
        assert runs_throughout(first) or any(
            change.field == "rotation_end_date" for change in booking.changes
        )
        for item in others:
            if not runs_throughout(item) and len(booking.flights) == 1:
                (flight,) = booking.flights
                days = days_of(flight)
                starts = {ad.rotation_start_date or flight.start_date for ad in item.creatives}
                ends = {ad.rotation_end_date or flight.end_date for ad in item.creatives}
                if len(starts) == len(ends) == 1:
                    own += 1
                    assert ((ends.pop() - starts.pop()).days + 1) / days >= 0.8
                    assert booking.budget.budget_type is BudgetType.LIFETIME
    items = sum(len(booking.line_items) for booking in changed)
    assert 0.05 < own / items < 0.2
    calm = bookings("life.planning=0", "life.changes=0")
    assert all(runs_throughout(item) for booking in calm for item in booking.line_items)


def runs_throughout(item: BookedLineItem) -> bool:
    """Whether all creatives of a line item rotate for the whole campaign."""
    days = [(ad.rotation_start_date, ad.rotation_end_date) for ad in item.creatives]
    return all(day == (None, None) for day in days)
