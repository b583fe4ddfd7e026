"""What the draws of a stretch keep to: fates are sampled fairly, rotations add up."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.clock import day_number, hours_of
from generator.delivery.interaction import wear_out
from generator.delivery.limits import keep_share
from generator.delivery.performance import rotation_shares, rotation_towards_clicks
from generator.randomness import key, row_keys, uniforms
from generator.scenario.templates import dataset, platform
from generator.schema.booking import Optimiser
from generator.world.build import build_world

CREATIVES = build_world(dataset("complete")).bookings[3].line_items[0].creatives


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=1, max_size=9),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
def test_what_is_kept_is_a_possible_part(rows: list[list[int]], part: float, chance: float) -> None:
    fates = np.array(rows).T
    kept = keep_share(fates, np.full(fates.shape[1], part), np.full(fates.shape[1], chance))
    assert (kept >= 0).all()
    assert (kept <= fates).all()
    assert (kept.sum(axis=0) == np.floor(fates.sum(axis=0) * part)).all()


def test_keeping_a_part_favours_no_fate() -> None:
    """Rounding each fate down on its own would keep more of the common one."""
    fates = np.tile(np.array([[1], [1], [1], [1], [1], [15]]), (1, 40_000))
    chance = uniforms(row_keys(key("fair"), np.arange(40_000)), "test")
    kept = keep_share(fates, np.full(40_000, 0.5), chance).mean(axis=1)
    assert np.abs(kept[:5] - 0.5).max() < 0.02
    assert abs(kept[5] - 7.5) < 0.02


def test_a_creative_that_replaces_another_takes_over_on_its_day() -> None:
    first = CREATIVES[0].model_copy(update={"rotation_end_date": date(2025, 9, 2)})
    second = CREATIVES[1].model_copy(update={"rotation_start_date": date(2025, 9, 3)})
    hours = hours_of(day_number(date(2025, 9, 1)), day_number(date(2025, 9, 4)))
    shares = rotation_shares((first, second), hours)
    assert shares.tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]


def test_an_optimiser_moves_to_what_is_clicked_and_keeps_the_days_without_a_creative() -> None:
    shares = np.array([[0.5, 0.5, 0.0]] * 12 + [[0.0, 0.0, 0.0]])
    optimiser = Optimiser(gain=1.0, after_days=3, days=4)
    moved = rotation_towards_clicks(shares, [-8.0, -8.0 + np.log(2), -1.0], optimiser)
    assert (moved[:4] == shares[:4]).all()
    assert moved[7:12] == pytest.approx(np.array([[1 / 3, 2 / 3, 0.0]] * 5))
    assert (np.diff(moved[:12, 1]) >= 0).all()
    assert (moved[12] == 0).all()
    assert (rotation_towards_clicks(shares, [0.0, 1.0, 2.0], Optimiser()) == shares).all()


def test_days_without_a_creative_have_no_shares_and_weights_are_kept() -> None:
    hours = hours_of(day_number(date(2025, 9, 1)), day_number(date(2025, 9, 1)))
    late = CREATIVES[0].model_copy(update={"rotation_start_date": date(2025, 9, 2)})
    assert (rotation_shares((late,), hours) == 0).all()
    assert np.allclose(rotation_shares(CREATIVES, hours), [0.6, 0.4])


def test_click_rates_wear_out_as_published() -> None:
    interaction = platform("netflix_like").interaction
    left = wear_out(interaction, np.array([0.5, 1.0, 2.0, 3.0, 5.0, 100.0]))
    assert list(left) == [1.0, 1.0, 0.847, 0.787, 0.73, 0.68]
