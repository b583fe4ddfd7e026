"""Audience: the segments that each day of a campaign was delivered to.

A day is split, never drawn separately. Its impressions fall into four disjoint kinds (completed or
not, clicked or not), each kind is split over the segments by a multinomial, and the reported counts
are sums of kinds. So segments add up to the day, and no segment has more completes or clicks than
impressions. Countries and local hours are those of the cells that every hour was seen in
(`viewing`), and regions come from a split of each country's day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys, WholeFloats, check_counts
from generator.delivery.audience_factors import (
    bend,
    by_kind,
    loadings_of,
    scores_of,
    scores_of_days,
)
from generator.delivery.households import Cell
from generator.delivery.multinomial import Split, multinomials
from generator.delivery.noise import effects
from generator.delivery.targeting import all_countries, countries_of, supply_share
from generator.delivery.viewing import (
    IMPRESSION_KINDS,
    Buyer,
    HourlyDelivery,
    line_item_shares,
)
from generator.enums import AudienceDimension, TargetingKey
from generator.randomness import key, row_keys
from generator.schema import AudienceDaily
from generator.schema.arrow import arrow_schema

_SCHEMA = arrow_schema(AudienceDaily)
_DIMENSIONS = tuple(AudienceDimension)
# What whole days are split over.
_SPLIT_BY_DAY = (
    AudienceDimension.AGE_RANGE,
    AudienceDimension.GENDER,
    AudienceDimension.LIFE_STAGE,
    AudienceDimension.INTEREST_CATEGORY,
    AudienceDimension.CONTENT_GENRE,
)


def audience_batch(
    buyers: Sequence[Buyer], delivered: Sequence[HourlyDelivery], placed: Sequence[WholeFloats]
) -> pa.RecordBatch:
    """Return the days of campaigns as a batch of `audience_daily`: days x segments of every
    dimension. `placed` are their impressions in cells, as `place_impressions` returns them.

    Campaigns are split in one go, and none depends on which others are split beside it.
    """
    audiences = [
        _Audience(buyer, hours, cells.sum(axis=0))
        for buyer, hours, cells in zip(buyers, delivered, placed, strict=True)
        if hours.hours.size
    ]
    if not audiences:
        return pa.RecordBatch.from_pylist([], _SCHEMA)
    splits = [split for audience in audiences for split in audience.splits_of_days()]
    by_share = iter(multinomials(splits))
    by_country = [audience.days_by_country() for audience in audiences]
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
            audience.by_local_hour(),
        ]
        for audience, countries in zip(audiences, by_country, strict=True)
    ]
    return _batch(audiences, parts)


@dataclass(frozen=True)
class DimensionSplit:
    """A campaign's days by the segments of one dimension; `counts` are (segments, kinds, days)."""

    dimension: AudienceDimension
    segments: list[str]
    counts: WholeFloats


class _Audience:
    """One campaign's audience: its impressions in cells, (cells, kinds, hours), to be split."""

    def __init__(self, buyer: Buyer, delivered: HourlyDelivery, by_cell: WholeFloats) -> None:
        self.buyer = buyer
        self.delivered = delivered
        self.by_cell = by_cell
        self.by_hour = by_cell.sum(axis=0)
        day = delivered.hours // 24
        self.first_hour = np.flatnonzero(np.diff(day, prepend=-1))
        self.days = day[self.first_hour]
        self.shares = item_shares(buyer)

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

    def by_share(self, counts: Iterator[WholeFloats]) -> list[DimensionSplit]:
        """Return the dimensions of `splits_of_days`, from their counts."""
        return [
            DimensionSplit(dimension, list(self.shares[dimension]), next(counts))
            for dimension in _SPLIT_BY_DAY
        ]

    def days_by_country(self) -> DimensionSplit:
        """Add up the hours of cells by day and country."""
        by_day = np.add.reduceat(self.by_cell, self.first_hour, axis=2)
        countries = all_countries(self.buyer.targetings, self.buyer.platform_model)
        counts = np.zeros((len(countries), *by_day.shape[1:]))
        for cell, days in zip(self.buyer.cells, by_day, strict=True):
            counts[countries.index(cell.country)] += days
        return DimensionSplit(AudienceDimension.COUNTRY, countries, counts)

    def by_local_hour(self) -> DimensionSplit:
        """Add up the hours of cells by UTC day and local hour."""
        days = self.days.size
        day = np.searchsorted(self.days, self.delivered.hours // 24)
        local = [self._local_hours(cell) for cell in self.buyer.cells]
        cells = np.stack(local).astype(np.int64) * days
        cells += day
        counts = np.empty((24, len(IMPRESSION_KINDS), days))
        for kind in range(len(IMPRESSION_KINDS)):
            of_kind = self.by_cell[:, kind].ravel()
            by_day = np.bincount(cells.ravel(), weights=of_kind, minlength=24 * days)
            counts[:, kind] = by_day.reshape(24, days)
        segments = [f"{hour:02d}" for hour in range(24)]
        return DimensionSplit(AudienceDimension.LOCAL_HOUR, segments, counts)

    def _local_hours(self, cell: Cell) -> NDArray[np.int8]:
        """Return what the clocks of a cell show at each hour."""
        supply = self.buyer.supplies[cell.country]
        local = supply.local_hour[supply.zones.index(cell.zone)]
        return local[supply.rows(self.delivered.hours)]

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
