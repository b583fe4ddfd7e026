"""Noise: normal and log-normal draws, of one entity, or of an AR(1) of which any window can be
made alone."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from generator.arrays import Floats, Int64s
from generator.delivery.quantiles import normal
from generator.platform.model import Noise
from generator.randomness import key, row_keys, uniforms

_FORGOTTEN = 1e-3


def effects(seed: int, purposes: Sequence[tuple[str, int]]) -> Floats:
    """Draw a standard normal for each purpose and entity id: what makes an entity differ from
    others of its kind, (purposes,)."""
    keys = np.array([key(seed, *purpose) for purpose in purposes], dtype=np.uint64)
    return normal(uniforms(keys, "uniform"))


@overload
def log_normal(log_sd: float, normals: float) -> float: ...


@overload
def log_normal(log_sd: float, normals: Floats) -> Floats: ...


def log_normal(log_sd: float, normals: Floats | float) -> Floats | float:
    """Turn standard normals into log-normal factors with a mean of 1: same shape.

    >>> float(round(log_normal(0.5, 0.0), 4)), float(round(log_normal(0.5, 1.0), 4))
    (0.8825, 1.455)
    """
    factors: Floats | float = np.exp(log_sd * normals - 0.5 * log_sd * log_sd)
    return factors


def ar1_normals(stream: int, positions: Int64s, autocorrelation: float) -> Floats:
    """Draw standard normals at consecutive `positions`, each correlated with the one before.

    The innovation of a position depends on `stream` and the position alone.
    """
    if not positions.size:
        return np.zeros(0)
    first = int(positions[0]) - memory_of(autocorrelation)
    span = np.arange(first, int(positions[-1]) + 1, dtype=np.int64)
    innovations = normal(uniforms(row_keys(stream, span), "innovation"))
    return autoregression(innovations, autocorrelation)


def memory_of(autocorrelation: float) -> int:
    """Return how many innovations before its own a value of an AR(1) remembers."""
    return int(np.ceil(np.log(_FORGOTTEN) / np.log(autocorrelation))) if autocorrelation else 0


def autoregression(innovations: Floats, autocorrelation: float) -> Floats:
    """Turn innovations (…, memory + n) into standard normals of an AR(1): (…, n).

    An AR(1) written as the weighted sum of its past innovations, cut where their weight falls below
    0.001. The sum of many is made of two sums of half as many, as powers are made by squaring.
    """
    memory = memory_of(autocorrelation)
    total = innovations
    summed = 1
    for bit in f"{memory + 1:b}"[1:]:
        total = total[..., summed:] + autocorrelation**summed * total[..., :-summed]
        summed *= 2
        if bit == "1":
            total = innovations[..., summed:] + autocorrelation * total[..., :-1]
            summed += 1
    weights = autocorrelation ** np.arange(memory + 1, dtype=np.float64)
    return total / np.sqrt(np.sum(weights * weights))


def multiplier(noise: Noise, positions: Int64s, *purpose: int | str) -> Floats:
    """Draw noise factors with mean 1 at consecutive `positions`; `purpose` starts with the seed."""
    shocks = ar1_normals(key(*purpose), positions, noise.autocorrelation)
    return log_normal(noise.log_sd, shocks)
