"""Quantile functions: a uniform in, a normal, Poisson or binomial draw out.

Counts are inverted exactly where their variance is below 9, and by a third-order Cornish-Fisher
expansion above, where its error is far below what any sample could show. A plain normal
approximation would not do: a count of mean 0.3 comes out 24 % too high. One uniform makes one
draw, without rejection.
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
# Where the rounds of an inversion end, by count: more steps as fewer wait. The last is far beyond
# what a variance below 9 can reach, and a count of it fits into 8 bits.
_ROUNDS = (0, 8, 24, 56, 120)
_NEGLIGIBLE = 1e-18
# Binomials of a smaller probability are looked up as Poissons first.
_RARE = 0.01
# The part of draws that must be large for all to be treated as if they were.
_MOST = 0.6
# A cell of the normal's table: 64 to an octave, from below the smallest uniform.
_CELL_SHIFT = 52 - 6
_FIRST_CELL = int(np.float64(2.0**-54).view(np.int64)) >> _CELL_SHIFT

_BINOMIALS = BinomialTables(EXACT_BELOW_VARIANCE)


def normal(uniforms: Floats) -> Floats:
    """Standard normal quantiles, by a parabola for each cell of the lower half: absolute error
    2e-8, and 4e-8 at 1/2 itself."""
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
    """The normal quantile in p up to 1/2 as parabolas through three Chebyshev points a cell: what
    multiplies 1, p and p^2, (cells,) each. A cell is what a float's exponent and the first bits
    behind it say, so cells are narrow where p is small."""
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
    """P(Z <= z) of a standard normal: Abramowitz and Stegun 26.2.17, absolute error 7.5e-8."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    series = np.full(t.shape, 1.330274429)
    for coefficient in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        series = series * t + coefficient
    upper = density * series * t
    return np.where(z >= 0.0, 1.0 - upper, upper)


def poisson(uniforms: Floats, means: Floats) -> WholeFloats:
    """Poisson quantiles; `means` >= 0, same shape as `uniforms`."""
    draws, each = uniforms.ravel(), means.ravel()
    counts = _expand(_expand_poisson, each, draws, each)
    small = _where(each < EXACT_BELOW_VARIANCE)
    if small.size:
        counts[small] = _small_poisson(draws.take(small), each.take(small))
    return counts.reshape(means.shape)


def binomial(uniforms: Floats, trials: WholeFloats, probability: Floats) -> WholeFloats:
    """Binomial quantiles: between 0 and `trials` always; all three of the same shape (draws,)."""
    spread = 1.0 - probability
    spread *= probability
    variance = trials * spread
    counts = _expand(_expand_binomial, variance, uniforms, trials, probability, spread, variance)
    small = _where(variance < EXACT_BELOW_VARIANCE)
    if small.size:
        counts[small] = _small_binomial(
            *(each.take(small) for each in (uniforms, trials, probability, variance))
        )
    return counts


def _expand(
    expand: Callable[..., WholeFloats], variance: Floats, *arguments: Floats
) -> WholeFloats:
    """Draws by expansion where the variance is large, and any number elsewhere: (draws,).

    Where few are small, they are expanded as well: taking the large ones out costs more.
    """
    is_large = variance >= EXACT_BELOW_VARIANCE
    if np.count_nonzero(is_large) > _MOST * variance.size:
        with np.errstate(divide="ignore", invalid="ignore"):
            return expand(*arguments)
    large = _where(is_large)
    counts = np.zeros(variance.size)
    if large.size:
        counts[large] = expand(*(each.take(large) for each in arguments))
    return counts


def binomial_shares(keys: Keys, *draws: tuple[str, WholeFloats, Floats]) -> list[WholeFloats]:
    """Binomial parts of counts: for each purpose, whole and probability one, (rows,) each.

    They are drawn in one go, since a numpy call on few numbers costs more than its work.
    """
    possible = [each for each in draws if each[2].any()]
    if possible:
        purposes, trials, probabilities = zip(*possible, strict=True)
        drawn = binomial(
            uniforms(keys, *purposes).ravel(),
            np.concatenate(trials),
            np.concatenate(probabilities),
        )
        made = dict(zip(purposes, drawn.reshape(len(purposes), -1), strict=True))
    else:
        made = {}
    return [made.get(purpose, np.zeros(keys.size)) for purpose, _, _ in draws]


def _expand_poisson(uniforms: Floats, means: Floats) -> WholeFloats:
    """Cornish-Fisher to third order with a continuity correction, never below 0.

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
    """Cornish-Fisher to third order with a continuity correction, kept on the support.

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
    """Exact quantiles of Poissons with these means, below 9."""
    counts = _poisson_table().quantiles(uniforms, means)
    result = counts.astype(np.float64)
    left = _where(counts == OPEN)
    result[left] = _invert(uniforms.take(left), np.exp(-means.take(left)), means.take(left))
    return result


def _small_binomial(
    uniforms: Floats, trials: WholeFloats, probability: Floats, variance: Floats
) -> WholeFloats:
    """Exact quantiles of binomials with a variance below 9; with none, they are the mean."""
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
    """Say that many draws will have these probabilities, which makes them faster."""
    _BINOMIALS.prepare(probabilities)


def _invert_binomial(uniforms: Floats, trials: WholeFloats, probability: Floats) -> WholeFloats:
    """Exact binomial quantiles, summed from the end of the support that is nearer to the mean."""
    mirrored = _where(probability > 0.5)
    p, u = probability.copy(), uniforms.copy()
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
    """How many cumulative probabilities lie below each uniform, which is its quantile.

    The probabilities follow P(0) = `first`, P(k) = P(k - 1) x (a / k - b): the recursion of Panjer
    (1981) for the Poisson (a = mean, no b) and the binomial (a = odds x (n + 1), b = odds). Some
    steps are made for all that wait, then those that have arrived are left behind.
    """
    result = np.zeros(uniforms.size)
    where = np.arange(uniforms.size)
    count, term, left = np.zeros(uniforms.size), first, uniforms - first
    waiting = left > 0.0
    for done, last in pairwise(_ROUNDS):
        kept = _where(waiting & (term > _NEGLIGIBLE))
        if not kept.size:
            break
        where = where.take(kept)
        count, term, left, a = (each.take(kept) for each in (count, term, left, a))
        steps = np.arange(done + 1, last + 1)[:, None]
        after = a * (1.0 / steps)
        if b is not None:
            b = b.take(kept)
            after -= b
        count += 1.0
        for each in after:
            term *= each
            left = np.subtract(left, term, out=each)
        still = after > 0.0
        count += still[:-1].sum(axis=0, dtype=np.int8)
        waiting = still[-1]
        result[where] = count + waiting
    return result


def _where(mask: Mask) -> NDArray[np.intp]:
    """The positions that hold; `numpy.flatnonzero` takes several times as long to begin."""
    return mask.nonzero()[0]
