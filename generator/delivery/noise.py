"""Noise: normal and log-normal draws, of one entity, or of an AR(1) of which any window can be
made alone."""

from collections.abc import Sequence
from typing import overload

import numpy as np

from generator.arrays import Floats, Int64s
from generator.delivery.quantiles import normal
from generator.platform.figures import Noise
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


def give_heavy_tails(normals: Floats, degrees: float) -> Floats:
    """Turn standard normals into Student's t of these degrees of freedom, with a variance of 1:
    Hill's expansion to the second order, same shape.

    >>> give_heavy_tails(np.array([-2.0, 0.0, 4.0]), 5.0).round(2).tolist()
    [-2.03, 0.0, 7.72]
    """
    square = normals * normals
    wider = 1.0 + (square + 1.0) / (4.0 * degrees)
    wider += ((5.0 * square + 16.0) * square + 3.0) / (96.0 * degrees * degrees)
    return normals * wider * np.sqrt((degrees - 2.0) / degrees)


def day_shocks(
    autocorrelation: float, degrees: float, local_hours: Int64s, *purpose: int | str
) -> Floats:
    """Draw shocks of a variance of 1 that each day has, without a seam at midnight: (hours,).

    `local_hours` count hours on one clock. A day's shock is that of its noon, and hours between two
    noons have a mean of both, with the variance that the shocks have. `purpose` starts with the
    seed.
    """
    if not local_hours.size:
        return np.zeros(0)
    since_noon = local_hours - 12
    day = since_noon // 24
    days = np.arange(day.min(), day.max() + 2)
    shocks = give_heavy_tails(ar1_normals(key(*purpose), days, autocorrelation), degrees)
    part = (since_noon - 24 * day) / 24.0
    position = day - days[0]
    mixed = (1.0 - part) * shocks.take(position) + part * shocks.take(position + 1)
    variance = 1.0 - 2.0 * part * (1.0 - part) * (1.0 - autocorrelation)
    smooth: Floats = mixed / np.sqrt(variance)
    return smooth
