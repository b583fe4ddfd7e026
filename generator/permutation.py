"""Permutations of 0 … n - 1 that are known at any one place without the others.

A Feistel network (Luby and Rackoff 1988) on a grid of about the square root of n by the same: in
turns, each coordinate is moved around by an amount that the other one is hashed to. The grid has a
few places more than n; what falls on those is moved again, until it does not. In the end all turn
by a random amount, so that each value is equally likely at each place, however small n is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from generator.arrays import Int64s, Keys
from generator.randomness import GOLDEN, mix

_ROUNDS = 4
_32 = np.uint64(32)
# What a place of the other coordinate, and a round, add to the key of a step.
_STEP = np.uint64(_ROUNDS * int(GOLDEN) % 2**64)
_OF_ROUND = [np.uint64(number * int(GOLDEN) % 2**64) for number in range(_ROUNDS)]
# This number of values at a time stays in the cache of a processor.
_BLOCK = 32_768


def shuffle(values: Int64s, sizes: int | Int64s, streams: int | Keys) -> Int64s:
    """Return the places of these values after 0 … size - 1 are shuffled: same shape.

    Each value may have its own size and its own stream, the key of its permutation.

    >>> shuffle(np.arange(7), 7, streams=1).tolist()
    [6, 0, 1, 4, 2, 3, 5]
    """
    shape = values.shape
    every = Shuffles(
        np.broadcast_to(np.asarray(sizes, dtype=np.int64), shape).ravel(),
        np.broadcast_to(np.asarray(streams, dtype=np.uint64), shape).ravel(),
    )
    return every.shuffle(values.ravel(), np.arange(values.size)).reshape(shape)


@dataclass(frozen=True)
class _Grids:
    """Grids of `width` x `height` places for `sizes` values, and how far these turn in the end."""

    sizes: Keys
    streams: Keys
    turn: Keys
    width: Keys
    height: Keys

    def take(self, of: Int64s) -> _Grids:
        """Return the grids at these positions."""
        return _Grids(*(getattr(self, field.name).take(of) for field in fields(self)))


class Shuffles:
    """Permutations, each of 0 … size - 1, with a stream: its key. Values are in the one at the
    position `of` among them."""

    def __init__(self, sizes: Int64s, streams: Keys) -> None:
        own = sizes.view(np.uint64)
        width = np.ceil(np.sqrt(own))
        height = np.ceil(own / np.maximum(width, 1.0)).astype(np.uint64)
        turn = _below(mix(streams - GOLDEN), own)
        self._grids = _Grids(own, streams, turn, width.astype(np.uint64), height)

    def shuffle(self, values: Int64s, of: Int64s) -> Int64s:
        """Return the places of these values after they are shuffled: same shape."""
        return self._in_blocks(values, of, forward=True)

    def unshuffle(self, places: Int64s, of: Int64s) -> Int64s:
        """Return the values that `shuffle` puts at these places: same shape.

        >>> shuffles = Shuffles(np.array([7]), np.array([1], dtype=np.uint64))
        >>> shuffles.unshuffle(np.array([6, 0, 1, 4, 2, 3, 5]), np.zeros(7, dtype=int)).tolist()
        [0, 1, 2, 3, 4, 5, 6]
        """
        return self._in_blocks(places, of, forward=False)

    def _in_blocks(self, values: Int64s, of: Int64s, *, forward: bool) -> Int64s:
        result = np.empty(values.size, dtype=np.uint64)
        for first in range(0, values.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            given = values[block].view(np.uint64)
            result[block] = _walk(given, self._grids.take(of[block]), forward=forward)
        return result.view(np.int64)


def _walk(values: Keys, grids: _Grids, *, forward: bool) -> Keys:
    """Move the values over the grids until all of them are below their sizes, and turn them."""
    if not forward:
        values = _turn_back(values, grids.turn, grids.sizes)
    result = _move(values, grids, forward=forward)
    while (beyond := np.flatnonzero(result >= grids.sizes)).size:
        result[beyond] = _move(result.take(beyond), grids.take(beyond), forward=forward)
    return _turn(result, grids.turn, grids.sizes) if forward else result


def _move(values: Keys, grids: _Grids, *, forward: bool) -> Keys:
    """Move values once over their grids, forward or back."""
    # Doubles divide whole numbers below 2^53 sooner, and right.
    column = (values.view(np.int64) / grids.height.view(np.int64)).astype(np.int64).view(np.uint64)
    sides = [column, values - column * grids.height]
    lengths = (grids.width, grids.height)
    for number in range(_ROUNDS) if forward else reversed(range(_ROUNDS)):
        side, other = number % 2, 1 - number % 2
        keys = sides[other] * _STEP
        keys += grids.streams
        keys += _OF_ROUND[number]
        step = _below(mix(keys), lengths[side])
        sides[side] = (_turn if forward else _turn_back)(sides[side], step, lengths[side])
    sides[0] *= grids.height
    sides[0] += sides[1]
    return sides[0]


def _turn(values: Keys, step: Keys, lengths: Keys) -> Keys:
    """Return values moved on by a step, around the lengths; what is too small is a large number.
    The step is replaced."""
    moved = values + step
    np.subtract(moved, lengths, out=step)
    return np.minimum(moved, step, out=moved)


def _turn_back(values: Keys, step: Keys, lengths: Keys) -> Keys:
    moved = values - step
    np.add(moved, lengths, out=step)
    return np.minimum(moved, step, out=moved)


def _below(keys: Keys, lengths: Keys) -> Keys:
    """Return whole numbers from 0 to before the lengths, which are below 2^32, from random keys,
    which they replace."""
    keys >>= _32
    keys *= lengths
    keys >>= _32
    return keys


_MASK_62 = np.uint64(2**62 - 1)


def ids(values: Int64s, stream: int) -> Int64s:
    """Return ids for values below 2^62, 1 to 2^62: same shape, different ids for different values.

    Each step of a SplitMix64 can be undone, also in 62 bits.

    >>> ids(np.arange(3), stream=1).tolist()
    [2558316640067307270, 3844605060809681531, 2185194620014831857]
    """
    result = values.astype(np.uint64)
    result += np.uint64(stream % 2**62)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        result &= _MASK_62
        result ^= result >> np.uint64(shift)
        result *= np.uint64(factor)
    result &= _MASK_62
    result ^= result >> np.uint64(31)
    return result.view(np.int64) + 1
