"""Households: who can see a campaign, and where they live.

The households of a platform are numbered from 0, country after country in alphabetical order, in a
country time zone after time zone, and there region after region. So a household's number says where
it lives. A `Block` are those of one region in one time zone.

A campaign addresses a part of each block. Its blocks are put together to cells: those of one time
zone that the same of its line items address. Who watches when depends on the time zone, so each
cell has its line of households (`ledger`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from generator.arrays import Floats
from generator.clock import HOURS_A_DAY
from generator.delivery.capping import Cap
from generator.delivery.targeting import (
    Targeting,
    all_countries,
    countries_of,
    households_by_country,
    regions_of,
    share_of_union,
)
from generator.platform.model import PlatformModel

# Of what the caps of a campaign allow a cell, this part has room for what rounding brings.
_ROOM_FOR_ROUNDING = 0.05


@dataclass(frozen=True)
class Block:
    """The households of one region in one time zone of a country; they have the numbers from
    `first` on. The region is empty for those that live in none."""

    country: str
    zone: str
    region: str
    first: int
    households: int


def country_blocks(platform_model: PlatformModel, country: str) -> list[Block]:
    """Return the blocks of a country, by time zone and region; they add up to its households.

    >>> from generator.scenario.templates import platform
    >>> spain = country_blocks(platform("netflix_like"), "ES")
    >>> [(block.zone, block.households) for block in spain]
    [('Europe/Madrid', 4845000), ('Atlantic/Canary', 255000)]
    """
    place = platform_model.countries[country]
    named = [
        (zone, code, place.share_in_zone(code, zone))
        for zone in place.zones
        for code in (*place.regions, "")
    ]
    shares = np.cumsum([0.0, *(share for *_, share in named)])
    marks = np.floor(shares / shares[-1] * place.households + 0.5).astype(np.int64)
    before = sum(
        figures.households for name, figures in platform_model.countries.items() if name < country
    )
    return [
        Block(country, zone, code, before + first, last - first)
        for (zone, code, _), (first, last) in zip(named, pairwise(marks.tolist()), strict=True)
        if last > first
    ]


@dataclass(frozen=True)
class Part:
    """The part of a block that a campaign addresses: how many of its households."""

    block: Block
    addressed: int


@dataclass(frozen=True)
class Cell:
    """The households of one time zone that the same groups of line items address."""

    country: str
    zone: str
    groups: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def households(self) -> int:
        """The households that the campaign addresses here."""
        return sum(part.addressed for part in self.parts)


def groups_of(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> tuple[int, ...]:
    """Return the group of each line item: those of one group run in the same places.

    >>> from generator.scenario.templates import platform
    >>> britain, spain = {"GEO_COUNTRY": ["GB"]}, {"GEO_COUNTRY": ["ES"]}
    >>> groups_of(platform("netflix_like"), [britain, spain, britain])
    (0, 1, 0)
    """
    places = [_places(platform_model, targeting) for targeting in targetings]
    distinct = list(dict.fromkeys(places))
    return tuple(distinct.index(place) for place in places)


def _places(
    platform_model: PlatformModel, targeting: Targeting
) -> tuple[frozenset[str], frozenset[str] | None]:
    """Return the countries and the regions a line item runs in; None: all regions."""
    regions = regions_of(targeting)
    countries = frozenset(countries_of(targeting, platform_model))
    return countries, None if regions is None else frozenset(regions)


def runs_in(platform_model: PlatformModel, targeting: Targeting, block: Block) -> bool:
    """Say whether a line item runs in a block."""
    countries, regions = _places(platform_model, targeting)
    return block.country in countries and (regions is None or block.region in regions)


def cells_of(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> list[Cell]:
    """Return the cells of a campaign, by country and zone. Their households add up to what
    `count_households` counts. Where no one is addressed, each zone is an empty cell.

    >>> from generator.scenario.templates import platform
    >>> angeles = {"GEO_COUNTRY": ["US"], "GEO_DMA": ["803"], "AGE_RANGE": ["18-24"]}
    >>> [(cell.zone, cell.households) for cell in cells_of(platform("netflix_like"), [angeles])]
    [('America/Los_Angeles', 346540)]
    """
    groups = groups_of(platform_model, targetings)
    parts = list(_parts(platform_model, targetings))
    if not parts:
        return [
            Cell(country, zone, tuple(sorted(set(groups))), ())
            for country in all_countries(targetings, platform_model)
            for zone in platform_model.countries[country].zones
        ]

    def place(part: Part) -> tuple[str, str, tuple[int, ...]]:
        block = part.block
        here = {
            group
            for group, targeting in zip(groups, targetings, strict=True)
            if runs_in(platform_model, targeting, block)
        }
        return block.country, block.zone, tuple(sorted(here))

    cells: dict[tuple[str, str, tuple[int, ...]], list[Part]] = {}
    for part in parts:
        cells.setdefault(place(part), []).append(part)
    return [Cell(*where, tuple(parts)) for where, parts in cells.items()]


def _parts(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> Iterator[Part]:
    """Yield the parts of all blocks that a campaign addresses."""
    by_country = households_by_country(platform_model, targetings)
    blocks, wanted = [], []
    for country, total in by_country.items():
        here = country_blocks(platform_model, country)
        weights = []
        for block in here:
            running = [item for item in targetings if runs_in(platform_model, item, block)]
            share = share_of_union(platform_model, running) if running else 0.0
            weights.append(block.households * share)
        blocks += here
        wanted += [total * weight / max(sum(weights), 1e-300) for weight in weights]
    marks = np.floor(np.cumsum([0.0, *wanted]) + 0.5).astype(np.int64)
    if sum(wanted) > 0.0:
        marks[-1] = max(1, marks[-1])
    for block, (before, after) in zip(blocks, pairwise(marks.tolist()), strict=True):
        if after > before:
            yield Part(block, min(after - before, block.households))


def split_households(cells: Sequence[Cell], weights: Sequence[float]) -> Floats:
    """Return how many households of each cell are those of each group: (groups, cells). The groups
    that address a cell share it by their weights."""
    result = np.zeros((len(weights), len(cells)))
    for position, cell in enumerate(cells):
        of_all = sum(weights[group] for group in cell.groups)
        for group in cell.groups:
            result[group, position] = cell.households * (weights[group] / of_all)
    return result


def control_households(households: int, control_share: float) -> int:
    """Return how many households of a line an experiment holds out.

    >>> control_households(1000, 0.1), control_households(1, 0.5)
    (100, 0)
    """
    return int(households * control_share)


def have_room(households: Sequence[float], caps: Sequence[Cap], groups: int) -> bool:
    """Say whether each cell of these households can keep the caps by itself.

    An hour, or a day, brings a cell up to one impression for each group more than its part.
    """
    return all(
        groups * (cap.hours if cap.hours < HOURS_A_DAY else cap.days)
        <= _ROOM_FOR_ROUNDING * cap.impressions * number
        for number in households
        for cap in caps
    )
