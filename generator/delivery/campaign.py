"""One campaign from its booking to its rows: performance of every line item and flight, then reach
and audience of the whole. `deliver` is the entrance to this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY, Hours, day_number, hours_of
from generator.delivery import audience, performance, reach
from generator.delivery.capping import Cap, ImpressionLimits, caps_of, impression_limits
from generator.delivery.flight_supply import FlightContext
from generator.delivery.history import active_hours, bids, budgets
from generator.delivery.households import country_parts, household_numbers
from generator.delivery.incidents import Incident, line_item_incidents
from generator.delivery.ledger import Addressed
from generator.delivery.noise import ar1_normals
from generator.delivery.odds import OddsTable, odds_table
from generator.delivery.pacing import Goal
from generator.delivery.supply import CountrySupply
from generator.delivery.targeting import count_households, countries_of, targeting_of
from generator.delivery.variation import Booked
from generator.enums import BudgetType, Pacing
from generator.platform.model import PlatformModel
from generator.randomness import key
from generator.schema import FaultLog, Flight
from generator.schema.booking import STRAIGHT, BookedLineItem, Booking

_MOST_MICROS = 2**62
# How many times the mean day of a booking its best day may deliver before the cap is near, and the
# part of a day that its best hour has. Where all is taken that comes, a day may have it all.
_HEADROOM = {Pacing.EVEN: 2.0, Pacing.FRONTLOADED: 4.0, Pacing.ASAP: float("inf")}
_PEAK_HOUR = 0.15
_LEAST_OF_CAP, _MOST_OF_CAP = 0.25, 0.95


@dataclass(frozen=True)
class Delivery:
    """The facts of some campaigns, one batch of each raw table."""

    performance: pa.RecordBatch
    reach: pa.RecordBatch
    audience: pa.RecordBatch
    incidents: list[FaultLog]


def deliver(
    bookings: Sequence[Booking],
    platform_models: Mapping[str, PlatformModel],
    supplies: Mapping[str, Mapping[str, CountrySupply]],
    seed: int,
    horizon_day: int,
) -> Delivery:
    """Deliver campaigns up to the start of `horizon_day` (a day number, UTC).

    `platform_models` are by platform, `supplies` by platform and country: every country that a
    campaign is targeted on, over at least its flights. Campaigns that are delivered together do not
    influence one another; together is faster.

    >>> from generator.pipeline.country_supplies import CountrySupplies
    >>> from generator.scenario.templates import dataset
    >>> from generator.world.build import build_world
    >>> world = build_world(dataset("smoke"))
    >>> supplies = CountrySupplies(world)
    >>> horizon_day = day_number(world.run.as_of_date)
    >>> facts = deliver(world.bookings, world.platform_models, supplies, 7, horizon_day)
    >>> facts.performance.num_rows, facts.reach.num_rows, facts.audience.num_rows
    (672, 367, 1190)
    """
    table = _odds(bookings, platform_models, seed)
    plans = [
        _plan(
            booking,
            platform_models[booking.campaign.platform],
            supplies[booking.campaign.platform],
            table,
            seed,
            horizon_day,
        )
        for booking in bookings
    ]
    stretches = [stretch for plan in plans for stretch in plan.stretches]
    rows = performance.draw_rows(stretches)
    by_hour = []
    first = 0
    for booking, plan in zip(bookings, plans, strict=True):
        campaign_rows = rows.slice(first, sum(stretch.rows for stretch in plan.stretches))
        first += campaign_rows.num_rows
        by_hour.append(_by_hour(booking, plan.stretches, campaign_rows))
    exposures = [
        _exposures(
            booking, platform_models[booking.campaign.platform], plan.addressed, delivered, seed
        )
        for booking, plan, delivered in zip(bookings, plans, by_hour, strict=True)
    ]
    buyers = [
        audience.Buyer(
            campaign_id=booking.campaign.campaign_id,
            advertiser_id=booking.campaign.advertiser_id,
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
        reach=reach.reach_batch(campaign_ids, reach.windows_of(exposures)),
        audience=audience.audience_batch(buyers, by_hour),
        incidents=performance.incident_log(stretches, rows),
    )


def household_of(
    booking: Booking,
    platform_model: PlatformModel,
    delivered: audience.HourlyDelivery,
    impressions: Int64s,
    seed: int,
) -> Int64s:
    """Return the household that sees each impression of a campaign: same shape as `impressions`.

    `impressions` are numbers, from 0 in order of time; `delivered` is the campaign by hour, up
    to any day. Households have numbers that are the same in every campaign of a platform.
    Counting them gives `campaign_reach`, for every window and tier.
    """
    addressed = _addressed(booking, platform_model, seed)
    exposures = _exposures(booking, platform_model, addressed, delivered, seed)
    targetings = [targeting_of(item.line_item) for item in booking.line_items]
    parts = country_parts(platform_model, targetings, booking.campaign.campaign_id, seed)
    return household_numbers(parts, exposures.ledger().places(impressions))


def _exposures(
    booking: Booking,
    platform_model: PlatformModel,
    addressed: Addressed,
    delivered: audience.HourlyDelivery,
    seed: int,
) -> reach.HourlyImpressions:
    """Return what reach is counted from."""
    days = delivered.hours[::HOURS_A_DAY] // HOURS_A_DAY
    return reach.HourlyImpressions(
        delivered.hours,
        delivered.impressions.astype(np.int64),
        addressed,
        reach.shapes_of_days(platform_model, booking.campaign.campaign_id, days, seed),
    )


def _odds(
    bookings: Sequence[Booking], platform_models: Mapping[str, PlatformModel], seed: int
) -> OddsTable:
    """Return the odds of every creative, platform by platform."""
    booked: dict[str, list[Booked]] = {}
    for booking in bookings:
        on_platform = booked.setdefault(booking.campaign.platform, [])
        for item in booking.line_items:
            on_platform += [
                Booked(booking.campaign, item.line_item, creative) for creative in item.creatives
            ]
    return OddsTable.concatenate(
        [odds_table(platform_models[name], on_it, seed) for name, on_it in booked.items()]
    )


@dataclass(frozen=True)
class _Plan:
    """A campaign before its draws."""

    stretches: list[performance.Stretch]
    addressed: Addressed


def _plan(
    booking: Booking,
    platform_model: PlatformModel,
    supplies: Mapping[str, CountrySupply],
    table: OddsTable,
    seed: int,
    horizon_day: int,
) -> _Plan:
    """Plan every line item of a campaign for each of its flights."""
    addressed = _addressed(booking, platform_model, seed)
    limits = _limits(booking, platform_model, addressed.households, addressed.caps)
    stretches = []
    for index, flight in enumerate(booking.flights):
        for position, item in enumerate(booking.line_items):
            context = FlightContext(
                platform_model=platform_model,
                supplies=supplies,
                campaign=booking.campaign,
                item=item,
                hours=_hours(flight),
                horizon=horizon_day * HOURS_A_DAY,
                households=addressed.households,
                line_items=len(booking.line_items),
                is_daily=booking.budget.budget_type is BudgetType.DAILY,
                delivered_before=_expected_before(booking, index),
                seed=seed,
                active=active_hours(booking, _hours(flight)),
                bids=bids(booking, item.line_item.line_item_id, _hours(flight)),
                incidents=_incidents(platform_model, supplies, item, _hours(flight), seed),
            )
            goal = _goal(booking, position, index, limits[position], addressed.part_of_cap, seed)
            stretches.append(performance.plan_stretch(context, goal, table))
    return _Plan(stretches, addressed)


def _incidents(
    platform_model: PlatformModel,
    supplies: Mapping[str, CountrySupply],
    item: BookedLineItem,
    hours: Hours,
    seed: int,
) -> tuple[Incident, ...]:
    """Return the incidents that a line item of a market meets; none without a market."""
    first_country, *_ = countries_of(targeting_of(item.line_item), platform_model)
    if supplies[first_country].booked is None:
        return ()
    return line_item_incidents(platform_model, item.line_item, item.creatives, hours, seed)


def _addressed(booking: Booking, platform_model: PlatformModel, seed: int) -> Addressed:
    """Return what is known of a campaign's households when it begins."""
    targetings = [targeting_of(item.line_item) for item in booking.line_items]
    households = count_households(platform_model, targetings)
    campaign_days = sum(_days(flight) for flight in booking.flights)
    caps = caps_of(booking.frequency_caps, campaign_days * HOURS_A_DAY)
    return Addressed(
        households=households,
        planned=_expected_before(booking, len(booking.flights)),
        caps=caps,
        part_of_cap=_part_of_cap(booking, _limits(booking, platform_model, households, caps)),
        stream=key(seed, "households", booking.campaign.campaign_id),
    )


