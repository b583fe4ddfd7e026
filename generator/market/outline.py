"""The outline of a market: the buyer, country, days, devices and size of every campaign.

Everything is drawn for all campaigns at once, as arrays. Each draw is a function of the seed and
the campaign's id. Only sizes depend on one another, see `shares`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import day_number
from generator.market.shares import (
    Claims,
    booking_mix_of,
    opportunities,
    platform_supply,
    shares_of,
    uses_of,
)
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniforms
from generator.scenario.models import MarketPlan

_CAMPAIGNS_AN_ADVERTISER = 5
# How unequal advertisers are: the first tenth of them books a third of the campaigns. [M]
_ADVERTISER_SKEW = 2.0
_DAYS_A_WEEK = 7


@dataclass(frozen=True)
class MarketOutline:
    """All campaigns of a market; arrays are by campaign, and its id is its position + 1.

    `homes` is by advertiser, the position of its country; `advertiser` is an id. `platform`,
    `country` and `devices` are positions in the plan's platforms, in `countries` and in the device
    sets of the platform; days are day numbers, both included; `line_items` counts line items,
    `creatives` (campaigns, most line items) theirs. `opportunities` are those of a campaign's
    country, devices and days, `share` the most of them that it may take in any hour, `use` the part
    of that which it is sized to.
    """

    countries: tuple[str, ...]
    homes: Int64s
    advertiser: Int64s
    platform: Int64s
    country: Int64s
    devices: Int64s
    first_day: Int64s
    last_day: Int64s
    line_items: Int64s
    creatives: Int64s
    opportunities: Floats
    share: Floats
    use: Floats


def market_outline(
    plan: MarketPlan, platform_models: Mapping[str, PlatformModel], seed: int
) -> MarketOutline:
    """Return the outline of a plan; each of its platforms needs a booking mix.

    Advertisers have home countries, and book there on one of the platforms. The platform's mix says
    what they book. Flights are drawn from one that ends on the market's first day to one that
    begins on its last day, and cut to the market's days.

    >>> from datetime import date
    >>> from generator.scenario.templates import platform
    >>> plan = MarketPlan(
    ...     platforms=["netflix_like"],
    ...     campaigns=3,
    ...     start_date=date(2025, 1, 1),
    ...     end_date=date(2025, 3, 31),
    ... )
    >>> outline = market_outline(plan, {"netflix_like": platform("netflix_like")}, seed=7)
    >>> outline.advertiser.tolist(), outline.line_items.tolist()
    ([1, 1, 1], [1, 2, 1])
    >>> (outline.last_day - outline.first_day + 1).tolist()
    [48, 7, 21]
    """
    platforms = [platform_models[name] for name in plan.platforms]
    countries = tuple(dict.fromkeys(code for model in platforms for code in model.countries))
    ids = np.arange(1, plan.campaigns + 1, dtype=np.int64)
    pull = np.array([[_pull(model, code) for code in countries] for model in platforms])
    advertiser = _advertisers(plan, ids, seed)
    homes = _homes(plan, pull, seed)
    country = homes[advertiser - 1]
    platform = _platforms(pull, country, ids, seed)
    mix = _draw_mix(platforms, platform, ids, seed)
    first_day, last_day = _flights(plan, mix.days, ids, seed)

    market_start = day_number(plan.start_date)
    supplies = [
        platform_supply(model, countries, plan.start_date, plan.end_date) for model in platforms
    ]
    claims = Claims(
        platform=platform,
        country=country,
        devices=mix.devices,
        first=first_day - market_start,
        last=last_day - market_start,
        claim=np.exp(mix.log_size) / mix.days,
    )
    share = shares_of(claims, supplies)
    available = opportunities(claims, supplies)
    return MarketOutline(
        countries=countries,
        homes=homes,
        advertiser=advertiser,
        platform=platform,
        country=country,
        devices=mix.devices,
        first_day=first_day,
        last_day=last_day,
        line_items=mix.line_items,
        creatives=mix.creatives,
        share=share,
        opportunities=available,
        use=uses_of(claims, supplies, share, available),
    )


def count_advertisers(plan: MarketPlan) -> int:
    """Return how many advertisers a market has."""
    return plan.advertisers or max(1, plan.campaigns // _CAMPAIGNS_AN_ADVERTISER)


def _advertisers(plan: MarketPlan, ids: Int64s, seed: int) -> Int64s:
    """Draw the advertiser id of each campaign; low ids book more campaigns."""
    skewed = _uniforms(seed, "market advertiser", ids) ** _ADVERTISER_SKEW
    return np.floor(count_advertisers(plan) * skewed).astype(np.int64) + 1


def _homes(plan: MarketPlan, pull: Floats, seed: int) -> Int64s:
    """Draw the position of each advertiser's country. `pull` is (platforms, countries)."""
    advertisers = np.arange(1, count_advertisers(plan) + 1, dtype=np.int64)
    return _pick(pull.sum(axis=0), seed, "market country", advertisers)


