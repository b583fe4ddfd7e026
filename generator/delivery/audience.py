"""Audience: to whom each day of a campaign was delivered.

A day is split, never drawn beside: its impressions fall into four disjoint kinds (completed or
not, clicked or not), each kind is split over the segments by a multinomial, and what is reported
is sums of kinds. So segments add up to the day and no segment has more completes or clicks than
impressions. Countries and local hours come from one split of every UTC hour over the time zones
that were watching.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys, WholeFloats
from generator.clock import Hours
from generator.delivery.quantiles import binomial
from generator.delivery.supply import CountrySupply
from generator.delivery.targeting import (
    Targeting,
    countries_of,
    device_mask,
    segment_shares,
    supply_share,
)
from generator.delivery.video import effects
from generator.enums import AudienceDimension, TargetingKey
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniforms
from generator.schema import AudienceDaily
from generator.schema.arrow import arrow_schema

_SCHEMA = arrow_schema(AudienceDaily)
IMPRESSION_KINDS = ("completed and clicked", "completed", "clicked", "neither")
_DIMENSIONS = tuple(AudienceDimension)
_SPLIT_BY_SHARES = (
    AudienceDimension.AGE_RANGE,
    AudienceDimension.GENDER,
    AudienceDimension.LIFE_STAGE,
    AudienceDimension.INTEREST_CATEGORY,
    AudienceDimension.CONTENT_GENRE,
    AudienceDimension.REGION,
)


@dataclass(frozen=True)
class HourlyDelivery:
    """What a campaign delivered in each of its hours: (hours,) each, `by_item` (hours, line items)
    the impressions of each line item."""

    hours: Hours
    impressions: WholeFloats
    completes: WholeFloats
    clicks: WholeFloats
    by_item: Floats


@dataclass(frozen=True)
class Buyer:
    """Whose audience it is, and what shapes it."""

    campaign_id: int
    targetings: tuple[Targeting, ...]
    platform_model: PlatformModel
    supplies: Mapping[str, CountrySupply]
    seed: int


@dataclass(frozen=True)
class Split:
    """One thing to split: `totals` (kinds, rows) over segments by `shares` (rows, segments)."""

    totals: WholeFloats
    shares: Floats
    keys: Keys


def audience_batch(buyers: Sequence[Buyer], delivered: Sequence[HourlyDelivery]) -> pa.RecordBatch:
    """The days of campaigns as a batch of `audience_daily`: days x segments of every dimension.

    Campaigns are split in one go, and none depends on which others are split beside it.
    """
    some = [pair for pair in zip(buyers, delivered, strict=True) if pair[1].hours.size]
    if not some:
        return pa.RecordBatch.from_pylist([], _SCHEMA)
    streams = [key(buyer.seed, "audience kinds", buyer.campaign_id) for buyer, _ in some]
    by_hour = impression_kinds([each for _, each in some], streams)
    audiences = [_Audience(*pair, own) for pair, own in zip(some, by_hour, strict=True)]
    by_share = multinomials([split for each in audiences for split in each.splits_of_days()])
    by_zone = multinomials([each.split_of_hours() for each in audiences])
    dimensions = len(_SPLIT_BY_SHARES)
    parts = [
        each.parts(by_share[index * dimensions : (index + 1) * dimensions], by_zone[index])
        for index, each in enumerate(audiences)
    ]
    return _batch(audiences, parts)


@dataclass(frozen=True)
class DimensionSplit:
    """A campaign's days by the segments of one dimension; `counts` are (segments, kinds, days)."""

    dimension: AudienceDimension
    segments: list[str]
    counts: WholeFloats


class _Audience:
    """One campaign's audience between its two splits."""

    def __init__(self, buyer: Buyer, delivered: HourlyDelivery, by_hour: WholeFloats) -> None:
        self.buyer, self.delivered, self.by_hour = buyer, delivered, by_hour
        day = delivered.hours // 24
        self.first_hour = np.flatnonzero(np.diff(day, prepend=-1))
        self.days = day[self.first_hour]
        self.shares = item_shares(buyer)
        self.zones = _zones(buyer)

    def splits_of_days(self) -> list[Split]:
        """Each day over the segments of each dimension that is split by shares."""
        by_day = np.add.reduceat(self.by_hour, self.first_hour, axis=1)
        parts = line_item_shares(np.add.reduceat(self.delivered.by_item, self.first_hour, axis=0))
        seed, campaign_id = self.buyer.seed, self.buyer.campaign_id
        return [
            Split(
                by_day,
                parts @ np.array(list(shares.values())).T,
                row_keys(key(seed, "audience", campaign_id, str(dimension)), self.days),
            )
            for dimension, shares in self.shares.items()
        ]

    def split_of_hours(self) -> Split:
        """Each hour over the time zones that were watching."""
        stream = key(self.buyer.seed, "audience zones", self.buyer.campaign_id)
        hours = self.delivered.hours
        weights = _zone_weights(self.buyer, self.delivered, self.zones)
        return Split(self.by_hour, weights, row_keys(stream, hours))

    def parts(self, by_share: Sequence[WholeFloats], by_zone: WholeFloats) -> list[DimensionSplit]:
        """The campaign by dimension, of its splits: (segments, kinds, days) each, and (zones,
        kinds, hours)."""
        by_shares = [
            DimensionSplit(dimension, list(shares), split)
            for (dimension, shares), split in zip(self.shares.items(), by_share, strict=True)
        ]
        zone_days = np.add.reduceat(by_zone, self.first_hour, axis=2)
        local_hour = _by_local_hour(self.buyer, by_zone, self.delivered, self.days)
        return [*by_shares, _by_country(self.zones, zone_days), local_hour]