def _limits(
    booking: Booking, platform_model: PlatformModel, households: int, caps: Sequence[Cap]
) -> list[ImpressionLimits]:
    """Return what each line item may deliver under the caps of its campaign."""
    shares = [item.line_item.budget_share for item in booking.line_items]
    result = []
    for item, share in zip(booking.line_items, shares, strict=True):
        part = households * share / sum(shares)
        here = count_households(platform_model, [targeting_of(item.line_item)])
        result.append(impression_limits(caps, min(float(here), part)))
    return result


def _part_of_cap(booking: Booking, limits: Sequence[ImpressionLimits]) -> float:
    """Return the part of what the caps allow that no hour and no day delivers more than.

    It is what the original booking needs, with headroom, since the ledger is set up for it when the
    campaign begins. The less of a cap is used, the more unequal households may be under it.
    """
    planned = _expected_before(booking, len(booking.flights))
    per_day = planned / sum(_days(flight) for flight in booking.flights)
    shares = [item.line_item.budget_share for item in booking.line_items]
    needed = _LEAST_OF_CAP
    for item, limit, share in zip(booking.line_items, limits, shares, strict=True):
        day = per_day * share / sum(shares) * _HEADROOM[item.line_item.pacing]
        for most, wanted in ((limit.day, day), (limit.hour, day * _PEAK_HOUR)):
            if most is not None:
                needed = max(needed, wanted / max(most, 1))
    return min(needed, _MOST_OF_CAP)


