"""A day is split exactly, within the targeting, and by the viewers' own clocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.delivery.multinomial import multinomial
from generator.delivery.viewing import HourlyCounts, impression_kinds
from generator.randomness import key, row_keys

COUNTS = st.integers(0, 20) | st.integers(0, 10**6)


@given(st.lists(COUNTS, min_size=1, max_size=8), st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_a_multinomial_split_adds_up(totals: list[int], shares: list[float]) -> None:
    rows = np.array([totals])
    keys = row_keys(key("split"), np.arange(len(totals)))
    split = multinomial(rows, np.tile(shares, (len(totals), 1)), keys)
    assert (split >= 0).all()
    assert (split.sum(axis=0) == rows).all()
    if sum(shares) > 0:
        absent = [position for position, share in enumerate(shares) if share == 0]
        assert split[absent].sum() == 0


@given(st.data())
def test_kinds_of_an_hour_add_up_to_it(data) -> None:
    impressions = data.draw(COUNTS)
    completes = data.draw(st.integers(0, impressions))
    clicks = data.draw(st.integers(0, impressions))
    hours, *counts = (np.array([value]) for value in (7, impressions, completes, clicks))
    (split,) = impression_kinds([hours], [HourlyCounts(*counts)], [key("kinds")])
    both, completed, clicked, neither = split[:, 0]
    assert min(both, completed, clicked, neither) >= 0
    assert both + completed == completes
    assert both + clicked == clicks
    assert both + completed + clicked + neither == impressions


def test_shares_of_a_split_are_the_shares_asked_for() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    rows = np.full((1, 2_000), 1_000)
    keys = row_keys(key("law"), np.arange(2_000))
    split = multinomial(rows, np.tile(shares, (2_000, 1)), keys)
    assert np.abs(split.sum(axis=(1, 2)) / rows.sum() - shares).max() < 0.002
    variance = split[0, 0].var()
    assert 200 < variance < 300  # n p (1 - p) = 250


def test_each_kind_of_impression_can_have_shares_of_its_own() -> None:
    shares = np.array([[[0.9, 0.1]], [[0.1, 0.9]]])
    split = multinomial(
        np.array([[100_000], [100_000]]), shares, row_keys(key("kinds"), np.arange(1))
    )
    assert split.sum(axis=0).ravel().tolist() == [100_000, 100_000]
    assert np.abs(split[0].ravel() / 100_000 - [0.9, 0.1]).max() < 0.01
