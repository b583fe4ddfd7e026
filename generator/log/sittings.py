"""Sittings: when in an hour an impression is seen, in which break and in which slot of it.

A household sits down in front of a device, and begins another sitting after some hours. Time is cut
into parts of `sitting_hours`, from an hour on that is the device's own. About the middle of each
part one sitting ends and another begins, at least half an hour later. So sessions that are counted
by half an hour without an impression never join two sittings.

An hour has places for twelve breaks, and `breaks_per_hour` of them are used. Breaks and
their ad slots are functions of the device and the hour, so ads of two campaigns can be in one. A
break of a live programme comes at the same time for everyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys
from generator.clock import MICROSECONDS_AN_HOUR, Hours
from generator.delivery.supply import DEVICES
from generator.delivery.targeting import Targeting
from generator.enums import Placement, TargetingKey
from generator.log.likeness import CHANCES, Choices, choices, sixteen_bits
from generator.log.population import Population
from generator.platform.model import PlatformModel
from generator.platform.people import SPOTS_PER_HOUR
from generator.randomness import key, mix, row_keys

PLACEMENTS = tuple(Placement)
_SPOT = MICROSECONDS_AN_HOUR // SPOTS_PER_HOUR
_SECOND = 1_000_000
# A programme begins at most this long after its place in the hour.
_START_OF_A_PROGRAMME = 15 * _SECOND
_MOST_OF_A_PLACEMENT = {Placement.PRE_ROLL: 2, Placement.PAUSE: 1}
# Each place can have a break of each placement.
_KINDS = len(PLACEMENTS)
_LIVE = PLACEMENTS.index(Placement.LIVE)
# This number of impressions at a time stays in the cache of a processor.
_BLOCK = 16_384


@dataclass(frozen=True)
class _Pods:
    """Pods with 1 to `most` ads for each placement: (placements * most,) each. `size` is how many
    ads they have, and `ad` the length of one in microseconds. `room` is how much later than its
    place a pod can start: where the next place has no break, and where it has one, in a row each.
    """

    most: int
    size: Int64s
    ad: Int64s
    room: Int64s


def _pods(most: int, ad_seconds: float) -> _Pods:
    """Return the pods of a platform with ads of this length on average."""
    largest = [_MOST_OF_A_PLACEMENT.get(placement, most) for placement in PLACEMENTS]
    size = np.minimum(np.arange(1, most + 1), np.array(largest)[:, None])
    length = _SPOT - 2 * _SECOND
    ad = np.minimum(round(ad_seconds * _SECOND), length // size)
    room = np.stack([np.full_like(size, _SPOT), length - ad * size])
    pre_roll = PLACEMENTS.index(Placement.PRE_ROLL)
    room[:, pre_roll] = np.minimum(room[:, pre_roll], _START_OF_A_PROGRAMME)
    return _Pods(most, size.ravel(), ad.ravel(), room.ravel())


@dataclass(frozen=True)
class Breaks:
    """The moments at which impressions are seen: (impressions,) each.

    `offset` is in microseconds from the start of the hour. Breaks with one `number` in one session
    are the same; numbers of breaks without an impression are left out. Slots have the numbers 1 to
    `pod_size`. `programme` is one of the chances of `likeness`, the same for all that is seen on
    the device in the hour.
    """

    offset: Int64s
    session_id: Int64s
    number: NDArray[np.int32]
    pod_size: NDArray[np.int32]
    slot: NDArray[np.int32]
    programme: Int64s


class Sittings:
    """The sittings of a platform's households, and the breaks in them."""

    def __init__(self, population: Population) -> None:
        model = population.platform_model
        self._stream = key(population.seed, "sittings", model.name)
        self._hours = model.people.sitting_hours
        self._per_hour = model.people.breaks_per_hour
        self._stride = SPOTS_PER_HOUR // self._per_hour
        # Breaks that are left out where a sitting begins, and where it ends: a third of an hour.
        self._free = -(-self._per_hour // 3)
        # Pods of 1 to about twice the mean, all equally likely.
        mean = model.supply.slots_per_hour / self._per_hour
        self._sizes = round(max(2.0 * mean - 1.0, 1.0) * CHANCES)
        self._pods = _pods(-(-self._sizes // CHANCES), model.supply.mean_ad_seconds)

    def breaks(
        self,
        numbers: Int64s,
        devices: Int64s,
        hours: Hours,
        order: Int64s,
        placements: Int64s,
        stream: int,
    ) -> Breaks:
        """Return the breaks that impressions of a campaign are seen in.

        Households are given by their numbers, devices and placements by their positions in
        `DEVICES` and `PLACEMENTS`. `order` says how many impressions of the campaign the household
        has seen in the hour before this one; those of the first twelve are in different breaks.
        `stream` is a key of the campaign.
        """
        parts = [
            self._block(
                numbers[block] * len(DEVICES) + devices[block],
                hours[block],
                order[block],
                placements[block],
                np.uint64(stream),
            )
            for block in (
                slice(first, first + _BLOCK) for first in range(0, max(numbers.size, 1), _BLOCK)
            )
        ]
        names = [field.name for field in fields(Breaks)]
        return Breaks(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )

    def _block(
        self,
        place: Int64s,
        hours: Hours,
        order: Int64s,
        placements: Int64s,
        stream: np.uint64,
    ) -> Breaks:
        """Return the breaks of a block of impressions; `place` are the devices of households."""
        own = row_keys(self._stream, place)
        turned = hours + (sixteen_bits(own, 0) * self._hours >> 16)
        part = turned // self._hours
        in_part = turned - part * self._hours
        cut = self._cut(own, part)
        before = in_part < cut
        part -= before
        since = in_part - cut
        earlier = np.flatnonzero(before)
        began = self._cut(own.take(earlier), part.take(earlier))
        since[earlier] = in_part.take(earlier) + self._hours - began
        session_id = (row_keys(own, ~part) >> np.uint64(2)).view(np.int64) + 1

        words = row_keys(own + np.uint64(1), hours)
        programme = sixteen_bits(words, 0)
        of_campaign = mix(words + stream)
        low = self._free * (since == 0)
        high = self._per_hour - self._free * (in_part + 1 == cut)
        phase = sixteen_bits(own, 1) * self._stride >> 16
        spot = self._spots(low, high, phase, sixteen_bits(of_campaign, 0), order)

        words = row_keys(words, spot * _KINDS + placements)
        live = np.flatnonzero(placements == _LIVE)
        if live.size:
            words[live] = row_keys(self._stream, hours[live] * SPOTS_PER_HOUR + spot[live])
        pod = placements * self._pods.most + (sixteen_bits(words, 0) * self._sizes >> 32)
        size = self._pods.size.take(pod)
        slot = sixteen_bits(of_campaign, 1) * size >> 16
        ends_soon = (spot == SPOTS_PER_HOUR - 1) | (self._stride == 1)
        later = sixteen_bits(of_campaign, 2) * _SECOND
        room = self._pods.room.ravel().take(pod + ends_soon * self._pods.size.size)
        later += room * sixteen_bits(words, 1)
        number = 1 + (since * SPOTS_PER_HOUR + spot) * _KINDS + placements
        return Breaks(
            offset=spot * _SPOT + self._pods.ad.take(pod) * slot + (later >> 16),
            session_id=session_id,
            number=number.astype(np.int32),
            pod_size=size.astype(np.int32),
            slot=(slot + 1).astype(np.int32),
            programme=programme,
        )

    def _cut(self, own: Keys, part: Int64s) -> Int64s:
        """Return the hour of each part of time in which a sitting begins: same shape."""
        third = max(self._hours // 3, 1)
        return third + (sixteen_bits(row_keys(own, part), 0) * third >> 16)

    def _spots(
        self, low: Int64s, high: Int64s, phase: Int64s, chance: Int64s, order: Int64s
    ) -> Int64s:
        """Return the places in the hour of breaks, the numbers of which are from `low` to before
        `high`: same shape. `phase` is the place of the first break of an hour.

        The first impression takes any of them, and the next ones those after it, in turns. If there
        are more impressions than breaks, other places of the hour have some.
        """
        length = high - low
        place = low + (chance * length >> 16)
        spot = place * self._stride + phase
        again = np.flatnonzero(order)
        if again.size:
            low, high, length, order = low[again], high[again], length[again], order[again]
            in_sitting = low + (place[again] - low + order) % length
            beyond = (high + order - length) % self._per_hour
            usual = np.where(order < length, in_sitting, beyond)
            more = order // self._per_hour
            usual[more > 0] = order[more > 0] % self._per_hour
            spot[again] = usual * self._stride + (phase[again] + more) % self._stride
        return spot


def genre_choices(platform_model: PlatformModel, targetings: Sequence[Targeting]) -> Choices:
    """Return the position of the genre that each line item is seen beside, for each chance of a
    programme: (line items, chances)."""
    shares = platform_model.segment_shares(TargetingKey.CONTENT_GENRE)
    rows = []
    for targeting in targetings:
        named = targeting.get(TargetingKey.CONTENT_GENRE, list(shares))
        row: Floats = np.array([share * (name in named) for name, share in shares.items()])
        rows.append(row if row.any() else np.array([float(name in named) for name in shares]))
    return choices(np.stack(rows))
