"""One campaign from its booking to its rows: performance of every line item and flight, then reach
and audience of the whole. `deliver` is the entrance to this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s, WholeFloats
from generator.clock import HOURS_A_DAY, Hours, day_number, hours_of
from generator.delivery import audience, conversions, performance, reach
from generator.delivery.addressees import Addressees, addressees, days_of, expected_before
from generator.delivery.capping import ImpressionLimits
from generator.delivery.flight_supply import FlightContext
from generator.delivery.history import (
    active_hours,
    added_micros,
    bids,
    booked_flights,
    budgets,
)
from generator.delivery.households import Cell
from generator.delivery.incidents import Incident, line_item_incidents
from generator.delivery.ledger import Addressed
from generator.delivery.noise import ar1_normals
from generator.delivery.odds import OddsTable, odds_table
from generator.delivery.pacing import Goal
from generator.delivery.supply import CountrySupply
from generator.delivery.targeting import countries_of, targeting_of
from generator.delivery.variation import Booked
from generator.delivery.viewing import Buyer, HourlyCounts, HourlyDelivery, place_impressions
from generator.enums import BudgetType
from generator.platform.model import PlatformModel
from generator.randomness import key
from generator.schema import FaultLog, Flight
from generator.schema.booking import STRAIGHT, BookedLineItem, Booking

_MOST_MICROS = 2**62


@dataclass(frozen=True)
class Seen:
    """Where a campaign was seen, from which follows who saw it.

    `groups` has the group of each line item, `by_cell` (groups, cells, hours) the impressions of
    each group in each cell of `cells`. `exposures` are the same by line of households.
    """

    campaign_id: int
    groups: tuple[int, ...]
    cells: tuple[Cell, ...]
    by_cell: Int64s
    exposures: reach.HourlyImpressions


@dataclass(frozen=True)
class Delivery:
    """The facts of some campaigns, one batch of each raw table, and where each was seen."""

    performance: pa.RecordBatch
    reach: pa.RecordBatch
    audience: pa.RecordBatch
    conversions: pa.RecordBatch
    incidents: list[FaultLog]
    seen: list[Seen]


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
    counting = []
    first = 0
    for booking, plan in zip(bookings, plans, strict=True):
        campaign_rows = rows.slice(first, sum(stretch.rows for stretch in plan.stretches))
        first += campaign_rows.num_rows
        by_hour.append(_by_hour(booking, plan.addressees.groups, plan.stretches, campaign_rows))
        platform_model = platform_models[booking.campaign.platform]
        counting += _counting(booking, platform_model, plan, campaign_rows, seed)
    buyers = [
        _buyer(booking, platform_models[booking.campaign.platform], supplies, plan, seed)
        for booking, plan in zip(bookings, plans, strict=True)
    ]
    placed = place_impressions(buyers, by_hour)
    seen = [
        _seen(buyer, plan.addressees.lines, delivered, cells)
        for buyer, plan, delivered, cells in zip(buyers, plans, by_hour, placed, strict=True)
    ]
    campaign_ids = [campaign.campaign_id for campaign in seen]
    windows = reach.windows_of([campaign.exposures for campaign in seen])
    return Delivery(
        performance=rows,
        reach=reach.reach_batch(campaign_ids, windows),
        audience=audience.audience_batch(buyers, by_hour, placed),
        conversions=conversions.conversions_batch(counting, horizon_day),
        incidents=performance.incident_log(stretches, rows),
        seen=seen,
    )


def _counting(
    booking: Booking, platform_model: PlatformModel, plan: _Plan, rows: pa.RecordBatch, seed: int
) -> list[tuple[conversions.CountingCampaign, conversions.Touches]]:
    """Return a campaign and what it did on each day; nothing where it counts no conversions."""
    households = plan.addressees.households
    planned = expected_before(booking, len(booking.flights))
    campaign = conversions.counting_campaign(booking, platform_model, households, planned, seed)
    if campaign is None or not rows.num_rows:
        return []
    return [(campaign, conversions.touches_of(campaign, plan.stretches, rows))]


def _buyer(
    booking: Booking,
    platform_model: PlatformModel,
    supplies: Mapping[str, Mapping[str, CountrySupply]],
    plan: _Plan,
    seed: int,
) -> Buyer:
    """Return what the impressions of a campaign are split by."""
    return Buyer(
        campaign_id=booking.campaign.campaign_id,
        advertiser_id=booking.campaign.advertiser_id,
        targetings=tuple(targeting_of(item.line_item) for item in booking.line_items),
        platform_model=platform_model,
        supplies=supplies[booking.campaign.platform],
        cells=plan.addressees.cells,
        limits=plan.addressees.cell_limits,
        groups=plan.addressees.groups,
        seed=seed,
    )


def _seen(
    buyer: Buyer, lines: tuple[Addressed, ...], delivered: HourlyDelivery, placed: WholeFloats
) -> Seen:
    """Return where a campaign was seen, from its impressions in cells."""
    days = delivered.hours[::HOURS_A_DAY] // HOURS_A_DAY
    by_cell = placed.sum(axis=2).astype(np.int64)
    by_line = by_cell.sum(axis=0)
    exposures = reach.HourlyImpressions(
        delivered.hours,
        by_line if len(lines) == len(by_line) else by_line.sum(axis=0, keepdims=True),
        lines,
        reach.shapes_of_days(buyer.platform_model, buyer.campaign_id, days, buyer.seed),
    )
    return Seen(buyer.campaign_id, buyer.groups, buyer.cells, by_cell, exposures)


def _odds(
    bookings: Sequence[Booking], platform_models: Mapping[str, PlatformModel], seed: int
) -> OddsTable:
    """Return the odds of every creative, platform by platform."""
    booked: dict[str, list[Booked]] = {}
    for booking in bookings:
        on_platform = booked.setdefault(booking.campaign.platform, [])
        for item in booking.line_items:
            on_platform += [
                Booked(booking.campaign, booking.industry, item.line_item, creative)
                for creative in item.creatives
            ]
    return OddsTable.concatenate(
        [odds_table(platform_models[name], on_it, seed) for name, on_it in booked.items()]
    )


@dataclass(frozen=True)
class _Plan:
    """A campaign before its draws."""

    stretches: list[performance.Stretch]
    addressees: Addressees


def _plan(
    booking: Booking,
    platform_model: PlatformModel,
    supplies: Mapping[str, CountrySupply],
    table: OddsTable,
    seed: int,
    horizon_day: int,
) -> _Plan:
    """Plan every line item of a campaign for each of its flights."""
    public = addressees(booking, platform_model, seed)
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
                households=public.households,
                line_items=len(booking.line_items),
                is_daily=booking.budget.budget_type is BudgetType.DAILY,
                delivered_before=expected_before(booking, index),
                seed=seed,
                active=active_hours(booking, _hours(flight)),
                bids=bids(booking, item.line_item.line_item_id, _hours(flight)),
                incidents=_incidents(platform_model, supplies, item, _hours(flight), seed),
            )
            goal = _goal(
                booking, position, index, public.item_limits[position], public.part_of_cap, seed
            )
            stretches.append(performance.plan_stretch(context, goal, table))
    return _Plan(stretches, public)


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

    A lifetime budget is split over the flights and then over the line items by their share, a daily
    budget over the line items. The parts are whole micros that add up to the whole.
    """
    shares = [item.line_item.budget_share for item in booking.line_items]
    flight = booking.flights[flight_index]
    day_micros = None
    known = None
    if booking.budget.budget_type is BudgetType.DAILY:
        day_micros = split_exactly(booking.budget.amount_micros, shares)[position]
        flight_micros = min(day_micros * days_of(flight), _MOST_MICROS)
    else:
        of_flight = _flight_micros(booking)[flight_index]
        flight_micros = split_exactly(of_flight, shares)[position]
        amounts = budgets(booking, flight)
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
        day_aims=_day_aims(item, flight, seed, is_extension=flight not in booked_flights(booking)),
        known_micros=known,
    )


