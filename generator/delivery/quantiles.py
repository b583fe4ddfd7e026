"""Quantile functions: a uniform in, a normal, Poisson or binomial draw out.

Counts are inverted exactly where their variance is below 9. Above, a third-order Cornish-Fisher
expansion is used, with an error far below what any sample could show. A plain normal approximation
is not enough: with it a count of mean 0.3 comes out 24 % too high. One uniform makes one draw,
without rejection.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from generator.arrays import Floats, Keys, Mask, WholeFloats
from generator.delivery.quantile_tables import OPEN, BinomialTables, PoissonTable
from generator.randomness import uniforms

EXACT_BELOW_VARIANCE = 9.0
# The counts at which the rounds of an inversion end: more steps as fewer draws wait. The last is
# far beyond what a variance below 9 can reach, and a count of it fits into 8 bits.
_ROUNDS = (0, 8, 24, 56, 120)
_NEGLIGIBLE = 1e-18
# Binomials of a smaller probability are looked up as Poissons first.
_RARE = 0.01
# Above this share of large draws, all draws are expanded.
_MOSTLY_LARGE = 0.6
# A cell of the normal's table: 64 to an octave, from below the smallest uniform.
_CELL_SHIFT = 52 - 6
_FIRST_CELL = int(np.float64(2.0**-54).view(np.int64)) >> _CELL_SHIFT

_BINOMIALS = BinomialTables(EXACT_BELOW_VARIANCE)


def normal(uniforms: Floats) -> Floats:
    """Return standard normal quantiles, same shape: absolute error 2e-8, and 4e-8 at 1/2.

    They are read off a parabola for each cell of the lower half.

    >>> normal(np.array([0.025, 0.5, 0.975])).round(4).tolist()
    [-1.96, 0.0, 1.96]
    """
    tail = 1.0 - uniforms
    np.minimum(tail, uniforms, out=tail)
    cell = tail.view(np.int64) >> _CELL_SHIFT
    cell -= _FIRST_CELL
    constant, linear, square = _parabolas()
    z = square.take(cell)
    z *= tail
    z += linear.take(cell)
    z *= tail
    z += constant.take(cell)
    return np.copysign(z, np.subtract(uniforms, 0.5, out=tail), out=z)


@lru_cache
def _parabolas() -> tuple[Floats, Floats, Floats]:
    """Return the normal quantile in p up to 1/2 as parabolas through three Chebyshev points a cell:
    the coefficients of 1, p and p^2, (cells,) each.

    A float's exponent and the first bits after it are its cell, so cells are narrow where p is
    small.
    """
    last = int(np.float64(0.5).view(np.int64)) >> _CELL_SHIFT
    edges = (np.arange(_FIRST_CELL, last + 2) << _CELL_SHIFT).view(np.float64)
    middle = (edges[1:] + edges[:-1]) / 2.0
    step = np.diff(edges) * (np.sqrt(3.0) / 4.0)
    below, at, above = (
        np.array([NormalDist().inv_cdf(p) for p in (middle + side * step).tolist()])
        for side in (-1.0, 0.0, 1.0)
    )
    slope = (above - below) / (2.0 * step)
    square = (above - 2.0 * at + below) / (2.0 * step * step)
    linear = slope - 2.0 * square * middle
    return at - (slope - square * middle) * middle, linear, square


def normal_probability(z: Floats) -> Floats:
    """Return P(Z <= z) of a standard normal: Abramowitz and Stegun 26.2.17, absolute error
    7.5e-8."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    series = np.full(t.shape, 1.330274429)
    for coefficient in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        series = series * t + coefficient
    upper = density * series * t
    return np.where(z >= 0.0, 1.0 - upper, upper)


def poisson(uniforms: Floats, means: Floats) -> WholeFloats:
    """Return Poisson quantiles; `means` >= 0, same shape as `uniforms`.

    >>> poisson(np.array([0.1, 0.5, 0.9]), np.array([2.0, 2.0, 2.0])).tolist()
    [0.0, 2.0, 4.0]
    """
    flat_uniforms = uniforms.ravel()
    flat_means = means.ravel()
    counts = _expand(_expand_poisson, flat_means, flat_uniforms, flat_means)
    small = _where(flat_means < EXACT_BELOW_VARIANCE)
    if small.size:
        counts[small] = _small_poisson(flat_uniforms.take(small), flat_means.take(small))
    return counts.reshape(means.shape)


