"""Audience: the segments that each day of a campaign was delivered to.

A day is split, never drawn separately. Its impressions fall into four disjoint kinds (completed or
not, clicked or not), each kind is split over the segments by a multinomial, and the reported counts
are sums of kinds. So segments add up to the day, and no segment has more completes or clicks than
impressions. Countries and local hours come from one split of every UTC hour over the time zones
that were watching, and regions from a split of each country's day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys, WholeFloats, check_counts
from generator.clock import Hours
from generator.delivery.audience_factors import (
    bend,
    by_kind,
    loadings_of,
    scores_of,
    scores_of_days,
)
from generator.delivery.noise import effects
from generator.delivery.quantiles import binomial
from generator.delivery.supply import CountrySupply
from generator.delivery.targeting import (
    Targeting,
    all_countries,
    countries_of,
    device_mask,
    supply_share,
)
from generator.enums import AudienceDimension, TargetingKey
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniforms
from generator.schema import AudienceDaily
from generator.schema.arrow import arrow_schema

_SCHEMA = arrow_schema(AudienceDaily)
IMPRESSION_KINDS = ("completed and clicked", "completed", "clicked", "neither")
_DIMENSIONS = tuple(AudienceDimension)
# What whole days are split over.
_SPLIT_BY_DAY = (
    AudienceDimension.AGE_RANGE,
    AudienceDimension.GENDER,
    AudienceDimension.LIFE_STAGE,
    AudienceDimension.INTEREST_CATEGORY,
    AudienceDimension.CONTENT_GENRE,
)


@dataclass(frozen=True)
class HourlyDelivery:
    """The counts of a campaign by hour: (hours,) each. `by_item` (hours, line items) are the
    impressions of each line item."""

    hours: Hours
    impressions: WholeFloats
    completes: WholeFloats
    clicks: WholeFloats
    by_item: Floats


@dataclass(frozen=True)
class Buyer:
    """A campaign before its audience is split: its targeting, its platform, and the supply of its
    countries."""

    campaign_id: int
    advertiser_id: int
    targetings: tuple[Targeting, ...]
    platform_model: PlatformModel
    supplies: Mapping[str, CountrySupply]
    seed: int


@dataclass(frozen=True)
class Split:
    """One thing to split: `totals` (kinds, rows) over segments by `shares`, (rows, segments) or
    (kinds, rows, segments)."""

    totals: WholeFloats
    shares: Floats
    keys: Keys


def audience_batch(buyers: Sequence[Buyer], delivered: Sequence[HourlyDelivery]) -> pa.RecordBatch:
    """Return the days of campaigns as a batch of `audience_daily`: days x segments of every
    dimension.

    Campaigns are split in one go, and none depends on which others are split beside it.
    """
    pairs = [pair for pair in zip(buyers, delivered, strict=True) if pair[1].hours.size]
    if not pairs:
        return pa.RecordBatch.from_pylist([], _SCHEMA)
    streams = [key(buyer.seed, "audience kinds", buyer.campaign_id) for buyer, _ in pairs]
    kinds = impression_kinds([hours for _, hours in pairs], streams)
    audiences = [
        _Audience(buyer, hours, by_hour)
        for (buyer, hours), by_hour in zip(pairs, kinds, strict=True)
    ]
    splits = [split for audience in audiences for split in audience.splits_of_days()]
    by_share = iter(multinomials(splits))
    by_zone = multinomials([audience.split_of_hours() for audience in audiences])
    by_country = [
        audience.days_by_country(zones) for audience, zones in zip(audiences, by_zone, strict=True)
    ]
    by_region = iter(
        multinomials(
            [
                split
                for audience, days in zip(audiences, by_country, strict=True)
                for split in audience.splits_of_countries(days)
            ]
        )
    )
    parts = [
        [
            *audience.by_share(by_share),
            audience.by_region(by_region, countries.segments),
            countries,
            _by_local_hour(audience.buyer, zones, audience.delivered, audience.days),
        ]
        for audience, zones, countries in zip(audiences, by_zone, by_country, strict=True)
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
        self.buyer = buyer
        self.delivered = delivered
        self.by_hour = by_hour
        day = delivered.hours // 24
        self.first_hour = np.flatnonzero(np.diff(day, prepend=-1))
        self.days = day[self.first_hour]
        self.shares = item_shares(buyer)
        self.zones = _zones(buyer)

    def splits_of_days(self) -> list[Split]:
        """Return the split of each day over the segments of each dimension of `_SPLIT_BY_DAY`."""
        by_day = np.add.reduceat(self.by_hour, self.first_hour, axis=1)
        model = self.buyer.platform_model
        splits = []
        for dimension in _SPLIT_BY_DAY:
            shares = self._shares_by_day[dimension]
            if dimension is AudienceDimension.AGE_RANGE and model.life.scale("audience"):
                shares = by_kind(model, self.shares[dimension], shares, by_day)
            splits.append(Split(by_day, shares, self._keys(str(dimension))))
        return splits

    def splits_of_countries(self, by_country: DimensionSplit) -> list[Split]:
        """Return the split of each country's days over its regions."""
        shares = self._shares_by_day[AudienceDimension.REGION]
        return [
            Split(counts, shares[:, self._regions_of(country)], self._keys("REGION", country))
            for country, counts in zip(by_country.segments, by_country.counts, strict=True)
        ]

    def split_of_hours(self) -> Split:
        """Return the split of each hour over the time zones that were watching."""
        stream = key(self.buyer.seed, "audience zones", self.buyer.campaign_id)
        weights = _zone_weights(self.buyer, self.delivered, self.zones)
        return Split(self.by_hour, weights, row_keys(stream, self.delivered.hours))

    def by_share(self, counts: Iterator[WholeFloats]) -> list[DimensionSplit]:
        """Return the dimensions of `splits_of_days`, from their counts."""
        return [
            DimensionSplit(dimension, list(self.shares[dimension]), next(counts))
            for dimension in _SPLIT_BY_DAY
        ]

    def days_by_country(self, by_zone: WholeFloats) -> DimensionSplit:
        """Add up the hours of zones (zones, kinds, hours) by day and country."""
        return _by_country(self.zones, np.add.reduceat(by_zone, self.first_hour, axis=2))

    def by_region(self, counts: Iterator[WholeFloats], countries: Sequence[str]) -> DimensionSplit:
        """Return the regions of all countries, from the counts of `splits_of_countries`."""
        names = np.array(list(self.shares[AudienceDimension.REGION]))
        regions = np.concatenate([names[self._regions_of(country)] for country in countries])
        by_region = np.concatenate([next(counts) for _ in countries])
        return DimensionSplit(AudienceDimension.REGION, regions.tolist(), by_region)

    def _regions_of(self, country: str) -> Int64s:
        """Return where the regions of a country are among the shares of regions."""
        names = self.shares[AudienceDimension.REGION]
        return np.flatnonzero([name.startswith(f"{country}-") for name in names])

    @cached_property
    def _shares_by_day(self) -> dict[AudienceDimension, Floats]:
        """The shares of the segments of each dimension: (days, segments) each."""
        items = line_item_shares(np.add.reduceat(self.delivered.by_item, self.first_hour, axis=0))
        model = self.buyer.platform_model
        scores = scores_of_days(model, self.buyer.campaign_id, self.days, self.buyer.seed)
        return {
            dimension: items
            @ np.array(list(shares.values())).T
            * np.exp(loadings_of(model, dimension, shares) @ scores).T
            for dimension, shares in self.shares.items()
        }

    def _keys(self, *purpose: str) -> Keys:
        stream = key(self.buyer.seed, "audience", self.buyer.campaign_id, *purpose)
        return row_keys(stream, self.days)


