"""Viewing: in which cell of households each hour of a campaign was seen.

An hour's impressions fall into four disjoint kinds (completed or not, clicked or not). Those of a
group of line items are split over the cells that it addresses by who was watching at that hour, so
each cell has its evening when its clocks say so. `audience` adds the cells up by country and local
hour, and the `ledger` of each cell says which household saw what. So both tell the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s, WholeFloats
from generator.clock import HOURS_A_DAY, Hours
from generator.delivery.households import Cell, country_blocks
from generator.delivery.multinomial import Split, multinomials
from generator.delivery.quantiles import binomial
from generator.delivery.supply import CountrySupply
from generator.delivery.targeting import Targeting, device_mask, supply_share
from generator.enums import TargetingKey
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniforms

IMPRESSION_KINDS = ("completed and clicked", "completed", "clicked", "neither")
# The kinds of impressions that move first where a cell has no room: those that did the least.
_MOVE_FIRST = (3, 1, 2, 0)


@dataclass(frozen=True)
class HourlyCounts:
    """The counts of a group of line items by hour: (hours,) each."""

    impressions: WholeFloats
    completes: WholeFloats
    clicks: WholeFloats


@dataclass(frozen=True)
class HourlyDelivery:
    """What a campaign delivered by hour: the counts of each group of line items, and `by_item`
    (hours, line items) the impressions of each line item. Hours make whole UTC days."""

    hours: Hours
    by_group: tuple[HourlyCounts, ...]
    by_item: Floats

    @property
    def impressions(self) -> Int64s:
        """The impressions of all groups: (hours,)."""
        total = sum(group.impressions for group in self.by_group)
        return np.asarray(total).astype(np.int64)


@dataclass(frozen=True)
class CellLimits:
    """The most impressions of each group in each cell under the caps of a campaign, (groups, cells)
    each, in an hour and in a day."""

    hour: Int64s
    day: Int64s


@dataclass(frozen=True)
class Buyer:
    """A campaign before its impressions are split: its targeting, its platform, the supply of its
    countries, the cells of households that it addresses and what caps allow there, and the group of
    each line item."""

    campaign_id: int
    advertiser_id: int
    targetings: tuple[Targeting, ...]
    platform_model: PlatformModel
    supplies: Mapping[str, CountrySupply]
    cells: tuple[Cell, ...]
    limits: CellLimits | None
    groups: tuple[int, ...]
    seed: int


def place_impressions(
    buyers: Sequence[Buyer], delivered: Sequence[HourlyDelivery]
) -> list[WholeFloats]:
    """Split the hours of campaigns over their cells: (groups, cells, kinds, hours) each.

    Campaigns are split in one go, and none depends on which others are split beside it.
    """
    groups = [
        (buyer, campaign, group)
        for buyer, campaign in zip(buyers, delivered, strict=True)
        for group in range(len(campaign.by_group))
    ]
    kinds = impression_kinds(
        [campaign.hours for _, campaign, _ in groups],
        [campaign.by_group[group] for _, campaign, group in groups],
        [_stream("audience kinds", buyer, group) for buyer, _, group in groups],
    )
    splits = [
        Split(
            of_group,
            _cell_weights(buyer, campaign, group),
            row_keys(_stream("audience zones", buyer, group), campaign.hours),
        )
        for (buyer, campaign, group), of_group in zip(groups, kinds, strict=True)
    ]
    placed = iter(multinomials(splits))
    result = []
    for buyer, campaign in zip(buyers, delivered, strict=True):
        by_group = [next(placed) for _ in campaign.by_group]
        if buyer.limits is not None:
            by_group = [
                _keep_to(hour, day, cells)
                for hour, day, cells in zip(
                    buyer.limits.hour, buyer.limits.day, by_group, strict=True
                )
            ]
        result.append(np.stack(by_group))
    return result


def _stream(purpose: str, buyer: Buyer, group: int) -> int:
    """Return the key of a group's draws."""
    others = (group,) if group else ()
    return key(buyer.seed, purpose, buyer.campaign_id, *others)


def impression_kinds(
    hours: Sequence[Hours], counts: Sequence[HourlyCounts], streams: Sequence[int]
) -> list[WholeFloats]:
    """Split each hour's impressions by kind: (kinds, hours) of each group.

    The clicks of viewers who completed are a binomial share of the clicks, within what the hour's
    counts allow.
    """
    impressions, completes, clicks = (
        np.concatenate([getattr(group, name) for group in counts])
        for name in ("impressions", "completes", "clicks")
    )
    keys = np.concatenate(
        [row_keys(stream, own_hours) for stream, own_hours in zip(streams, hours, strict=True)]
    )
    share = np.divide(
        completes, impressions, out=np.zeros(impressions.shape), where=impressions > 0
    )
    both = binomial(uniforms(keys, "both"), clicks, share)
    least = np.maximum(clicks - (impressions - completes), 0)
    both = np.clip(both, least, np.minimum(clicks, completes))
    neither = impressions - completes - clicks + both
    kinds = np.stack([both, completes - both, clicks - both, neither])
    edges = np.cumsum([own_hours.size for own_hours in hours])
    return np.split(kinds, edges[:-1], axis=1)


