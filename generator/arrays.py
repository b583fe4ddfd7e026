"""The types of the arrays that rows are computed in."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]

# Whole numbers kept as floats, which are exact up to 2^53: one draw is the input of the next, and
# converting in between would cost as much as a step of the draw.
WholeFloats = NDArray[np.float64]

# Doubles have all whole numbers below it.
_EXACT = 1 << 53

LARGEST_COUNT = int(np.iinfo(np.int32).max)


class CountError(ValueError):
    """A count that is too large for its column. The message names the count and its value."""


def check_counts(values: NDArray[Any], what: str) -> None:
    """Raise CountError for a count that a column of 32 bits cannot hold."""
    if values.size and values.max() > LARGEST_COUNT:
        raise CountError(
            f"{what}: {float(values.max()):,.0f} is more than {LARGEST_COUNT:,}, the largest "
            "number that a count can have"
        )


def distinct(arrays: Iterable[Int64s]) -> Int64s:
    """Return the numbers of some arrays, in order and once each. They are sorted, which takes a
    fraction of the time of the table that `numpy.unique` makes for many different numbers.

    >>> distinct([np.array([5, 2]), np.array([2, 9, 5])]).tolist()
    [2, 5, 9]
    """
    numbers = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *arrays]))
    return numbers[np.append(True, numbers[1:] != numbers[:-1])[: numbers.size]]


def quotient(values: Int64s, divisors: int | Int64s) -> Int64s:
    """Return values from 0 on divided by whole numbers, rounded down: same shape. Doubles do it
    sooner, and right, as far as they have all whole numbers.

    >>> quotient(np.array([5, 6, 7]), 3).tolist()
    [1, 2, 2]
    """
    if values.max(initial=0) < _EXACT:
        return (values / divisors).astype(np.int64)
    return values // divisors
