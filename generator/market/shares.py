"""How the campaigns of a market share what there is.

On each day a campaign has a claim on its country and devices in proportion to its size. Its share
is its claim over all claims, on its busiest day and device: so the shares in a country, device and
day never add up to more than 1, and what campaigns sell together never exceeds the ad
opportunities. What they are sized to use of their shares adds up to the platform's fill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from generator.arrays import Floats, Int64s, Mask
from generator.enums import Device
from generator.platform.model import BookingMix, PlatformModel

# Room for the rounding of sums over many claims.
_BARELY_LESS = 1.0 - 1e-6


@dataclass(frozen=True)
class Claims:
    """Who claims what, by campaign: positions of its platform, country and set of devices, the
    first and last day of its flight counted from the start of the market, and its claim a day."""

    platform: Int64s
    country: Int64s
    devices: Int64s
    first: Int64s
    last: Int64s
    claim: Floats


@dataclass(frozen=True)
class PlatformSupply:
    """What a platform offers: its figures, `on_device` (sets of devices, devices) whether a set
    has a device, and the expected ad opportunities `a_day` (countries, devices, days)."""

    figures: BookingMix
    max_share: float
    on_device: Mask
    a_day: Floats


def platform_supply(
    platform_model: PlatformModel, countries: Sequence[str], first: date, last: date
) -> PlatformSupply:
    """What a platform offers in these countries, from the first to the last day.

    The year's and the week's seasons are counted, events and the noise of the market are not.
    """
    assert platform_model.booking_mix is not None
    supply = platform_model.supply
    households = [
        platform_model.countries[code].households if code in platform_model.countries else 0
        for code in countries
    ]
    slots = supply.ad_minutes_per_hour * 60 / supply.mean_ad_seconds
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    month, weekday = (np.array(each) / np.mean(each) for each in (supply.month, supply.weekday))
    season = np.array([month[day.month - 1] * weekday[day.weekday()] for day in days])
    viewing = np.array(households) * supply.hours_per_household_day * slots
    a_day = viewing[:, None, None] * np.array(supply.device_share.in_order())[:, None] * season
    sets = [
        [device in each.devices for device in Device] for each in platform_model.booking_mix.devices
    ]
    return PlatformSupply(
        platform_model.booking_mix, supply.max_share_of_voice, np.array(sets), a_day
    )


def shares_of(claims: Claims, platforms: Sequence[PlatformSupply]) -> Floats:
    """The most of all ad opportunities of its country and devices that each campaign may take."""
    shares = np.zeros(claims.claim.size)
    for own, _, supply in _cells(claims, platforms):
        first, last, claim = claims.first[own], claims.last[own], claims.claim[own]
        busiest = np.zeros(own.size)
        for on_it in supply.on_device[claims.devices[own]].T:
            claimed = _daily_claims(first[on_it], last[on_it], claim[on_it], supply.a_day.shape[2])
            highest = _highest(claimed, first[on_it], last[on_it])
            busiest[on_it] = np.maximum(busiest[on_it], highest)
        shares[own] = np.minimum(claim / busiest * _BARELY_LESS, supply.max_share)
    return shares


def opportunities(claims: Claims, platforms: Sequence[PlatformSupply]) -> Floats:
    """The ad opportunities on each campaign's country, devices and days."""
    total = np.zeros(claims.claim.size)
    for own, country, supply in _cells(claims, platforms):
        so_far = np.pad(supply.a_day[country].cumsum(axis=1), ((0, 0), (1, 0)))
        during = so_far[:, claims.last[own] + 1] - so_far[:, claims.first[own]]
        total[own] = (during.T * supply.on_device[claims.devices[own]]).sum(axis=1)
    return total


def uses_of(
    claims: Claims, platforms: Sequence[PlatformSupply], shares: Floats, opportunities: Floats
) -> Floats:
    """The part of its share that each campaign is sized to: the same for all of a platform, so that
    they sell its fill together, and at most what the platform says."""
    taken = np.bincount(claims.platform, shares * opportunities, len(platforms))
    wanted = np.array([each.figures.fill * each.a_day.sum() for each in platforms])
    most = np.array([each.figures.most_of_share for each in platforms])
    part = np.divide(wanted, taken, out=np.ones_like(taken), where=taken > 0)
    uses: Floats = np.minimum(part, most)[claims.platform]
    return uses


def _cells(
    claims: Claims, platforms: Sequence[PlatformSupply]
) -> Iterator[tuple[Int64s, int, PlatformSupply]]:
    """The campaigns of each country of each platform that has some: their positions, the position
    of the country, and the platform's offer."""
    for position, supply in enumerate(platforms):
        for country in range(supply.a_day.shape[0]):
            own = np.flatnonzero((claims.platform == position) & (claims.country == country))
            if own.size:
                yield own, country, supply


def _daily_claims(first: Int64s, last: Int64s, claim: Floats, days: int) -> Floats:
    """The sum of all claims on each day: (days,)."""
    begun = np.bincount(first, claim, days + 1)
    ended = np.bincount(last + 1, claim, days + 1)
    claimed: Floats = np.maximum((begun - ended).cumsum(), 0.0)[:days]
    return claimed


def _highest(values: Floats, first: Int64s, last: Int64s) -> Floats:
    """The largest value from each first to each last position: maxima of two runs of a length that
    is a power of two and that overlap."""
    runs = [values]
    while 2 ** len(runs) <= values.size:
        half = 2 ** (len(runs) - 1)
        runs.append(np.maximum(runs[-1][:-half], runs[-1][half:]))
    level = np.log2(last - first + 1).astype(np.int64)
    result = np.empty(first.size)
    for each, run in enumerate(runs):
        here = level == each
        result[here] = np.maximum(run[first[here]], run[last[here] + 1 - 2**each])
    return result
