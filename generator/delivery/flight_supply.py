"""The supply of one line item in one flight, and its price."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s, Mask
from generator.clock import HOURS_A_DAY, Hours, weekday_of
from generator.delivery import price, targeting
from generator.delivery.incidents import Incident, kept_demand
from generator.delivery.noise import day_shocks, effects, multiplier
from generator.delivery.supply import DEVICES, CountrySupply
from generator.enums import BuyType
from generator.platform.model import PlatformModel
from generator.schema import Campaign
from generator.schema.booking import BookedLineItem


@dataclass(frozen=True)
class FlightContext:
    """The context of one line item's flight: platform, campaign, hours and seed.

    `hours` are the whole flight; only those before `horizon` (an hour) are delivered. `is_daily`
    says whether the budget is one for each day. Households,
    the number of line items, and the impressions expected of earlier flights are the campaign's.
    `incidents` are those that it meets at `hours`.
    `active` (hours,) is 0 in hours in which the campaign is paused, `bids` (hours,) are those of a
    line item that changes its bid, in currency units per thousand.
    """

    platform_model: PlatformModel
    supplies: Mapping[str, CountrySupply]
    campaign: Campaign
    item: BookedLineItem
    hours: Hours
    horizon: int
    households: int
    line_items: int
    is_daily: bool
    delivered_before: float
    seed: int
    active: Floats | None = None
    bids: Floats | None = None
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True)
class FlightSupply:
    """The supply of one line item in one flight of whole UTC days.

    `available` is the most impressions that supply and share of voice allow, `forecast` what that
    was expected to be, `price` micros per impression, `slots` the most that can be won, `ceiling`
    the impressions that chance may not exceed, `contest` how many auctions are lost, around 1; all
    (hours, devices). `demand` (hours,) is how much more than planned the line item buys, around 1.
    """

    forecast: Floats
    available: Floats
    demand: Floats
    price: Floats
    slots: Int64s
    ceiling: Int64s
    contest: Floats


def flight_supply(context: FlightContext, flight_micros: int, in_rotation: Mask) -> FlightSupply:
    """Return the supply that fits targeting, bid and share of voice, and its price.

    `in_rotation` (hours,) says in which hours the line item has a creative, `flight_micros` is the
    money of the flight. Each country has its price; the line item pays the mean over what it wins.

    An example: a country has 1,000 ad opportunities in an hour, and half of them fit the targeting.
    The bid wins all of them, no share of voice was agreed, and the campaign has one line item. The
    platform sells one line item at most a quarter of what fits it. So 125 impressions are
    available. Chance may draw more, up to the 1,000 slots, of which 960 render.
    """
    line_item = context.item.line_item
    figures = context.platform_model.supply
    own_pressure = _own_pressure(context, flight_micros)
    won = _won_supply(context, own_pressure)
    most = figures.max_share_of_voice
    usable = targeting.device_mask(targeting.targeting_of(line_item)) * in_rotation[:, None]
    usable *= min(most, figures.room_for_chance / context.line_items)
    forecast = won.forecast * usable
    available = won.available * usable
    rendered = context.platform_model.funnel.render_rate
    agreed = context.campaign.max_share_of_voice
    if agreed is None:
        slots = won.slots / context.line_items
    else:
        part = agreed * line_item.budget_share
        slots = won.slots * part
        np.minimum(forecast, won.expected_slots * part * rendered, out=forecast)
        np.minimum(available, slots * rendered, out=available)
    available *= _kept_of_promises(context)
    demand = demand_noise(context, in_rotation) * (
        1.0 if context.active is None else context.active
    )
    demand *= kept_demand(context.incidents, context.hours)
    return FlightSupply(
        forecast=forecast,
        available=available,
        demand=demand,
        price=price.micros_per_impression(won.price),
        slots=np.floor(slots).astype(np.int64),
        ceiling=np.floor(slots * rendered).astype(np.int64),
        contest=_contest(context, own_pressure),
    )


def demand_noise(context: FlightContext, in_rotation: Mask) -> Floats:
    """Draw how what a line item buys differs from its plan, around 1: (hours,).

    A campaign has days of its own, better and worse weekdays, and a strength of both; a line item
    has its own hours. Days are those of the first country that it is targeted on. A daily budget
    keeps days together, and on the last day of a lifetime budget on which the line item has a
    creative people see to it that it is spent.
    """
    platform_model = context.platform_model
    figures = platform_model.supply.demand_noise
    scale = platform_model.life.scale("demand_noise")
    line_item = context.item.line_item
    campaign_id = context.campaign.campaign_id
    weekdays = [("demand on weekday", campaign_id * 7 + day) for day in range(7)]
    day_strength, hour_strength, *by_weekday = effects(
        context.seed,
        [("demand days", campaign_id), ("demand hours", line_item.line_item_id), *weekdays],
    ).tolist()
    hourly = platform_model.supply.line_item_noise
    hourly = hourly.times(scale * math.exp(figures.hour_spread * hour_strength))
    factor = multiplier(hourly, context.hours, context.seed, "supply noise", line_item.line_item_id)
    country, *_ = targeting.countries_of(targeting.targeting_of(line_item), platform_model)
    supply = context.supplies[country]
    local_hours = supply.local_hours[supply.window(context.hours)]
    daily = figures.day.log_sd * math.exp(figures.day_spread * day_strength)
    by_weekday_sd = figures.weekday_log_sd
    if context.is_daily:
        daily *= figures.part_of_daily_budgets
        by_weekday_sd *= figures.part_of_daily_budgets
    logs = daily * day_shocks(
        figures.day.autocorrelation,
        figures.tail_degrees,
        local_hours,
        context.seed,
        "demand day",
        campaign_id,
    )
    logs += by_weekday_sd * np.array(by_weekday)[weekday_of(local_hours // HOURS_A_DAY)]
    of_days = np.exp(scale * logs)
    if not context.is_daily:
        last = int(in_rotation.nonzero()[0].max(initial=-1)) + 1
        of_days[max(last - HOURS_A_DAY, 0) : last] = 1.0
    factor *= of_days
    return factor


@dataclass(frozen=True)
class _WonSupply:
    """The supply of a line item's countries together: (hours, devices) each.

    `forecast` and `available` are opportunities that fit the targeting and that the bid wins, as
    expected and as they came; `price` is their mean price, in currency units per thousand.
    `expected_slots` and `slots` are all opportunities, as expected and as they came.
    """

    forecast: Floats
    available: Floats
    price: Floats
    expected_slots: Floats
    slots: Floats


def _won_supply(context: FlightContext, own_pressure: float) -> _WonSupply:
    """Add up what the line item can win in each of its countries."""
    shape = (context.hours.size, len(DEVICES))
    forecast = np.zeros(shape)
    available = np.zeros(shape)
    paid = np.zeros(shape)
    expected_slots = np.zeros(shape)
    slots = np.zeros(shape)
    wanted = targeting.targeting_of(context.item.line_item)
    countries = targeting.countries_of(wanted, context.platform_model)
    for country in countries if context.households else ():
        supply = context.supplies[country]
        window = supply.window(context.hours)
        share = targeting.supply_share(context.platform_model, country, wanted)
        bid = _bid(context, supply, window, own_pressure)
        forecast += supply.forecast[window] * share * bid.expected
        available += supply.opportunities[window] * share * bid.won
        paid += supply.opportunities[window] * share * bid.won * bid.price
        expected_slots += supply.forecast[window]
        slots += supply.opportunities[window]
    mean_price = np.divide(paid, available, out=np.ones(shape), where=available > 0)
    return _WonSupply(forecast, available, mean_price, expected_slots, slots)


@dataclass(frozen=True)
class _Bid:
    """The outcome of a line item's bid in one country: the share of auctions that it is expected to
    win and that it wins, and the mean price in currency units per thousand. Arrays (hours, devices)
    or one figure for all."""

    expected: Floats | float
    won: Floats | float
    price: Floats | float


def _bid(context: FlightContext, supply: CountrySupply, window: slice, own_pressure: float) -> _Bid:
    """Return how the line item's bid does in one country over the rows of `window`."""
    platform_model = context.platform_model
    line_item = context.item.line_item
    bid: float | Floats = line_item.bid_cpm_micros / 1_000_000
    if context.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        cpm_micros = min(context.campaign.target_cpm_micros, line_item.bid_cpm_micros)
        return _Bid(1.0, 1.0, cpm_micros / 1_000_000)
    if context.bids is not None:
        bid = context.bids[:, None]
    level = own_pressure * _clearing_level(platform_model, supply.country)
    noise = price.line_item_noise(
        platform_model.price,
        platform_model.life.scale("price_noise"),
        context.hours,
        context.seed,
        line_item.line_item_id,
    )
    expected, _ = price.auction(level * supply.price_forecast[window], bid, platform_model.price)
    won, paid = price.auction(
        level * supply.price_index[window] * noise[:, None], bid, platform_model.price
    )
    return _Bid(expected, won, paid)