def _flight_micros(booking: Booking) -> list[int]:
    """Return the part of a lifetime budget that each flight gets: what was booked by days, and what
    an extension adds to its flight."""
    first = [float(days_of(flight)) for flight in booked_flights(booking)]
    parts = split_exactly(booking.budget.amount_micros, first)
    later = (added_micros(booking, flight) for flight in booking.flights[len(parts) :])
    return [*parts, *(added or 0 for added in later)]


def _day_aims(item: BookedLineItem, flight: Flight, seed: int, is_extension: bool) -> Floats | None:
    """Return the aims of a line item's days relative to the right ones, (days,); None: all right.

    A forecast errs for some days on end. At the start of a flight less is delivered than planned,
    but an extension goes on as before.
    """
    steering = item.steering
    if steering == STRAIGHT:
        return None
    days = np.arange(day_number(flight.start_date), day_number(flight.end_date) + 1)
    stream = key(seed, "forecast error", item.line_item.line_item_id)
    errors = ar1_normals(stream, days, steering.error_autocorrelation)
    aims = np.exp(steering.error_log_sd * errors)
    ramp = () if is_extension else steering.ramp[: days.size]
    aims[: len(ramp)] *= ramp
    return aims


def _by_hour(
    booking: Booking,
    groups: Sequence[int],
    stretches: Sequence[performance.Stretch],
    rows: pa.RecordBatch,
) -> HourlyDelivery:
    """Add up the campaign's rows by hour, up to the horizon, by group and by line item."""
    hours = _delivered_hours(stretches)
    items = [item.line_item.line_item_id for item in booking.line_items]
    names = ("impressions", "video_q100", "clicks")
    totals = {name: np.zeros((max(groups) + 1, hours.size)) for name in names}
    by_item = np.zeros((hours.size, len(items)))
    first = 0
    for stretch in stretches:
        stretch_rows = rows.slice(first, stretch.rows)
        first += stretch.rows
        if stretch.rows:
            item = items.index(stretch.line_item_id)
            start = int(np.searchsorted(hours, stretch.hours[0]))
            span = slice(start, start + stretch.hours.size)
            hour = stretch.hour - stretch.hours[0]
            for name, total in totals.items():
                amounts = stretch_rows.column(name).to_numpy()
                counts = np.bincount(hour, amounts, stretch.hours.size)
                total[groups[item], span] += counts
                if name == "impressions":
                    by_item[span, item] += counts
    by_group = tuple(HourlyCounts(*counts) for counts in zip(*totals.values(), strict=True))
    return HourlyDelivery(hours, by_group, by_item)


def _delivered_hours(stretches: Sequence[performance.Stretch]) -> Int64s:
    """Return the hours of all stretches, in order, each once."""
    flights = {stretch.hours.tobytes(): stretch.hours for stretch in stretches}
    first, *others = flights.values()
    return np.unique(np.concatenate([first, *others])) if others else first


def _hours(flight: Flight) -> Hours:
    return hours_of(day_number(flight.start_date), day_number(flight.end_date))