def binomial(uniforms: Floats, trials: WholeFloats, probability: Floats) -> WholeFloats:
    """Return binomial quantiles, always between 0 and `trials`; all three are (draws,).

    >>> binomial(np.array([0.1, 0.5, 0.9]), np.full(3, 10.0), np.full(3, 0.5)).tolist()
    [3.0, 5.0, 7.0]
    """
    spread = 1.0 - probability
    spread *= probability
    variance = trials * spread
    counts = _expand(_expand_binomial, variance, uniforms, trials, probability, spread, variance)
    small = _where(variance < EXACT_BELOW_VARIANCE)
    if small.size:
        counts[small] = _small_binomial(
            uniforms.take(small),
            trials.take(small),
            probability.take(small),
            variance.take(small),
        )
    return counts


def _expand(
    expand: Callable[..., WholeFloats], variance: Floats, *arguments: Floats
) -> WholeFloats:
    """Expand the draws of large variance; the others can be any number: (draws,).

    Where few are small, they are expanded as well: taking the large ones out costs more.
    """
    is_large = variance >= EXACT_BELOW_VARIANCE
    if np.count_nonzero(is_large) > _MOSTLY_LARGE * variance.size:
        with np.errstate(divide="ignore", invalid="ignore"):
            return expand(*arguments)
    large = _where(is_large)
    counts = np.zeros(variance.size)
    if large.size:
        counts[large] = expand(*(values.take(large) for values in arguments))
    return counts


def binomial_shares(keys: Keys, *draws: tuple[str, WholeFloats, Floats]) -> list[WholeFloats]:
    """Draw binomial shares of counts: one for each purpose, whole and probability, (rows,) each.

    They are drawn in one go, since a numpy call on few numbers costs more than its work.

    >>> from generator.randomness import row_keys
    >>> impressions = np.array([1000.0, 10.0])
    >>> clicks, scans = binomial_shares(
    ...     row_keys(7, np.arange(2)),
    ...     ("clicks", impressions, np.full(2, 0.01)),
    ...     ("qr scans", impressions, np.zeros(2)),
    ... )
    >>> bool((clicks <= impressions).all()), scans.tolist()
    (True, [0.0, 0.0])
    """
    possible = [draw for draw in draws if draw[2].any()]
    by_purpose: dict[str, WholeFloats] = {}
    if possible:
        purposes, trials, probabilities = zip(*possible, strict=True)
        counts = binomial(
            uniforms(keys, *purposes).ravel(),
            np.concatenate(trials),
            np.concatenate(probabilities),
        )
        by_purpose = dict(zip(purposes, counts.reshape(len(purposes), -1), strict=True))
    return [by_purpose.get(purpose, np.zeros(keys.size)) for purpose, _, _ in draws]


def _expand_poisson(uniforms: Floats, means: Floats) -> WholeFloats:
    """Expand by Cornish-Fisher to third order with a continuity correction, never below 0.

    It is mean + sd z + (z^2 - 1) / 6 + z (1 - z^2) / (72 sd) - 1 / 2, rounded up.
    """
    sd = np.sqrt(means)
    z = normal(uniforms)
    skewed = z * z
    skewed -= 1.0
    last = z / sd
    last *= -1.0 / 12.0
    last += 1.0
    skewed *= 1.0 / 6.0
    skewed *= last
    z *= sd
    z += means
    z += skewed
    z -= 0.5
    np.ceil(z, out=z)
    return np.maximum(z, 0.0, out=z)


def _expand_binomial(
    uniforms: Floats,
    trials: WholeFloats,
    probability: Floats,
    spread: Floats,
    variance: Floats,
) -> WholeFloats:
    """Expand by Cornish-Fisher to third order with a continuity correction, kept on the support.

    It is n p + sd z + (1 - 2 p) (z^2 - 1) / 6 + z / (72 sd) (1 - z^2 + pq (14 - 2 z^2)) - 1 / 2,
    rounded up: the last term holds kurtosis and squared skewness. `spread` is pq,
    `variance` npq.
    """
    sd = np.sqrt(variance)
    z = normal(uniforms)
    square = z * z
    kurtosis = square * -2.0
    kurtosis += 14.0
    kurtosis *= spread
    square -= 1.0
    kurtosis -= square
    kurtosis *= 1.0 / 72.0
    kurtosis *= z
    kurtosis /= sd
    skewness = probability * (-2.0 / 6.0)
    skewness += 1.0 / 6.0
    skewness *= square
    z *= sd
    z += trials * probability
    z += skewness
    z += kurtosis
    z -= 0.5
    np.ceil(z, out=z)
    np.maximum(z, 0.0, out=z)
    return np.minimum(z, trials, out=z)


