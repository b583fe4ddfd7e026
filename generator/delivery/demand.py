"""What moves purchases beside ads: prices, promotions and holidays.

An advertiser has a price, relative to its usual one, which is the same everywhere and changes on
Mondays. What households purchase without ads follows it, and so does the platform's own count.
Visits and leads cost nothing, so they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s
from generator.delivery.quantiles import normal
from generator.delivery.supply import holidays
from generator.enums import ConversionType
from generator.platform.conversions import Prices
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniforms
from generator.schema import Holiday, PricesWeekly
from generator.schema.arrow import arrow_schema

_DAYS_A_WEEK = 7
# Day 0 is a Thursday, and the week that it is in begins three days before it.
_DAYS_BEFORE = 3
# Prices are whole parts of this number of the usual one.
_STEPS = 1000


def weeks_of(days: Int64s) -> Int64s:
    """Return the number of the week of each day, from Monday to Sunday: same shape.

    >>> weeks_of(np.array([3, 4, 10, 11])).tolist()  # Sunday, Monday, Sunday, Monday
    [0, 1, 1, 2]
    """
    return (days + _DAYS_BEFORE) // _DAYS_A_WEEK


def weekly_prices(
    figures: Prices, seed: int, advertiser_id: int, weeks: Int64s
) -> tuple[Floats, Floats]:
    """Return the price of an advertiser relative to its usual one, and the discount that is part of
    it: (weeks,) each."""
    stream = key(seed, "prices", advertiser_id)
    of_time = uniforms(row_keys(stream, weeks // figures.regular_weeks), "regular")
    regular = np.exp(figures.regular_log_sd * normal(of_time))
    promoted, which = uniforms(row_keys(stream, weeks), "promoted", "discount")
    edges = np.cumsum(list(figures.discounts.values()))[:-1]
    discounts = np.array(list(figures.discounts))[np.searchsorted(edges, which, side="right")]
    discount = np.where(promoted < figures.promoted, discounts, 0.0)
    price = np.floor(_STEPS * regular * (1.0 - discount) + 0.5) / _STEPS
    return price, discount


def relative_demand(
    platform_model: PlatformModel,
    seed: int,
    advertiser_id: int,
    country: str,
    conversion_type: ConversionType,
    days: Int64s,
) -> Floats | None:
    """Return how much more than usual households do without ads on each local day: (days,). It is 1
    on average over the weeks without holidays. None where nothing moves it."""
    figures = platform_model.conversions and platform_model.conversions.prices
    if not figures or conversion_type is not ConversionType.PURCHASE:
        return None
    price, discount = weekly_prices(figures, seed, advertiser_id, weeks_of(days))
    demand = price**-figures.elasticity * (1.0 + figures.promotion_lift * (discount > 0))
    demand *= 1.0 + figures.holiday_lift * holidays(platform_model, country, days)
    return demand / _usual_demand(figures)


def _usual_demand(figures: Prices) -> float:
    """Return the mean over all weeks without holidays."""
    promoted = sum(
        share * (1.0 - discount) ** -figures.elasticity
        for discount, share in figures.discounts.items()
    )
    promoted *= 1.0 + figures.promotion_lift
    regular = float(np.exp(0.5 * (figures.elasticity * figures.regular_log_sd) ** 2))
    return regular * (1.0 + figures.promoted * (promoted - 1.0))


def prices_batch(
    platform_model: PlatformModel, seed: int, advertiser_ids: Sequence[int], days: range
) -> pa.RecordBatch:
    """Return the rows of `prices_weekly` of advertisers on a platform, for the weeks of these days;
    none where nothing moves demand."""
    figures = platform_model.conversions and platform_model.conversions.prices
    if not figures:
        return pa.RecordBatch.from_pylist([], arrow_schema(PricesWeekly))
    weeks = np.unique(weeks_of(np.arange(days.start, days.stop)))
    found = [weekly_prices(figures, seed, one, weeks) for one in advertiser_ids]
    monday = weeks * _DAYS_A_WEEK - _DAYS_BEFORE
    columns = {
        "advertiser_id": pa.array(np.repeat(np.array(advertiser_ids, dtype=np.int64), weeks.size)),
        "platform": _text(platform_model.name, weeks.size * len(advertiser_ids)),
        "week_start_date": _dates(np.tile(monday, len(advertiser_ids))),
        "price_index": pa.array(np.concatenate([price for price, _ in found])),
        "discount": pa.array(np.concatenate([discount for _, discount in found])),
    }
    return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(PricesWeekly))


def holidays_batch(
    platform_model: PlatformModel, countries: Iterable[str], days: range
) -> pa.RecordBatch:
    """Return the rows of `holidays` of a platform in these countries and days."""
    every_day = np.arange(days.start, days.stop)
    found = [(one, every_day[holidays(platform_model, one, every_day)]) for one in countries]
    names = [country for country, here in found for _ in range(here.size)]
    columns = {
        "platform": _text(platform_model.name, len(names)),
        "country": pa.array(names, pa.string()),
        "holiday_date": _dates(np.concatenate([every_day[:0], *(here for _, here in found)])),
    }
    return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(Holiday))


def _text(word: str, rows: int) -> pa.Array:
    return pa.array([word] * rows, pa.string())


def _dates(days: Int64s) -> pa.Array:
    return pa.array(days.astype(np.int32)).view(pa.date32())