def impression_kinds(
    delivered: Sequence[HourlyDelivery], streams: Sequence[int]
) -> list[WholeFloats]:
    """Split each hour's impressions by kind: (kinds, hours) of each campaign.

    The clicks of viewers who completed are a binomial share of the clicks, within what the hour's
    counts allow.
    """
    impressions, completes, clicks = (
        np.concatenate([getattr(campaign, name) for campaign in delivered])
        for name in ("impressions", "completes", "clicks")
    )
    keys = np.concatenate(
        [
            row_keys(stream, campaign.hours)
            for stream, campaign in zip(streams, delivered, strict=True)
        ]
    )
    share = np.divide(
        completes, impressions, out=np.zeros(impressions.shape), where=impressions > 0
    )
    both = binomial(uniforms(keys, "both"), clicks, share)
    least = np.maximum(clicks - (impressions - completes), 0)
    both = np.clip(both, least, np.minimum(clicks, completes))
    neither = impressions - completes - clicks + both
    kinds = np.stack([both, completes - both, clicks - both, neither])
    edges = np.cumsum([campaign.hours.size for campaign in delivered])
    return np.split(kinds, edges[:-1], axis=1)


def multinomial(totals: WholeFloats, shares: Floats, keys: Keys) -> WholeFloats:
    """Split `totals` (kinds, rows) over segments: (segments, kinds, rows), sums exact.

    `shares` are (rows, segments), or those of each kind. Totals are split over halves of the
    segments, then over halves of those, by a conditional binomial each, so that few numpy calls
    make all draws. Segments beyond the last fill a power of two.

    Three segments with shares 0.5, 0.3 and 0.2 fill four places. 100 impressions are first split
    with chance 0.8 over the places (1, 2) and (3, 4), then the first half with chance 0.5 / 0.8
    over the places 1 and 2, and the second half with chance 1 over the places 3 and 4.

    >>> shares = np.array([[0.5, 0.3, 0.2]])
    >>> counts = multinomial(np.array([[100]]), shares, row_keys(7, np.arange(1)))
    >>> counts.ravel().tolist(), float(counts.sum())
    ([49.0, 32.0, 19.0], 100.0)
    """
    segments = shares.shape[-1]
    depth = _depth(segments)
    if not depth:
        return totals[None].astype(np.float64)
    kinds, rows = totals.shape
    weights = _weights_by_level(shares.reshape(-1, segments), depth)
    kind_keys = np.concatenate([uniform_keys(keys, kind) for kind in range(kinds)])
    row = np.arange(kinds * rows) % weights[0].shape[1]
    counts = totals.reshape(1, -1).astype(np.float64)
    for level in range(depth, 0, -1):
        whole = weights[level]
        first_half = weights[level - 1][::2]
        chance = np.divide(first_half, whole, out=np.zeros(whole.shape), where=whole > 0)
        nodes = range(whole.shape[0])
        node_keys = [key("segments", node << level, 1 << level) for node in nodes]
        in_first = _split_nodes(
            counts, chance, row, kind_keys, np.array(node_keys, dtype=np.uint64)
        )
        halves = np.empty((whole.shape[0], 2, row.size))
        halves[:, 0] = in_first
        np.subtract(counts, in_first, out=halves[:, 1])
        counts = halves.reshape(-1, row.size)
    return _without_filling(counts.reshape(-1, kinds, rows), segments)


