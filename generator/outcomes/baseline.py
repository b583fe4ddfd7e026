"""What households do without ads: for an advertiser and a type of conversion, each household is a
Poisson process, and rates differ.

The rate is that of a campaign's households, more for those that watch much, and log-normal between
households. A household that several campaigns of an advertiser address has the conversions of the
highest of their rates: at a lower rate it has some of them, at a higher one more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from generator.arrays import Floats, Int64s, Keys, Mask
from generator.clock import (
    HOURS_A_DAY,
    MICROSECONDS_AN_HOUR,
    day_number,
    offset_minutes,
    weekday_of,
)
from generator.delivery.conversions import DAYS_A_MONTH, CountingCampaign
from generator.delivery.demand import relative_demand
from generator.delivery.households import Cell, Part
from generator.delivery.ledger import activity
from generator.delivery.noise import log_normal
from generator.delivery.quantiles import normal, poisson
from generator.delivery.targeting import targeting_of
from generator.enums import ConversionType
from generator.log.addressed import AddressedLine
from generator.log.people import People
from generator.log.population import Population
from generator.log.viewers import line_of_households
from generator.platform.habits import device_shares, hour_curves
from generator.randomness import key, row_keys, uniforms

# Households differ by no more than this number of standard deviations from the mean one.
_FARTHEST = 4.0
_HOUSEHOLDS_AT_ONCE = 1 << 20
_MICROSECONDS_A_DAY = HOURS_A_DAY * MICROSECONDS_AN_HOUR
_MICROSECONDS_A_MINUTE = MICROSECONDS_AN_HOUR // 60
# The hours of a day are looked up in a table of this number of equal chances.
_CHANCES = 1 << 12


def spread_of_households(log_sd: float, keys: Keys, purpose: str) -> Floats:
    """Return how much each household has of something relative to the mean: same shape."""
    scores = normal(uniforms(keys, purpose))
    return log_normal(log_sd, np.clip(scores, -_FARTHEST, _FARTHEST))


def most_of_a_household(log_sd: float) -> float:
    """Return the most that `spread_of_households` returns."""
    return float(np.exp(_FARTHEST * log_sd - 0.5 * log_sd * log_sd))


@dataclass(frozen=True)
class Claim:
    """What a campaign says of the baseline of its advertiser: the households that it addresses,
    what it counts, and its time, from `begin` to before `end`, in microseconds."""

    campaign: CountingCampaign
    addressed: AddressedLine
    parts: tuple[Part, ...]
    begin: int
    end: int

    def rate(self, conversion_type: ConversionType) -> float:
        """Return how many conversions of a type its households have in a month, on average; 0 where
        the campaign does not count them."""
        goals = self.campaign.count.goals
        return sum(goal.monthly_rate for goal in goals if goal.conversion_type == conversion_type)

    def relative_rates(self, watching: Floats) -> Floats:
        """Return how often households convert, relative to the mean one, of which these parts of
        all watch less: same shape."""
        power = self.campaign.figures.activity_exponent
        rates: Floats = activity(watching, self.campaign.shape_k) ** power / self._mean_power
        return rates

    @cached_property
    def _mean_power(self) -> float:
        parts = (np.arange(_CHANCES) + 0.5) / _CHANCES
        power = self.campaign.figures.activity_exponent
        return float(np.mean(activity(parts, self.campaign.shape_k) ** power))


def claim_of(campaign: CountingCampaign, cells: Sequence[Cell], people: People) -> Claim:
    """Return the claim of a campaign that addresses these cells: from its first day until nothing
    follows from its last one any more."""
    targetings = [targeting_of(item.line_item) for item in campaign.booking.line_items]
    wants = partial(people.matches, demand=people.demand(targetings))
    parts = tuple(part for cell in cells for part in cell.parts)
    flights = campaign.booking.flights
    last = day_number(flights[-1].end_date) + 1 + campaign.figures.longest_lag_days
    return Claim(
        campaign=campaign,
        addressed=line_of_households(campaign.campaign_id, parts, people.population, wants),
        parts=parts,
        begin=day_number(flights[0].start_date) * _MICROSECONDS_A_DAY,
        end=last * _MICROSECONDS_A_DAY,
    )


@dataclass(frozen=True)
class BaselineEvents:
    """Conversions of households without ads: (events,) each.

    `number` is the household, `month` the 28 days since the epoch, `turn` counts a household's
    events in them from 0, `moment` is in microseconds.
    """

    number: Int64s
    month: Int64s
    turn: Int64s
    moment: Int64s
    keys: Keys

    def take(self, kept: Mask) -> BaselineEvents:
        """Return some of the events."""
        return BaselineEvents(
            self.number[kept], self.month[kept], self.turn[kept], self.moment[kept], self.keys[kept]
        )


class Baseline:
    """What the households of a platform do for an advertiser without ads, of one type."""

    def __init__(
        self, population: Population, advertiser_id: int, conversion_type: ConversionType
    ) -> None:
        self._population = population
        model = population.platform_model
        self._stream = key(
            population.seed, "baseline", model.name, advertiser_id, str(conversion_type)
        )
        assert model.conversions is not None
        self._figures = model.conversions
        self._advertiser_id = advertiser_id
        self._type = conversion_type
        self._demand: dict[int, Floats] = {}

    def events(self, claim: Claim, panel: Int64s | None) -> BaselineEvents:
        """Return what the households that a campaign addresses do in its time; of a panel, or of
        all of them."""
        months = _months(claim)
        found = [
            self._converting(numbers, month, claim)
            for numbers in _households(claim, panel)
            for month in range(months.start, months.stop)
        ]
        number, month, count = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        distinct, of = np.unique(number, return_inverse=True)
        kept = (claim.addressed.places(distinct) >= 0)[of]
        number, month, count = number[kept], month[kept], count[kept]
        row = np.repeat(np.arange(count.size), count)
        turn = np.arange(row.size) - (count.cumsum() - count)[row]
        keys = row_keys(row_keys(row_keys(self._stream, number[row]), month[row]), turn)
        moment = self._moments(number[row], month[row], keys)
        events = BaselineEvents(number[row], month[row], turn, moment, keys)
        return events.take((moment >= claim.begin) & (moment < claim.end))

    def is_claimed(self, events: BaselineEvents, claim: Claim) -> Mask:
        """Say which events are also those of another campaign of the advertiser: (events,)."""
        result = np.zeros(events.number.size, dtype=np.bool_)
        if not claim.rate(self._type):
            return result
        near = np.flatnonzero((events.moment >= claim.begin) & (events.moment < claim.end))
        number, month = events.number[near], events.month[near]
        near = near[self._counts(number, month, claim) > events.turn[near]]
        result[near] = claim.addressed.places(events.number[near]) >= 0
        return result

    def _converting(
        self, numbers: Int64s, month: int, claim: Claim
    ) -> tuple[Int64s, Int64s, Int64s]:
        """Return the households with conversions in a month, the month, and how many there are."""
        chance = uniforms(row_keys(row_keys(self._stream, numbers), np.array([month])), "baseline")
        most = claim.rate(self._type) * claim.relative_rates(np.ones(1))
        most *= most_of_a_household(self._figures.household_log_sd)
        most *= self._demand_in(month).mean(axis=1).max()
        numbers = numbers[chance > np.exp(-most)]
        months = np.full(numbers.size, month)
        count = self._counts(numbers, months, claim)
        some = count > 0
        return numbers[some], months[some], count[some]

    def _counts(self, numbers: Int64s, months: Int64s, claim: Claim) -> Int64s:
        """Return the conversions of each household in a month, if it has those of a campaign: same
        shape."""
        keys = row_keys(self._stream, numbers)
        means = claim.rate(self._type) * claim.relative_rates(self._population.watching(numbers))
        means *= spread_of_households(self._figures.household_log_sd, keys, "rate")
        if self._is_moved and numbers.size:
            block = self._population.locate(numbers)
            distinct, of = np.unique(months, return_inverse=True)
            by_month = [self._demand_in(month).mean(axis=1) for month in distinct.tolist()]
            means *= np.array(by_month)[of, block]
        chance = uniforms(row_keys(keys, months), "baseline")
        return poisson(chance, means).astype(np.int64)

    def _moments(self, numbers: Int64s, months: Int64s, keys: Keys) -> Int64s:
        """Return when events happen, in microseconds: at the local times at which people watch."""
        of_day, of_hour, rest = uniforms(keys, "day", "hour", "moment")
        block = self._population.locate(numbers)
        day = months * DAYS_A_MONTH + self._days_of_month(months, block, of_day)
        is_weekend = (weekday_of(day) >= 5).astype(np.int64)
        chance = np.floor(of_hour * _CHANCES).astype(np.int64)
        hour = day * HOURS_A_DAY + self._hours[block, is_weekend, chance]
        ahead = np.zeros_like(hour)
        for zone in set(np.array(self._population.zone)[np.unique(block)].tolist()):
            here = np.flatnonzero(np.array(self._population.zone)[block] == zone)
            distinct, of = np.unique(hour[here], return_inverse=True)
            offsets = np.array([offset_minutes(zone, one) for one in distinct.tolist()])
            ahead[here] = offsets[of]
        inside = np.floor(rest * MICROSECONDS_AN_HOUR).astype(np.int64)
        return hour * MICROSECONDS_AN_HOUR + inside - ahead * _MICROSECONDS_A_MINUTE

    def _days_of_month(self, months: Int64s, block: Int64s, chance: Floats) -> Int64s:
        """Return the day of each event in its month, from 0: more of them where demand is high."""
        day = np.floor(chance * DAYS_A_MONTH).astype(np.int64)
        if self._is_moved:
            for month in np.unique(months).tolist():
                edges = self._demand_in(month).cumsum(axis=1)
                edges /= edges[:, -1:]
                here = np.flatnonzero(months == month)
                day[here] = (chance[here, None] >= edges[block[here], :-1]).sum(axis=1)
        return day

    @property
    def _is_moved(self) -> bool:
        """Whether demand differs between days."""
        return self._figures.prices is not None and self._type is ConversionType.PURCHASE

    def _demand_in(self, month: int) -> Floats:
        """Return how much more than usual households do on the days of a month: (blocks, days)."""
        if month not in self._demand:
            days = np.arange(month * DAYS_A_MONTH, (month + 1) * DAYS_A_MONTH)
            population = self._population
            by_country = {
                country: relative_demand(
                    population.platform_model,
                    population.seed,
                    self._advertiser_id,
                    country,
                    self._type,
                    days,
                )
                for country in set(population.country)
            }
            usual = np.ones(DAYS_A_MONTH)
            found = [by_country[country] for country in population.country]
            self._demand[month] = np.array([usual if one is None else one for one in found])
        return self._demand[month]

    @cached_property
    def _hours(self) -> Int64s:
        """The local hour of each chance, by block and on weekdays or the weekend: (blocks, 2,
        chances)."""
        model = self._population.platform_model
        by_country = {}
        for country in set(self._population.country):
            curves = np.einsum(
                "d,dwh->wh", device_shares(model, country), hour_curves(model, country)
            )
            edges = curves.cumsum(axis=1) / curves.sum(axis=1, keepdims=True)
            chances = (np.arange(_CHANCES) + 0.5) / _CHANCES
            by_country[country] = [np.searchsorted(row[:-1], chances) for row in edges]
        return np.array([by_country[country] for country in self._population.country])


def _months(claim: Claim) -> range:
    """Return the spans of 28 days in which a campaign's time is, and those before and after, since
    local days are not those of UTC."""
    first, last = (
        moment // _MICROSECONDS_A_DAY + shift
        for moment, shift in ((claim.begin, -1), (claim.end, 1))
    )
    return range(first // DAYS_A_MONTH, last // DAYS_A_MONTH + 1)


def _households(claim: Claim, panel: Int64s | None) -> Iterator[Int64s]:
    """Yield the households of the blocks that a campaign addresses; of a panel, or all of them."""
    for block in sorted({part.block for part in claim.parts}, key=lambda block: block.first):
        end = block.first + block.households
        if panel is not None:
            yield panel[slice(*np.searchsorted(panel, [block.first, end]).tolist())]
        else:
            for first in range(block.first, end, _HOUSEHOLDS_AT_ONCE):
                yield np.arange(first, min(first + _HOUSEHOLDS_AT_ONCE, end))


def events_of(
    baseline: Baseline, own: Claim, earlier: Sequence[Claim], panel: Int64s | None
) -> tuple[BaselineEvents, Mask]:
    """Return what the households of a campaign do without ads, and which of it no `earlier`
    campaign of the advertiser has, too."""
    events = baseline.events(own, panel)
    is_own = np.ones(events.number.size, dtype=np.bool_)
    for claim in earlier:
        is_own &= ~baseline.is_claimed(events, claim)
    return events, is_own
