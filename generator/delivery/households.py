"""Households: who the places in a campaign's line are, the same people in every campaign.

The households of a platform are numbered from 0, country after country in alphabetical order. In
its country each has a rank, from the one that watches least to the one that watches most, which is
a function of its number. A campaign addresses a part of each targeted country. Its line is in order
of rank, so those that watch most are first to see any campaign, and two campaigns meet the same
ones more often than chance would have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Int64s, Keys
from generator.delivery.targeting import Targeting, households_by_country
from generator.platform.model import PlatformModel
from generator.randomness import key, mix, row_keys, uniforms

_ROUNDS = 4


@dataclass(frozen=True)
class CountryPart:
    """The part of a country's households that a campaign addresses.

    The country's `households` have the numbers from `first` on. `stream` is the country's key of
    ranks, `choice` the campaign's key of those it addresses.
    """

    first: int
    households: int
    addressed: int
    stream: int
    choice: int

    def numbers(self, places: Int64s) -> Int64s:
        """Return the numbers of the households at places 0 to `addressed` - 1: same shape."""
        low = places * self.households // self.addressed
        high = (places + 1) * self.households // self.addressed
        chance = uniforms(row_keys(self.choice, places), "household")
        rank = low + np.floor(chance * (high - low)).astype(np.int64)
        return self.first + shuffle(rank, self.households, self.stream)


def country_parts(
    platform_model: PlatformModel, targetings: Sequence[Targeting], campaign_id: int, seed: int
) -> list[CountryPart]:
    """Return the parts of the countries that a campaign addresses; they add up to what
    `count_households` counts."""
    by_country = households_by_country(platform_model, targetings)
    marks = np.floor(np.cumsum([0.0, *by_country.values()]) + 0.5).astype(np.int64)
    marks[-1] = max(1, round(sum(by_country.values())))
    addressed = dict(zip(by_country, np.diff(marks).tolist(), strict=True))
    result = []
    first = 0
    for country, figures in sorted(platform_model.countries.items()):
        if addressed.get(country, 0) > 0:
            ranks = key(seed, "ranks of households", platform_model.name, country)
            choice = key(seed, "addressed households", campaign_id, country)
            count = max(figures.households, addressed[country])
            result.append(CountryPart(first, count, addressed[country], ranks, choice))
        first += figures.households
    return result


def household_numbers(parts: Sequence[CountryPart], places: Int64s) -> Int64s:
    """Return the numbers of the households at places of a campaign's line: same shape.

    The countries take turns along the line, each in proportion to its part.

    >>> parts = [CountryPart(0, 8, 4, 1, 3), CountryPart(8, 4, 2, 2, 4)]
    >>> household_numbers(parts, np.arange(6)).tolist()
    [8, 6, 4, 10, 3, 5]
    """
    result = np.empty(places.shape, dtype=np.int64)
    left = np.arange(places.size).reshape(places.shape)
    place = places
    total = sum(part.addressed for part in parts)
    for part in parts:
        before = place * part.addressed // total
        here = (place + 1) * part.addressed // total > before
        result.ravel()[left[here]] = part.numbers(before[here])
        left, place = left[~here], (place - before)[~here]
        total -= part.addressed
        if not left.size:
            break
    return result


def shuffle(values: Int64s, size: int, stream: int) -> Int64s:
    """Return the places of these values after 0 … size - 1 are shuffled: same shape.

    A Feistel network (Luby and Rackoff 1988) shuffles the next larger power of 4. What falls beyond
    `size` is shuffled again.

    >>> shuffle(np.arange(7), 7, stream=1).tolist()
    [6, 2, 1, 4, 0, 3, 5]
    """
    bits = np.uint64(max(((size - 1).bit_length() + 1) // 2, 1))
    result = _shuffle_bits(values.astype(np.uint64), bits, stream)
    while (beyond := result >= size).any():
        result[beyond] = _shuffle_bits(result[beyond], bits, stream)
    return result.astype(np.int64)


def _shuffle_bits(values: Keys, bits: np.uint64, stream: int) -> Keys:
    """Return the places of values after all numbers of twice `bits` bits are shuffled."""
    mask = (np.uint64(1) << bits) - np.uint64(1)
    left, right = values >> bits, values & mask
    for number in range(_ROUNDS):
        salt = np.uint64(key(stream, "round", number))
        left, right = right, left ^ (mix(right + salt) & mask)
    shuffled: Keys = (left << bits) | right
    return shuffled
