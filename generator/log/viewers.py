"""Viewers: which household sees which impression of a campaign, and the way back.

An hour's impressions of a group of line items have slots. A shuffle spreads the slots over the
cells of households, and the ledger of a cell deals them to places of its line (`addressed`). All of
it can be asked for any slot, and for any household.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from generator.arrays import Int64s, Mask, distinct
from generator.delivery.campaign import Seen
from generator.delivery.households import Part, control_households
from generator.delivery.ledger import Ledger
from generator.log.addressed import AddressedLine, Wanted
from generator.log.arms import Arms, SplitLine
from generator.log.population import Population
from generator.permutation import Shuffles
from generator.randomness import key, row_keys


@dataclass(frozen=True)
class _Line:
    """A line of households, and who of them sees which impression."""

    ledger: Ledger
    addressed: SplitLine


class _Order:
    """How the impressions of an hour follow one another: stretches of them one after the other.

    `owner` (stretches,) is the group or line of each, `counts` (stretches, hours) the impressions.
    """

    def __init__(self, owner: Int64s, counts: Int64s) -> None:
        self._owner = owner
        self._starts = np.zeros_like(counts)
        self.totals = np.zeros((int(owner.max(initial=0)) + 1, counts.shape[1]), dtype=np.int64)
        for stretch, group_or_line in enumerate(owner.tolist()):
            self._starts[stretch] = self.totals[group_or_line]
            self.totals[group_or_line] += counts[stretch]

    def locate(self, owner: Int64s, hour: Int64s, index: Int64s) -> tuple[Int64s, Int64s]:
        """Return the stretch that an impression of an hour is in, and its place there: same shape
        each."""
        found = np.zeros_like(index)
        for stretch, group_or_line in enumerate(self._owner.tolist()):
            found[(owner == group_or_line) & (index >= self._starts[stretch][hour])] = stretch
        return found, index - self._starts[found, hour]

    def locate_in(self, owner: int, hour: Int64s, index: Int64s) -> tuple[Int64s, Int64s]:
        """Return what `locate` does for impressions of one group or line."""
        first, *later = np.flatnonzero(self._owner == owner).tolist()
        found = np.full(index.shape, first)
        before = np.zeros_like(index)
        for stretch in later:
            start = self._starts[stretch].take(hour)
            is_here = index >= start
            np.copyto(found, stretch, where=is_here)
            np.copyto(before, start, where=is_here)
        return found, index - before

    def index(self, stretch: Int64s, hour: Int64s, place: Int64s) -> Int64s:
        """Return the number in its hour of the impression at a place of a stretch: same shape."""
        return self._starts[stretch, hour] + place


def line_of_households(
    campaign_id: int, parts: Sequence[Part], population: Population, wants: Wanted | None
) -> AddressedLine:
    """Return the households that a campaign addresses in these parts of blocks, as a line."""
    stream = key(population.seed, "viewers", campaign_id)
    return AddressedLine(parts, population, key(stream, "choice"), wants)


class Viewers:
    """The viewers of a campaign. `wants` says which households it is targeted on, beside where they
    live; None: all. An experiment holds out `control_share` of those that it addresses."""

    def __init__(
        self,
        seen: Seen,
        population: Population,
        seed: int,
        wants: Wanted | None = None,
        control_share: float = 0.0,
    ) -> None:
        self._seen = seen
        self._stream = key(seed, "viewers", seen.campaign_id)
        cells = [cell.parts for cell in seen.cells]
        is_joined = len(seen.exposures.lines) < len(cells)
        of_lines = [tuple(part for parts in cells for part in parts)] if is_joined else cells
        choice = key(self._stream, "choice")

        def split(position: int, parts: Sequence[Part]) -> SplitLine:
            households = sum(part.addressed for part in parts)
            control = control_households(households, control_share)
            arms = Arms(households, control, key(self._stream, "arms", position))
            return SplitLine(AddressedLine(parts, population, choice, wants), arms)

        self._lines = [
            _Line(ledger, split(position, parts))
            for position, (ledger, parts) in enumerate(
                zip(seen.exposures.ledgers(), of_lines, strict=True)
            )
        ]
        stretches = [
            (0 if is_joined else position, position, group)
            for position, cell in enumerate(seen.cells)
            for group in cell.groups
        ]
        self._line, cell, self._group = np.array(stretches, dtype=np.int64).reshape(-1, 3).T
        counts = seen.by_cell[self._group, cell]
        self._in_group = _Order(self._group, counts)
        self._in_line = _Order(self._line, counts)
        # The stretches of a line are shuffled, since dials have their impressions in order.
        self._is_mixed = np.bincount(self._line) > 1

    @property
    def hours(self) -> Int64s:
        """The hours of the campaign, in order."""
        return self._seen.exposures.hours

    def views(self, group: Int64s, hour: Int64s, slots: Int64s) -> tuple[Int64s, Int64s]:
        """Return the household that sees each slot of a group in an hour, given by its position,
        and how many impressions of the campaign it has seen with it: same shape each."""
        line_of, impression = self._impressions(group, hour, slots)
        households, exposures = np.empty_like(impression), np.empty_like(impression)
        for position, line in enumerate(self._lines):
            mine = np.flatnonzero(line_of == position)
            places, exposures[mine] = line.ledger.views(impression[mine])
            households[mine] = line.addressed.numbers(places)
        return households, exposures

    def exposures(self, group: Int64s, hour: Int64s, slots: Int64s) -> tuple[Int64s, Int64s]:
        """Return how many impressions of the campaign the household of each slot has seen with it,
        and the block that it lives in, without the households: same shape each."""
        line_of, impression = self._impressions(group, hour, slots)
        exposures, blocks = np.empty_like(impression), np.empty_like(impression)
        for position, line in enumerate(self._lines):
            mine = np.flatnonzero(line_of == position)
            places, exposures[mine] = line.ledger.views(impression[mine])
            blocks[mine] = line.addressed.blocks(places)
        return exposures, blocks

    def exposure_numbers(self, group: Int64s, hour: Int64s, slots: Int64s) -> Int64s:
        """Return how many impressions of the campaign the household of each slot has seen with it,
        without the households: same shape."""
        line_of, impression = self._impressions(group, hour, slots)
        exposures = np.empty_like(impression)
        for position, line in enumerate(self._lines):
            mine = np.flatnonzero(line_of == position)
            exposures[mine] = line.ledger.views(impression[mine])[1]
        return exposures

    def views_of_hours(
        self, first: int, last: int
    ) -> tuple[Int64s, Int64s, Int64s, Int64s, Int64s]:
        """Return all impressions of the hours from `first` to before `last`: the group, the hour
        and the slot of each, and what `views` returns for it.

        They are looked up in the order in which they are dealt, which is sooner than slot by slot.
        """
        found = []
        for position, line in enumerate(self._lines):
            hour, places, exposures = line.ledger.views_of_hours(first, last)
            number = np.arange(hour.size)
            index = number - np.searchsorted(hour, np.arange(first, last)).take(hour - first)
            slots = self._slots_in(position, hour, index)
            found.append((*slots, line.addressed.numbers(places), exposures))
        group, hour, slot, households, exposures = map(np.concatenate, zip(*found, strict=True))
        return group, hour, slot, households, exposures

    def slots_of(self, numbers: Int64s) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Return the impressions of households: the position of each one's household in `numbers`,
        and its group, hour and slot."""
        found = []
        for position, line in enumerate(self._lines):
            places = line.addressed.places(numbers, line.ledger.reached_arcs())
            here = np.flatnonzero(places >= 0)
            found.append((position, here, places[here]))
        return self._slots_of_places(found)

    def mirrored_slots_of(self, numbers: Int64s) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Return the impressions that held-out households would have seen, as `slots_of` does:
        those of the households that they mirror."""
        found = []
        for position, line in enumerate(self._lines):
            places = line.addressed.mirrored_places(numbers)
            here = np.flatnonzero(places >= 0)
            found.append((position, here, places[here]))
        return self._slots_of_places(found)

    def _slots_of_places(
        self, found: Sequence[tuple[int, Int64s, Int64s]]
    ) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Return the owner, the group, the hour and the slot of each impression at places of lines.
        Each of `found` has the line, the owners of places, and the places."""
        slots = []
        for position, owners, places in found:
            ledger = self._lines[position].ledger
            owner, impressions = ledger.impressions_of(places)
            slots.append((owners[owner], *self._slots_in(position, *ledger.hour_of(impressions))))
        owner, group, hour, slot = map(np.concatenate, zip(*slots, strict=True))
        return owner, group, hour, slot

    def members(self, panel: Int64s | None) -> Iterator[tuple[Int64s, Mask]]:
        """Yield the households that the campaign addresses, of a panel or all, and which of them an
        experiment holds out: (households,) each, some hundred thousand at once."""
        for line in self._lines:
            yield from line.addressed.members(panel)

    def _slots_in(self, line: int, hour: Int64s, index: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """Return the group, the hour and the slot of each impression of a line, given by its hour
        and its number there: same shape each."""
        if self._is_mixed[line]:
            index = self._of_lines.unshuffle(index, line * self.hours.size + hour)
        stretch, place = self._in_line.locate_in(line, hour, index)
        group = self._group.take(stretch)
        index = self._in_group.index(stretch, hour, place)
        return group, hour, self._of_groups.unshuffle(index, group * self.hours.size + hour)

    def reached_households(self, share: float) -> Int64s:
        """Return the households of a panel that see the campaign, in order; a share of 1 is all."""
        if share < 1:
            panel = self._lines[0].addressed.population.panel(share)
            return panel[distinct([self.slots_of(panel)[0]])]
        found = [line.addressed.numbers(line.ledger.reached_places()) for line in self._lines]
        return np.sort(np.concatenate(found))

    def _impressions(self, group: Int64s, hour: Int64s, slots: Int64s) -> tuple[Int64s, Int64s]:
        """Return the line and the number in its ledger of the impression of each slot: same shape
        each."""
        index = self._of_groups.shuffle(slots, group * self.hours.size + hour)
        stretch, place = self._in_group.locate(group, hour, index)
        line_of = self._line[stretch]
        index = self._in_line.index(stretch, hour, place)
        mixed = np.flatnonzero(self._is_mixed[line_of])
        of = line_of[mixed] * self.hours.size + hour[mixed]
        index[mixed] = self._of_lines.shuffle(index[mixed], of)
        first = np.stack([line.ledger.first_of_hour for line in self._lines])
        return line_of, first[line_of, hour] + index

    @cached_property
    def _of_groups(self) -> Shuffles:
        """The shuffles of the slots of groups, hour by hour."""
        return self._shuffles("group", self._in_group.totals)

    @cached_property
    def _of_lines(self) -> Shuffles:
        """The shuffles of the impressions of lines, hour by hour."""
        return self._shuffles("line", self._in_line.totals)

    def _shuffles(self, purpose: str, totals: Int64s) -> Shuffles:
        owners = row_keys(key(self._stream, purpose), np.arange(totals.shape[0]))
        return Shuffles(totals.ravel(), row_keys(owners[:, None], self.hours).ravel())
