"""Log-normal noise that remembers itself: an AR(1) made of hashed innovations, so that any window
of it can be made alone."""

import numpy as np

from generator.arrays import Floats, Int64s
from generator.delivery.quantiles import normal
from generator.platform.model import Noise
from generator.randomness import key, row_keys, uniforms

_FORGOTTEN = 1e-3


def ar1_normals(stream: int, positions: Int64s, autocorrelation: float) -> Floats:
    """Standard normals at consecutive `positions`, correlated by `autocorrelation` from one to the
    next.

    An AR(1) written as the sum of its past innovations, cut where their weight falls below 0.001;
    the innovation of a position depends on `stream` and the position alone. The sum of many is made
    of two sums of half as many, as powers are by squaring.
    """
    if not positions.size:
        return np.zeros(0)
    memory = int(np.ceil(np.log(_FORGOTTEN) / np.log(autocorrelation))) if autocorrelation else 0
    first = int(positions[0])
    span = np.arange(first - memory, int(positions[-1]) + 1, dtype=np.int64)
    innovations = normal(uniforms(row_keys(stream, span), "innovation"))
    total, summed = innovations, 1
    for bit in f"{memory + 1:b}"[1:]:
        total = total[summed:] + autocorrelation**summed * total[:-summed]
        summed *= 2
        if bit == "1":
            total = innovations[summed:] + autocorrelation * total[:-1]
            summed += 1
    weights = autocorrelation ** np.arange(memory + 1, dtype=np.float64)
    return total / np.sqrt(np.sum(weights * weights))


def multiplier(noise: Noise, positions: Int64s, *purpose: int | str) -> Floats:
    """Noise factors with mean 1 at consecutive `positions`; `purpose` starts with the seed."""
    shocks = ar1_normals(key(*purpose), positions, noise.autocorrelation)
    return np.exp(noise.log_sd * shocks - 0.5 * noise.log_sd**2)