def _clearing_level(platform_model: PlatformModel, country: str) -> float:
    """Return the usual price of a country's auctions, in currency units per thousand."""
    level = platform_model.countries[country].cpm_level
    return level * platform_model.price.clearing_share_of_cpm_level


def _own_pressure(context: FlightContext, flight_micros: int) -> float:
    """Return how much more its auctions cost because the line item itself bids in them, around 1.

    It is a function of the part of what fits its targeting that its money would buy.
    """
    platform_model = context.platform_model
    if context.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        return 1.0
    wanted = targeting.targeting_of(context.item.line_item)
    devices = targeting.device_mask(wanted)
    fitting = 0.0
    for country in targeting.countries_of(wanted, platform_model):
        supply = context.supplies[country]
        forecast = supply.forecast[supply.window(context.hours)].sum(axis=0)
        share = targeting.supply_share(platform_model, country, wanted)
        fitting += share * float(forecast @ devices)
    impressions = flight_micros * 1000 / max(context.campaign.target_cpm_micros, 1)
    share = min(impressions / fitting, 1.0) if fitting else 0.0
    figures = platform_model.competition.times(platform_model.life.scale("competition"))
    relative = (figures.usual_share + share) / (2.0 * figures.usual_share)
    return float(relative**figures.own_share_elasticity)


