"""Audience: to whom each day of a campaign was delivered.

A day is split, never drawn beside: its impressions fall into four disjoint kinds (completed or
not, clicked or not), each kind is split over the segments by a multinomial, and what is reported
is sums of kinds. So segments add up to the day and no segment has more completes or clicks than
impressions. Countries and local hours come from one split of every UTC hour over the time zones
that were watching.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.delivery.calendar import Hours, local_clock
from generator.delivery.pacing import Counts
from generator.delivery.quantiles import binomial
from generator.delivery.supply import Market
from generator.delivery.targeting import (
    Targeting,
    countries_of,
    device_mask,
    segment_shares,
    supply_share,
)
from generator.delivery.video import effects
from generator.enums import AudienceDimension, TargetingKey
from generator.randomness import Floats, Keys, key, row_keys, uniforms
from generator.schema import AudienceDaily
from generator.schema.arrow import arrow_schema
from generator.schema.behaviour import Behaviour

_SCHEMA = arrow_schema(AudienceDaily)
KINDS = ("completed and clicked", "completed", "clicked", "neither")
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
class Delivered:
    """What a campaign delivered in each of its hours: (hours,) each, `by_item` (hours, line items)
    the impressions of each line item."""

    hours: Hours
    impressions: Counts
    completes: Counts
    clicks: Counts
    by_item: Floats


@dataclass(frozen=True)
class Buyer:
    """Whose audience it is, and what shapes it."""

    campaign_id: int
    targetings: tuple[Targeting, ...]
    behaviour: Behaviour
    markets: Mapping[str, Market]
    seed: int


@dataclass(frozen=True)
class Split:
    """One thing to split: `totals` (rows, kinds) over segments by `shares` ((rows,) segments)."""

    totals: Counts
    shares: Floats
    keys: Keys


def audience_batch(buyers: Sequence[Buyer], delivered: Sequence[Delivered]) -> pa.RecordBatch:
    """The days of campaigns as a batch of `audience_daily`: days x segments of every dimension.

    Campaigns are split in one go, and none depends on which others are split beside it.
    """
    audiences = [
        _Audience(buyer, each)
        for buyer, each in zip(buyers, delivered, strict=True)
        if each.hours.size
    ]
    by_share = multinomials([split for each in audiences for split in each.splits_of_days()])
    by_zone = multinomials([each.split_of_hours() for each in audiences])
    dimensions = len(_SPLIT_BY_SHARES)
    batches = [
        each.batch(by_share[index * dimensions : (index + 1) * dimensions], by_zone[index])
        for index, each in enumerate(audiences)
    ]
    return pa.concat_batches([pa.RecordBatch.from_pylist([], _SCHEMA), *batches])


class _Audience:
    """One campaign's audience between its two splits."""

    def __init__(self, buyer: Buyer, delivered: Delivered) -> None:
        self.buyer, self.delivered = buyer, delivered
        self.by_hour = kinds(delivered, key(buyer.seed, "audience kinds", buyer.campaign_id))
        self.days, self.first_hour = np.unique(delivered.hours // 24, return_index=True)
        self.shares = {each: item_shares(buyer, each) for each in _SPLIT_BY_SHARES}
        self.zones = _zones(buyer)

    def splits_of_days(self) -> list[Split]:
        """Each day over the segments of each dimension that is split by shares."""
        by_day = np.add.reduceat(self.by_hour, self.first_hour, axis=0)
        parts = _parts(np.add.reduceat(self.delivered.by_item, self.first_hour, axis=0))
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

    def batch(self, by_share: Sequence[Counts], by_zone: Counts) -> pa.RecordBatch:
        """The rows of the campaign; (days, kinds, segments) each and (hours, kinds, zones)."""
        zone_days = np.add.reduceat(by_zone, self.first_hour, axis=0)
        parts = [
            (dimension, list(shares), split)
            for (dimension, shares), split in zip(self.shares.items(), by_share, strict=True)
        ]
        parts.append((AudienceDimension.COUNTRY, *_by_country(self.zones, zone_days)))
        local = _by_local_hour(self.zones, by_zone, self.delivered, self.days)
        parts.append((AudienceDimension.LOCAL_HOUR, *local))
        return _batch(self.buyer.campaign_id, self.days, parts)


def kinds(delivered: Delivered, stream: int) -> Counts:
    """Each hour's impressions by kind: (hours, kinds). The clicks of viewers who completed are a
    binomial part of the clicks, within what the hour's counts allow."""
    impressions, completes, clicks = delivered.impressions, delivered.completes, delivered.clicks
    share = np.divide(
        completes, impressions, out=np.zeros(impressions.shape), where=impressions > 0
    )
    both = binomial(uniforms(row_keys(stream, delivered.hours), "both"), clicks, share)
    both = np.clip(
        both, np.maximum(clicks - (impressions - completes), 0), np.minimum(clicks, completes)
    )
    rest = impressions - completes - clicks + both
    return np.stack([both, completes - both, clicks - both, rest], axis=1)


def multinomial(totals: Counts, shares: Floats, keys: Keys) -> Counts:
    """Split `totals` (rows, kinds) over segments: (rows, kinds, segments), sums exact.

    `shares` are (segments,) or (rows, segments). One conditional binomial per segment.
    """
    shares = np.broadcast_to(shares, (totals.shape[0], shares.shape[-1]))
    tail = shares[:, ::-1].cumsum(axis=1)[:, ::-1]
    chance = np.divide(shares, tail, out=np.zeros(shares.shape), where=tail > 0)
    chance = np.minimum(chance, 1.0)
    left = totals.copy()
    result = np.empty((*totals.shape, shares.shape[1]), dtype=np.int64)
    kind_keys = np.stack([uniform_keys(keys, kind) for kind in range(totals.shape[1])], axis=1)
    for segment in range(shares.shape[1]):
        if segment == shares.shape[1] - 1:
            result[:, :, segment] = left
            break
        draws = uniforms(kind_keys.ravel(), f"segment {segment}")
        probability = np.repeat(chance[:, segment], totals.shape[1])
        part = binomial(draws, left.ravel(), probability).reshape(totals.shape)
        result[:, :, segment] = part
        left = left - part
    return result


def multinomials(splits: Sequence[Split]) -> list[Counts]:
    """The splits, each as `multinomial` makes it, in one go: (rows, kinds, segments) each."""
    if not splits:
        return []
    width = max(split.shares.shape[1] for split in splits)
    shares = np.concatenate(
        [np.pad(each.shares, ((0, 0), (0, width - each.shares.shape[1]))) for each in splits]
    )
    totals = np.concatenate([each.totals for each in splits])
    together = multinomial(totals, shares, np.concatenate([each.keys for each in splits]))
    results, first = [], 0
    for each in splits:
        rows, segments = each.shares.shape
        result = together[first : first + rows, :, :segments]
        # Where nobody is addressed at all, what there is falls to the last segment.
        result[:, :, -1] += together[first : first + rows, :, segments:].sum(axis=2)
        results.append(result)
        first += rows
    return results


def uniform_keys(keys: Keys, kind: int) -> Keys:
    """The keys of one kind of impression in the rows of `keys`."""
    return keys ^ np.uint64(key("kind", kind))


def item_shares(buyer: Buyer, dimension: AudienceDimension) -> dict[str, Floats]:
    """Whom each line item reaches, by segment: (line items,) each, adding up to 1 per line item.

    The population's shares within its targeting, bent by an affinity that belongs to the campaign
    and the segment. A line item whose targeting addresses nobody has equal shares.
    """
    region = dimension is AudienceDimension.REGION
    shares = _region_shares(buyer) if region else _targeted_shares(buyer, dimension)
    purposes = [f"affinity {dimension} {segment}" for segment in shares]
    log_sd = buyer.behaviour.audience.affinity_log_sd
    affinity = np.exp(log_sd * effects(buyer.seed, purposes, buyer.campaign_id))
    bent = np.array(list(shares.values())) * affinity[:, None]
    total = bent.sum(axis=0)
    even = np.full(bent.shape, 1.0 / len(shares))
    parts = np.divide(bent, total, out=even, where=total > 0)
    return dict(zip(shares, parts, strict=True))


def _targeted_shares(buyer: Buyer, dimension: AudienceDimension) -> dict[str, list[float]]:
    """Each segment's share of the population, per line item, 0 where it is not targeted."""
    return {
        segment: [
            share if segment in targeting.get(dimension, [segment]) else 0.0
            for targeting in buyer.targetings
        ]
        for segment, share in segment_shares(buyer.behaviour, dimension).items()
    }


def _region_shares(buyer: Buyer) -> dict[str, list[float]]:
    """Weights of the regions of every market, per line item; the rest of a market is `CC-OTHER`."""
    items = len(buyer.targetings)
    total: dict[str, list[float]] = {}
    for item, targeting in enumerate(buyer.targetings):
        named = targeting.get(TargetingKey.GEO_DMA)
        anywhere = {key: targeting[key] for key in targeting if key != TargetingKey.GEO_DMA}
        for country in countries_of(targeting, buyer.behaviour):
            place = buyer.behaviour.countries[country]
            weight = place.households * supply_share(buyer.behaviour, country, anywhere)
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


def _parts(delivered: Floats) -> Floats:
    """Each line item's part of a row's impressions: (rows, line items), even where it has none."""
    total = delivered.sum(axis=1, keepdims=True)
    even = np.full(delivered.shape, 1.0 / delivered.shape[1])
    return np.divide(delivered, total, out=even, where=total > 0)


def _zones(buyer: Buyer) -> list[tuple[str, str]]:
    """The (country, zone) pairs the campaign is watched in, by country."""
    countries = sorted(
        {c for targeting in buyer.targetings for c in countries_of(targeting, buyer.behaviour)}
    )
    return [(country, zone) for country in countries for zone in buyer.markets[country].zones]


def _zone_weights(buyer: Buyer, delivered: Delivered, zones: list[tuple[str, str]]) -> Floats:
    """Who was watching in each time zone, for the line items as they delivered: (hours, zones)."""
    hours = delivered.hours
    parts = _parts(delivered.by_item)
    weights = np.zeros((hours.size, len(zones)))
    for item, targeting in enumerate(buyer.targetings):
        watched = np.zeros_like(weights)
        devices = np.flatnonzero(device_mask(targeting))
        for country in countries_of(targeting, buyer.behaviour):
            market = buyer.markets[country]
            share = supply_share(buyer.behaviour, country, targeting)
            first = zones.index((country, market.zones[0]))
            viewing = market.zone_viewing[market.rows(hours)][:, devices].sum(axis=1)
            watched[:, first : first + len(market.zones)] = share * viewing
        total = watched.sum(axis=1, keepdims=True)
        weights += parts[:, [item]] * np.divide(
            watched, total, out=np.zeros_like(watched), where=total > 0
        )
    return weights


def _by_country(zones: list[tuple[str, str]], by_day: Counts) -> tuple[list[str], Counts]:
    """Days by zone (days, kinds, zones) added up by country."""
    countries = sorted({country for country, _ in zones})
    of_zone = np.array([countries.index(country) for country, _ in zones], dtype=np.int64)
    result = np.zeros((*by_day.shape[:2], len(countries)), dtype=np.int64)
    for zone, country in enumerate(of_zone):
        result[:, :, country] += by_day[:, :, zone]
    return countries, result


def _by_local_hour(
    zones: list[tuple[str, str]], by_zone: Counts, delivered: Delivered, days: NDArray[np.int64]
) -> tuple[list[str], Counts]:
    """Hours by zone (hours, kinds, zones) added up by UTC day and local hour."""
    day = np.searchsorted(days, delivered.hours // 24)
    result = np.zeros((days.size, by_zone.shape[1], 24), dtype=np.int64)
    for position, (_, zone) in enumerate(zones):
        local = local_clock(zone, delivered.hours).hour
        for kind in range(by_zone.shape[1]):
            np.add.at(result[:, kind, :], (day, local), by_zone[:, kind, position])
    return [f"{hour:02d}" for hour in range(24)], result


def _batch(
    campaign_id: int,
    days: NDArray[np.int64],
    parts: list[tuple[AudienceDimension, list[str], Counts]],
) -> pa.RecordBatch:
    """Rows by day, dimension and segment; `parts` hold (days, kinds, segments)."""
    names = list(dict.fromkeys(segment for _, segments, _ in parts for segment in segments))
    code = {name: position for position, name in enumerate(names)}
    dimension = np.concatenate(
        [np.full(len(segments), _DIMENSIONS.index(which)) for which, segments, _ in parts]
    )
    segment = np.concatenate([[code[name] for name in segments] for _, segments, _ in parts])
    split = np.concatenate([counts for _, _, counts in parts], axis=2)
    both, completed, clicked, neither = (split[:, kind, :].ravel() for kind in range(len(KINDS)))
    width = segment.size

    def dictionary(codes: NDArray[np.int64], values: list[str]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(
            pa.array(
                np.tile(codes, days.size).astype(np.int8 if values is not names else np.int32)
            ),
            pa.array(values),
        )

    columns = {
        "campaign_id": pa.array(np.full(days.size * width, campaign_id, dtype=np.int64)),
        "activity_date": pa.array(np.repeat(days, width).astype(np.int32)).cast(pa.date32()),
        "dimension": dictionary(dimension, [str(each) for each in _DIMENSIONS]),
        "segment": dictionary(segment, names).dictionary_decode(),
        "impressions": pa.array((both + completed + clicked + neither).astype(np.int32)),
        "video_q100": pa.array((both + completed).astype(np.int32)),
        "clicks": pa.array((both + clicked).astype(np.int32)),
    }
    return pa.RecordBatch.from_pydict(columns, schema=_SCHEMA)