def _cell_weights(buyer: Buyer, delivered: HourlyDelivery, group: int) -> Floats:
    """Return how much was watched in each cell, the line items of the group weighted by what they
    delivered: (hours, cells)."""
    items = [item for item, of_item in enumerate(buyer.groups) if of_item == group]
    shares = line_item_shares(delivered.by_item[:, items])
    weights = np.zeros((delivered.hours.size, len(buyer.cells)))
    parts = [_part_of_zone(buyer.platform_model, cell) for cell in buyer.cells]
    for position, item in enumerate(items):
        targeting = buyer.targetings[item]
        anywhere = {name: targeting[name] for name in targeting if name != TargetingKey.GEO_DMA}
        devices = np.flatnonzero(device_mask(targeting))
        watched = np.zeros_like(weights)
        for number, cell in enumerate(buyer.cells):
            if group in cell.groups:
                supply = buyer.supplies[cell.country]
                rows = supply.rows(delivered.hours)
                viewing = supply.zone_viewing[rows, :, supply.zones.index(cell.zone)]
                here = watched[:, number]
                for device in devices:
                    here += viewing[:, device]
                share = supply_share(buyer.platform_model, cell.country, anywhere)
                here *= share * parts[number]
        total = watched.sum(axis=1, keepdims=True)
        weights += shares[:, [position]] * np.divide(
            watched, total, out=np.zeros_like(watched), where=total > 0
        )
    return weights


def _part_of_zone(platform_model: PlatformModel, cell: Cell) -> float:
    """Return the part of a zone's households that lives in the regions of a cell."""
    if not cell.parts:
        return 1.0
    blocks = country_blocks(platform_model, cell.country)
    zone = sum(block.households for block in blocks if block.zone == cell.zone)
    return sum(part.block.households for part in cell.parts) / zone


def line_item_shares(impressions: Floats) -> Floats:
    """Return each line item's share of a row's impressions: (rows, line items), equal shares in
    rows without impressions.

    >>> line_item_shares(np.array([[30.0, 10.0], [0.0, 0.0]])).tolist()
    [[0.75, 0.25], [0.5, 0.5]]
    """
    total = impressions.sum(axis=1, keepdims=True)
    even = np.full(impressions.shape, 1.0 / impressions.shape[1])
    return np.divide(impressions, total, out=even, where=total > 0)


def _keep_to(hour: Int64s, day: Int64s, by_cell: WholeFloats) -> WholeFloats:
    """Move impressions (cells, kinds, hours) from cells that are beyond what an hour, (cells,), or
    a day, (cells,), allows to those that have room.

    >>> evening = np.zeros((2, 4, 24))
    >>> evening[:, :, 20] = [[0, 2, 1, 6], [0, 0, 0, 1]]
    >>> kept = _keep_to(np.array([4, 9]), np.array([30, 30]), evening)
    >>> kept[:, :, 20].tolist()
    [[0.0, 2.0, 1.0, 1.0], [0.0, 0.0, 0.0, 6.0]]
    """
    counts = by_cell.sum(axis=1).astype(np.int64)
    by_day = counts.reshape(counts.shape[0], -1, HOURS_A_DAY)
    used = np.zeros(by_day.shape[:2], dtype=np.int64)
    over, given = np.zeros_like(by_day), np.zeros_like(by_day)
    for position in range(HOURS_A_DAY):
        room = np.minimum(hour[:, None], day[:, None] - used)
        wanted = by_day[:, :, position]
        over[:, :, position] = np.maximum(wanted - room, 0)
        free = np.maximum(room - wanted, 0).cumsum(axis=0)
        marks = free * over[:, :, position].sum(axis=0) // np.maximum(free[-1], 1)
        given[:, :, position] = np.diff(marks, axis=0, prepend=0)
        used += wanted - over[:, :, position] + given[:, :, position]
    if not over.any():
        return by_cell
    ordered = by_cell[:, _MOVE_FIRST]
    before = ordered.cumsum(axis=1) - ordered
    taken = np.clip(over.reshape(counts.shape)[:, None] - before, 0, ordered)
    pool = taken.sum(axis=0).cumsum(axis=0)
    ends = given.reshape(counts.shape).cumsum(axis=0)[:, None]
    starts = ends - given.reshape(counts.shape)[:, None]
    pool_starts = pool - taken.sum(axis=0)
    handed = np.maximum(np.minimum(ends, pool) - np.maximum(starts, pool_starts), 0)
    result = np.empty_like(by_cell)
    result[:, _MOVE_FIRST] = ordered - taken + handed
    return result
