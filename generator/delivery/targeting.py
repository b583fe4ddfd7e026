"""Targeting: which part of a market's supply a line item can use, and how many households that
addresses.

A segment's share of viewing is not its share of households: over weeks a household watches several
genres and has several people in it. `reach.breadth` of the platform says over how many independent
looks a household is given; devices and regions are counted as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from generator.arrays import Floats
from generator.enums import Device, TargetingKey
from generator.platform.model import PlatformModel
from generator.schema import LineItem

Targeting = Mapping[str, list[str]]

AUDIENCE_KEYS = (
    TargetingKey.AGE_RANGE,
    TargetingKey.GENDER,
    TargetingKey.HOUSEHOLD_INCOME,
    TargetingKey.LIFE_STAGE,
    TargetingKey.INTEREST_CATEGORY,
)


def targeting_of(line_item: LineItem) -> Targeting:
    """The lists of a line item's targeting, by key; a key that is not there does not restrict."""
    return _read(line_item.targeting)


@lru_cache
def _read(text: str) -> Targeting:
    lists: dict[str, list[str]] = json.loads(text)
    return lists


def countries_of(targeting: Targeting, platform_model: PlatformModel) -> tuple[str, ...]:
    """The markets a line item runs in: those it names, else all of the platform's."""
    return tuple(targeting.get(TargetingKey.GEO_COUNTRY, list(platform_model.countries)))


def devices_of(targeting: Targeting) -> tuple[Device, ...]:
    """The devices a line item runs on, in the order of `Device`."""
    named = targeting.get(TargetingKey.DEVICE)
    return tuple(device for device in Device if named is None or device in named)


def segment_shares(platform_model: PlatformModel, key: str) -> dict[str, float]:
    """Each segment's share of viewing for a key of the audience, or for CONTENT_GENRE."""
    if key == TargetingKey.CONTENT_GENRE:
        return {name: genre.share for name, genre in platform_model.genres.items()}
    shares: dict[str, float] = getattr(platform_model.audience, key)
    return shares


def supply_share(platform_model: PlatformModel, country: str, targeting: Targeting) -> float:
    """The share of a country's opportunities that fits the targeting, devices left out."""
    share = _region_share(platform_model, country, targeting)
    for key in (TargetingKey.CONTENT_GENRE, *AUDIENCE_KEYS):
        share *= _named_share(segment_shares(platform_model, key), targeting.get(key))
    return share


def device_mask(targeting: Targeting) -> Floats:
    """1 for each targeted device, 0 for the others: (devices,)."""
    targeted = devices_of(targeting)
    return np.array([1.0 if device in targeted else 0.0 for device in Device])


def count_households(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> int:
    """Households that at least one of these targetings addresses; 0 if none can be.

    Per country it is the sum of the targetings' households, and at most what all their values
    together address: the same targeting twice addresses nobody twice.
    """
    total = 0.0
    for country in sorted({each for t in targetings for each in countries_of(t, platform_model)}):
        here = [each for each in targetings if country in countries_of(each, platform_model)]
        parts = sum(_household_share(platform_model, country, each) for each in here)
        whole = _household_share(platform_model, country, _all_values(here))
        total += platform_model.countries[country].households * min(parts, whole)
    return max(1, round(total)) if total > 0 else 0


def _all_values(targetings: Sequence[Targeting]) -> Targeting:
    """One targeting with every value of these; a key that one leaves open is open."""
    keys = set.intersection(*(set(each) for each in targetings))
    return {
        key: list(dict.fromkeys(value for each in targetings for value in each[key]))
        for key in sorted(keys)
    }


def _household_share(platform_model: PlatformModel, country: str, targeting: Targeting) -> float:
    share = _region_share(platform_model, country, targeting)
    without_device = 1.0
    for device in devices_of(targeting):
        without_device *= 1.0 - getattr(platform_model.reach.device_households, device)
    share *= 1.0 - without_device
    for key in (TargetingKey.CONTENT_GENRE, *AUDIENCE_KEYS):
        looks = platform_model.reach.breadth.get(key, 1.0)
        share *= (
            1.0
            - (1.0 - _named_share(segment_shares(platform_model, key), targeting.get(key))) ** looks
        )
    return share


def _region_share(platform_model: PlatformModel, country: str, targeting: Targeting) -> float:
    named = targeting.get(TargetingKey.GEO_DMA)
    if named is None:
        return 1.0
    regions = platform_model.countries[country].regions
    return sum(regions[code].share for code in named if code in regions)


def _named_share(shares: Mapping[str, float], named: Iterable[str] | None) -> float:
    if named is None:
        return 1.0
    return min(1.0, sum(shares.get(name, 0.0) for name in named))
