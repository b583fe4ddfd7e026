"""Price: what an impression costs, in micros (1 / 1,000,000 of the currency) per impression.

A price is a whole number of micros per impression, which is a CPM in steps of 0.001: so spend is
impressions x price exactly, and no rounding can ever take a campaign over its budget.
"""

import numpy as np

from generator.arrays import Floats
from generator.clock import Hours, local_clock, month_of
from generator.delivery.noise import multiplier
from generator.delivery.quantiles import normal_probability
from generator.platform.figures import Noise, relative
from generator.platform.model import Country, Price


def price_index(price: Price, country: Country, hours: Hours) -> Floats:
    """Return the forecast price level of each hour's auctions, around a yearly mean of 1: (hours,
    devices).

    It follows the seasons (month, and month within the quarter), prime time in the country's time
    zones, and the device.
    """
    device = np.array(price.device.in_order())
    month = relative(price.month)
    sawtooth = relative(price.month_of_quarter)
    level = np.zeros(hours.size)
    for zone, share in country.zones.items():
        clock = local_clock(zone, hours)
        months = month_of(clock.day)
        prime = np.where(np.isin(clock.hour, price.prime_time_hours), price.prime_time, 1.0)
        level += share * month[months] * sawtooth[months % 3] * prime
    return level[:, None] * device


def auction(level_cpm: Floats, bid_cpm: Floats | float, price: Price) -> tuple[Floats, Floats]:
    """Return the share of auctions that a bid wins, and the mean price paid: the shape of
    `level_cpm` each.

    Clearing prices of single auctions are log-normal around the level. The bid wins the auctions
    that clear below it, and pays their price. The mean is that of the truncated log-normal, so it
    is never above the bid.
    """
    sd = price.impression_log_sd
    centre = np.log(level_cpm) - 0.5 * sd * sd
    z = (np.log(bid_cpm) - centre) / sd
    won = normal_probability(z)
    below = normal_probability(z - sd)
    mean = np.where(won > 1e-12, level_cpm * below / np.maximum(won, 1e-12), bid_cpm)
    return won, np.minimum(mean, bid_cpm)


def line_item_noise(
    price: Price, scale: float, hours: Hours, seed: int, line_item_id: int
) -> Floats:
    """Draw how a line item's auctions differ from the price level, mean 1: (hours,)."""
    figures = Noise(
        log_sd=scale * price.line_item_hourly_log_sd,
        autocorrelation=price.line_item_autocorrelation,
    )
    return multiplier(figures, hours, seed, "price noise", line_item_id)


def micros_per_impression(cpm: Floats) -> Floats:
    """Return a CPM in currency units as whole micros per impression, rounded down, at least 1.

    >>> micros_per_impression(np.array([30.0, 0.0])).tolist()
    [30000.0, 1.0]
    """
    return np.maximum(np.floor(cpm * 1000.0 + 1e-6), 1.0)
