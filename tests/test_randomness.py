"""Streams are keyed by what they are for, and by nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.randomness import key, row_keys, uniform, uniforms

PARTS = st.lists(st.integers(0, 10**6) | st.text(max_size=4), min_size=1, max_size=4)


@given(PARTS, PARTS)
def test_keys_differ_when_their_parts_differ(first: list, second: list) -> None:
    assert (key(*first) == key(*second)) == (first == second)


def test_parts_are_kept_apart() -> None:
    assert key("a", "bc") != key("ab", "c")
    assert key(1) != key("1")
    assert key("bA") != key("af")  # one stream under a polynomial hash of the characters


@given(st.integers(0, 2**64 - 1), st.integers(-(10**6), 10**6), st.integers(1, 50))
def test_a_window_of_a_stream_is_a_slice_of_it(base: int, start: int, size: int) -> None:
    whole = row_keys(base, np.arange(start, start + size))
    part = row_keys(base, np.arange(start + size // 2, start + size))
    assert (whole[size // 2 :] == part).all()


def test_uniforms_are_uniform_and_purposes_are_independent() -> None:
    keys = row_keys(key(1, "test"), np.arange(200_000))
    first, second = uniforms(keys, "first"), uniforms(keys, "second")
    assert first.min() > 0
    assert first.max() < 1
    counts = np.histogram(first, bins=100, range=(0, 1))[0]
    chi_square = ((counts - 2_000) ** 2 / 2_000).sum()
    assert chi_square < 160  # 99 degrees of freedom: p = 1e-4
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.01


def test_row_keys_are_the_published_splitmix64_sequence() -> None:
    """The first outputs of SplitMix64 seeded with 42, as its reference gives them."""
    expected = [0xBDD732262FEB6E95, 0x28EFE333B266F103]
    assert [int(word) for word in row_keys(42, np.array([1, 2]))] == expected


def test_draws_are_frozen() -> None:
    """A change of these values is a change of every dataset, and a release says so."""
    assert key("smoke", 1) == 0x11FC9454A52A4BC8
    assert uniform(7, "flight start", 1) == 0.4999841626865281


@given(PARTS)
def test_a_single_uniform_is_that_of_the_array(parts: list) -> None:
    whole = uniforms(np.array([key(*parts)], dtype=np.uint64), "uniform")
    assert uniform(*parts) == float(whole[0])
