"""The quantile functions have the law they claim, from counts of hundredths to millions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from generator.delivery.quantiles import (
    binomial,
    binomial_shares,
    normal,
    normal_probability,
    poisson,
)
from generator.randomness import key, row_keys, uniforms

DRAWS = 200_000
UNIFORMS = uniforms(row_keys(key("quantiles"), np.arange(DRAWS)), "test")
MEANS = [0.01, 0.3, 2.0, 8.9, 9.1, 30.0, 1_000.0, 1e6]
# Two exact samples of this size over 25 values differ by 0.0045 or so; the quantiles by less.
NOISE = 0.003
TRIALS = [(1, 0.5), (3, 0.9), (10, 0.3), (50, 0.5), (200, 0.97), (1_000, 0.001), (10**6, 0.97)]


def distance(drawn: np.ndarray, exact: np.ndarray) -> float:
    """Total-variation distance between two samples of whole numbers."""
    low = min(drawn.min(), exact.min())
    width = int(max(drawn.max(), exact.max()) - low) + 1
    counts = [np.bincount((values - low).astype(int), minlength=width) for values in (drawn, exact)]
    return float(np.abs(counts[0] - counts[1]).sum() / 2 / DRAWS)


def noise(probabilities: np.ndarray, draws: int) -> float:
    """The distance to expect between two samples of a law, and room for its chance."""
    expected = np.sqrt(probabilities * (1 - probabilities) / (np.pi * draws)).sum()
    return float(1.05 * expected + 3 * np.sqrt(0.5 / draws))


def bell(law: stats.rv_frozen) -> np.ndarray:
    """The probabilities of all counts that can be expected."""
    reach = 9 * law.std() + 20
    return law.pmf(np.arange(max(0, int(law.mean() - reach)), int(law.mean() + reach)))


@pytest.mark.parametrize("mean", [0.01, 0.1, 0.5, 2.0, 8.9, 9.1, 20.0, 100.0, 1e3, 1e4, 1e5, 1e6])
def test_poisson_draws_differ_from_numpys_as_two_samples_do(mean: float) -> None:
    exact = np.random.default_rng(1).poisson(mean, DRAWS)
    drawn = poisson(UNIFORMS, np.full(DRAWS, mean))
    assert distance(drawn, exact) < noise(bell(stats.poisson(mean)), DRAWS)


@pytest.mark.parametrize("probability", [0.0001, 0.03, 0.4, 0.5, 0.95])
@pytest.mark.parametrize("mean", [0.01, 0.1, 0.5, 2.0, 8.9, 20.0, 100.0, 1e3, 1e4, 1e5, 1e6])
def test_binomial_draws_differ_from_numpys_as_two_samples_do(
    mean: float, probability: float
) -> None:
    """Means below one trial's probability have a separate probability."""
    trials = max(1, round(mean / probability))
    chance = min(probability, mean / trials)
    exact = np.random.default_rng(2).binomial(trials, chance, DRAWS)
    drawn = binomial(UNIFORMS, np.full(DRAWS, float(trials)), np.full(DRAWS, chance))
    assert distance(drawn, exact) < noise(bell(stats.binom(trials, chance)), DRAWS)


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_is_poisson(mean: float) -> None:
    """Against scipy's exact quantiles of the same uniforms, so that no sampling noise is left."""
    drawn = poisson(UNIFORMS, np.full(DRAWS, mean))
    exact = stats.poisson.ppf(UNIFORMS, mean)
    assert distance(drawn, exact) < NOISE
    if mean < 9:
        assert (drawn == exact).all()


@pytest.mark.parametrize(("trials", "probability"), TRIALS)
def test_binomial_is_binomial(trials: int, probability: float) -> None:
    drawn = binomial(UNIFORMS, np.full(DRAWS, trials), np.full(DRAWS, probability))
    exact = stats.binom.ppf(UNIFORMS, trials, probability)
    assert distance(drawn, exact) < NOISE
    if trials * probability * (1 - probability) < 9:
        assert (drawn == exact).all()


def test_a_plain_normal_approximation_would_be_seen() -> None:
    """The distance above can fail: rounding a normal is several times too far at a mean of 30."""
    rounded = np.maximum(np.rint(30 + np.sqrt(30) * normal(UNIFORMS)), 0)
    assert distance(rounded, stats.poisson.ppf(UNIFORMS, 30.0)) > 0.01
    exact = np.random.default_rng(1).poisson(30.0, DRAWS)
    assert distance(rounded, exact) > noise(bell(stats.poisson(30.0)), DRAWS)


def test_parts_are_the_binomials_of_their_purposes() -> None:
    keys = row_keys(key("parts"), np.arange(500))
    whole = np.arange(500.0)
    first, none, second = binomial_shares(
        keys,
        ("first", whole, np.full(500, 0.3)),
        ("none", whole, np.zeros(500)),
        ("second", whole, np.full(500, 0.97)),
    )
    assert (first == binomial(uniforms(keys, "first"), whole, np.full(500, 0.3))).all()
    assert (second == binomial(uniforms(keys, "second"), whole, np.full(500, 0.97))).all()
    assert (none == 0).all()


def test_normal_quantiles_and_probabilities() -> None:
    tails = 0.5 ** np.linspace(1, 53, 10_000)
    for points in (UNIFORMS, tails, 1.0 - tails):
        assert np.abs(normal(points) - stats.norm.ppf(points)).max() < 4e-8
    z = np.linspace(-7, 7, 1001)
    assert np.abs(normal_probability(z) - stats.norm.cdf(z)).max() < 1e-7


@given(
    st.integers(0, 10**9),
    st.floats(0, 1),
    st.floats(1e-16, 1 - 1e-16),
)
def test_binomial_stays_on_its_support(trials: int, probability: float, uniform: float) -> None:
    drawn = binomial(np.array([uniform]), np.array([trials]), np.array([probability]))[0]
    assert 0 <= drawn <= trials
    if probability == 0:
        assert drawn == 0
    if probability == 1:
        assert drawn == trials


@given(st.floats(0, 1e9), st.floats(1e-16, 1 - 1e-16))
def test_poisson_is_never_negative(mean: float, uniform: float) -> None:
    drawn = poisson(np.array([uniform]), np.array([mean]))[0]
    assert drawn >= 0
    if mean == 0:
        assert drawn == 0
