"""The offer: what the markets hold for one line item in a flight, and at which price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s, Mask
from generator.clock import Hours
from generator.delivery import price, targeting
from generator.delivery.noise import multiplier
from generator.delivery.supply import DEVICES, CountrySupply
from generator.enums import BuyType
from generator.platform.model import PlatformModel
from generator.schema import Campaign
from generator.schema.booking import BookedLineItem

# Of the supply that several line items share, what their plans leave to chance.
_ROOM_FOR_CHANCE = 0.8


@dataclass(frozen=True)
class FlightContext:
    """What one line item's flight happens in: who sells, who buys, when, and under which seed.

    `hours` are the whole flight; only those before `horizon` (an hour) are delivered. Households,
    the number of line items, and the impressions expected of earlier flights are the campaign's.
    """

    platform_model: PlatformModel
    supplies: Mapping[str, CountrySupply]
    campaign: Campaign
    item: BookedLineItem
    hours: Hours
    horizon: int
    count_households: int
    line_items: int
    delivered_before: float
    seed: int


@dataclass(frozen=True)
class FlightSupply:
    """The supply of one line item in one flight of whole UTC days.

    `available` is the most impressions that supply and share of voice allow, `forecast` what that
    was expected to be, `price` micros per impression, `slots` the most that can be won, `ceiling`
    the impressions that chance may not exceed; all (hours, devices).
    """

    forecast: Floats
    available: Floats
    price: Floats
    slots: Int64s
    ceiling: Int64s


def flight_supply(context: FlightContext, in_rotation: Mask) -> FlightSupply:
    """The supply that fits targeting, share of voice and bid, and its price: (hours, devices).

    Each market is bought at its own price; what is paid is the mean over what is won.
    """
    platform_model, line_item, hours = context.platform_model, context.item.line_item, context.hours
    wanted = targeting.targeting_of(line_item)
    shape = (hours.size, len(DEVICES))
    forecast, available, paid = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    expected, slots = np.zeros(shape), np.zeros(shape)
    if context.count_households:
        for country in targeting.countries_of(wanted, platform_model):
            supply = context.supplies[country]
            window = supply.window(hours)
            share = targeting.supply_share(platform_model, country, wanted)
            bid = _bid(context, supply, window)
            forecast += supply.forecast[window] * share * bid.expected
            available += supply.opportunities[window] * share * bid.won
            paid += supply.opportunities[window] * share * bid.won * bid.price
            expected += supply.forecast[window]
            slots += supply.opportunities[window]
    price_each = np.divide(paid, available, out=np.ones(shape), where=available > 0)
    own = multiplier(
        platform_model.supply.line_item_noise,
        hours,
        context.seed,
        "supply noise",
        line_item.line_item_id,
    )
    most = platform_model.supply.max_share_of_voice
    usable = targeting.device_mask(wanted) * in_rotation[:, None]
    usable *= min(most, _ROOM_FOR_CHANCE / context.line_items)
    forecast *= usable
    available *= np.minimum(own, 1.0 / most)[:, None] * usable
    agreed = context.campaign.max_share_of_voice
    # Some of what is won does not render.
    rendered = platform_model.funnel.render_rate
    if agreed is None:
        slots /= context.line_items
    else:
        part = agreed * line_item.budget_share
        slots *= part
        np.minimum(forecast, expected * part * rendered, out=forecast)
        np.minimum(available, slots * rendered, out=available)
    return FlightSupply(
        forecast=forecast,
        available=available,
        price=price.micros_per_impression(price_each),
        slots=np.floor(slots).astype(np.int64),
        ceiling=np.floor(slots * rendered).astype(np.int64),
    )


@dataclass(frozen=True)
class _Bid:
    """How a line item's bid does in one market: the share it is expected to win and wins, and the
    mean price in currency units per thousand; arrays (hours, devices) or one figure for all."""

    expected: Floats | float
    won: Floats | float
    price: Floats | float


def _bid(context: FlightContext, supply: CountrySupply, window: slice) -> _Bid:
    platform_model, line_item = context.platform_model, context.item.line_item
    bid = line_item.bid_cpm_micros / 1_000_000
    if context.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        return _Bid(1.0, 1.0, min(context.campaign.target_cpm_micros / 1_000_000, bid))
    level = platform_model.countries[supply.country].cpm_level
    level *= platform_model.price.clearing_share_of_cpm_level
    own = price.line_item_noise(
        platform_model.price, context.hours, context.seed, line_item.line_item_id
    )
    expected, _ = price.auction(level * supply.price_forecast[window], bid, platform_model.price)
    won, paid = price.auction(
        level * supply.price_index[window] * own[:, None], bid, platform_model.price
    )
    return _Bid(expected, won, paid)


def competition(context: FlightContext, hours: Hours) -> Floats:
    """The price level of each hour over the line item's markets, around 1: (hours, devices)."""
    wanted = targeting.targeting_of(context.item.line_item)
    total = np.zeros((hours.size, len(DEVICES)))
    weights = 0.0
    for country in targeting.countries_of(wanted, context.platform_model):
        supply = context.supplies[country]
        place = context.platform_model.countries[country]
        weight = place.households * targeting.supply_share(context.platform_model, country, wanted)
        total += weight * supply.price_index[supply.window(hours)]
        weights += weight
    return total / weights if weights else np.ones_like(total)
