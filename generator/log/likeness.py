"""Likeness: which attributes of people go together, and draws from them by 16 bits.

Every dimension keeps its shares in the population. What goes together is what the audience factors
of the platform say: a person is a draw from audiences that are bent by the factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys
from generator.platform.model import PlatformModel

Choices = NDArray[np.signedinteger[Any]]

# A draw is one of this number of equal chances.
CHANCES = 65_536
_16 = np.uint64(16)
_LOWEST = np.uint64(CHANCES - 1)
_MOST_ROUNDS = 1000
_TOLERANCE = 1e-10
_RAREST = -60.0


def sixteen_bits(words: Keys, place: int) -> Int64s:
    """Return one of the four numbers of 16 bits in each word: same shape."""
    bits = words >> (_16 * np.uint64(place))
    bits &= _LOWEST
    return bits.view(np.int64)


def small_type(size: int) -> np.dtype[np.signedinteger[Any]]:
    """Return the smallest type from 16 bits on for numbers up to a size."""
    return np.result_type(np.int16, np.min_scalar_type(size))


def choices(shares: Floats) -> Choices:
    """Return which segment each chance falls on, by shares (…, segments) that need not add up to 1:
    (…, chances).

    >>> np.bincount(choices(np.array([1.0, 0.0, 3.0]))).tolist()
    [16384, 0, 49152]
    """
    edges = shares.cumsum(axis=-1)
    edges = np.floor(edges / np.maximum(edges[..., -1:], 1e-300) * CHANCES + 0.5)
    # The last segment ends at the last chance, also where all shares are 0.
    edges[..., -1] = CHANCES
    rows = edges.reshape(-1, edges.shape[-1])
    found = [np.searchsorted(row, np.arange(CHANCES), side="right") for row in rows]
    result: Choices = np.stack(found).astype(small_type(shares.shape[-1]))
    return result.reshape(*shares.shape[:-1], CHANCES)


def joint_shares(platform_model: PlatformModel, dimensions: Sequence[str]) -> Floats:
    """Return the share of people with each combination of segments: an axis for each dimension.

    Integrating normal factors out of the bent shares gives the exponential of half the variance of
    what bends them. The result is fitted to the shares of each dimension in turns (iterative
    proportional fitting; Deming and Stephan 1940).
    """
    margins = [np.array(list(platform_model.segment_shares(name).values())) for name in dimensions]
    axes = len(margins)
    factors = len(platform_model.audience.factors.loadings)
    bent = np.zeros((factors, *(margin.size for margin in margins)))
    for axis, name in enumerate(dimensions):
        loadings = np.array(list(platform_model.factor_loadings[name].values()))
        bent += _along(loadings.T, axis, axes)
    spread = platform_model.people.factor_sd * platform_model.life.scale("audience")
    together = (spread * bent) ** 2 / 2.0
    logarithm = together.sum(axis=0)
    shares: Floats = np.exp(np.maximum(logarithm - logarithm.max(), _RAREST))
    for _ in range(_MOST_ROUNDS):
        before = shares.copy()
        for axis, margin in enumerate(margins):
            total = shares.sum(axis=tuple(other for other in range(axes) if other != axis))
            part = np.divide(margin, total, out=np.zeros_like(margin), where=total > 0)
            shares *= _along(part, axis, axes)
        if np.abs(shares - before).max() < _TOLERANCE:
            break
    return shares


def _along(values: Floats, axis: int, axes: int) -> Floats:
    """Return values (…, segments) with axes of length 1 for the other dimensions."""
    shape = [1] * axes
    shape[axis] = values.shape[-1]
    return values.reshape(*values.shape[:-1], *shape)