def impression_kinds(
    delivered: Sequence[HourlyDelivery], streams: Sequence[int]
) -> list[WholeFloats]:
    """Each hour's impressions by kind: (kinds, hours) of each campaign. The clicks of viewers who
    completed are a binomial part of the clicks, within what the hour's counts allow."""
    impressions, completes, clicks = (
        np.concatenate([getattr(each, name) for each in delivered])
        for name in ("impressions", "completes", "clicks")
    )
    keys = np.concatenate(
        [row_keys(stream, each.hours) for stream, each in zip(streams, delivered, strict=True)]
    )
    share = np.divide(
        completes, impressions, out=np.zeros(impressions.shape), where=impressions > 0
    )
    both = binomial(uniforms(keys, "both"), clicks, share)
    both = np.clip(
        both, np.maximum(clicks - (impressions - completes), 0), np.minimum(clicks, completes)
    )
    rest = impressions - completes - clicks + both
    together = np.stack([both, completes - both, clicks - both, rest])
    edges = np.cumsum([each.hours.size for each in delivered])
    return np.split(together, edges[:-1], axis=1)


def multinomial(totals: WholeFloats, shares: Floats, keys: Keys) -> WholeFloats:
    """Split `totals` (kinds, rows) over segments: (segments, kinds, rows), sums exact.

    `shares` are (rows, segments). They are split over halves of the segments, then over halves of
    those, a conditional binomial each, so that few numpy calls make all draws; segments beyond the
    last fill a power of two.
    """
    segments = shares.shape[1]
    depth = _depth(segments)
    if not depth:
        return totals[None].astype(np.float64)
    weights = [np.zeros((2**depth, keys.size))]
    weights[0][:segments] = shares.T
    for _ in range(depth):
        weights.append(weights[-1][::2] + weights[-1][1::2])
    kind_keys = np.concatenate([uniform_keys(keys, kind) for kind in range(totals.shape[0])])
    row = np.tile(np.arange(keys.size), totals.shape[0])
    counts = totals.reshape(1, -1).astype(np.float64)
    for level in range(depth, 0, -1):
        whole, half = weights[level], weights[level - 1][::2]
        chance = np.divide(half, whole, out=np.zeros(half.shape), where=whole > 0)
        purposes = [key("segments", each << level, 1 << level) for each in range(half.shape[0])]
        live = np.flatnonzero(counts > 0.0)
        node = live // row.size
        cell = live - node * row.size
        trials, probability = counts.take(live), chance.take(node * keys.size + row.take(cell))
        part = trials * (probability >= 1.0)
        chosen = np.flatnonzero(np.abs(probability - 0.5) < 0.5)
        draw_keys = kind_keys.take(cell.take(chosen))
        draw_keys ^= np.array(purposes, dtype=np.uint64).take(node.take(chosen))
        draws = uniforms(draw_keys, "split")
        part[chosen] = binomial(draws, trials.take(chosen), probability.take(chosen))
        halves = np.empty((half.shape[0], 2, row.size))
        first = np.zeros(counts.shape)
        first.reshape(-1)[live] = part
        halves[:, 0] = first
        np.subtract(counts, first, out=halves[:, 1])
        counts = halves.reshape(-1, row.size)
    split = counts.reshape(-1, *totals.shape)
    # Where nobody is addressed at all, what there is falls to the last segment.
    split[segments - 1] += split[segments:].sum(axis=0)
    return split[:segments]


