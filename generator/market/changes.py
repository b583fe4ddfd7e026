"""What happens to the campaigns of a market after they are booked: late starts, pauses, early
stops, extensions, other budgets and bids, and new creatives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from generator.enums import BudgetType, BuyType, ChangedEntity, ChangeReason, Status
from generator.market.money import round_budget
from generator.market.order import Draw
from generator.platform import booking_mix
from generator.scenario.money import micros
from generator.schema import Budget
from generator.schema.booking import BookedLineItem, Booking
from generator.world.changes import Change, with_changes
from generator.world.office_hours import office_moment

_MICROS = 1_000_000
_DIGITS_OF_A_NEW_BUDGET = 3
# Assumptions: no campaign that is shorter than this starts late or is extended (days); what part of
# a flight is over at the earliest and at the latest when something is changed.
_SHORTEST_WITH_LATE_START = 14
_SHORTEST_THAT_IS_EXTENDED = 28
_MIDDLE = (0.2, 0.75)
_END = (0.6, 0.95)


def change(booking: Booking, changes: booking_mix.Changes, zone: str, seed: int) -> Booking:
    """Return a booking with what happens to it; `zone` is where its advertiser works."""
    if changes == booking_mix.Changes():
        return booking
    maker = _Maker(booking, changes, zone, Draw(seed, "market changes", _id_of(booking)))
    return maker.booking()


def _id_of(booking: Booking) -> int:
    return booking.campaign.campaign_id


def _runs_throughout(item: BookedLineItem) -> bool:
    """Return whether a line item runs on all days of its campaign."""
    days = [(ad.rotation_start_date, ad.rotation_end_date) for ad in item.creatives]
    return all(first is None and last is None for first, last in days)


class _Maker:
    """Makes the changes of one campaign."""

    def __init__(
        self, booking: Booking, figures: booking_mix.Changes, zone: str, draw: Draw
    ) -> None:
        self.booked = booking
        self.figures = figures
        self.zone = zone
        self.draw = draw
        self.first = booking.flights[0].start_date
        self.flight = max(booking.flights, key=lambda flight: flight.end_date - flight.start_date)
        self.days = (self.flight.end_date - self.flight.start_date).days + 1

    def booking(self) -> Booking:
        """Return the booking with its changes. A campaign that is extended has no other change of
        its budget or end."""
        extended, extension = self._extend()
        self.booked = extended
        booking, swaps = self._swap_creatives()
        states = list(self._states(may_stop=not extension))
        budget = [] if extension else self._budget()
        return with_changes(booking, [*extension, *states, *budget, *self._bids(), *swaps])

    def _moment(self, day: date, purpose: str) -> datetime:
        """Return a moment in office hours on a day, or on the Friday before a weekend, but not
        before the campaign's first day."""
        at = office_moment(day, self.zone, self.draw.uniform(purpose, "minute"))
        return max(at, datetime.combine(self.first, time()) + timedelta(hours=1))

    def _day(self, window: tuple[float, float], purpose: str) -> date:
        """Draw a day in a part of the longest flight."""
        low, high = window
        part = low + (high - low) * self.draw.uniform(purpose, "day")
        return self.flight.start_date + timedelta(days=int(part * self.days))

    def _status(self, at: datetime, old: Status, new: Status, reason: ChangeReason) -> Change:
        campaign_id = _id_of(self.booked)
        return Change(at, ChangedEntity.CAMPAIGN, campaign_id, "status", old, new, reason)

    def _extend(self) -> tuple[Booking, list[Change]]:
        """Return the booking in which a flight with the last days and their part of the budget is
        added to its only one, and the changes."""
        booked, budget, share = self.booked, self.booked.budget, self.figures.extension.share
        is_long = self.days >= _SHORTEST_THAT_IS_EXTENDED and len(booked.flights) == 1
        is_long = is_long and all(_runs_throughout(item) for item in booked.line_items)
        if not is_long or not self.draw.happens(share, "extension"):
            return booked, []
        least, most = self.figures.extension.days
        added = least + int(self.draw.uniform("days added") * (most - least + 1))
        (whole,) = booked.flights
        until = whole.end_date - timedelta(days=added)
        self.flight = whole.model_copy(update={"end_date": until})
        self.days -= added
        following = whole.model_copy(
            update={"flight_id": whole.flight_id + 1, "start_date": until + timedelta(days=1)}
        )
        at = self._moment(self._day(_END, "extension"), "extension")
        changes = [
            Change(
                at,
                ChangedEntity.FLIGHT,
                following.flight_id,
                "end_date",
                until,
                following.end_date,
                ChangeReason.CLIENT,
            )
        ]
        if budget.budget_type is BudgetType.LIFETIME:
            most_of_it = budget.amount_micros / _MICROS * self.days / (self.days + added)
            amount = round_budget(
                most_of_it, _DIGITS_OF_A_NEW_BUDGET, budget.currency_code, most_of_it
            )
            smaller = budget.model_copy(update={"amount_micros": micros(amount)})
            changes.append(self._of_budget(at, smaller, budget, ChangeReason.CLIENT))
            budget = smaller
        return replace(booked, flights=(self.flight, following), budget=budget), changes

    def _of_budget(self, at: datetime, old: Budget, new: Budget, reason: ChangeReason) -> Change:
        field = "amount_micros"
        amounts = (old.amount_micros, new.amount_micros)
        return Change(at, ChangedEntity.BUDGET, old.budget_id, field, *amounts, reason)

    def _states(self, may_stop: bool) -> Iterator[Change]:
        """Yield the late start, the pause and the early stop of the campaign."""
        draw, figures = self.draw, self.figures
        active, paused = Status.ACTIVE, Status.PAUSED
        since = datetime.combine(self.first, time())
        is_long = self.days >= _SHORTEST_WITH_LATE_START
        if is_long and draw.happens(figures.late_start.share, "late start"):
            least, most = figures.late_start.days
            late = least + int(draw.uniform("days late") * (most - least + 1))
            since = self._moment(self.first + timedelta(days=late), "approved")
            yield self._status(since, Status.DRAFT, active, ChangeReason.CREATIVE)
        end = datetime.combine(self.flight.end_date, time())
        if draw.happens(figures.pause.share, "pause"):
            start = self._moment(self._day(_MIDDLE, "pause"), "pause")
            spread = figures.pause.days_log_sd * draw.normal("pause days")
            days = max(round(figures.pause.days * math.exp(spread)), 1)
            again = self._moment(start.date() + timedelta(days=days), "resume")
            reason = draw.of("pause reason", figures.pause.reasons)
            if since < start < again < end:
                since = again
                yield self._status(start, active, paused, reason)
                yield self._status(again, paused, active, reason)
        if may_stop and draw.happens(figures.early_stop, "early stop"):
            stop = self._moment(self._day(_END, "early stop"), "early stop")
            if since < stop < end:
                yield self._status(stop, active, Status.COMPLETED, ChangeReason.CLIENT)

    def _budget(self) -> Iterator[Change]:
        """Yield the change of the budget: that of the days that are left by a factor."""
        budget, figures = self.booked.budget, self.figures.budget
        is_one = len(self.booked.flights) == 1 and budget.budget_type is BudgetType.LIFETIME
        if not is_one or not self.draw.happens(figures.share, "budget"):
            return
        at = self._moment(self._day(_MIDDLE, "budget"), "budget")
        factor = math.exp(figures.factor_log_sd * abs(self.draw.normal("budget factor")))
        if not self.draw.happens(figures.up, "budget up"):
            factor = 1 / factor
        left = 1 - ((at.date() - self.first).days + 1) / self.days
        wanted = budget.amount_micros / _MICROS * (1 + (factor - 1) * left)
        amount = round_budget(wanted, _DIGITS_OF_A_NEW_BUDGET, budget.currency_code, math.inf)
        if micros(amount) != budget.amount_micros:
            reason = ChangeReason.CLIENT if factor < 1 else ChangeReason.PERFORMANCE
            changed = budget.model_copy(update={"amount_micros": micros(amount)})
            yield self._of_budget(at, budget, changed, reason)

    def _bids(self) -> Iterator[Change]:
        """Yield the rise of the bids of an auction buy, all on one day."""
        figures = self.figures.bid
        is_auction = self.booked.campaign.buy_type is BuyType.PRIVATE_AUCTION
        if not is_auction or not self.draw.happens(figures.share, "bid"):
            return
        at = self._moment(self._day(_MIDDLE, "bid"), "bid")
        factor = math.exp(figures.factor_log_sd * abs(self.draw.normal("bid factor")))
        for item in self.booked.line_items:
            old = item.line_item.bid_cpm_micros
            new = math.ceil(old * factor / 10_000) * 10_000
            yield Change(
                at,
                ChangedEntity.LINE_ITEM,
                item.line_item.line_item_id,
                "bid_cpm_micros",
                old,
                new,
                ChangeReason.PERFORMANCE,
            )

    def _swap_creatives(self) -> tuple[Booking, list[Change]]:
        """Return the booking in which the last creative of a line item replaces its first one, and
        the change."""
        booking = self.booked
        several = [
            item
            for item in booking.line_items
            if len(item.creatives) > 1 and _runs_throughout(item)
        ]
        if not several or not self.draw.happens(self.figures.creative_swap, "swap"):
            return booking, []
        item = several[0]
        first, *others, last = item.creatives
        at = self._moment(self._day(_MIDDLE, "swap"), "swap")
        day = at.date()
        creatives = (
            first.model_copy(update={"rotation_end_date": day}),
            *others,
            last.model_copy(update={"rotation_start_date": day + timedelta(days=1)}),
        )
        changed = replace(item, creatives=creatives)
        items = tuple(changed if one is item else one for one in booking.line_items)
        swap = Change(
            at,
            ChangedEntity.CREATIVE,
            first.creative_id,
            "rotation_end_date",
            None,
            day,
            ChangeReason.CREATIVE,
        )
        return replace(booking, line_items=items), [swap]
