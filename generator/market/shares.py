"""How the campaigns of a market share its ad opportunities.

On each day a campaign has a claim on its country and devices in proportion to its size. Its share
is its claim over all claims, on its busiest day and device, and less of it where demand is low. So
the shares in a country, device and day never add up to more than 1, and what campaigns sell
together never exceeds the ad opportunities. The parts of their shares that campaigns are sized to
add up to the platform's fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from generator.arrays import Floats, Int64s, Mask
from generator.clock import day_number
from generator.enums import Device
from generator.market.flights import demand_level
from generator.platform.booked_days import BookedDays
from generator.platform.booking_mix import BookingMix
from generator.platform.figures import relative
from generator.platform.habits import device_shares
from generator.platform.model import PlatformModel

# Room for the rounding of sums over many claims.
_BARELY_LESS = 1.0 - 1e-6
# What some leave raises the shares of all, so claims are limited again.
_ROUNDS = 3


@dataclass(frozen=True)
class Claims:
    """The claims of campaigns, by campaign: positions of its platform, country and set of devices,
    the first and last day of its flight counted from the start of the market, and its claim a
    day."""

    platform: Int64s
    country: Int64s
    devices: Int64s
    first: Int64s
    last: Int64s
    claim: Floats


@dataclass(frozen=True)
class PlatformSupply:
    """The supply of a platform: its booking mix, the most of it that one campaign may take,
    `on_device` (sets of devices, devices) whether a set has a device, the expected ad
    opportunities `a_day` (countries, devices, days), and `demand` (days,), how much of what is
    sold on the day with the highest demand advertisers want on each."""

    mix: BookingMix
    max_share: float
    on_device: Mask
    a_day: Floats
    demand: Floats


def booking_mix_of(platform_model: PlatformModel) -> BookingMix:
    """Return the booking mix of a platform under the forces of its run; the plan of a market has
    checked that it exists."""
    return platform_model.scaled_booking_mix


def platform_supply(
    platform_model: PlatformModel, countries: Sequence[str], first: date, last: date
) -> PlatformSupply:
    """Return the supply of a platform in these countries, from the first to the last day.

    The seasons of the year and the week count, events and the noise of supply do not.
    """
    mix = booking_mix_of(platform_model)
    supply = platform_model.supply
    households = [
        platform_model.countries[code].households if code in platform_model.countries else 0
        for code in countries
    ]
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    month = relative(supply.month)
    weekday = relative(supply.weekday)
    season = np.array([month[day.month - 1] * weekday[day.weekday()] for day in days])
    slots = np.array(households) * supply.hours_per_household_day * supply.slots_per_hour
    everywhere = np.array(supply.device_share.in_order())
    shares = [
        device_shares(platform_model, code) if code in platform_model.countries else everywhere
        for code in countries
    ]
    by_device = (slots[:, None] * np.array(shares))[:, :, None]
    on_device = [[device in device_mix.devices for device in Device] for device_mix in mix.devices]
    of_viewing = np.array([month[day.month - 1] for day in days])
    demand = demand_level(mix.demand, day_number(first) + np.arange(len(days)))
    demand *= of_viewing ** (mix.demand.follows_viewing - 1)
    return PlatformSupply(
        mix=mix,
        max_share=supply.max_share_of_voice,
        on_device=np.array(on_device),
        a_day=by_device * season,
        demand=demand / demand.max(),
    )


def shares_of(claims: Claims, platforms: Sequence[PlatformSupply]) -> Floats:
    """Return the most of all ad opportunities of its country and devices that each campaign may
    take: (campaigns,).

    Two campaigns with claims of 1 and 3 on the same country, device and day may take a quarter and
    three quarters of it, as far as the platform's `max_share_of_voice` allows. On a day with half
    of the highest demand they may take half of that.
    """
    shares = np.zeros(claims.claim.size)
    for members, _, supply in _cells(claims, platforms):
        first = claims.first[members]
        last = claims.last[members]
        claim = claims.claim[members]
        busiest = np.zeros(members.size)
        for on_it in supply.on_device[claims.devices[members]].T:
            daily = _daily_claims(first[on_it], last[on_it], claim[on_it], supply.a_day.shape[2])
            highest = _highest(daily / supply.demand, first[on_it], last[on_it])
            busiest[on_it] = np.maximum(busiest[on_it], highest)
        shares[members] = np.minimum(claim / busiest * _BARELY_LESS, supply.max_share)
    return shares


def opportunities(claims: Claims, platforms: Sequence[PlatformSupply]) -> Floats:
    """Return the ad opportunities on each campaign's country, devices and days: (campaigns,)."""
    total = np.zeros(claims.claim.size)
    for members, country, supply in _cells(claims, platforms):
        so_far = np.pad(supply.a_day[country].cumsum(axis=1), ((0, 0), (1, 0)))
        during = so_far[:, claims.last[members] + 1] - so_far[:, claims.first[members]]
        total[members] = (during.T * supply.on_device[claims.devices[members]]).sum(axis=1)
    return total


