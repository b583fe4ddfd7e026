"""A market in outline: of every campaign who buys, where, when, on which devices, how much of it.

All of it is drawn for all campaigns at once, as arrays, and each draw is a function of the seed and
the campaign's id. Only sizes depend on one another, see `shares`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import day_number
from generator.market.shares import Claims, opportunities, platform_supply, shares_of, uses_of
from generator.platform.model import BookingMix, PlatformModel
from generator.randomness import key, row_keys, uniforms
from generator.scenario.models import MarketPlan

_CAMPAIGNS_AN_ADVERTISER = 5
# How unequal advertisers are: the first tenth of them books a third of the campaigns. [M]
_ADVERTISER_SKEW = 2.0


@dataclass(frozen=True)
class MarketOutline:
    """All campaigns of a market; arrays are by campaign, whose id is its position + 1.

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
    """The market of a plan; every platform of it says under `market` what is booked there."""
    platforms = [platform_models[name] for name in plan.platforms]
    countries = tuple(dict.fromkeys(code for each in platforms for code in each.countries))
    ids = np.arange(1, plan.campaigns + 1, dtype=np.int64)
    skewed = _uniforms(seed, "market advertiser", ids) ** _ADVERTISER_SKEW
    advertiser = np.floor(advertisers_of(plan) * skewed).astype(np.int64) + 1
    pull = np.array([[_pull(each, code) for code in countries] for each in platforms])
    advertisers = np.arange(1, advertisers_of(plan) + 1, dtype=np.int64)
    homes = _pick(pull.sum(axis=0), seed, "market country", advertisers)
    country = homes[advertiser - 1]
    platform = np.zeros(ids.size, dtype=np.int64)
    for position in range(len(countries)):
        there = country == position
        platform[there] = _pick(pull[:, position], seed, "market platform", ids[there])

    most = max(max(figures_of(each).line_items) for each in platforms)
    devices, weeks, line_items = (np.zeros(ids.size, dtype=np.int64) for _ in range(3))
    creatives = np.zeros((ids.size, most), dtype=np.int64)
    log_size = np.zeros(ids.size)
    for position, platform_model in enumerate(platforms):
        figures, own = figures_of(platform_model), np.flatnonzero(platform == position)
        of_devices = [each.share for each in figures.devices]
        devices[own] = _pick(of_devices, seed, "market devices", ids[own])
        weeks[own] = _of(figures.flight_weeks, seed, "market weeks", ids[own])
        line_items[own] = _of(figures.line_items, seed, "market line items", ids[own])
        for item in range(most):
            count = _of(figures.creatives, seed, f"market creatives {item}", ids[own])
            creatives[own, item] = np.where(line_items[own] > item, count, 0)
        drawn_size = figures.size_log_sd * _normal(seed, "market size", ids[own])
        log_size[own] = np.minimum(drawn_size, np.log(figures.largest_over_median))

    days = 7 * weeks
    first, last = day_number(plan.start_date), day_number(plan.end_date)
    start = _uniforms(seed, "market start", ids) * (last - first + days)
    begin = first + 1 - days + np.floor(start).astype(np.int64)
    first_day, last_day = np.maximum(begin, first), np.minimum(begin + days - 1, last)

    supplies = [
        platform_supply(each, countries, plan.start_date, plan.end_date) for each in platforms
    ]
    claims = Claims(
        platform=platform,
        country=country,
        devices=devices,
        first=first_day - first,
        last=last_day - first,
        claim=np.exp(log_size) / days,
    )
    share, there_is = shares_of(claims, supplies), opportunities(claims, supplies)
    return MarketOutline(
        countries=countries,
        homes=homes,
        advertiser=advertiser,
        platform=platform,
        country=country,
        devices=devices,
        first_day=first_day,
        last_day=last_day,
        line_items=line_items,
        creatives=creatives,
        share=share,
        opportunities=there_is,
        use=uses_of(claims, supplies, share, there_is),
    )


def advertisers_of(plan: MarketPlan) -> int:
    """How many advertisers a market has."""
    return plan.advertisers or max(1, plan.campaigns // _CAMPAIGNS_AN_ADVERTISER)


def figures_of(platform_model: PlatformModel) -> BookingMix:
    """What a platform says under `market`, which templates have seen to be there."""
    assert platform_model.booking_mix is not None
    return platform_model.booking_mix


def _pull(platform_model: PlatformModel, country: str) -> float:
    """How many campaigns a country of a platform draws, relative to others."""
    if country not in platform_model.countries:
        return 0.0
    supply = platform_model.supply
    viewing = platform_model.countries[country].households * supply.hours_per_household_day
    slots = supply.ad_minutes_per_hour * 60 / supply.mean_ad_seconds
    return float((viewing * slots) ** figures_of(platform_model).country_exponent)


def _uniforms(seed: int, purpose: str, ids: Int64s) -> Floats:
    """One uniform per id."""
    return uniforms(row_keys(key(seed, purpose), ids), "uniform")


def _normal(seed: int, purpose: str, ids: Int64s) -> Floats:
    """One standard normal per id."""
    quantile = NormalDist().inv_cdf
    return np.array([quantile(each) for each in _uniforms(seed, purpose, ids).tolist()])


def _pick(weights: Iterable[float], seed: int, purpose: str, ids: Int64s) -> Int64s:
    """A position among the weights per id, as often as its weight says."""
    edges = np.cumsum(list(weights))
    edges /= edges[-1]
    return np.searchsorted(edges[:-1], _uniforms(seed, purpose, ids), side="right").astype(np.int64)


def _of(mix: Mapping[int, float], seed: int, purpose: str, ids: Int64s) -> Int64s:
    """A whole number of a mix per id."""
    return np.array(list(mix))[_pick(mix.values(), seed, purpose, ids)]