def _expected_before(booking: Booking, flight_index: int) -> float:
    """Return the impressions that the campaign's earlier flights buy at its target price."""
    days = [_days(flight) for flight in booking.flights]
    amount = booking.budget.amount_micros
    days_before = sum(days[:flight_index])
    lifetime = booking.budget.budget_type is BudgetType.LIFETIME
    spent = amount * days_before / sum(days) if lifetime else amount * days_before
    return spent * 1000 / max(booking.campaign.target_cpm_micros, 1)


def split_exactly(amount: int, weights: list[float]) -> list[int]:
    """Split `amount` in proportion to `weights` into whole numbers that add up to it.

    >>> split_exactly(100, [1.0, 1.0, 1.0])
    [33, 33, 34]
    """
    edges = list(accumulate(weights, initial=0.0))
    marks = [*(int(amount * edge / edges[-1]) for edge in edges[:-1]), amount]
    return [last - first for first, last in pairwise(marks)]


def _goal(
    booking: Booking,
    position: int,
    flight_index: int,
    limits: ImpressionLimits,
    part_of_cap: float,
    seed: int,
) -> Goal:
    """Return a line item's part of the budget in one flight, with its limits under the cap.

    A lifetime budget is split over the flights by their days and then over the line items by their
    share, a daily budget over the line items. The parts are whole micros that add up to the whole.
    """
    shares = [item.line_item.budget_share for item in booking.line_items]
    days = [_days(flight) for flight in booking.flights]
    amount = booking.budget.amount_micros
    day_micros = None
    known = None
    if booking.budget.budget_type is BudgetType.DAILY:
        day_micros = split_exactly(amount, shares)[position]
        flight_micros = min(day_micros * days[flight_index], _MOST_MICROS)
    else:
        of_flight = split_exactly(amount, [float(number) for number in days])[flight_index]
        flight_micros = split_exactly(of_flight, shares)[position]
        amounts = budgets(booking, booking.flights[flight_index])
        if amounts is not None:
            known = np.array([split_exactly(amount, shares)[position] for amount in amounts])
            flight_micros = int(known[-1])
    item = booking.line_items[position]
    is_daily = day_micros is not None
    return Goal(
        flight_micros=flight_micros,
        day_micros=day_micros,
        day_impressions=limits.day,
        hour_impressions=limits.hour,
        part_of_cap=part_of_cap,
        pacing=item.line_item.pacing,
        pacing_pct=item.line_item.pacing_pct,
        beyond=min(item.steering.beyond, 0.0) if is_daily else item.steering.beyond,
        day_aims=_day_aims(item, booking.flights[flight_index], seed),
        known_micros=known,
    )


def _day_aims(item: BookedLineItem, flight: Flight, seed: int) -> Floats | None:
    """Return the aims of a line item's days relative to the right ones, (days,); None: all right.

    A forecast errs for some days on end. At the start of a flight less is delivered than planned.
    """
    steering = item.steering
    if steering == STRAIGHT:
        return None
    days = np.arange(day_number(flight.start_date), day_number(flight.end_date) + 1)
    stream = key(seed, "forecast error", item.line_item.line_item_id)
    errors = ar1_normals(stream, days, steering.error_autocorrelation)
    aims = np.exp(steering.error_log_sd * errors)
    ramp = steering.ramp[: days.size]
    aims[: len(ramp)] *= ramp
    return aims


def _by_hour(
    booking: Booking, stretches: Sequence[performance.Stretch], rows: pa.RecordBatch
) -> audience.HourlyDelivery:
    """Add up the campaign's rows by hour, up to the horizon, and by line item."""
    hours = _delivered_hours(stretches)
    items = [item.line_item.line_item_id for item in booking.line_items]
    totals = {name: np.zeros(hours.size) for name in ("impressions", "video_q100", "clicks")}
    by_item = np.zeros((hours.size, len(items)))
    first = 0
    for stretch in stretches:
        stretch_rows = rows.slice(first, stretch.rows)
        first += stretch.rows
        if stretch.rows:
            start = int(np.searchsorted(hours, stretch.hours[0]))
            span = slice(start, start + stretch.hours.size)
            hour = stretch.hour - stretch.hours[0]
            for name, total in totals.items():
                amounts = stretch_rows.column(name).to_numpy()
                counts = np.bincount(hour, amounts, stretch.hours.size)
                total[span] += counts
                if name == "impressions":
                    by_item[span, items.index(stretch.line_item_id)] += counts
    return audience.HourlyDelivery(
        hours, totals["impressions"], totals["video_q100"], totals["clicks"], by_item
    )


def _delivered_hours(stretches: Sequence[performance.Stretch]) -> Int64s:
    """Return the hours of all stretches, in order, each once."""
    flights = {stretch.hours.tobytes(): stretch.hours for stretch in stretches}
    first, *others = flights.values()
    return np.unique(np.concatenate([first, *others])) if others else first


def _days(flight: Flight) -> int:
    return (flight.end_date - flight.start_date).days + 1


def _hours(flight: Flight) -> Hours:
    return hours_of(day_number(flight.start_date), day_number(flight.end_date))
