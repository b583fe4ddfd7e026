"""What changed during a campaign, as delivery needs it: by hour and by day of a flight."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import EPOCH, HOURS_A_DAY, Hours, day_number
from generator.enums import ChangedEntity, Status
from generator.schema import CampaignChange, Flight
from generator.schema.booking import Booking

_HOUR = timedelta(hours=1)
_NO_LIMIT = 2**62
_BEGINNING = datetime(EPOCH.year, EPOCH.month, EPOCH.day)


def changes_of(
    booking: Booking, entity: ChangedEntity, entity_id: int, field: str
) -> list[CampaignChange]:
    """Return the changes of one column of one entity, in order of time."""
    return [
        change
        for change in booking.changes
        if (change.entity_type, change.entity_id, change.field) == (entity, entity_id, field)
    ]


def active_hours(booking: Booking, hours: Hours) -> Floats | None:
    """Return 1 for each hour in which a campaign is active, and 0 for the others: (hours,). None:
    it is active in all of them."""
    campaign_id = booking.campaign.campaign_id
    changes = changes_of(booking, ChangedEntity.CAMPAIGN, campaign_id, "status")
    if not changes:
        return None
    active = np.full(hours.size, float(changes[0].old_value == Status.ACTIVE))
    for change in changes:
        active[hours >= _first_hour(change)] = float(change.new_value == Status.ACTIVE)
    return active


def bids(booking: Booking, line_item_id: int, hours: Hours) -> Floats | None:
    """Return the bid of a line item in each hour, in currency units per thousand: (hours,). None:
    it was never changed."""
    changes = changes_of(booking, ChangedEntity.LINE_ITEM, line_item_id, "bid_cpm_micros")
    if not changes:
        return None
    micros = np.full(hours.size, float(changes[0].old_value or 0))
    for change in changes:
        micros[hours >= _first_hour(change)] = float(change.new_value or 0)
    return micros / 1_000_000


def booked_flights(booking: Booking) -> tuple[Flight, ...]:
    """Return the flights that were booked at first, without extensions; these come after them."""
    added = {
        change.entity_id for change in booking.changes if change.entity_type is ChangedEntity.FLIGHT
    }
    return tuple(flight for flight in booking.flights if flight.flight_id not in added)


def added_micros(booking: Booking, flight: Flight) -> int | None:
    """Return what an extension adds to a lifetime budget for its flight. None: it was booked."""
    budget = (ChangedEntity.BUDGET, booking.budget.budget_id, "amount_micros")
    for extension in changes_of(booking, ChangedEntity.FLIGHT, flight.flight_id, "end_date"):
        amounts = [
            int(change.new_value or 0) - int(change.old_value or 0)
            for change in changes_of(booking, *budget)
            if change.changed_at == extension.changed_at
        ]
        return sum(amounts)
    return None


def budgets(booking: Booking, flight: Flight) -> list[int] | None:
    """Return the budget that holds on each day of a flight, in micros. None: it was never changed,
    but for extensions.

    A cut after the flight holds too: no budget is cut below what was spent.
    """
    budget = booking.budget
    changes = changes_of(booking, ChangedEntity.BUDGET, budget.budget_id, "amount_micros")
    if not changes or len(booked_flights(booking)) < len(booking.flights):
        return None
    days = range(day_number(flight.start_date), day_number(flight.end_date) + 1)
    after = [change for change in changes if _first_hour(change) > days[-1] * HOURS_A_DAY]
    most = min((int(change.new_value or 0) for change in after), default=_NO_LIMIT)
    return [min(_amount(budget.amount_micros, changes, day), most) for day in days]


def _amount(booked: int, changes: Sequence[CampaignChange], day: int) -> int:
    """Return the amount that holds on a day, after the changes before it begins."""
    known = [change for change in changes if _first_hour(change) <= day * HOURS_A_DAY]
    return int(known[-1].new_value or 0) if known else booked


def _first_hour(change: CampaignChange) -> int:
    """Return the first full hour after a change."""
    return -((_BEGINNING - change.changed_at) // _HOUR)


def lowest_from(amounts: Int64s) -> Int64s:
    """Return the least amount of each day and of all later ones: (days,).

    >>> lowest_from(np.array([10, 30, 20])).tolist()
    [10, 20, 20]
    """
    lowest: Int64s = np.minimum.accumulate(amounts[::-1])[::-1]
    return lowest
