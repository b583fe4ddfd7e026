"""Draws for many ids at once: arrays of uniforms and normals, and picks from a mix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from generator.arrays import Floats, Int64s
from generator.delivery.quantiles import normal
from generator.randomness import key, row_keys, uniforms


def uniforms_of(seed: int, purpose: str, ids: Int64s) -> Floats:
    """Draw a uniform for each id."""
    return uniforms(row_keys(key(seed, purpose), ids), "uniform")


def normals_of(seed: int, purpose: str, ids: Int64s) -> Floats:
    """Draw a standard normal for each id."""
    return normal(uniforms_of(seed, purpose, ids))


def pick(weights: Iterable[float], seed: int, purpose: str, ids: Int64s) -> Int64s:
    """Pick a position among the weights for each id, as often as its weight says."""
    edges = np.cumsum(list(weights))
    edges /= edges[-1]
    picked = np.searchsorted(edges[:-1], uniforms_of(seed, purpose, ids), side="right")
    return picked.astype(np.int64)


def pick_number(mix: Mapping[int, float], seed: int, purpose: str, ids: Int64s) -> Int64s:
    """Pick a whole number of a mix for each id."""
    return np.array(list(mix))[pick(mix.values(), seed, purpose, ids)]