def _weights_by_level(shares: Floats, depth: int) -> list[Floats]:
    """Return the weights of the segments (2^depth, rows), filled up with zeros, then those of pairs
    of them, and so on up to the whole: (1, rows)."""
    rows, segments = shares.shape
    weights = [np.zeros((2**depth, rows))]
    weights[0][:segments] = shares.T
    for _ in range(depth):
        weights.append(weights[-1][::2] + weights[-1][1::2])
    return weights


def _split_nodes(
    counts: WholeFloats, chance: Floats, row: Int64s, kind_keys: Keys, node_keys: Keys
) -> WholeFloats:
    """Draw how much of each count goes to the first half of its node: (nodes, cells).

    A cell is a kind and a row: `counts` are (nodes, cells), `chance` (nodes, rows), `row` and
    `kind_keys` (cells,), `node_keys` (nodes,).
    """
    in_first = np.zeros(counts.shape)
    live = np.flatnonzero(counts > 0.0)
    node = live // row.size
    cell = live - node * row.size
    trials = counts.take(live)
    probability = chance.take(node * chance.shape[1] + row.take(cell))
    first = trials * (probability >= 1.0)
    open_draws = np.flatnonzero(np.abs(probability - 0.5) < 0.5)
    keys = kind_keys.take(cell.take(open_draws))
    keys ^= node_keys.take(node.take(open_draws))
    first[open_draws] = binomial(
        uniforms(keys, "split"), trials.take(open_draws), probability.take(open_draws)
    )
    in_first.reshape(-1)[live] = first
    return in_first


def _without_filling(counts: WholeFloats, segments: int) -> WholeFloats:
    """Return the first `segments` of the counts (places, kinds, rows). Where no segment has a share
    at all, the counts fell to the places after them, and the last segment gets them."""
    counts[segments - 1] += counts[segments:].sum(axis=0)
    return counts[:segments]


def multinomials(splits: Sequence[Split]) -> list[WholeFloats]:
    """Split each of these as `multinomial` does: (segments, kinds, rows) each. Splits that are
    halved equally often are made in one go."""
    results: dict[int, WholeFloats] = {}
    sorts = [(_depth(split.shares.shape[-1]), split.shares.ndim) for split in splits]
    for sort in sorted(set(sorts)):
        positions = [position for position in range(len(splits)) if sorts[position] == sort]
        counts = _split_together([splits[position] for position in positions])
        results |= zip(positions, counts, strict=True)
    return [results[position] for position in range(len(splits))]


