"""Targeting: which part of a country's supply a line item can use, and how many households that
addresses.

A segment's share of viewing is not its share of households: over weeks a household watches several
genres and has several people in it. `reach.breadth` of the platform says how many independent
chances a household has to be in a segment. Devices and regions have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from generator.arrays import Floats
from generator.enums import Device, TargetingKey
from generator.platform.model import PlatformModel
from generator.schema import LineItem

Targeting = Mapping[str, list[str]]

_VIEWER_KEYS = (
    TargetingKey.CONTENT_GENRE,
    TargetingKey.AGE_RANGE,
    TargetingKey.GENDER,
    TargetingKey.HOUSEHOLD_INCOME,
    TargetingKey.LIFE_STAGE,
    TargetingKey.INTEREST_CATEGORY,
)
_SEGMENT_KEYS = (TargetingKey.GEO_DMA, *_VIEWER_KEYS)


def targeting_of(line_item: LineItem) -> Targeting:
    """Return the lists of a line item's targeting, by key; a missing key does not restrict."""
    return line_item.targeting_lists()


def countries_of(targeting: Targeting, platform_model: PlatformModel) -> tuple[str, ...]:
    """Return the countries a line item runs in: those it names, else all of the platform's."""
    return tuple(targeting.get(TargetingKey.GEO_COUNTRY, list(platform_model.countries)))


def regions_of(targeting: Targeting) -> list[str] | None:
    """Return the regions a line item runs in; None: everywhere in its countries."""
    return targeting.get(TargetingKey.GEO_DMA)


def devices_of(targeting: Targeting) -> tuple[Device, ...]:
    """Return the devices a line item runs on, in the order of `Device`."""
    named = targeting.get(TargetingKey.DEVICE)
    return tuple(device for device in Device if named is None or device in named)


def supply_share(platform_model: PlatformModel, country: str, targeting: Targeting) -> float:
    """Return the share of a country's opportunities that fits the targeting, devices left out.

    >>> from generator.scenario.templates import platform
    >>> wanted = {"CONTENT_GENRE": ["DRAMA", "COMEDY"], "GENDER": ["FEMALE"]}
    >>> round(supply_share(platform("netflix_like"), "US", wanted), 4)  # (0.20 + 0.15) x 0.51
    0.1785
    """
    share = 1.0
    for key in _SEGMENT_KEYS:
        if key in targeting:
            share *= _named_share(platform_model.segment_shares(key, country), targeting[key])
    return share


def device_mask(targeting: Targeting) -> Floats:
    """Return 1 for each targeted device, 0 for the others: (devices,)."""
    targeted = devices_of(targeting)
    return np.array([1.0 if device in targeted else 0.0 for device in Device])


def count_households(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> int:
    """Count the households that at least one of these targetings addresses; 0 if none can be."""
    total = sum(households_by_country(platform_model, targetings).values())
    return max(1, round(total)) if total > 0 else 0


def households_by_country(
    platform_model: PlatformModel, targetings: Sequence[Targeting]
) -> dict[str, float]:
    """Return the households that at least one of these targetings addresses in each country.

    In each region they are the sum of the targetings' households, and at most what all their values
    together address. So the same targeting twice addresses no household twice.
    """
    result = {}
    for country in all_countries(targetings, platform_model):
        here = [
            targeting
            for targeting in targetings
            if country in countries_of(targeting, platform_model)
        ]
        share = sum(
            part * share_of_union(platform_model, running)
            for part, running in _by_region(platform_model, country, here)
        )
        result[country] = platform_model.countries[country].households * share
    return result


def _by_region(
    platform_model: PlatformModel, country: str, targetings: Sequence[Targeting]
) -> list[tuple[float, list[Targeting]]]:
    """Return the parts of a country where the same targetings run, and these."""
    shares = platform_model.segment_shares(TargetingKey.GEO_DMA, country)
    everywhere = [targeting for targeting in targetings if regions_of(targeting) is None]
    if len(everywhere) == len(targetings):
        return [(1.0, everywhere)]
    parts: dict[tuple[int, ...], float] = {}
    for region, share in {**shares, "": max(0.0, 1.0 - sum(shares.values()))}.items():
        running = tuple(
            position
            for position, targeting in enumerate(targetings)
            if region in (regions_of(targeting) or [region])
        )
        parts[running] = parts.get(running, 0.0) + share
    return [
        (share, [targetings[position] for position in running])
        for running, share in parts.items()
        if running
    ]


def all_countries(targetings: Sequence[Targeting], platform_model: PlatformModel) -> list[str]:
    """Return the countries of all these targetings, in order."""
    return sorted(
        {country for targeting in targetings for country in countries_of(targeting, platform_model)}
    )


def _all_values(targetings: Sequence[Targeting]) -> Targeting:
    """Return one targeting with every value of these; a key that one leaves open is open."""
    keys = set.intersection(*(set(targeting) for targeting in targetings))
    return {
        key: list(dict.fromkeys(value for targeting in targetings for value in targeting[key]))
        for key in sorted(keys)
    }


def household_share(platform_model: PlatformModel, targeting: Targeting) -> float:
    """Return the share of a region's households that the targeting addresses where it runs."""
    share = 1.0
    without_device = 1.0
    for device in devices_of(targeting):
        without_device *= 1.0 - getattr(platform_model.reach.device_households, device)
    share *= 1.0 - without_device
    for key in _VIEWER_KEYS:
        if key in targeting:
            looks = platform_model.reach.breadth.get(key, 1.0)
            viewing = _named_share(platform_model.segment_shares(key), targeting[key])
            share *= 1.0 - (1.0 - viewing) ** looks
    return share


def share_of_union(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> float:
    """Return the share of a region's households that at least one of these targetings, which all
    run there, addresses."""
    shares = sum(household_share(platform_model, targeting) for targeting in targetings)
    return min(shares, household_share(platform_model, _all_values(targetings)))


def _named_share(shares: Mapping[str, float], named: Iterable[str]) -> float:
    """Return the share of the named segments."""
    return min(1.0, sum(shares.get(name, 0.0) for name in named))
