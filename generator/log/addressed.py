"""The line of households that a campaign addresses, as people of the population.

A line is made of parts of blocks, which take turns along it, in order of how much households watch.
A block's households are cut into stretches of neighbours in rank. Of each stretch the campaign
addresses as many as its part has: those that it wants, in random order, and where they do not
suffice others, off target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from generator.arrays import Int64s, Mask, quotient
from generator.delivery.households import Part
from generator.log.population import Population
from generator.randomness import key, row_keys

# Which of these households a campaign wants: (numbers,).
Wanted = Callable[[Int64s], Mask]

# The least households of a stretch, and the least of them that are addressed.
_NEIGHBOURS, _ADDRESSED = 32, 8
# How many households are looked at together.
_AT_ONCE = 1 << 20
# The order of turns is that of numbers: whether it comes last, whether it is unwanted, a random
# number, and the household, counted from the first of the stretch.
_LAST, _UNWANTED, _NOT_LAST = np.uint64(1 << 63), np.uint64(1 << 62), np.uint64(0)
_AHEAD = np.uint64((1 << 26) - 1)
_RANDOM = np.uint64((1 << 62) - (1 << 26))


class AddressedLine:
    """A line of addressed households: places 0 … n - 1, from those that watch least."""

    def __init__(
        self,
        parts: Sequence[Part],
        population: Population,
        stream: int,
        wants: Wanted | None,
    ) -> None:
        self.population = population
        # Large parts come first, so that few places are left to look up after them.
        in_order = sorted(parts, key=lambda part: -part.addressed)
        self._parts = [_AddressedPart(part, population, stream, wants) for part in in_order]
        sizes = [part.size for part in self._parts]
        # How many are left in the line when the turns of each part are taken out of it.
        self._left = [sum(sizes[position:]) for position in range(len(sizes))]

    def numbers(self, places: Int64s) -> Int64s:
        """Return the household at each place: same shape."""
        result = np.empty(places.shape, dtype=np.int64)
        for part, of_part, turns in self._turns(places):
            result[of_part] = part.numbers(turns)
        return result

    def blocks(self, places: Int64s) -> Int64s:
        """Return the block of the household at each place: same shape."""
        if len(self._parts) == 1:
            return np.full(places.shape, self._parts[0].block)
        result = np.empty(places.shape, dtype=np.int64)
        for part, of_part, _ in self._turns(places):
            result[of_part] = part.block
        return result

    def _turns(self, places: Int64s) -> Iterator[tuple[_AddressedPart, Int64s, Int64s]]:
        """Yield the parts, which of the places are those of each, and their turns in it."""
        rest, place = np.arange(places.size), places.copy()
        for part, left in zip(self._parts, self._left, strict=True):
            turns = place * part.size
            before = quotient(turns, left)
            is_mine = before * left + (left - part.size) <= turns
            mine, others = np.flatnonzero(is_mine), np.flatnonzero(~is_mine)
            yield part, rest[mine], before[mine]
            place -= before
            rest, place = rest[others], place[others]
            if not rest.size:
                break

    def residents(self, numbers: Int64s) -> Int64s:
        """Return those of some households, in order, that live in the blocks of the line."""
        return np.concatenate([numbers[:0], *(part.residents(numbers) for part in self._parts)])

    def places(self, numbers: Int64s, arcs: tuple[Int64s, Int64s] | None = None) -> Int64s:
        """Return the place of each household, -1 for those that are not addressed: same shape.

        With `arcs`, stretches of the line from a first place to before another, in order, only
        households in them need a place. Of the others no neighbours are looked at.
        """
        result = np.full(numbers.shape, -1, dtype=np.int64)
        for position, part in enumerate(self._parts):
            inside = np.flatnonzero(part.has(numbers))
            first, end = part.turns_near(numbers[inside])
            if arcs is not None:
                begins, ends = arcs
                here = np.searchsorted(ends, self._place(position, first), side="right")
                # The arcs that are not over there begin before the stretch is.
                near = np.append(begins, np.iinfo(np.int64).max)[here]
                some = (end > first) & (near <= self._place(position, end - 1))
                inside = inside[some]
            turn = part.places(numbers[inside])
            inside, turn = inside[turn >= 0], turn[turn >= 0]
            result[inside] = self._place(position, turn)
        return result

    def _place(self, position: int, turn: Int64s) -> Int64s:
        """Return the place in the line of the turns of a part: same shape."""
        place = quotient((turn + 1) * self._left[position] - 1, self._parts[position].size)
        for earlier in reversed(range(position)):
            size, left = self._parts[earlier].size, self._left[earlier]
            place += quotient(place * size, left - size)
        return place


class _AddressedPart:
    """The households of a block that a campaign addresses: `size` of them, with places from 0."""

    def __init__(
        self, part: Part, population: Population, stream: int, wants: Wanted | None
    ) -> None:
        self.size = part.addressed
        self._first, self._households = part.block.first, part.block.households
        self._stretches = max(1, min(self._households // _NEIGHBOURS, self.size // _ADDRESSED))
        self.block = population.block_of(part.block)
        self._stream = key(stream, self.block)
        self._wants = wants
        # How far each turn's household is ahead of the first one of its stretch, as far as asked.
        self._longest = -(-self._households // self._stretches)
        self._ahead = np.empty(self.size, dtype=np.min_scalar_type(self._longest))
        self._is_known = np.zeros(self._stretches, dtype=np.bool_)

    def residents(self, numbers: Int64s) -> Int64s:
        """Return those of some households, in order, that live in the block."""
        end = self._first + self._households
        return numbers[slice(*np.searchsorted(numbers, [self._first, end]).tolist())]

    def has(self, numbers: Int64s) -> Mask:
        """Say which households live in the block: same shape."""
        mask: Mask = (numbers >= self._first) & (numbers < self._first + self._households)
        return mask

    def numbers(self, places: Int64s) -> Int64s:
        """Return the household at each place: same shape."""
        stretch = _stretch_of(places, self._stretches, self.size)
        new = np.flatnonzero(~self._is_known.take(stretch))
        if new.size:
            self._look_up(np.unique(stretch.take(new)))
        numbers = self._edge(stretch, self._households)
        numbers += self._ahead.take(places)
        numbers += self._first
        return numbers

    def _look_up(self, stretches: Int64s) -> None:
        """Note the households of these stretches."""
        for some, _, order in self._in_order(stretches):
            first, end = self._edge(some, self.size), self._edge(some + 1, self.size)
            turn = np.arange((end - first).max())
            has = turn < (end - first)[:, None]
            self._ahead[(first[:, None] + turn)[has]] = order[:, : turn.size][has]
        self._is_known[stretches] = True

    def turns_near(self, numbers: Int64s) -> tuple[Int64s, Int64s]:
        """Return the first turn of the stretch of each household of the block, and the one after
        the last: same shape each."""
        stretch = _stretch_of(numbers - self._first, self._stretches, self._households)
        return self._edge(stretch, self.size), self._edge(stretch + 1, self.size)

    def places(self, numbers: Int64s) -> Int64s:
        """Return the place of each household of the block, -1 for those that are not addressed:
        same shape."""
        stretch = _stretch_of(numbers - self._first, self._stretches, self._households)
        place = np.empty_like(numbers)
        stretches, row = np.unique(stretch, return_inverse=True)
        done = 0
        for some, low, order in self._in_order(stretches):
            asked = np.flatnonzero((row >= done) & (row < done + some.size))
            of_asked = row[asked] - done
            place[asked] = order.argsort(axis=1)[of_asked, numbers[asked] - low[of_asked]]
            done += some.size
        place += self._edge(stretch, self.size)
        return np.where(place < self._edge(stretch + 1, self.size), place, -1)

    def _edge(self, stretch: Int64s, whole: int) -> Int64s:
        """Return where each stretch of a whole begins: same shape."""
        return quotient(stretch * whole, self._stretches)

    def _in_order(self, stretches: Int64s) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """Yield some of these stretches, the first household of each, and all of its households,
        counted from that one, in the order of their turns: those that are wanted and then the
        others, both in random order. There is room for one more than some stretches have, which
        comes last."""
        ahead = np.arange(self._longest)
        at_once = max(1, _AT_ONCE // ahead.size)
        for first in range(0, stretches.size, at_once):
            some = stretches[first : first + at_once]
            low, high = (self._edge(edge, self._households) for edge in (some, some + 1))
            turn = row_keys(row_keys(self._stream, some)[:, None], ahead)
            turn &= _RANDOM
            low += self._first
            high += self._first
            if self._wants is not None:
                numbers = low[:, None] + ahead
                wanted = self._wants(numbers.ravel()).reshape(numbers.shape)
                turn |= np.where(wanted, _NOT_LAST, _UNWANTED)
            turn |= ahead.astype(np.uint64)
            turn[:, -1] |= np.where(high - low < ahead.size, _LAST, _NOT_LAST)
            turn.sort(axis=1)
            turn &= _AHEAD
            yield some, low, turn.view(np.int64)


def _stretch_of(values: Int64s, stretches: int, whole: int) -> Int64s:
    """Return the stretch that each of the values below `whole` is in: same shape."""
    return quotient((values + 1) * stretches - 1, whole)
