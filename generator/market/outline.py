"""The outline of a market: the buyer, country, days, devices and size of every campaign.

Everything is drawn for all campaigns at once, as arrays. Each draw is a function of the seed and
the number of a lot. Campaigns are lots in the order in which they are booked. Only sizes and this
order depend on other campaigns, see `shares`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import day_number
from generator.market.customers import (
    Customers,
    buyers_of,
    closing_days,
    customers_of,
    markets_of,
)
from generator.market.draws import normals_of, pick, pick_number, uniforms_of
from generator.market.flights import Window, last_days, start_days
from generator.market.shares import (
    Claims,
    booked_days,
    booking_mix_of,
    limit_claims,
    opportunities,
    platform_supply,
    shares_of,
    uses_of,
)
from generator.platform.booked_days import BookedDays
from generator.platform.model import Country, PlatformModel
from generator.scenario.models import MarketPlan
from generator.world.office_hours import (
    DAYS_BOOKED_AHEAD,
    LEAST_DAYS_AHEAD,
    office_moments,
)

_DAYS_A_WEEK = 7
# Assumption: how differently often campaigns want to meet a household at most.
_WANTED_LOG_SD = 0.4


@dataclass(frozen=True)
class MarketOutline:
    """All campaigns of a market in the order in which they are booked; arrays are by campaign, and
    its id is its position + 1.

    `customers` are its advertisers, `first_order` is by advertiser when its first campaign is
    booked. `advertiser` is an id. `platform`, `country` and `devices` are positions in the plan's
    platforms, in `countries` and in the device sets of the platform; `booked` is when a campaign is
    booked (moments are UTC minutes since the epoch); days are day numbers, both included;
    `line_items` counts line items, `creatives` (campaigns, most line items) theirs. `opportunities`
    are those of a campaign's country, devices and days, `share` the most of them that it may take
    in any hour, `use` the part of that which it is sized to. `booked_days` is what all of them book
    together, by platform and country.
    """

    countries: tuple[str, ...]
    customers: Customers
    first_order: Int64s
    advertiser: Int64s
    platform: Int64s
    country: Int64s
    devices: Int64s
    booked: Int64s
    first_day: Int64s
    last_day: Int64s
    line_items: Int64s
    creatives: Int64s
    opportunities: Floats
    share: Floats
    use: Floats
    booked_days: Mapping[str, Mapping[str, BookedDays]]


def market_outline(
    plan: MarketPlan, platform_models: Mapping[str, PlatformModel], seed: int
) -> MarketOutline:
    """Return the outline of a plan; each of its platforms needs a booking mix.

    Advertisers have a home country, and some have more. They book there on one of the platforms.
    The mix of the first platform says who the advertisers are, that of a campaign's platform what
    it books. Flights run from one that ends on the market's first day to one that begins on its
    last day, and are cut to the market's days.

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
    [70, 7, 26]
    """
    platforms = [platform_models[name] for name in plan.platforms]
    countries = tuple(dict.fromkeys(code for model in platforms for code in model.countries))
    places = [_place(platforms, code) for code in countries]
    zones = [max(place.zones, key=lambda zone: place.zones[zone]) for place in places]
    lots = np.arange(1, plan.campaigns + 1, dtype=np.int64)
    pull = np.array([[_pull(model, code) for code in countries] for model in platforms])
    customers = customers_of(plan, booking_mix_of(platforms[0]), pull.sum(axis=0), zones, seed)
    buyer = buyers_of(customers, day_number(plan.start_date), lots, seed)
    country = markets_of(customers, buyer, pull.sum(axis=0), lots, seed)
    platform = _platforms(pull, country, lots, seed)
    mix = _draw_mix(platforms, platform, customers.log_size[buyer], lots, seed)
    window = Window(
        first=day_number(plan.start_date),
        last=day_number(plan.end_date),
        opens=customers.opens[buyer],
        closes=closing_days(customers, buyer, lots),
        days=mix.days,
    )
    industry = customers.industry[buyer]
    first_day, last_day = _flights(platforms, platform, industry, window, seed)

    ahead = DAYS_BOOKED_AHEAD - LEAST_DAYS_AHEAD + 1
    days_ahead = LEAST_DAYS_AHEAD + np.floor(uniforms_of(seed, "market ahead", lots) * ahead)
    booked = office_moments(
        first_day - days_ahead.astype(np.int64),
        zones,
        customers.home[buyer],
        uniforms_of(seed, "market booked", lots),
    )
    first_order = np.full(customers.home.size, np.iinfo(np.int64).max)
    np.minimum.at(first_order, buyer, booked)

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
    available = opportunities(claims, supplies)
    most = _most_wanted(platforms, countries, platform, country)
    most *= np.exp(_WANTED_LOG_SD * normals_of(seed, "market most", lots))
    claims = limit_claims(claims, supplies, available, most)
    share = shares_of(claims, supplies)
    use = uses_of(claims, supplies, share, available, most)
    order = np.argsort(booked, kind="stable")
    return MarketOutline(
        countries=countries,
        customers=customers,
        first_order=first_order,
        advertiser=buyer[order] + 1,
        platform=platform[order],
        country=country[order],
        devices=mix.devices[order],
        booked=booked[order],
        first_day=first_day[order],
        last_day=last_day[order],
        line_items=mix.line_items[order],
        creatives=mix.creatives[order],
        share=share[order],
        opportunities=available[order],
        use=use[order],
        booked_days={
            name: dict(zip(countries, days, strict=True))
            for name, days in zip(
                plan.platforms,
                booked_days(claims, supplies, share * use, market_start),
                strict=True,
            )
        },
    )


def _most_wanted(
    platforms: Sequence[PlatformModel],
    countries: Sequence[str],
    platform: Int64s,
    country: Int64s,
) -> Floats:
    """Return the most impressions that each campaign wants in its country."""
    most = np.array(
        [
            [
                booking_mix_of(model).most_per_household * model.countries[code].households
                if code in model.countries
                else 0.0
                for code in countries
            ]
            for model in platforms
        ]
    )
    wanted: Floats = most[platform, country]
    return wanted


def _place(platforms: Sequence[PlatformModel], code: str) -> Country:
    """Return a country as the first platform that has it describes it."""
    return next(model.countries[code] for model in platforms if code in model.countries)


def _platforms(pull: Floats, country: Int64s, lots: Int64s, seed: int) -> Int64s:
    """Draw the position of each campaign's platform among those of its country."""
    platform = np.zeros(lots.size, dtype=np.int64)
    for position in range(pull.shape[1]):
        here = country == position
        platform[here] = pick(pull[:, position], seed, "market platform", lots[here])
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
    platforms: Sequence[PlatformModel],
    platform: Int64s,
    log_size_of_buyer: Floats,
    lots: Int64s,
    seed: int,
) -> _MixDraws:
    """Draw devices, length, line items, creatives and size of each campaign."""
    most_items = max(max(booking_mix_of(model).line_items) for model in platforms)
    devices = np.zeros(lots.size, dtype=np.int64)
    weeks = np.zeros(lots.size, dtype=np.int64)
    line_items = np.zeros(lots.size, dtype=np.int64)
    creatives = np.zeros((lots.size, most_items), dtype=np.int64)
    log_size = np.zeros(lots.size)
    for position, model in enumerate(platforms):
        mix = booking_mix_of(model)
        here = np.flatnonzero(platform == position)
        device_shares = [device_mix.share for device_mix in mix.devices]
        devices[here] = pick(device_shares, seed, "market devices", lots[here])
        weeks[here] = pick_number(mix.flight_weeks, seed, "market weeks", lots[here])
        line_items[here] = pick_number(mix.line_items, seed, "market line items", lots[here])
        for item in range(most_items):
            count = pick_number(mix.creatives, seed, f"market creatives {item}", lots[here])
            creatives[here, item] = np.where(line_items[here] > item, count, 0)
        size = mix.size_log_sd * normals_of(seed, "market size", lots[here])
        size += log_size_of_buyer[here]
        log_size[here] = np.minimum(size, np.log(mix.largest_over_median))
    return _MixDraws(devices, _DAYS_A_WEEK * weeks, line_items, creatives, log_size)


def _flights(
    platforms: Sequence[PlatformModel],
    platform: Int64s,
    industry: Int64s,
    window: Window,
    seed: int,
) -> tuple[Int64s, Int64s]:
    """Draw the first and the last day of each campaign (day numbers), cut to the market's days."""
    first_day = np.zeros(platform.size, dtype=np.int64)
    last_day = np.zeros(platform.size, dtype=np.int64)
    for position, model in enumerate(platforms):
        mix = booking_mix_of(model)
        here = np.flatnonzero(platform == position)
        there = window.of(here)
        first_day[here] = start_days(mix, industry[here], there, seed, here + 1)
        last_day[here] = last_days(mix, first_day[here], there, seed, here + 1)
    return first_day, last_day


def _pull(platform_model: PlatformModel, country: str) -> float:
    """Return how many campaigns a country of a platform draws, relative to others."""
    if country not in platform_model.countries:
        return 0.0
    supply = platform_model.supply
    viewing = platform_model.countries[country].households * supply.hours_per_household_day
    slots = viewing * supply.slots_per_hour
    return float(slots ** booking_mix_of(platform_model).country_exponent)
