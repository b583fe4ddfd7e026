"""One campaign from its booking to its rows: performance of every line item and flight, then reach
and audience of the whole. This is the way into `delivery`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generator.delivery import audience, reach
from generator.delivery.calendar import Hours, day_number, hours_of
from generator.delivery.pacing import Goal
from generator.delivery.performance import Setting, performance
from generator.delivery.supply import Market
from generator.delivery.targeting import addressed_households, targeting_of
from generator.enums import BudgetType
from generator.schema import Flight
from generator.schema.behaviour import Behaviour
from generator.schema.booking import BookedLineItem, Booking


@dataclass(frozen=True)
class Delivery:
    """The facts of one campaign, as batches of their raw tables."""

    performance: list[pa.RecordBatch]
    reach: pa.RecordBatch
    audience: pa.RecordBatch


def deliver(
    booking: Booking,
    behaviour: Behaviour,
    markets: Mapping[str, Market],
    seed: int,
    horizon_day: int,
) -> Delivery:
    """Everything that happened to a campaign before the start of `horizon_day` (a day number, UTC).

    `markets` has every country the campaign is targeted on, over at least its flights.
    """
    households = addressed_households(behaviour, booking)
    campaign_days = sum(_days(flight) for flight in booking.flights)
    cap = reach.cap_of(booking.frequency_caps, campaign_days * 24)
    batches = []
    for index, flight in enumerate(booking.flights):
        hours = _hours(flight)
        for position, item in enumerate(booking.line_items):
            setting = Setting(
                behaviour=behaviour,
                markets=dict(markets),
                campaign=booking.campaign,
                item=item,
                hours=hours,
                horizon=horizon_day * 24,
                addressed_households=households,
                seed=seed,
            )
            goal = _goal(booking, item, position, index, households, cap)
            batches.append(performance(setting, goal))

    delivered = _by_hour(booking, batches, horizon_day)
    shape_k = behaviour.reach.shape_k
    windows = reach.campaign_windows(
        delivered.hours, delivered.impressions, households, shape_k, cap
    )
    buyer = audience.Buyer(
        campaign_id=booking.campaign.campaign_id,
        targetings=tuple(targeting_of(item.line_item) for item in booking.line_items),
        behaviour=behaviour,
        markets=markets,
        seed=seed,
    )
    return Delivery(
        performance=batches,
        reach=reach.reach_batch(booking.campaign.campaign_id, windows),
        audience=audience.audience_batch(buyer, delivered),
    )


def split_exactly(amount: int, weights: list[float]) -> list[int]:
    """Whole parts of `amount` in proportion to `weights`, which add up to it."""
    edges = np.cumsum([0.0, *weights])
    marks = [int(amount * edge / edges[-1]) for edge in edges[:-1]] + [amount]
    return [int(part) for part in np.diff(marks)]


def _goal(
    booking: Booking,
    item: BookedLineItem,
    position: int,
    flight_index: int,
    households: int,
    cap: reach.Cap | None,
) -> Goal:
    """A line item's part of the budget and of the frequency cap in one flight.

    A lifetime budget is split over the flights by their days and then over the line items by their
    share, a daily one over the line items; whole micros that add up to the whole.
    """
    shares = [each.line_item.budget_share for each in booking.line_items]
    days = [_days(flight) for flight in booking.flights]
    amount = booking.budget.amount_micros
    day_micros = None
    if booking.budget.budget_type is BudgetType.DAILY:
        day_micros = split_exactly(amount, shares)[position]
        flight_micros = day_micros * days[flight_index]
    else:
        of_flight = split_exactly(amount, [float(each) for each in days])[flight_index]
        flight_micros = split_exactly(of_flight, shares)[position]
    day_impressions = hour_impressions = None
    if cap is not None:
        share = shares[position] / sum(shares)
        a_day = cap.impressions * 24 / cap.hours
        day_impressions = int(households * a_day * share)
        hour_impressions = int(households * cap.impressions * share)
    return Goal(
        flight_micros=flight_micros,
        day_micros=day_micros,
        day_impressions=day_impressions,
        hour_impressions=hour_impressions,
        pacing=item.line_item.pacing,
        pacing_pct=item.line_item.pacing_pct,
    )


def _by_hour(
    booking: Booking, batches: list[pa.RecordBatch], horizon_day: int
) -> audience.Delivered:
    """The campaign's hours before the horizon, and what all its line items delivered in each."""
    hours = np.concatenate([_hours(flight) for flight in booking.flights])
    hours = hours[hours < horizon_day * 24]
    totals = np.zeros((3, hours.size), dtype=np.int64)
    for batch in batches:
        stamps = batch.column("hour_ts").cast(pa.int64()).to_numpy() // 3_600_000_000
        position = np.searchsorted(hours, stamps)
        for row, name in enumerate(("impressions", "video_q100", "clicks")):
            counted = np.bincount(
                position, weights=batch.column(name).to_numpy(), minlength=hours.size
            )
            totals[row] += counted.astype(np.int64)
    return audience.Delivered(hours, *totals)


def _days(flight: Flight) -> int:
    return (flight.end_date - flight.start_date).days + 1


def _hours(flight: Flight) -> Hours:
    return hours_of(day_number(flight.start_date), day_number(flight.end_date))
