"""People: the profiles and devices of households, and which of them an impression is seen by.

All of it is a function of a household's number. Attributes have the shares of the platform file,
and go together as its audience factors say (`likeness`). Ages in a household are close to one
another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys, Mask
from generator.delivery.supply import DEVICES, device_column
from generator.delivery.targeting import Targeting, countries_of, devices_of
from generator.enums import Device, DeviceFamily, IfaType, TargetingKey, ViewingBand
from generator.log.likeness import CHANCES, Choices, choices, joint_shares, sixteen_bits, small_type
from generator.log.population import Population
from generator.permutation import ids
from generator.platform.people import MOST_OF_A_HOUSEHOLD
from generator.randomness import key, mix, row_keys
from generator.schema.arrow import arrow_schema
from generator.schema.log import Household, HouseholdDevice, Profile

_IFA_TYPES = tuple(IfaType)
# The attributes of a household, given the ages in it, and those of a profile, given its age.
_OF_A_HOUSEHOLD = (TargetingKey.HOUSEHOLD_INCOME, TargetingKey.LIFE_STAGE)
_OF_A_PROFILE = (TargetingKey.GENDER, TargetingKey.INTEREST_CATEGORY)
# Room for the numbers of profiles, and of devices of a group.
_NUMBERS = 8
_PLAYERS = (IfaType.RIDA, IfaType.AFAI)
_FAMILIES = {
    Device.MOBILE: DeviceFamily.PHONE,
    Device.TABLET: DeviceFamily.TABLET,
    Device.DESKTOP: DeviceFamily.COMPUTER,
}
_CTV, _MOBILE = DEVICES.index(Device.CTV), DEVICES.index(Device.MOBILE)
# This number of impressions at a time stays in the cache of a processor.
_BLOCK = 16_384


@dataclass(frozen=True)
class Demand:
    """The households and profiles that line items want: (line items, …) each.

    `households` are combinations of the attributes of a household, `profiles` those of a profile,
    `devices` device groups, and `blocks` the blocks of the population. `chances` are the profiles
    that chances fall on.
    """

    households: Mask
    profiles: Mask
    devices: Mask
    blocks: Mask
    chances: Choices

    @cached_property
    def is_open(self) -> bool:
        """Whether every profile is wanted."""
        return bool(self.profiles.all())

    @cached_property
    def fitting(self) -> tuple[Mask, Int64s]:
        """Which chances are wanted, a row for all line items that want the same profiles, and the
        row of each line item."""
        wanted, row = np.unique(self.profiles, axis=0, return_inverse=True)
        return wanted.take(self.chances, axis=1), row.ravel()

    @cached_property
    def distinct(self) -> list[int]:
        """The first of the line items that want the same."""
        rows = np.concatenate([self.households, self.profiles, self.devices, self.blocks], axis=1)
        return sorted(np.unique(rows, axis=0, return_index=True)[1].tolist())


@dataclass(frozen=True)
class Identifiers:
    """Of devices: the position of their kind of identifier in `IfaType`, or -1, and whether they
    ask not to be tracked."""

    ifa_type: NDArray[np.int8]
    limit_ad_tracking: Mask


class People:
    """The profiles and devices of a platform's households.

    Methods take the numbers of households. Devices are given by their positions in `DEVICES`.
    """

    def __init__(self, population: Population) -> None:
        self.population = population
        model = self._model = population.platform_model
        figures = model.people
        self._stream = key(population.seed, "people", model.name)
        self._sizes = _numbers(figures.profiles)
        self._ages = choices(np.array(list(model.audience.AGE_RANGE.values())))
        self._rows_of_ages = self._ages.astype(np.int32) * CHANCES
        self._spread = round(figures.age_spread * CHANCES)
        ages, kinds = self._ages.max(initial=0) + 1, self._combinations(_OF_A_PROFILE).shape[1]
        self._of_household = self._given_age(_OF_A_HOUSEHOLD)
        self._of_profile = self._given_age(_OF_A_PROFILE)
        # A profile's combination has its age first.
        before = np.repeat(np.arange(ages) * kinds, CHANCES)
        self._of_profile = (self._of_profile + before).astype(small_type(ages * kinds))
        self._viewers = _by_candidates(figures.viewing_by_profile)
        one = np.ones(CHANCES, dtype=np.int16)
        counts = [getattr(figures.devices, device, None) for device in DEVICES]
        self._counts = np.concatenate([_numbers(shares) if shares else one for shares in counts])
        self._watches = np.array(model.reach.device_households.in_order()) * CHANCES
        self._identifiers = self._identifiers_by_chance()

    def _given_age(self, dimensions: Sequence[TargetingKey]) -> Choices:
        """Return choices of a combination of segments for each age: (ages * chances,)."""
        shares = joint_shares(self._model, [TargetingKey.AGE_RANGE, *dimensions])
        return choices(shares.reshape(len(shares), -1)).ravel()

    def _identifiers_by_chance(self) -> Choices:
        """Return twice the position of a kind of identifier, plus 1 with limited tracking, for each
        device group: (devices * chances,)."""
        figures = self._model.people
        result = []
        for device in DEVICES:
            kinds = getattr(figures.ifa_types, device, {})
            shares = np.zeros((len(_IFA_TYPES) + 1, 2))
            shares[-1, 0] = not kinds
            for kind, share in kinds.items():
                limited = figures.limit_ad_tracking.get(kind, 0.0)
                shares[_IFA_TYPES.index(kind)] = share * (1.0 - limited), share * limited
            result.append(choices(shares.ravel()))
        return np.concatenate(result)

    def _words(self, numbers: Int64s, purpose: str) -> Keys:
        return row_keys(key(self._stream, purpose), numbers)

    def sizes(self, numbers: Int64s) -> Int64s:
        """Return how many profiles households have: same shape."""
        return self._sizes_of(self._words(numbers, "household"))

    def _sizes_of(self, words: Keys) -> Int64s:
        return self._sizes.take(sixteen_bits(words, 0)).astype(np.int64)

    def _household_kinds(self, words: Keys) -> Int64s:
        """Return the combination of attributes of each household, by its word: same shape."""
        found = sixteen_bits(words, 2)
        found += self._rows_of_ages.take(sixteen_bits(words, 1))
        return self._of_household.take(found)

    def _profile_kinds(self, numbers: Int64s, words: Keys, profiles: int | Int64s) -> Int64s:
        """Return the combination of attributes of each profile, age by age; `words` are those of
        the households. Same shape."""
        return self._of_profile.take(self._profile_chances(numbers, words, profiles))

    def _profile_chances(self, numbers: Int64s, words: Keys, profiles: int | Int64s) -> Int64s:
        """Return where each profile's combination is among those of all ages and chances."""
        own = self._words(numbers * _NUMBERS + profiles, "profile")
        # Around the household's place in the order of ages, and back from the ends of the order:
        # so every place is as likely as any other.
        place = sixteen_bits(own, 0)
        place *= self._spread
        place >>= 16
        place += sixteen_bits(words, 1) - self._spread // 2
        place ^= place >> 63
        np.minimum(place, 2 * CHANCES - 1 - place, out=place)
        found = sixteen_bits(own, 1)
        found += self._rows_of_ages.take(place)
        return found

    def _combinations(self, dimensions: Sequence[TargetingKey]) -> Int64s:
        """Return the positions of the segments in each combination: (dimensions, combinations)."""
        sizes = [len(self._model.segment_shares(name)) for name in dimensions]
        return np.indices(sizes).reshape(len(sizes), -1)

    def demand(self, targetings: Sequence[Targeting]) -> Demand:
        """Return the households and profiles that line items with these targetings want."""
        places = list(zip(self.population.country, self.population.region, strict=True))
        return Demand(
            households=self._fits(targetings, _OF_A_HOUSEHOLD),
            profiles=self._fits(targetings, (TargetingKey.AGE_RANGE, *_OF_A_PROFILE)),
            devices=np.array(
                [[device in devices_of(item) for device in DEVICES] for item in targetings]
            ),
            blocks=np.array(
                [
                    [
                        country in countries_of(item, self._model)
                        and region in item.get(TargetingKey.GEO_DMA, [region])
                        for country, region in places
                    ]
                    for item in targetings
                ]
            ),
            chances=self._of_profile,
        )

    def _fits(self, targetings: Sequence[Targeting], dimensions: Sequence[TargetingKey]) -> Mask:
        """Say which combinations of segments fit: (targetings, combinations)."""
        result = np.ones((len(targetings), self._combinations(dimensions).shape[1]), dtype=bool)
        for name, position in zip(dimensions, self._combinations(dimensions), strict=True):
            segments = list(self._model.segment_shares(name))
            for fits, item in zip(result, targetings, strict=True):
                named = np.array([segment in item.get(name, segments) for segment in segments])
                fits &= named[position]
        return result

    def matches(self, numbers: Int64s, demand: Demand) -> Mask:
        """Say which households at least one of the line items wants: those that live where it runs,
        watch on one of its devices, and have a profile that it wants. (households,)."""
        result = np.empty(numbers.size, dtype=bool)
        for first in range(0, numbers.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            here = numbers[block]
            words = self._words(here, "household")
            left = np.arange(here.size)
            for item in demand.distinct:
                found = self._matches(here[left], words[left], demand, item)
                left = left[~found]
            result[block] = True
            result[first + left] = False
        return result

    def _matches(self, numbers: Int64s, words: Keys, demand: Demand, item: int) -> Mask:
        """Say which households one line item wants; `words` are those of the households."""
        found = np.ones(numbers.size, dtype=bool)
        if not demand.households[item].all():
            found = demand.households[item][self._household_kinds(words)]
        found &= demand.blocks[item][self._blocks_of(numbers)]
        found &= self._watches_on(numbers, np.flatnonzero(demand.devices[item])).any(axis=0)
        if demand.profiles[item].all():
            return found
        fitting, row = demand.fitting
        fits = fitting[row[item]]
        left = np.flatnonzero(found)
        sizes = self._sizes_of(words.take(left))
        for profile in range(1, MOST_OF_A_HOUSEHOLD + 1):
            chances = self._profile_chances(numbers.take(left), words.take(left), profile)
            is_fitting = fits.take(chances)
            found[left] = is_fitting
            more = np.flatnonzero(~is_fitting & (sizes > profile))
            left, sizes = left.take(more), sizes.take(more)
        return found

    def _blocks_of(self, numbers: Int64s) -> Int64s:
        """Return the block of each household, or the one that all of them live in: (1,)."""
        if not numbers.size:
            return numbers
        ends = self.population.locate(np.array([numbers.min(), numbers.max()]))
        return ends[:1] if ends[0] == ends[1] else self.population.locate(numbers)

    def watches(self, numbers: Int64s) -> Mask:
        """Say on which device groups households watch the platform: (households, devices)."""
        return self._watches_on(numbers, np.arange(len(DEVICES))).T

    def _watches_on(self, numbers: Int64s, devices: Int64s) -> Mask:
        """Say on which of these device groups households watch: (devices, households)."""
        words = self._words(numbers, "watches")
        found = np.empty((devices.size, numbers.size), dtype=np.bool_)
        for place, device in enumerate(devices.tolist()):
            np.less(sixteen_bits(words, device), self._watches[device], out=found[place])
        return found

    def _candidates(self, numbers: Int64s, words: Keys, demand: Demand, item: Int64s) -> Int64s:
        """Return which profiles of each household its line item wants, a bit for each; `words` are
        those of the households."""
        sizes = self._sizes_of(words)
        fitting, row = demand.fitting
        first_chance = (row * fitting.shape[1]).take(item)
        found = np.zeros(numbers.size, dtype=np.int64)
        more = np.arange(numbers.size)
        for profile in range(1, MOST_OF_A_HOUSEHOLD + 1):
            chances = self._profile_chances(numbers.take(more), words.take(more), profile)
            chances += first_chance.take(more)
            wanted = more.take(np.flatnonzero(fitting.ravel().take(chances)))
            found[wanted] += 1 << (profile - 1)
            more = more.take(np.flatnonzero(sizes.take(more) > profile))
        return found

    def choose_profiles(self, numbers: Int64s, keys: Keys, demand: Demand, item: Int64s) -> Int64s:
        """Return the number of the profile that sees each impression, from 1: (impressions,).

        It is one that the line item wants, if the household has one, and those that watch more see
        more. `keys` are random keys of the impressions.
        """
        result = np.empty(numbers.size, dtype=np.int64)
        for first in range(0, numbers.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            here = numbers[block]
            words = self._words(here, "household")
            everyone = (1 << self._sizes_of(words)) - 1
            candidates = everyone
            if not demand.is_open:
                candidates = self._candidates(here, words, demand, item[block])
                np.copyto(candidates, everyone, where=candidates == 0)
            result[block] = self._choose(candidates, keys[block], "profile")
        return result

    def choose_devices(
        self, numbers: Int64s, devices: Int64s, profiles: Int64s, keys: Keys
    ) -> Int64s:
        """Return the number of the device that each impression is seen on, from 1, among those of
        the device group in the household: (impressions,). A profile has a phone."""
        result = np.empty(numbers.size, dtype=np.int64)
        for first in range(0, numbers.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            candidates = (1 << self._devices(numbers[block], devices[block])) - 1
            chosen = self._choose(candidates, keys[block], "device")
            phone = devices[block] == _MOBILE
            result[block] = np.where(phone, profiles[block], chosen)
        return result

    def _choose(self, candidates: Int64s, keys: Keys, purpose: str) -> Int64s:
        words = mix(keys + np.uint64(key(purpose)))
        chance = sixteen_bits(words, 0)
        chance += candidates * CHANCES
        return self._viewers.take(chance).astype(np.int64)

    def _devices(self, numbers: Int64s, devices: Int64s) -> Int64s:
        """Return how many devices of a group each household has, phones left out."""
        words = self._words(numbers, "devices") >> (devices * 16).view(np.uint64)
        return self._counts.take(devices * CHANCES + sixteen_bits(words, 0)).astype(np.int64)

    def identifiers(self, numbers: Int64s, devices: Int64s, device_numbers: Int64s) -> Identifiers:
        """Return the identifiers of devices, given by their numbers in the household: (devices,)
        each."""
        words = self._words(_place_of_device(numbers, devices, device_numbers), "device")
        found = self._identifiers.take(devices * CHANCES + sixteen_bits(words, 0))
        kind = (found >> 1).astype(np.int8)
        kind[kind == len(_IFA_TYPES)] = -1
        return Identifiers(kind, (found & 1).astype(bool))

    def profile_ids(self, numbers: Int64s, profiles: Int64s) -> Int64s:
        """Return the ids of profiles, given by their numbers in the household: same shape."""
        return ids(numbers * _NUMBERS + profiles, key(self._stream, "ids of profiles"))

    def device_ids(self, numbers: Int64s, devices: Int64s, device_numbers: Int64s) -> Int64s:
        """Return the ids of devices, given by their numbers in the household: same shape."""
        place = _place_of_device(numbers, devices, device_numbers)
        return ids(place, key(self._stream, "ids of devices"))

    def households_batch(self, numbers: Int64s) -> pa.RecordBatch:
        """Return the rows of `households` of these households."""
        population = self.population
        block = population.locate(numbers)
        kinds = self._household_kinds(self._words(numbers, "household"))
        band = (population.watching(numbers) * len(ViewingBand)).astype(np.int8)
        regions = [region or None for region in population.region]
        return _batch(
            Household,
            household_id=pa.array(population.household_ids(numbers)),
            platform=pa.array([self._model.name]).take(pa.array(np.zeros_like(block))),
            country=pa.array(population.country).take(pa.array(block)),
            region=pa.array(regions, pa.string()).take(pa.array(block)),
            time_zone=pa.array(population.zone).take(pa.array(block)),
            profiles=pa.array(self.sizes(numbers).astype(np.int32)),
            **self._segments(_OF_A_HOUSEHOLD, kinds),
            viewing_band=_dictionary(band, list(ViewingBand)),
        )

    def profiles_batch(self, numbers: Int64s) -> pa.RecordBatch:
        """Return the rows of `profiles` of these households."""
        of_household, profiles = _count_up(self.sizes(numbers))
        numbers = numbers[of_household]
        kinds = self._profile_kinds(numbers, self._words(numbers, "household"), profiles)
        return _batch(
            Profile,
            profile_id=pa.array(self.profile_ids(numbers, profiles)),
            household_id=pa.array(self.population.household_ids(numbers)),
            profile_number=pa.array(profiles.astype(np.int32)),
            **self._segments((TargetingKey.AGE_RANGE, *_OF_A_PROFILE), kinds),
        )

    def devices_batch(self, numbers: Int64s) -> pa.RecordBatch:
        """Return the rows of `devices` of these households."""
        groups = np.tile(np.arange(len(DEVICES)), numbers.size)
        every = np.repeat(numbers, len(DEVICES))
        count = np.where(groups == _MOBILE, self.sizes(every), self._devices(every, groups))
        place, device_numbers = _count_up(count)
        numbers, devices = every[place], groups[place]
        found = self.identifiers(numbers, devices, device_numbers)
        is_player = np.isin(found.ifa_type, [_IFA_TYPES.index(kind) for kind in _PLAYERS])
        families = list(DeviceFamily)
        by_group = [
            families.index(_FAMILIES.get(device, DeviceFamily.SMART_TV)) for device in DEVICES
        ]
        player = families.index(DeviceFamily.STREAMING_PLAYER)
        family = np.where((devices == _CTV) & is_player, player, np.array(by_group)[devices])
        return _batch(
            HouseholdDevice,
            device_id=pa.array(self.device_ids(numbers, devices, device_numbers)),
            household_id=pa.array(self.population.household_ids(numbers)),
            device=device_column(devices.astype(np.int8)),
            device_number=pa.array(device_numbers.astype(np.int32)),
            device_family=_dictionary(family.astype(np.int8), families),
            ifa_type=_dictionary(found.ifa_type, _IFA_TYPES, found.ifa_type < 0),
            limit_ad_tracking=pa.array(found.limit_ad_tracking),
        )

    def _segments(self, dimensions: Sequence[TargetingKey], kinds: Int64s) -> dict[str, pa.Array]:
        """Return the columns of the segments of these combinations."""
        result = {}
        for name, position in zip(dimensions, self._combinations(dimensions), strict=True):
            segments = pa.array(list(self._model.segment_shares(name)))
            result[name.lower()] = segments.take(pa.array(position[kinds]))
        return result


def _place_of_device(numbers: Int64s, devices: Int64s, device_numbers: Int64s) -> Int64s:
    return (numbers * len(DEVICES) + devices) * _NUMBERS + device_numbers


def _numbers(shares: dict[int, float]) -> Choices:
    """Return choices of numbers that have these shares: (chances,)."""
    return np.array(list(shares), dtype=np.int16)[choices(np.array(list(shares.values())))]


def _by_candidates(viewing: Sequence[float]) -> NDArray[np.int8]:
    """Return choices of one of the candidates, from 1, in proportion to their viewing. Candidates
    are the bits of a number: (numbers * chances,)."""
    bits = np.arange(1 << len(viewing))[:, None] >> np.arange(len(viewing)) & 1
    shares: Floats = bits * np.array(viewing)
    return (choices(shares).ravel() + 1).astype(np.int8)


def _count_up(counts: Int64s) -> tuple[Int64s, Int64s]:
    """Return for each count its position as often as it says, and the numbers from 1 up to it.

    >>> [array.tolist() for array in _count_up(np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [1, 2, 1, 2, 3]]
    """
    position = np.repeat(np.arange(counts.size), counts)
    return position, np.arange(position.size) - (counts.cumsum() - counts)[position] + 1


def _dictionary(
    codes: NDArray[np.int8], words: Sequence[str], missing: Mask | None = None
) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), pa.array(map(str, words)))


def _batch(
    table: type[Household | Profile | HouseholdDevice], **columns: pa.Array
) -> pa.RecordBatch:
    schema = arrow_schema(table)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
