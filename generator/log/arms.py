"""The arms of an experiment: which households of a line are held out, and which ads they would have
seen.

A line is cut into stretches of neighbours, who watch about equally. A random one of each stretch is
the control, and the others are the test arm. So both arms watch alike, and a household's arm
follows from the seed, the campaign and its place alone. A control household would have seen what a
random test household of its stretch sees.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generator.arrays import Int64s, Mask
from generator.log.addressed import AddressedLine
from generator.randomness import row_keys, uniforms

# How many households are looked up together.
_HOUSEHOLDS_AT_ONCE = 1 << 18


class Arms:
    """The arms of a line of `households`, of which `control` are held out. Households have places
    in the line and in their arm, both from 0 on.

    >>> arms = Arms(10, 2, stream=5)
    >>> arms.places_of_control(np.arange(2)).tolist(), arms.places_of_test(np.arange(8)).tolist()
    ([4, 5], [0, 1, 2, 3, 6, 7, 8, 9])
    """

    def __init__(self, households: int, control: int, stream: int) -> None:
        self.households, self.control = households, control
        self.test = households - control
        self._stream = stream

    def places_of_control(self, places: Int64s) -> Int64s:
        """Return the places in the line of control households: same shape."""
        return self._low(places) + self._ahead(places)

    def places_of_test(self, places: Int64s) -> Int64s:
        """Return the places in the line of test households: same shape."""
        if not self.control:
            return places
        stretch = ((places + 1) * self.control - 1) // self.test
        ahead = places - self._test_before(stretch)
        return self._low(stretch) + ahead + (ahead >= self._ahead(stretch))

    def in_arms(self, places: Int64s) -> tuple[Mask, Int64s]:
        """Return which places of the line are control households, and the place of each in its
        arm: same shape each."""
        if not self.control:
            return np.zeros(places.shape, dtype=np.bool_), places
        stretch = ((places + 1) * self.control - 1) // self.households
        ahead, chosen = places - self._low(stretch), self._ahead(stretch)
        is_control = ahead == chosen
        in_test = self._test_before(stretch) + ahead - (ahead > chosen)
        return is_control, np.where(is_control, stretch, in_test)

    def mirrored_places(self, places: Int64s) -> Int64s:
        """Return the places in the test arm of the households that control households mirror: same
        shape. No two mirror the same one."""
        first, end = (self._test_before(edge) for edge in (places, places + 1))
        chance = uniforms(row_keys(self._stream, places), "mirrored")
        return first + np.floor(chance * (end - first)).astype(np.int64)

    def _low(self, stretch: Int64s) -> Int64s:
        """Return the first place of each stretch: same shape."""
        return stretch * self.households // self.control

    def _test_before(self, stretch: Int64s) -> Int64s:
        """Return the test households before each stretch: same shape."""
        return stretch * self.test // self.control

    def _ahead(self, stretch: Int64s) -> Int64s:
        """Return how far the control household is ahead of the first of each stretch: same
        shape."""
        size = self._low(stretch + 1) - self._low(stretch)
        chance = uniforms(row_keys(self._stream, stretch), "control")
        return np.floor(chance * size).astype(np.int64)


class SplitLine:
    """A line of addressed households in two arms. Places are those of its test arm, which sees the
    campaign."""

    def __init__(self, line: AddressedLine, arms: Arms) -> None:
        self._line = line
        self.arms = arms
        self.population = line.population

    def numbers(self, places: Int64s) -> Int64s:
        """Return the household at each place: same shape."""
        return self._line.numbers(self.arms.places_of_test(places))

    def blocks(self, places: Int64s) -> Int64s:
        """Return the block of the household at each place: same shape."""
        return self._line.blocks(self.arms.places_of_test(places))

    def places(self, numbers: Int64s, arcs: tuple[Int64s, Int64s] | None = None) -> Int64s:
        """Return the place of each household, -1 for those that are not in the test arm: same
        shape. With `arcs`, only households in these stretches need a place."""
        is_control, place = self._in_arms(numbers, arcs)
        return np.where(is_control, -1, place)

    def mirrored_places(self, numbers: Int64s) -> Int64s:
        """Return the place that each household of the control arm mirrors, -1 for others: same
        shape."""
        is_control, place = self._in_arms(numbers)
        result = np.full(numbers.shape, -1, dtype=np.int64)
        result[is_control] = self.arms.mirrored_places(place[is_control])
        return result

    def members(self, panel: Int64s | None) -> Iterator[tuple[Int64s, Mask]]:
        """Yield the households of the line, of a panel or all, and which of them are held out:
        (households,) each, some hundred thousand at once."""
        if panel is None:
            for first in range(0, self.arms.households, _HOUSEHOLDS_AT_ONCE):
                places = np.arange(first, min(first + _HOUSEHOLDS_AT_ONCE, self.arms.households))
                yield self._line.numbers(places), self.arms.in_arms(places)[0]
            return
        residents = self._line.residents(panel)
        for first in range(0, residents.size, _HOUSEHOLDS_AT_ONCE):
            numbers = residents[first : first + _HOUSEHOLDS_AT_ONCE]
            is_control, place = self._in_arms(numbers)
            yield numbers[place >= 0], is_control[place >= 0]

    def _in_arms(
        self, numbers: Int64s, arcs: tuple[Int64s, Int64s] | None = None
    ) -> tuple[Mask, Int64s]:
        """Return which households are held out, and their place in the arm, -1 for those that are
        in none: same shape each."""
        if arcs is not None and self.arms.control:
            begins, ends = arcs
            arcs = self.arms.places_of_test(begins), self.arms.places_of_test(ends - 1) + 1
        place = self._line.places(numbers, arcs)
        is_control = np.zeros(numbers.shape, dtype=np.bool_)
        known = np.flatnonzero(place >= 0)
        is_control[known], place[known] = self.arms.in_arms(place[known])
        return is_control, place
