"""Permutations: each number once, alone as in company, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from generator.permutation import Shuffles, shuffle
from generator.randomness import row_keys

SIZES = st.lists(st.integers(1, 900), min_size=1, max_size=5)


@given(SIZES, st.integers(0, 2**63))
def test_a_shuffle_has_every_number_once_and_leads_back(sizes: list[int], stream: int) -> None:
    """For permutations of several sizes that are asked for together, and for each value alone."""
    values = np.concatenate([np.arange(size) for size in sizes])
    size = np.repeat(sizes, sizes)
    keys = row_keys(stream, np.arange(len(sizes)))
    streams = np.repeat(keys, sizes)
    places = shuffle(values, size, streams)
    first = 0
    for own_size in sizes:
        mine = places[first : first + own_size]
        assert sorted(mine.tolist()) == list(range(own_size))
        alone = slice(first, first + own_size, 7)
        assert (shuffle(values[alone], own_size, streams[first : first + 1]) == mine[::7]).all()
        first += own_size
    shuffles, of = Shuffles(np.array(sizes), keys), np.repeat(np.arange(len(sizes)), sizes)
    assert (shuffles.shuffle(values, of) == places).all()
    assert (shuffles.unshuffle(places, of) == values).all()


@pytest.mark.parametrize("size", [2, 3, 5, 12])
def test_each_value_is_equally_often_at_each_place(size: int) -> None:
    streams = np.repeat(row_keys(3, np.arange(20_000)), size)
    places = shuffle(np.tile(np.arange(size), 20_000), size, streams).reshape(-1, size)
    for of_value in places.T:
        assert stats.chisquare(np.bincount(of_value, minlength=size)).pvalue > 1e-4


def test_places_of_neighbours_are_not_near_one_another() -> None:
    places = shuffle(np.arange(100_000), 100_000, 11).astype(float)
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(places, np.arange(100_000))[0, 1]) < 0.02