def limit_claims(
    claims: Claims, platforms: Sequence[PlatformSupply], available: Floats, most: Floats
) -> Claims:
    """Return the claims, smaller ones for campaigns whose share is more than they want: what they
    leave is shared by the others.

    `available` are the ad opportunities on each campaign's country, devices and days, `most` the
    impressions that it wants; (campaigns,) each.
    """
    parts = np.array([supply.mix.most_of_share for supply in platforms])[claims.platform]
    for _ in range(_ROUNDS):
        room = shares_of(claims, platforms) * available * parts
        claims = replace(claims, claim=claims.claim * np.minimum(most / room, 1.0))
    return claims


def uses_of(
    claims: Claims,
    platforms: Sequence[PlatformSupply],
    shares: Floats,
    opportunities: Floats,
    most: Floats,
) -> Floats:
    """Return the part of its share that each campaign is sized to: (campaigns,).

    It is the same for all campaigns of a platform, so that they sell its fill together, and at most
    the platform's `most_of_share`. Only those that want less, `most` (impressions), use less.
    """
    room = shares * opportunities
    uses = np.zeros(room.size)
    for position, supply in enumerate(platforms):
        members = np.flatnonzero(claims.platform == position)
        wanted = supply.mix.fill * supply.a_day.sum()
        uses[members] = _use(room[members], most[members], wanted, supply.mix.most_of_share)
    return uses


def booked_days(
    claims: Claims, platforms: Sequence[PlatformSupply], sold: Floats, first_day: int
) -> list[list[BookedDays]]:
    """Return what campaigns book together, by platform and country.

    `sold` (campaigns,) is the part of the ad opportunities of its country and devices that each
    campaign is sized to, `first_day` the day number of the market's first day. What is usual
    follows demand.
    """
    countries, devices, days = platforms[0].a_day.shape
    shares = np.zeros((len(platforms), countries, devices, days))
    for members, country, supply in _cells(claims, platforms):
        position = claims.platform[members[0]]
        first, last = claims.first[members], claims.last[members]
        for device, on_it in enumerate(supply.on_device[claims.devices[members]].T):
            shares[position, country, device] = _daily_claims(
                first[on_it], last[on_it], sold[members][on_it], days
            )
    return [
        [
            BookedDays(first_day, share.T, _usual(share, a_day, supply.demand).T)
            for share, a_day in zip(of_platform, supply.a_day, strict=True)
        ]
        for of_platform, supply in zip(shares, platforms, strict=True)
    ]


def recorded_days(
    platform_model: PlatformModel,
    shares: Iterable[tuple[str, str, date, float]],
    days: Int64s,
) -> dict[str, BookedDays]:
    """Return what a market has booked on a platform, from a record of it, by country.

    `shares` are the country, the device, the day and the booked share of its ad opportunities, as
    `inventory_hourly` has them. `days` are day numbers that are covered too, since a campaign runs
    on them; a day without a record is none of the market's.
    """
    recorded = [(country, Device(device), day, share) for country, device, day, share in shares]
    if not recorded or not days.size or platform_model.booking_mix is None:
        return {}
    known = [day for _, _, day, _ in recorded]
    opens, closes = day_number(min(known)), day_number(max(known))
    first, last = min(opens, int(days[0])), max(closes, int(days[-1]))
    countries = sorted({country for country, *_ in recorded} & platform_model.countries.keys())
    supply = platform_supply(platform_model, countries, min(known), max(known))
    share = np.full((len(countries), len(Device), last - first + 1), np.nan)
    for country, device, day, part in recorded:
        if country in countries:
            place = countries.index(country), list(Device).index(device), day_number(day) - first
            share[place] = part
    of_market = slice(opens - first, closes - first + 1)
    usual = np.zeros_like(share)
    for position, a_day in enumerate(supply.a_day):
        of_country = np.nan_to_num(share[position, :, of_market])
        usual[position, :, of_market] = _usual(of_country, a_day, supply.demand)
    usual[np.isnan(share)] = 0.0
    return {
        country: BookedDays(first, share[position].T, usual[position].T)
        for position, country in enumerate(countries)
    }