def multinomials(splits: Sequence[Split]) -> list[WholeFloats]:
    """The splits, each as `multinomial` makes it: (segments, kinds, rows) each. Those that are
    halved as often are made in one go."""
    results: dict[int, WholeFloats] = {}
    depths = [_depth(split.shares.shape[1]) for split in splits]
    for depth in sorted(set(depths)):
        alike = [position for position, own in enumerate(depths) if own == depth]
        made = _of_one_depth([splits[position] for position in alike])
        results |= zip(alike, made, strict=True)
    return [results[position] for position in range(len(splits))]


def _of_one_depth(splits: Sequence[Split]) -> Iterator[WholeFloats]:
    width = max(split.shares.shape[1] for split in splits)
    shares = np.zeros((sum(split.keys.size for split in splits), width))
    first = 0
    for each in splits:
        rows, segments = each.shares.shape
        shares[first : first + rows, :segments] = each.shares
        first += rows
    totals = np.concatenate([each.totals for each in splits], axis=1)
    together = multinomial(totals, shares, np.concatenate([each.keys for each in splits]))
    first = 0
    for each in splits:
        rows, segments = each.shares.shape
        own = together[:, :, first : first + rows]
        # Where nobody is addressed at all, what there is falls to the last segment.
        own[segments - 1] += own[segments:].sum(axis=0)
        yield own[:segments]
        first += rows


def _depth(segments: int) -> int:
    """How often so many segments are halved until each is alone."""
    return (segments - 1).bit_length()


def uniform_keys(keys: Keys, kind: int) -> Keys:
    """The keys of one kind of impression in the rows of `keys`."""
    return keys ^ np.uint64(key("kind", kind))


def item_shares(buyer: Buyer) -> dict[AudienceDimension, dict[str, Floats]]:
    """Whom each line item reaches, by dimension and segment: (line items,) each, adding up to 1 per
    line item and dimension.

    The population's shares within its targeting, bent by an affinity that belongs to the campaign
    and the segment. A line item whose targeting addresses nobody has equal shares.
    """
    population = {
        dimension: _region_shares(buyer)
        if dimension is AudienceDimension.REGION
        else _targeted_shares(buyer, dimension)
        for dimension in _SPLIT_BY_SHARES
    }
    whose = [
        (f"affinity {dimension} {segment}", buyer.campaign_id)
        for dimension, shares in population.items()
        for segment in shares
    ]
    log_sd = buyer.platform_model.audience.affinity_log_sd
    affinity = np.exp(log_sd * effects(buyer.seed, whose))
    result, first = {}, 0
    for dimension, shares in population.items():
        bent = np.array(list(shares.values())) * affinity[first : first + len(shares), None]
        total = bent.sum(axis=0)
        even = np.full(bent.shape, 1.0 / len(shares))
        parts = np.divide(bent, total, out=even, where=total > 0)
        result[dimension] = dict(zip(shares, parts, strict=True))
        first += len(shares)
    return result


def _targeted_shares(buyer: Buyer, dimension: AudienceDimension) -> dict[str, list[float]]:
    """Each segment's share of the population, per line item, 0 where it is not targeted."""
    return {
        segment: [
            share if segment in targeting.get(dimension, [segment]) else 0.0
            for targeting in buyer.targetings
        ]
        for segment, share in segment_shares(buyer.platform_model, dimension).items()
    }


def _region_shares(buyer: Buyer) -> dict[str, list[float]]:
    """Weights of the regions of every market, per line item; the rest of a market is `CC-OTHER`."""
    items = len(buyer.targetings)
    total: dict[str, list[float]] = {}
    for item, targeting in enumerate(buyer.targetings):
        named = targeting.get(TargetingKey.GEO_DMA)
        anywhere = {key: targeting[key] for key in targeting if key != TargetingKey.GEO_DMA}
        for country in countries_of(targeting, buyer.platform_model):
            place = buyer.platform_model.countries[country]
            weight = place.households * supply_share(buyer.platform_model, country, anywhere)
            for code, region in place.regions.items():
                used = named is None or code in named
                total.setdefault(f"{country}-{code}", [0.0] * items)[item] += (
                    weight * region.share * used
                )
            rest = max(0.0, 1.0 - sum(region.share for region in place.regions.values()))
            total.setdefault(f"{country}-OTHER", [0.0] * items)[item] += (
                weight * rest * (named is None)
            )
    return total


def line_item_shares(delivered: Floats) -> Floats:
    """Each line item's part of a row's impressions: (rows, line items), even where it has none."""
    total = delivered.sum(axis=1, keepdims=True)
    even = np.full(delivered.shape, 1.0 / delivered.shape[1])
    return np.divide(delivered, total, out=even, where=total > 0)


def _zones(buyer: Buyer) -> list[tuple[str, str]]:
    """The (country, zone) pairs the campaign is watched in, by country."""
    return [(c, zone) for c in _countries(buyer) for zone in buyer.supplies[c].zones]


