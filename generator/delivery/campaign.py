"""One campaign from its booking to its rows: performance of every line item and flight, then reach
and audience of the whole. This is the way into `delivery`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa

from generator.clock import Hours, day_number, hours_of
from generator.delivery import audience, performance, reach
from generator.delivery.flight_supply import FlightContext
from generator.delivery.odds import OddsTable, odds_table
from generator.delivery.pacing import Goal
from generator.delivery.supply import CountrySupply
from generator.delivery.targeting import count_households, targeting_of
from generator.enums import BudgetType
from generator.platform.model import PlatformModel
from generator.schema import Campaign, Creative, Flight
from generator.schema.booking import Booking

_MOST_MICROS = 2**62


@dataclass(frozen=True)
class Delivery:
    """The facts of some campaigns, one batch of each raw table."""

    performance: pa.RecordBatch
    reach: pa.RecordBatch
    audience: pa.RecordBatch


def deliver(
    bookings: Sequence[Booking],
    platform_models: Mapping[str, PlatformModel],
    supplies: Mapping[str, Mapping[str, CountrySupply]],
    seed: int,
    horizon_day: int,
) -> Delivery:
    """Everything that happened to campaigns before the start of `horizon_day` (a day number, UTC).

    `behaviours` and `markets` are by platform; markets by country, too, every one that a campaign
    is targeted on, over at least its flights. Campaigns that are delivered together do not
    influence one another; together is faster.
    """
    table = _odds(bookings, platform_models, seed)
    plans = [
        _plan(
            booking, platform_models[booking.campaign.platform], supplies, table, seed, horizon_day
        )
        for booking in bookings
    ]
    rows = performance.draw_rows([stretch for plan in plans for stretch in plan.stretches], table)
    delivered, hourly_impressions, first = [], [], 0
    for booking, plan in zip(bookings, plans, strict=True):
        own = rows.slice(first, sum(stretch.rows for stretch in plan.stretches))
        first += own.num_rows
        by_hour = _by_hour(booking, plan.stretches, own)
        shape_k = platform_models[booking.campaign.platform].reach.shape_k
        delivered.append(by_hour)
        hourly_impressions.append(
            reach.HourlyImpressions(
                by_hour.hours,
                by_hour.impressions.astype(np.int64),
                plan.households,
                shape_k,
                plan.caps,
            )
        )
    buyers = [
        audience.Buyer(
            campaign_id=booking.campaign.campaign_id,
            targetings=tuple(targeting_of(item.line_item) for item in booking.line_items),
            platform_model=platform_models[booking.campaign.platform],
            supplies=supplies[booking.campaign.platform],
            seed=seed,
        )
        for booking in bookings
    ]
    campaign_ids = [booking.campaign.campaign_id for booking in bookings]
    return Delivery(
        performance=rows,
        reach=reach.reach_batch(campaign_ids, reach.windows_of(hourly_impressions)),
        audience=audience.audience_batch(buyers, delivered),
    )


def _odds(
    bookings: Sequence[Booking], platform_models: Mapping[str, PlatformModel], seed: int
) -> OddsTable:
    """The odds of every creative, platform by platform."""
    shown: dict[str, list[tuple[Campaign, Creative]]] = {}
    for booking in bookings:
        own = shown.setdefault(booking.campaign.platform, [])
        own += [(booking.campaign, each) for item in booking.line_items for each in item.creatives]
    return OddsTable.concatenate(
        [odds_table(platform_models[platform], each, seed) for platform, each in shown.items()]
    )


@dataclass(frozen=True)
class _Plan:
    """A campaign before its draws."""

    stretches: list[performance.Stretch]
    households: int
    caps: tuple[reach.Cap, ...]


def _plan(
    booking: Booking,
    platform_model: PlatformModel,
    supplies: Mapping[str, Mapping[str, CountrySupply]],
    table: OddsTable,
    seed: int,
    horizon_day: int,
) -> _Plan:
    targetings = [targeting_of(item.line_item) for item in booking.line_items]
    households = count_households(platform_model, targetings)
    campaign_days = sum(_days(flight) for flight in booking.flights)
    caps = reach.caps_of(booking.frequency_caps, campaign_days * 24)
    stretches = []
    for index, flight in enumerate(booking.flights):
        for position, item in enumerate(booking.line_items):
            context = FlightContext(
                platform_model=platform_model,
                supplies=supplies[booking.campaign.platform],
                campaign=booking.campaign,
                item=item,
                hours=_hours(flight),
                horizon=horizon_day * 24,
                count_households=households,
                line_items=len(booking.line_items),
                delivered_before=_expected_before(booking, index),
                seed=seed,
            )
            own = count_households(platform_model, [targetings[position]])
            goal = _goal(booking, position, index, (own, households), caps)
            stretches.append(performance.plan_stretch(context, goal, table))
    return _Plan(stretches, households, caps)


def _expected_before(booking: Booking, flight_index: int) -> float:
    """Impressions that the campaign's earlier flights buy at its target price."""
    days = [_days(flight) for flight in booking.flights]
    amount = booking.budget.amount_micros
    part = sum(days[:flight_index])
    lifetime = booking.budget.budget_type is BudgetType.LIFETIME
    spent = amount * part / sum(days) if lifetime else amount * part
    return spent * 1000 / max(booking.campaign.target_cpm_micros, 1)