def _usual(share: Floats, a_day: Floats, demand: Floats) -> Floats:
    """Return the share that follows demand and sells as much as `share` does: (devices, days).

    >>> _usual(np.array([[0.3, 0.3]]), np.array([[100.0, 100.0]]), np.array([0.5, 1.0])).tolist()
    [[0.2, 0.4]]
    """
    sold = (share * a_day).sum(axis=1)
    at_full_demand = (demand * a_day).sum(axis=1)
    level = np.divide(sold, at_full_demand, out=np.zeros(sold.size), where=at_full_demand > 0)
    return level[:, None] * demand


def _use(room: Floats, most: Floats, wanted: float, most_of_share: float) -> Floats:
    """Return the part of its room that each campaign uses, so that all together use what is wanted,
    if that is possible: (campaigns,). No campaign uses more than `most`.

    >>> _use(np.array([50.0, 50.0]), np.array([10.0, 90.0]), 40.0, most_of_share=0.9).tolist()
    [0.2, 0.6]
    """
    limit = most / room
    order = np.argsort(limit)
    used_by_limited = np.concatenate([[0.0], most[order].cumsum()])
    left = np.concatenate([room[order][::-1].cumsum()[::-1], [0.0]])
    level = np.divide(
        wanted - used_by_limited, left, out=np.full(left.size, np.inf), where=left > 0
    )
    reached = np.flatnonzero(level[:-1] <= limit[order])
    part = level[reached[0]] if reached.size else most_of_share
    uses: Floats = np.minimum(np.minimum(part, limit), most_of_share)
    return uses


def _cells(
    claims: Claims, platforms: Sequence[PlatformSupply]
) -> Iterator[tuple[Int64s, int, PlatformSupply]]:
    """Yield the campaigns of each country of each platform that has some: their positions, the
    position of the country, and the platform's supply."""
    for position, supply in enumerate(platforms):
        for country in range(supply.a_day.shape[0]):
            members = np.flatnonzero((claims.platform == position) & (claims.country == country))
            if members.size:
                yield members, country, supply


def _daily_claims(first: Int64s, last: Int64s, claim: Floats, days: int) -> Floats:
    """Return the sum of all claims on each day: (days,).

    >>> _daily_claims(np.array([0, 1]), np.array([1, 2]), np.array([1.0, 3.0]), days=4).tolist()
    [1.0, 4.0, 3.0, 0.0]
    """
    begun = np.bincount(first, claim, days + 1)
    ended = np.bincount(last + 1, claim, days + 1)
    claimed: Floats = np.maximum((begun - ended).cumsum(), 0.0)[:days]
    return claimed


def _highest(values: Floats, first: Int64s, last: Int64s) -> Floats:
    """Return the largest value from each first to each last position.

    `runs[n]` holds the maxima of runs of 2^n values. Two such runs that overlap cover any range.

    >>> _highest(np.array([1.0, 4.0, 3.0, 0.0]), np.array([0, 2]), np.array([2, 3])).tolist()
    [4.0, 3.0]
    """
    runs = [values]
    while 2 ** len(runs) <= values.size:
        half = 2 ** (len(runs) - 1)
        runs.append(np.maximum(runs[-1][:-half], runs[-1][half:]))
    level = np.log2(last - first + 1).astype(np.int64)
    result = np.empty(first.size)
    for power, run in enumerate(runs):
        here = level == power
        result[here] = np.maximum(run[first[here]], run[last[here] + 1 - 2**power])
    return result
