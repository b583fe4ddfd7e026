"""Changes of a campaign after it was booked, and the state in which they leave its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from generator.enums import ChangedEntity, ChangeReason, Status
from generator.scenario.models import ChangePlan
from generator.scenario.money import micros
from generator.schema import CampaignChange
from generator.schema.booking import BookedLineItem, Booking

_MEMBERS_OF_A_CAMPAIGN = 100

_Column = tuple[ChangedEntity, int, str]


@dataclass(frozen=True)
class Change:
    """One change of a campaign, before it has an id. Values are those of the column."""

    at: datetime
    entity: ChangedEntity
    entity_id: int
    field: str
    old: Any
    new: Any
    reason: ChangeReason


def with_changes(booking: Booking, changes: list[Change]) -> Booking:
    """Return a booking with these changes in its log, in order of time."""
    campaign_id = booking.campaign.campaign_id
    rows = tuple(
        CampaignChange(
            change_id=campaign_id * _MEMBERS_OF_A_CAMPAIGN + position,
            campaign_id=campaign_id,
            entity_type=change.entity,
            entity_id=change.entity_id,
            field=change.field,
            old_value=None if change.old is None else str(change.old),
            new_value=None if change.new is None else str(change.new),
            changed_at=change.at,
            reason=change.reason,
        )
        for position, change in enumerate(sorted(changes, key=lambda change: change.at), start=1)
    )
    return replace(booking, changes=rows)


def planned_changes(booking: Booking, plans: list[ChangePlan]) -> Booking:
    """Return a booking with the changes that its scenario plans."""
    changes: list[Change] = []
    amount = booking.budget.amount_micros
    bids = {
        item.line_item.line_item_id: item.line_item.bid_cpm_micros for item in booking.line_items
    }

    def add(plan: ChangePlan, day: date, what: _Column, old: Any, new: Any) -> None:
        """Add a change at the start of a day."""
        changes.append(Change(datetime.combine(day, time()), *what, old, new, plan.reason))

    status = (ChangedEntity.CAMPAIGN, booking.campaign.campaign_id, "status")
    for plan in sorted(plans, key=lambda plan: plan.on):
        if plan.pause_until is not None:
            add(plan, plan.on, status, Status.ACTIVE, Status.PAUSED)
            add(plan, plan.pause_until, status, Status.PAUSED, Status.ACTIVE)
        elif plan.stop:
            add(plan, plan.on, status, Status.ACTIVE, Status.COMPLETED)
        elif plan.budget is not None:
            of_budget = (ChangedEntity.BUDGET, booking.budget.budget_id, "amount_micros")
            add(plan, plan.on, of_budget, amount, micros(plan.budget))
            amount = micros(plan.budget)
        elif plan.bid_cpm is not None:
            for item_id, bid in bids.items():
                of_item = (ChangedEntity.LINE_ITEM, item_id, "bid_cpm_micros")
                add(plan, plan.on, of_item, bid, micros(plan.bid_cpm))
                bids[item_id] = micros(plan.bid_cpm)
    return with_changes(booking, changes) if changes else booking


def state_on(booking: Booking, as_of: date) -> Booking:
    """Return a booking as its rows are at the start of a day: with the changes made before it, and
    without later ones."""
    if not booking.changes:
        return booking
    moment = datetime.combine(as_of, time())
    made = tuple(change for change in booking.changes if change.changed_at < moment)
    latest = {(change.entity_type, change.entity_id, change.field): change for change in made}

    def value(entity: ChangedEntity, entity_id: int, field: str, booked: Any) -> Any:
        """Return the value of a column that is booked, or what it was changed to."""
        change = latest.get((entity, entity_id, field))
        return booked if change is None else change.new_value

    campaign = booking.campaign
    status = campaign.status
    if status is Status.ACTIVE:
        first = next(
            (change for change in booking.changes if change.entity_type is ChangedEntity.CAMPAIGN),
            None,
        )
        before = status if first is None else Status(first.old_value or status)
        status = Status(value(ChangedEntity.CAMPAIGN, campaign.campaign_id, "status", before))
    updated = max([campaign.updated_at, *(change.changed_at for change in made)])
    amount = value(
        ChangedEntity.BUDGET,
        booking.budget.budget_id,
        "amount_micros",
        booking.budget.amount_micros,
    )
    added_later = {
        change.entity_id
        for change in booking.changes[len(made) :]
        if change.entity_type is ChangedEntity.FLIGHT
    }
    return replace(
        booking,
        flights=tuple(flight for flight in booking.flights if flight.flight_id not in added_later),
        campaign=campaign.model_copy(update={"status": status, "updated_at": updated}),
        budget=booking.budget.model_copy(update={"amount_micros": int(amount)}),
        line_items=tuple(_item_on(item, booking, moment, status) for item in booking.line_items),
        changes=made,
    )


def _item_on(
    item: BookedLineItem, booking: Booking, moment: datetime, status: Status
) -> BookedLineItem:
    """Return a line item as its rows are at a moment."""
    bid = item.line_item.bid_cpm_micros
    ends = {creative.creative_id: creative.rotation_end_date for creative in item.creatives}
    for change in booking.changes:
        is_made = change.changed_at < moment
        if change.entity_type is ChangedEntity.LINE_ITEM and is_made:
            bid = int(change.new_value or 0) if _is_of(change, item) else bid
        if change.entity_type is ChangedEntity.CREATIVE and not is_made:
            ends[change.entity_id] = None
    return replace(
        item,
        line_item=item.line_item.model_copy(update={"status": status, "bid_cpm_micros": bid}),
        creatives=tuple(
            creative.model_copy(update={"rotation_end_date": ends[creative.creative_id]})
            for creative in item.creatives
        ),
    )


def _is_of(change: CampaignChange, item: BookedLineItem) -> bool:
    return change.entity_id == item.line_item.line_item_id