def _split_together(splits: Sequence[Split]) -> Iterator[WholeFloats]:
    """Yield the counts of splits of one depth, made as one split over the most segments."""
    width = max(split.shares.shape[-1] for split in splits)
    rows_of_all = sum(split.keys.size for split in splits)
    shares = np.zeros((*splits[0].shares.shape[:-2], rows_of_all, width))
    first = 0
    for split in splits:
        rows, segments = split.shares.shape[-2:]
        shares[..., first : first + rows, :segments] = split.shares
        first += rows
    totals = np.concatenate([split.totals for split in splits], axis=1)
    counts = multinomial(totals, shares, np.concatenate([split.keys for split in splits]))
    first = 0
    for split in splits:
        rows, segments = split.shares.shape[-2:]
        yield _without_filling(counts[:, :, first : first + rows], segments)
        first += rows


def _depth(segments: int) -> int:
    """Return how often N segments are halved until each is alone."""
    return (segments - 1).bit_length()


def uniform_keys(keys: Keys, kind: int) -> Keys:
    """Return the keys of one kind of impression in the rows of `keys`."""
    return keys ^ np.uint64(key("kind", kind))


def item_shares(buyer: Buyer) -> dict[AudienceDimension, dict[str, Floats]]:
    """Return the share of each segment in what each line item delivers, by dimension: (line items,)
    each, adding up to 1 per line item and dimension.

    They are the population's shares within the targeting, bent by factors, and multiplied by an
    affinity that belongs to the campaign and the segment. A line item with targeting that addresses
    no one has equal shares.
    """
    population = {
        dimension: _region_shares(buyer)
        if dimension is AudienceDimension.REGION
        else _targeted_shares(buyer, dimension)
        for dimension in (*_SPLIT_BY_DAY, AudienceDimension.REGION)
    }
    purposes = [
        (f"affinity {dimension} {segment}", buyer.campaign_id)
        for dimension, shares in population.items()
        for segment in shares
    ]
    log_sd = buyer.platform_model.audience.affinity_log_sd
    affinity = np.exp(log_sd * effects(buyer.seed, purposes))
    model = buyer.platform_model
    scores = scores_of(model, buyer.advertiser_id, buyer.campaign_id, buyer.targetings, buyer.seed)
    result = {}
    first = 0
    for dimension, shares in population.items():
        weights = np.array(list(shares.values()))
        weights = weights * affinity[first : first + len(shares), None]
        weights *= bend(model, loadings_of(model, dimension, shares), scores)
        total = weights.sum(axis=0)
        even = np.full(weights.shape, 1.0 / len(shares))
        by_segment = np.divide(weights, total, out=even, where=total > 0)
        result[dimension] = dict(zip(shares, by_segment, strict=True))
        first += len(shares)
    return result


def _targeted_shares(buyer: Buyer, dimension: AudienceDimension) -> dict[str, list[float]]:
    """Return each segment's share of the population, per line item, 0 where it is not targeted."""
    return {
        segment: [
            share if segment in targeting.get(dimension, [segment]) else 0.0
            for targeting in buyer.targetings
        ]
        for segment, share in buyer.platform_model.segment_shares(dimension).items()
    }


def _region_shares(buyer: Buyer) -> dict[str, list[float]]:
    """Return the weights of the regions of every country, per line item; the rest of a country is
    `CC-OTHER`."""
    items = len(buyer.targetings)
    total: dict[str, list[float]] = {}
    for item, targeting in enumerate(buyer.targetings):
        named = targeting.get(TargetingKey.GEO_DMA)
        anywhere = {name: targeting[name] for name in targeting if name != TargetingKey.GEO_DMA}
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


def line_item_shares(impressions: Floats) -> Floats:
    """Return each line item's share of a row's impressions: (rows, line items), equal shares in
    rows without impressions.

    >>> line_item_shares(np.array([[30.0, 10.0], [0.0, 0.0]])).tolist()
    [[0.75, 0.25], [0.5, 0.5]]
    """
    total = impressions.sum(axis=1, keepdims=True)
    even = np.full(impressions.shape, 1.0 / impressions.shape[1])
    return np.divide(impressions, total, out=even, where=total > 0)


def _zones(buyer: Buyer) -> list[tuple[str, str]]:
    """Return the (country, zone) pairs that the campaign is watched in, by country."""
    return [
        (country, zone)
        for country in all_countries(buyer.targetings, buyer.platform_model)
        for zone in buyer.supplies[country].zones
    ]


