"""Permutations of 0 … n - 1 that are known at any one place without the others.

A Feistel network (Luby and Rackoff 1988) on a grid of about the square root of n by the same: in
turns, each coordinate is moved around by an amount that the other one is hashed to. The grid has a
few places more than n; what falls on those is moved again, until it does not. In the end all turn
by a random amount, so that each value is equally likely at each place, however small n is.
"""

from __future__ import annotations

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
    return _in_blocks(values, sizes, streams, forward=True)


def unshuffle(places: Int64s, sizes: int | Int64s, streams: int | Keys) -> Int64s:
    """Return the values that `shuffle` puts at these places: same shape.

    >>> unshuffle(np.array([6, 0, 1, 4, 2, 3, 5]), 7, streams=1).tolist()
    [0, 1, 2, 3, 4, 5, 6]
    """
    return _in_blocks(places, sizes, streams, forward=False)


def _in_blocks(
    values: Int64s, sizes: int | Int64s, streams: int | Keys, *, forward: bool
) -> Int64s:
    result = np.empty(values.shape, dtype=np.int64)
    flat, given = result.ravel().view(np.uint64), values.ravel().view(np.uint64)
    size = np.broadcast_to(np.asarray(sizes, dtype=np.int64), values.shape).ravel()
    stream = np.broadcast_to(np.asarray(streams, dtype=np.uint64), values.shape).ravel()
    for first in range(0, given.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        own = size[block].view(np.uint64)
        flat[block] = _walk(given[block], own, stream[block], forward=forward)
    return flat.view(np.int64).reshape(values.shape)


def _walk(values: Keys, sizes: Keys, streams: Keys, *, forward: bool) -> Keys:
    """Move the values over the grid until all of them are below their sizes, and turn them."""
    turn = _below(mix(streams - GOLDEN), sizes)
    if not forward:
        values = _turn_back(values, turn, sizes)
    width = np.ceil(np.sqrt(sizes))
    height = np.ceil(sizes / width).astype(np.uint64)
    width = width.astype(np.uint64)
    result = _move(values, width, height, streams, forward=forward)
    while (beyond := np.flatnonzero(result >= sizes)).size:
        result[beyond] = _move(
            result[beyond], width[beyond], height[beyond], streams[beyond], forward=forward
        )
    return _turn(result, turn, sizes) if forward else result


def _move(values: Keys, width: Keys, height: Keys, streams: Keys, *, forward: bool) -> Keys:
    """Move values once over a grid of `width` x `height` places, forward or back."""
    sides = list(np.divmod(values, height))
    lengths = (width, height)
    for number in range(_ROUNDS) if forward else reversed(range(_ROUNDS)):
        side, other = number % 2, 1 - number % 2
        keys = sides[other] * _STEP
        keys += streams
        keys += _OF_ROUND[number]
        step = _below(mix(keys), lengths[side])
        sides[side] = (_turn if forward else _turn_back)(sides[side], step, lengths[side])
    return sides[0] * height + sides[1]


def _turn(values: Keys, step: Keys, lengths: Keys) -> Keys:
    """Return values moved on by a step, around the lengths; what is too small is a large number."""
    moved = values + step
    return np.minimum(moved, moved - lengths, out=moved)


def _turn_back(values: Keys, step: Keys, lengths: Keys) -> Keys:
    moved = values - step
    return np.minimum(moved, moved + lengths, out=moved)


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