def _small_poisson(uniforms: Floats, means: Floats) -> WholeFloats:
    """Return exact quantiles of Poissons with these means, below 9."""
    counts = _poisson_table().quantiles(uniforms, means)
    result = counts.astype(np.float64)
    left = _where(counts == OPEN)
    result[left] = _invert(uniforms.take(left), np.exp(-means.take(left)), means.take(left))
    return result


def _small_binomial(
    uniforms: Floats, trials: WholeFloats, probability: Floats, variance: Floats
) -> WholeFloats:
    """Return exact quantiles of binomials with a variance below 9; with variance 0, the mean."""
    counts = _BINOMIALS.quantiles(uniforms, trials, probability)
    unknown = counts == OPEN
    result = np.where(unknown, trials * probability, counts)
    unknown &= variance > 0.0
    rare = _where(unknown & (probability < _RARE))
    if rare.size:
        # Barbour and Hall (1984): a Poisson of the same mean is at most p away.
        p = probability.take(rare)
        counts = _poisson_table().quantiles_near(uniforms.take(rare), trials.take(rare) * p, p)
        result[rare] = counts
        unknown[rare] = counts == OPEN
    left = _where(unknown)
    result[left] = _invert_binomial(uniforms.take(left), trials.take(left), probability.take(left))
    return result


@lru_cache
def _poisson_table() -> PoissonTable:
    return PoissonTable(EXACT_BELOW_VARIANCE / (1.0 - _RARE))


def prepare(probabilities: Floats) -> None:
    """Make tables for these probabilities, which makes many draws of them faster."""
    _BINOMIALS.prepare(probabilities)


def _invert_binomial(uniforms: Floats, trials: WholeFloats, probability: Floats) -> WholeFloats:
    """Return exact binomial quantiles, summed from the end of the support nearer to the mean."""
    mirrored = _where(probability > 0.5)
    p = probability.copy()
    u = uniforms.copy()
    p[mirrored] = 1.0 - p[mirrored]
    u[mirrored] = 1.0 - u[mirrored]
    none = np.log1p(-p)
    none *= trials
    odds = p / (1.0 - p)
    counts = _invert(u, np.exp(none, out=none), odds * (trials + 1.0), odds)
    np.minimum(counts, trials, out=counts)
    counts[mirrored] = trials.take(mirrored) - counts[mirrored]
    return counts


def _invert(uniforms: Floats, first: Floats, a: Floats, b: Floats | None = None) -> WholeFloats:
    """Count the cumulative probabilities below each uniform, which is its quantile: (draws,).

    The probabilities follow P(0) = `first`, P(k) = P(k - 1) x (a / k - b): the recursion of Panjer
    (1981) for the Poisson (a = mean, no b) and the binomial (a = odds x (n + 1), b = odds). All
    waiting draws make some steps together, then those that have arrived drop out.
    """
    result = np.zeros(uniforms.size)
    where = np.arange(uniforms.size)
    count = np.zeros(uniforms.size)
    term = first
    left = uniforms - first
    waiting = left > 0.0
    for done, last in pairwise(_ROUNDS):
        kept = _where(waiting & (term > _NEGLIGIBLE))
        if not kept.size:
            break
        where = where.take(kept)
        count = count.take(kept)
        term = term.take(kept)
        left = left.take(kept)
        a = a.take(kept)
        steps = np.arange(done + 1, last + 1)[:, None]
        after = a * (1.0 / steps)
        if b is not None:
            b = b.take(kept)
            after -= b
        count += 1.0
        for ratio in after:
            term *= ratio
            left = np.subtract(left, term, out=ratio)
        still = after > 0.0
        count += still[:-1].sum(axis=0, dtype=np.int8)
        waiting = still[-1]
        result[where] = count + waiting
    return result


def _where(mask: Mask) -> NDArray[np.intp]:
    """Return the positions where the mask is set; `numpy.flatnonzero` takes several times as long
    to start."""
    return mask.nonzero()[0]
