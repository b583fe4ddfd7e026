"""Quantile functions: a uniform in, a normal, Poisson or binomial draw out.

Counts are inverted exactly where their variance is below 9, and by a third-order Cornish-Fisher
expansion above, where its error is far below what any sample could show. A plain normal
approximation would not do: a count of mean 0.3 comes out 24 % too high. One uniform makes one
draw, without rejection.
"""

import numpy as np
from numpy.typing import NDArray

from generator.randomness import Floats

Counts = NDArray[np.int64]

EXACT_BELOW_VARIANCE = 9.0
_LONGEST_INVERSION = 400
_NEGLIGIBLE = 1e-18
_FEW = 0.6


def normal(uniforms: Floats) -> Floats:
    """Standard normal quantiles: algorithm AS 241, PPND7 (Wichura 1988), relative error 1e-7."""
    centred = uniforms - 0.5
    r = 0.180625 - centred * centred
    z = centred * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)
    z /= ((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1.0
    tails = np.flatnonzero(r < 0.0)
    if tails.size:
        z[tails] = _normal_tail(uniforms[tails], centred[tails])
    return z


def _normal_tail(uniforms: Floats, centred: Floats) -> Floats:
    r = np.sqrt(-np.log(np.minimum(uniforms, 1.0 - uniforms)))
    near = r - 1.6
    far = r - 5.0
    z = np.where(
        r <= 5.0,
        (((0.17023821103 * near + 1.3067284816) * near + 2.7568153900) * near + 1.4234372777)
        / ((0.12021132975 * near + 0.73700164250) * near + 1.0),
        (((0.017337203997 * far + 0.42868294337) * far + 3.0812263860) * far + 6.6579051150)
        / ((0.012258202635 * far + 0.24197894225) * far + 1.0),
    )
    return np.copysign(z, centred)


def normal_probability(z: Floats) -> Floats:
    """P(Z <= z) of a standard normal: Abramowitz and Stegun 26.2.17, absolute error 7.5e-8."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    series = np.full(t.shape, 1.330274429)
    for coefficient in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        series = series * t + coefficient
    upper = density * series * t
    return np.where(z >= 0.0, 1.0 - upper, upper)


def poisson(uniforms: Floats, means: Floats) -> Counts:
    """Poisson quantiles; `means` >= 0, same shape as `uniforms`."""
    counts = np.zeros(means.shape, dtype=np.int64)
    small = np.flatnonzero((means > 0.0) & (means < EXACT_BELOW_VARIANCE))
    if small.size:
        counts[small] = _invert_poisson(uniforms[small], means[small])
    large = np.flatnonzero(means >= EXACT_BELOW_VARIANCE)
    if large.size:
        mean = means[large]
        sd = np.sqrt(mean)
        z = normal(uniforms[large])
        square = z * z
        expansion = mean + sd * z + (square - 1.0) / 6.0 + z * (1.0 - square) / (72.0 * sd)
        counts[large] = np.maximum(np.ceil(expansion - 0.5), 0.0)
    return counts


def binomial(uniforms: Floats, trials: Counts, probability: Floats) -> Counts:
    """Binomial quantiles: between 0 and `trials` always; all three of the same shape."""
    counts = np.zeros(trials.shape, dtype=np.int64)
    if not probability.any():
        return counts
    live = (trials > 0) & (probability > 0.0)
    certain = live & (probability >= 1.0)
    counts[certain] = trials[certain]
    live &= ~certain
    variance = trials * probability * (1.0 - probability)
    small = np.flatnonzero(live & (variance < EXACT_BELOW_VARIANCE))
    if small.size:
        counts[small] = _invert_binomial(uniforms[small], trials[small], probability[small])
    large = np.flatnonzero(live & (variance >= EXACT_BELOW_VARIANCE))
    if large.size:
        counts[large] = _expand_binomial(
            uniforms[large], trials[large], probability[large], variance[large]
        )
    return counts


def _expand_binomial(
    uniforms: Floats, trials: Counts, probability: Floats, variance: Floats
) -> Counts:
    """Cornish-Fisher to third order with a continuity correction, kept on the support."""
    sd = np.sqrt(variance)
    skewness = (1.0 - 2.0 * probability) / sd
    kurtosis = (1.0 - 6.0 * probability * (1.0 - probability)) / variance
    z = normal(uniforms)
    square = z * z
    standard = (
        z
        + skewness * (square - 1.0) / 6.0
        + kurtosis * z * (square - 3.0) / 24.0
        - skewness * skewness * z * (2.0 * square - 5.0) / 36.0
    )
    expansion = np.ceil(trials * probability + sd * standard - 0.5)
    return np.clip(expansion, 0, trials).astype(np.int64)


def _invert_poisson(uniforms: Floats, means: Floats) -> Counts:
    """Exact quantiles of Poissons with these means."""
    return _inverted(uniforms, np.exp(-means), means, np.zeros_like(means))


def _invert_binomial(uniforms: Floats, trials: Counts, probability: Floats) -> Counts:
    """Exact binomial quantiles, summed from the end of the support that is nearer to the mean."""
    mirrored = probability > 0.5
    p = np.where(mirrored, 1.0 - probability, probability)
    u = np.where(mirrored, 1.0 - uniforms, uniforms)
    odds = p / (1.0 - p)
    counts = _inverted(u, np.exp(trials * np.log1p(-p)), odds * (trials + 1), odds)
    counts = np.minimum(counts, trials)
    return np.where(mirrored, trials - counts, counts)


def _inverted(uniforms: Floats, first: Floats, a: Floats, b: Floats) -> Counts:
    """How many cumulative probabilities lie below each uniform, which is its quantile.

    The probabilities follow P(0) = `first`, P(k) = P(k - 1) x (a / k - b): the recursion of Panjer
    (1981) for the Poisson (a = mean, b = 0) and the binomial (a = odds x (n + 1), b = odds). Values
    that have arrived are left in place until they are the most, since moving the rest costs more.
    """
    result = np.zeros(uniforms.shape, dtype=np.int64)
    where = np.arange(uniforms.size)
    left, term, count = uniforms - first, first, np.zeros(uniforms.size, dtype=np.int64)
    for k in range(1, _LONGEST_INVERSION):
        waiting = (left > 0.0) & (term > _NEGLIGIBLE)
        still = np.count_nonzero(waiting)
        if still < _FEW * where.size:
            result[where] = count
            if not still:
                return result
            where, count = where[waiting], count[waiting]
            left, term, a, b = left[waiting], term[waiting], a[waiting], b[waiting]
            waiting = np.ones(still, dtype=np.bool_)
        count += waiting
        term = term * (a / k - b)
        left -= term
    result[where] = count
    return result
