"""What is read off a table is what the law says; the rest is left open, and is little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from generator.delivery.quantile_tables import OPEN, BinomialTables, PoissonTable
from generator.delivery.quantiles import binomial, prepare
from generator.randomness import key, row_keys, uniforms

DRAWS = 100_000
KEYS = row_keys(key("lookup"), np.arange(DRAWS))
UNIFORMS = uniforms(KEYS, "uniform")
MOST = 9.0


def test_what_the_poisson_table_holds_is_exact() -> None:
    means = uniforms(KEYS, "mean") * MOST
    found = PoissonTable(MOST).quantiles(UNIFORMS, means)
    known = found != OPEN
    assert known.mean() > 0.9
    assert (found[known] == stats.poisson.ppf(UNIFORMS[known], means[known])).all()


@pytest.mark.parametrize("probability", [0.01, 0.144, 0.5, 0.7, 0.985])
def test_what_a_binomial_table_holds_is_exact(probability: float) -> None:
    tables = BinomialTables(MOST)
    tables.prepare(np.array([0.3, probability, 0.0, 1.0]))
    most = MOST / (probability * (1 - probability))
    trials = np.floor(uniforms(KEYS, "trials") * most)
    found = tables.quantiles(UNIFORMS, trials, np.full(DRAWS, probability))
    known = found != OPEN
    assert known.mean() > 0.9
    assert (found[known] == stats.binom.ppf(UNIFORMS[known], trials[known], probability)).all()


def test_probabilities_without_a_table_are_left_open() -> None:
    tables = BinomialTables(MOST)
    tables.prepare(np.array([0.3, 1e-9]))
    for probability in (0.0, 1e-9, 0.29999, 1.0):
        draws = tables.quantiles(np.array([0.2]), np.array([5.0]), np.array([probability]))
        assert list(draws) == [OPEN]


def test_preparing_changes_no_draw() -> None:
    probability = np.full(DRAWS, 0.0771)
    trials = np.floor(uniforms(KEYS, "trials") * 200)
    before = binomial(UNIFORMS, trials, probability)
    prepare(probability[:1])
    assert (binomial(UNIFORMS, trials, probability) == before).all()


def test_what_is_near_a_poisson_is_exact_for_rare_binomials() -> None:
    probability = uniforms(KEYS, "probability") * 0.01
    trials = np.floor(uniforms(KEYS, "trials") * MOST / probability)
    table = PoissonTable(MOST)
    found = table.quantiles_near(UNIFORMS, trials * probability, probability)
    known = found != OPEN
    assert known.mean() > 0.8
    exact = stats.binom.ppf(UNIFORMS[known], trials[known], probability[known])
    assert (found[known] == exact).all()


@pytest.mark.parametrize("mean", [0.02, 0.7, 8.0, 9.05])
def test_rare_binomials_are_exact(mean: float) -> None:
    probability = np.maximum(uniforms(KEYS, "probability") * 0.01, 1e-5)
    trials = np.floor(mean / probability)
    drawn = binomial(UNIFORMS, trials, probability)
    assert (drawn == stats.binom.ppf(UNIFORMS, trials, probability))[
        trials * probability * (1 - probability) < MOST
    ].all()
