"""The offer: what the markets hold for one line item in a flight, and at which price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.clock import Hours
from generator.delivery import price, targeting
from generator.delivery.noise import multiplier
from generator.delivery.pacing import Offer
from generator.delivery.supply import DEVICES, Market
from generator.enums import BuyType
from generator.platform.model import Behaviour
from generator.randomness import Floats
from generator.schema import Campaign
from generator.schema.booking import BookedLineItem

# Of the supply that several line items share, what their plans leave to chance.
_ROOM_FOR_CHANCE = 0.8


@dataclass(frozen=True)
class Setting:
    """What one line item's flight happens in: who sells, who buys, when, and under which seed.

    `hours` are the whole flight; only those before `horizon` (an hour) are delivered. Households,
    the number of line items, and the impressions expected of earlier flights are the campaign's.
    """

    behaviour: Behaviour
    markets: Mapping[str, Market]
    campaign: Campaign
    item: BookedLineItem
    hours: Hours
    horizon: int
    addressed_households: int
    line_items: int
    delivered_before: float
    seed: int


def offered(setting: Setting, in_rotation: NDArray[np.bool_]) -> Offer:
    """The supply that fits targeting, share of voice and bid, and its price: (hours, devices).

    Each market is bought at its own price; what is paid is the mean over what is won.
    """
    behaviour, line_item, hours = setting.behaviour, setting.item.line_item, setting.hours
    wanted = targeting.targeting_of(line_item)
    shape = (hours.size, len(DEVICES))
    forecast, available, paid = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    expected, slots = np.zeros(shape), np.zeros(shape)
    if setting.addressed_households:
        for country in targeting.countries_of(wanted, behaviour):
            market = setting.markets[country]
            window = market.window(hours)
            share = targeting.supply_share(behaviour, country, wanted)
            bid = _bid(setting, market, window)
            forecast += market.forecast[window] * share * bid.expected
            available += market.opportunities[window] * share * bid.won
            paid += market.opportunities[window] * share * bid.won * bid.price
            expected += market.forecast[window]
            slots += market.opportunities[window]
    price_each = np.divide(paid, available, out=np.ones(shape), where=available > 0)
    own = multiplier(
        behaviour.supply.line_item_noise,
        hours,
        setting.seed,
        "supply noise",
        line_item.line_item_id,
    )
    most = behaviour.supply.max_share_of_voice
    usable = targeting.device_mask(wanted) * in_rotation[:, None]
    usable *= min(most, _ROOM_FOR_CHANCE / setting.line_items)
    forecast *= usable
    available *= np.minimum(own, 1.0 / most)[:, None] * usable
    agreed = setting.campaign.max_share_of_voice
    # Some of what is won does not render.
    rendered = behaviour.funnel.render_rate
    if agreed is None:
        slots /= setting.line_items
    else:
        part = agreed * line_item.budget_share
        slots *= part
        np.minimum(forecast, expected * part * rendered, out=forecast)
        np.minimum(available, slots * rendered, out=available)
    return Offer(
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


def _bid(setting: Setting, market: Market, window: slice) -> _Bid:
    behaviour, line_item = setting.behaviour, setting.item.line_item
    bid = line_item.bid_cpm_micros / 1_000_000
    if setting.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        return _Bid(1.0, 1.0, min(setting.campaign.target_cpm_micros / 1_000_000, bid))
    level = behaviour.countries[market.country].cpm_level
    level *= behaviour.price.clearing_share_of_cpm_level
    own = price.line_item_noise(
        behaviour.price, setting.hours, setting.seed, line_item.line_item_id
    )
    expected, _ = price.auction(level * market.price_forecast[window], bid, behaviour.price)
    won, paid = price.auction(
        level * market.price_index[window] * own[:, None], bid, behaviour.price
    )
    return _Bid(expected, won, paid)


def competition(setting: Setting, hours: Hours) -> Floats:
    """The price level of each hour over the line item's markets, around 1: (hours, devices)."""
    wanted = targeting.targeting_of(setting.item.line_item)
    total = np.zeros((hours.size, len(DEVICES)))
    weights = 0.0
    for country in targeting.countries_of(wanted, setting.behaviour):
        market = setting.markets[country]
        place = setting.behaviour.countries[country]
        weight = place.households * targeting.supply_share(setting.behaviour, country, wanted)
        total += weight * market.price_index[market.window(hours)]
        weights += weight
    return total / weights if weights else np.ones_like(total)