def _contest(context: FlightContext, own_pressure: float) -> Floats:
    """Return how many auctions are lost at each hour, around 1: (hours, devices).

    It rises with the price level over the line item's countries, and where its bid is outbid more
    often than a usual bid.
    """
    platform_model = context.platform_model
    hours = context.hours
    scale = platform_model.life.scale("competition")
    if context.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        return _over_countries(context, lambda supply: supply.price_index[supply.window(hours)])
    bid: float | Floats = context.item.line_item.bid_cpm_micros / 1_000_000
    if context.bids is not None:
        bid = context.bids[:, None]

    def contest(supply: CountrySupply) -> Floats:
        level = np.array([own_pressure * _clearing_level(platform_model, supply.country)])
        won, _ = price.auction(level, bid, platform_model.price)
        outbid = (1.0 - won) / platform_model.competition.usual_outbid
        lost: Floats = supply.price_index[supply.window(hours)] * outbid**scale
        return lost

    return _over_countries(context, contest)


def _kept_of_promises(context: FlightContext) -> Floats | float:
    """Return the part of its supply that a line item gets: (hours, devices), or 1 in auctions."""
    if context.campaign.buy_type is BuyType.PRIVATE_AUCTION:
        return 1.0
    hours = context.hours
    return _over_countries(context, lambda supply: supply.kept_of_promises[supply.window(hours)])


def click_habit(context: FlightContext, hours: Hours) -> Floats:
    """Return how readily people in the line item's countries click at each hour: (hours,), around
    1."""
    return _over_countries(context, lambda supply: supply.click_habit[supply.window(hours)])


def timeouts(context: FlightContext, hours: Hours) -> Floats:
    """Return how many requests of the line item's countries time out at each hour: (hours,), around
    1."""
    return _over_countries(context, lambda supply: supply.timeouts[supply.window(hours)])


def _over_countries(context: FlightContext, figures: Callable[[CountrySupply], Floats]) -> Floats:
    """Return the mean of figures (hours, …) over the line item's countries, which count by the
    households that it addresses in them; ones without any."""
    wanted = targeting.targeting_of(context.item.line_item)
    countries = targeting.countries_of(wanted, context.platform_model)
    total: Floats | float = 0.0
    weights = 0.0
    for country in countries:
        supply = context.supplies[country]
        households = context.platform_model.countries[country].households
        weight = households * targeting.supply_share(context.platform_model, country, wanted)
        total = total + weight * figures(supply)
        weights += weight
    mean: Floats = np.asarray(total)
    return mean / weights if weights else np.ones_like(mean)