def _platforms(pull: Floats, country: Int64s, ids: Int64s, seed: int) -> Int64s:
    """Draw the position of each campaign's platform among those of its country."""
    platform = np.zeros(ids.size, dtype=np.int64)
    for position in range(pull.shape[1]):
        here = country == position
        platform[here] = _pick(pull[:, position], seed, "market platform", ids[here])
    return platform


@dataclass(frozen=True)
class _MixDraws:
    """What campaigns drew from the mix of their platform; by campaign."""

    devices: Int64s
    days: Int64s
    line_items: Int64s
    creatives: Int64s
    log_size: Floats


def _draw_mix(
    platforms: Sequence[PlatformModel], platform: Int64s, ids: Int64s, seed: int
) -> _MixDraws:
    """Draw devices, length, line items, creatives and size of each campaign."""
    most_items = max(max(booking_mix_of(model).line_items) for model in platforms)
    devices = np.zeros(ids.size, dtype=np.int64)
    weeks = np.zeros(ids.size, dtype=np.int64)
    line_items = np.zeros(ids.size, dtype=np.int64)
    creatives = np.zeros((ids.size, most_items), dtype=np.int64)
    log_size = np.zeros(ids.size)
    for position, model in enumerate(platforms):
        mix = booking_mix_of(model)
        here = np.flatnonzero(platform == position)
        device_shares = [device_mix.share for device_mix in mix.devices]
        devices[here] = _pick(device_shares, seed, "market devices", ids[here])
        weeks[here] = _pick_number(mix.flight_weeks, seed, "market weeks", ids[here])
        line_items[here] = _pick_number(mix.line_items, seed, "market line items", ids[here])
        for item in range(most_items):
            count = _pick_number(mix.creatives, seed, f"market creatives {item}", ids[here])
            creatives[here, item] = np.where(line_items[here] > item, count, 0)
        size = mix.size_log_sd * _normals(seed, "market size", ids[here])
        log_size[here] = np.minimum(size, np.log(mix.largest_over_median))
    return _MixDraws(devices, _DAYS_A_WEEK * weeks, line_items, creatives, log_size)


def _flights(plan: MarketPlan, days: Int64s, ids: Int64s, seed: int) -> tuple[Int64s, Int64s]:
    """Draw the first and the last day of each campaign (day numbers), cut to the market's days.

    A flight of 28 days in a market of 90 days begins on one of 117 days: from 27 days before the
    market's first day to its last day.
    """
    first = day_number(plan.start_date)
    last = day_number(plan.end_date)
    start = _uniforms(seed, "market start", ids) * (last - first + days)
    begin = first + 1 - days + np.floor(start).astype(np.int64)
    return np.maximum(begin, first), np.minimum(begin + days - 1, last)


def _pull(platform_model: PlatformModel, country: str) -> float:
    """Return how many campaigns a country of a platform draws, relative to others."""
    if country not in platform_model.countries:
        return 0.0
    supply = platform_model.supply
    viewing = platform_model.countries[country].households * supply.hours_per_household_day
    slots = viewing * supply.slots_per_hour
    return float(slots ** booking_mix_of(platform_model).country_exponent)


def _uniforms(seed: int, purpose: str, ids: Int64s) -> Floats:
    """Draw a uniform for each id."""
    return uniforms(row_keys(key(seed, purpose), ids), "uniform")


def _normals(seed: int, purpose: str, ids: Int64s) -> Floats:
    """Draw a standard normal for each id."""
    quantile = NormalDist().inv_cdf
    return np.array([quantile(draw) for draw in _uniforms(seed, purpose, ids).tolist()])


def _pick(weights: Iterable[float], seed: int, purpose: str, ids: Int64s) -> Int64s:
    """Pick a position among the weights for each id, as often as its weight says."""
    edges = np.cumsum(list(weights))
    edges /= edges[-1]
    picked = np.searchsorted(edges[:-1], _uniforms(seed, purpose, ids), side="right")
    return picked.astype(np.int64)


def _pick_number(mix: Mapping[int, float], seed: int, purpose: str, ids: Int64s) -> Int64s:
    """Pick a whole number of a mix for each id."""
    return np.array(list(mix))[_pick(mix.values(), seed, purpose, ids)]