def _countries(buyer: Buyer) -> list[str]:
    """The countries the campaign is watched in, in order."""
    return sorted(
        {c for targeting in buyer.targetings for c in countries_of(targeting, buyer.platform_model)}
    )


def _zone_weights(buyer: Buyer, delivered: HourlyDelivery, zones: list[tuple[str, str]]) -> Floats:
    """Who was watching in each time zone, for the line items as they delivered: (hours, zones)."""
    hours = delivered.hours
    parts = line_item_shares(delivered.by_item)
    weights = np.zeros((hours.size, len(zones)))
    for item, targeting in enumerate(buyer.targetings):
        watched = np.zeros_like(weights)
        devices = np.flatnonzero(device_mask(targeting))
        for country in countries_of(targeting, buyer.platform_model):
            supply = buyer.supplies[country]
            share = supply_share(buyer.platform_model, country, targeting)
            first = zones.index((country, supply.zones[0]))
            viewing = supply.zone_viewing.take(supply.rows(hours), axis=0)
            here = watched[:, first : first + len(supply.zones)]
            for device in devices:
                here += viewing[:, device]
            here *= share
        total = watched.sum(axis=1, keepdims=True)
        weights += parts[:, [item]] * np.divide(
            watched, total, out=np.zeros_like(watched), where=total > 0
        )
    return weights


def _by_country(zones: list[tuple[str, str]], by_day: WholeFloats) -> DimensionSplit:
    """Days by zone (zones, kinds, days) added up by country."""
    countries = sorted({country for country, _ in zones})
    counts = np.zeros((len(countries), *by_day.shape[1:]))
    for (country, _), days in zip(zones, by_day, strict=True):
        counts[countries.index(country)] += days
    return DimensionSplit(AudienceDimension.COUNTRY, countries, counts)


def _by_local_hour(
    buyer: Buyer, by_zone: WholeFloats, delivered: HourlyDelivery, days: Int64s
) -> DimensionSplit:
    """Hours by zone (zones, kinds, hours) added up by UTC day and local hour."""
    day = np.searchsorted(days, delivered.hours // 24)
    supplies = [buyer.supplies[country] for country in _countries(buyer)]
    local = [each.local_hour.take(each.rows(delivered.hours), axis=1) for each in supplies]
    cells = np.concatenate(local).astype(np.int64) * days.size
    cells += day
    counts = np.empty((24, len(IMPRESSION_KINDS), days.size))
    for kind in range(len(IMPRESSION_KINDS)):
        of_kind = by_zone[:, kind].ravel()
        by_cell = np.bincount(cells.ravel(), weights=of_kind, minlength=24 * days.size)
        counts[:, kind] = by_cell.reshape(24, days.size)
    return DimensionSplit(
        AudienceDimension.LOCAL_HOUR, [f"{hour:02d}" for hour in range(24)], counts
    )


def _batch(audiences: Sequence[_Audience], parts: Sequence[list[DimensionSplit]]) -> pa.RecordBatch:
    """The rows of these campaigns: by campaign, day, dimension and segment."""
    names = dict.fromkeys(name for each in parts for part in each for name in part.segments)
    code = {name: position for position, name in enumerate(names)}
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _SCHEMA.names}
    for audience, own in zip(audiences, parts, strict=True):
        days = audience.days.size
        split = np.concatenate([part.counts for part in own])
        completes = split[:, 0] + split[:, 1]
        clicks = split[:, 0] + split[:, 2]
        dimension = np.repeat(
            [_DIMENSIONS.index(part.dimension) for part in own],
            [len(part.segments) for part in own],
        )
        segment = np.array([code[name] for part in own for name in part.segments])
        columns["campaign_id"].append(np.full(clicks.size, audience.buyer.campaign_id))
        columns["activity_date"].append(np.repeat(audience.days.astype(np.int32), segment.size))
        columns["dimension"].append(np.tile(dimension.astype(np.int8), days))
        columns["segment"].append(np.tile(segment.astype(np.int32), days))
        for name, counts in (
            ("impressions", completes + split[:, 2] + split[:, 3]),
            ("video_q100", completes),
            ("clicks", clicks),
        ):
            columns[name].append(counts.T.astype(np.int32, order="C").ravel())

    batch = {name: pa.array(np.concatenate(values)) for name, values in columns.items()}
    batch["activity_date"] = batch["activity_date"].view(pa.date32())
    batch["dimension"] = pa.DictionaryArray.from_arrays(
        batch["dimension"], pa.array([str(each) for each in _DIMENSIONS])
    )
    batch["segment"] = pa.array(list(names)).take(batch["segment"])
    return pa.RecordBatch.from_pydict(batch, schema=_SCHEMA)
