"""The offer: what the markets hold for one line item in a flight, and at which price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.delivery import price, targeting
from generator.delivery.calendar import Hours
from generator.delivery.noise import multiplier
from generator.delivery.pacing import Offer
from generator.delivery.supply import DEVICES, Market
from generator.enums import BuyType
from generator.randomness import Floats
from generator.schema import Campaign
from generator.schema.behaviour import Behaviour
from generator.schema.booking import BookedLineItem


@dataclass(frozen=True)
class Setting:
    """What one line item's flight happens in: who sells, who buys, when, and under which seed.

    `hours` are the whole flight; only those before `horizon` (an hour) are delivered.
    """

    behaviour: Behaviour
    markets: Mapping[str, Market]
    campaign: Campaign
    item: BookedLineItem
    hours: Hours
    horizon: int
    addressed_households: int
    seed: int


def offered(setting: Setting, in_rotation: NDArray[np.bool_]) -> Offer:
    """The supply that fits targeting, share of voice and bid, and its price: (hours, devices)."""
    behaviour, line_item, hours = setting.behaviour, setting.item.line_item, setting.hours
    wanted = targeting.targeting_of(line_item)
    forecast = np.zeros((hours.size, len(DEVICES)))
    supply = np.zeros_like(forecast)
    level = np.zeros_like(forecast)
    level_forecast = np.zeros_like(forecast)
    for country in targeting.countries_of(wanted, behaviour):
        market = setting.markets[country]
        window = market.window(hours)
        share = targeting.supply_share(behaviour, country, wanted)
        here = market.forecast[window] * share
        cpm = behaviour.countries[country].cpm_level * behaviour.price.clearing_share_of_cpm_level
        forecast += here
        supply += market.opportunities[window] * share
        level += here * cpm * market.price_index[window]
        level_forecast += here * cpm * market.price_forecast[window]
    some = forecast > 0
    level = np.divide(level, forecast, out=np.ones_like(level), where=some)
    level_forecast = np.divide(level_forecast, forecast, out=np.ones_like(level), where=some)
    own = multiplier(
        behaviour.supply.line_item_noise,
        hours,
        setting.seed,
        "supply noise",
        line_item.line_item_id,
    )
    usable = targeting.device_mask(wanted) * in_rotation[:, None]
    usable *= behaviour.supply.max_share_of_voice
    supply *= np.minimum(own, 1.0 / behaviour.supply.max_share_of_voice)[:, None] * usable
    forecast *= usable
    if setting.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        paid = np.full_like(supply, setting.campaign.target_cpm_micros / 1_000_000)
        return Offer(forecast, supply, price.micros_per_impression(paid))
    level *= price.line_item_noise(behaviour.price, hours, setting.seed, line_item.line_item_id)[
        :, None
    ]
    bid = line_item.bid_cpm_micros / 1_000_000
    won, paid = price.auction(level, bid, behaviour.price)
    won_forecast, _ = price.auction(level_forecast, bid, behaviour.price)
    return Offer(forecast * won_forecast, supply * won, price.micros_per_impression(paid))


def competition(setting: Setting, hours: Hours) -> Floats:
    """The price level of each hour over the line item's markets, around 1: (hours, devices)."""
    wanted = targeting.targeting_of(setting.item.line_item)
    markets = [
        setting.markets[country] for country in targeting.countries_of(wanted, setting.behaviour)
    ]
    return np.mean([market.price_index[market.window(hours)] for market in markets], axis=0)