def split_exactly(amount: int, weights: list[float]) -> list[int]:
    """Whole parts of `amount` in proportion to `weights`, which add up to it."""
    edges = list(accumulate(weights, initial=0.0))
    marks = [*(int(amount * edge / edges[-1]) for edge in edges[:-1]), amount]
    return [last - first for first, last in pairwise(marks)]


def _goal(
    booking: Booking,
    position: int,
    flight_index: int,
    households: tuple[int, int],
    caps: tuple[reach.Cap, ...],
) -> Goal:
    """A line item's part of the budget and of the frequency cap in one flight.

    A lifetime budget is split over the flights by their days and then over the line items by their
    share, a daily one over the line items; whole micros that add up to the whole. `households` are
    those that the line item addresses, and those of the campaign.
    """
    shares = [each.line_item.budget_share for each in booking.line_items]
    days = [_days(flight) for flight in booking.flights]
    amount = booking.budget.amount_micros
    day_micros = None
    if booking.budget.budget_type is BudgetType.DAILY:
        day_micros = split_exactly(amount, shares)[position]
        flight_micros = min(day_micros * days[flight_index], _MOST_MICROS)
    else:
        of_flight = split_exactly(amount, [float(each) for each in days])[flight_index]
        flight_micros = split_exactly(of_flight, shares)[position]
    day_impressions = hour_impressions = None
    if caps:
        own, all_addressed = households
        exposed = min(float(own), all_addressed * shares[position] / sum(shares))
        an_hour, a_day = reach.cap_rates(caps)
        day_impressions = int(exposed * a_day)
        hour_impressions = int(exposed * an_hour)
    return Goal(
        flight_micros=flight_micros,
        day_micros=day_micros,
        day_impressions=day_impressions,
        hour_impressions=hour_impressions,
        pacing=booking.line_items[position].line_item.pacing,
        pacing_pct=booking.line_items[position].line_item.pacing_pct,
    )


def _by_hour(
    booking: Booking, stretches: Sequence[performance.Stretch], rows: pa.RecordBatch
) -> audience.HourlyDelivery:
    """The campaign's hours up to the horizon, and what its line items delivered in each."""
    flights = {each.hours.tobytes(): each.hours for each in stretches}.values()
    hours = next(iter(flights)) if len(flights) == 1 else np.unique(np.concatenate([*flights]))
    items = [item.line_item.line_item_id for item in booking.line_items]
    totals = {name: np.zeros(hours.size) for name in ("impressions", "video_q100", "clicks")}
    by_item = np.zeros((hours.size, len(items)))
    first = 0
    for each in stretches:
        own = rows.slice(first, each.rows)
        first += each.rows
        if each.rows:
            start = int(np.searchsorted(hours, each.hours[0]))
            span = slice(start, start + each.hours.size)
            hour = each.hour - each.hours[0]
            for name, total in totals.items():
                counts = np.bincount(hour, own.column(name).to_numpy(), each.hours.size)
                total[span] += counts
                if name == "impressions":
                    by_item[span, items.index(each.line_item_id)] += counts
    return audience.HourlyDelivery(
        hours, totals["impressions"], totals["video_q100"], totals["clicks"], by_item
    )


def _days(flight: Flight) -> int:
    return (flight.end_date - flight.start_date).days + 1


def _hours(flight: Flight) -> Hours:
    return hours_of(day_number(flight.start_date), day_number(flight.end_date))
