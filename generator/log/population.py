"""The households of a platform: their numbers, where they live, and how much they watch."""

from __future__ import annotations

import numpy as np

from generator.arrays import Floats, Int64s, Mask
from generator.delivery.households import Block, country_blocks
from generator.permutation import ids
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniforms


class Population:
    """The households of a platform have the numbers from 0 on, block after block. A block are those
    of a country that live in one time zone and region, from the one that watches least.

    `first` (blocks,) is the number of each block's first household, and `households` (blocks,)
    are how many it has. `country`, `zone` and `region` say where it is; the region is empty for
    households that live in none.
    """

    def __init__(self, platform_model: PlatformModel, seed: int) -> None:
        self.platform_model = platform_model
        self.seed = seed
        blocks = [
            block
            for country in sorted(platform_model.countries)
            for block in country_blocks(platform_model, country)
        ]
        self.country = [block.country for block in blocks]
        self.zone = [block.zone for block in blocks]
        self.region = [block.region for block in blocks]
        self.households: Int64s = np.array([block.households for block in blocks])
        self.first: Int64s = np.array([block.first for block in blocks])
        self._stream = key(seed, "households", platform_model.name)
        self._last_panel: tuple[float, Int64s] | None = None

    @property
    def size(self) -> int:
        """How many households there are."""
        return int(self.households.sum())

    def locate(self, numbers: Int64s) -> Int64s:
        """Return the block of each household: same shape."""
        return np.searchsorted(self.first, numbers, side="right") - 1

    def watching(self, numbers: Int64s) -> Floats:
        """Return what part of the households of its block watches less than each: same shape."""
        block = self.locate(numbers)
        return (numbers - self.first[block] + 0.5) / self.households[block]

    def block_of(self, block: Block) -> int:
        """Return the position of a block."""
        return int(np.searchsorted(self.first, block.first))

    def household_ids(self, numbers: Int64s) -> Int64s:
        """Return the ids of households: same shape."""
        return ids(numbers, key(self._stream, "ids"))

    def panel(self, share: float) -> Int64s:
        """Return the households of a panel of this share, in order: one of each few neighbours,
        so that it watches as all do. The last one is kept."""
        if self._last_panel is None or self._last_panel[0] != share:
            self._last_panel = share, self._member(np.arange(self._members(share)), share)
        return self._last_panel[1]

    def in_panel(self, numbers: Int64s, share: float) -> Mask:
        """Say which households a panel of this share has: same shape."""
        stretch = ((numbers + 1) * self._members(share) - 1) // self.size
        return self._member(stretch, share) == numbers

    def _members(self, share: float) -> int:
        """Return how many households a panel has."""
        return max(1, round(self.size * share))

    def _member(self, stretch: Int64s, share: float) -> Int64s:
        """Return which household of each stretch of neighbours is in the panel: same shape."""
        members = self._members(share)
        low, high = (edge * self.size // members for edge in (stretch, stretch + 1))
        chance = uniforms(row_keys(self._stream, stretch), "panel")
        return low + np.floor(chance * (high - low)).astype(np.int64)