def _zone_weights(buyer: Buyer, delivered: HourlyDelivery, zones: list[tuple[str, str]]) -> Floats:
    """Return how much was watched in each time zone, the line items weighted by what they
    delivered: (hours, zones)."""
    hours = delivered.hours
    shares = line_item_shares(delivered.by_item)
    weights = np.zeros((hours.size, len(zones)))
    for item, targeting in enumerate(buyer.targetings):
        watched = np.zeros_like(weights)
        devices = np.flatnonzero(device_mask(targeting))
        for country in countries_of(targeting, buyer.platform_model):
            supply = buyer.supplies[country]
            first = zones.index((country, supply.zones[0]))
            viewing = supply.zone_viewing.take(supply.rows(hours), axis=0)
            here = watched[:, first : first + len(supply.zones)]
            for device in devices:
                here += viewing[:, device]
            here *= supply_share(buyer.platform_model, country, targeting)
        total = watched.sum(axis=1, keepdims=True)
        weights += shares[:, [item]] * np.divide(
            watched, total, out=np.zeros_like(watched), where=total > 0
        )
    return weights


def _by_country(zones: list[tuple[str, str]], by_day: WholeFloats) -> DimensionSplit:
    """Add up days by zone (zones, kinds, days) by country."""
    countries = sorted({country for country, _ in zones})
    counts = np.zeros((len(countries), *by_day.shape[1:]))
    for (country, _), days in zip(zones, by_day, strict=True):
        counts[countries.index(country)] += days
    return DimensionSplit(AudienceDimension.COUNTRY, countries, counts)


def _by_local_hour(
    buyer: Buyer, by_zone: WholeFloats, delivered: HourlyDelivery, days: Int64s
) -> DimensionSplit:
    """Add up hours by zone (zones, kinds, hours) by UTC day and local hour."""
    day = np.searchsorted(days, delivered.hours // 24)
    countries = all_countries(buyer.targetings, buyer.platform_model)
    supplies = [buyer.supplies[country] for country in countries]
    local = [supply.local_hour.take(supply.rows(delivered.hours), axis=1) for supply in supplies]
    cells = np.concatenate(local).astype(np.int64) * days.size
    cells += day
    counts = np.empty((24, len(IMPRESSION_KINDS), days.size))
    for kind in range(len(IMPRESSION_KINDS)):
        of_kind = by_zone[:, kind].ravel()
        by_cell = np.bincount(cells.ravel(), weights=of_kind, minlength=24 * days.size)
        counts[:, kind] = by_cell.reshape(24, days.size)
    segments = [f"{hour:02d}" for hour in range(24)]
    return DimensionSplit(AudienceDimension.LOCAL_HOUR, segments, counts)


def _batch(
    audiences: Sequence[_Audience], splits: Sequence[list[DimensionSplit]]
) -> pa.RecordBatch:
    """Return the rows of these campaigns: by campaign, day, dimension and segment."""
    names = dict.fromkeys(
        name for campaign in splits for split in campaign for name in split.segments
    )
    code = {name: position for position, name in enumerate(names)}
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _SCHEMA.names}
    for audience, campaign in zip(audiences, splits, strict=True):
        days = audience.days.size
        counts = np.concatenate([split.counts for split in campaign])
        completes = counts[:, 0] + counts[:, 1]
        clicks = counts[:, 0] + counts[:, 2]
        impressions = completes + counts[:, 2] + counts[:, 3]
        dimension = np.repeat(
            [_DIMENSIONS.index(split.dimension) for split in campaign],
            [len(split.segments) for split in campaign],
        )
        segment = np.array([code[name] for split in campaign for name in split.segments])
        columns["campaign_id"].append(np.full(clicks.size, audience.buyer.campaign_id))
        columns["activity_date"].append(np.repeat(audience.days.astype(np.int32), segment.size))
        columns["dimension"].append(np.tile(dimension.astype(np.int8), days))
        columns["segment"].append(np.tile(segment.astype(np.int32), days))
        for name, by_segment in (
            ("impressions", impressions),
            ("video_q100", completes),
            ("clicks", clicks),
        ):
            check_counts(by_segment, f"campaign {audience.buyer.campaign_id}: {name} of a day")
            columns[name].append(by_segment.T.astype(np.int32, order="C").ravel())

    batch = {name: pa.array(np.concatenate(values)) for name, values in columns.items()}
    batch["activity_date"] = batch["activity_date"].view(pa.date32())
    batch["dimension"] = pa.DictionaryArray.from_arrays(
        batch["dimension"], pa.array([str(dimension) for dimension in _DIMENSIONS])
    )
    batch["segment"] = pa.array(list(names)).take(batch["segment"])
    return pa.RecordBatch.from_pydict(batch, schema=_SCHEMA)
