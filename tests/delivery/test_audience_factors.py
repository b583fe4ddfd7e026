"""Audiences bend in several dimensions at once, drift, and differ in what they do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pydantic import ValidationError

from generator.delivery.audience_factors import (
    bend,
    by_kind,
    loadings_of,
    scores_of,
    scores_of_days,
)
from generator.platform.audience import AudienceFactors
from generator.platform.life import Life, Preset
from generator.scenario.templates import platform

PLATFORM = platform("netflix_like")
CALM = PLATFORM.with_life(Life(preset=Preset.CALM))
AGES = list(PLATFORM.audience.AGE_RANGE)
POPULATION = np.array(list(PLATFORM.audience.AGE_RANGE.values()))


def shares(
    dimension: str, targetings: Sequence[dict[str, list[str]]], model=PLATFORM
) -> np.ndarray:
    """The shares of segments in campaigns of as many advertisers: (segments, campaigns)."""
    population = PLATFORM.segment_shares(dimension)
    loadings = loadings_of(model, dimension, population)
    scores = np.concatenate(
        [scores_of(model, number, number, [one], 1) for number, one in enumerate(targetings)],
        axis=1,
    )
    bent = np.array(list(population.values()))[:, None] * bend(model, loadings, scores)
    result: np.ndarray = bent / bent.sum(axis=0)
    return result


def test_the_mean_over_campaigns_is_the_population() -> None:
    assert shares("AGE_RANGE", [{}] * 4000).mean(axis=1) == pytest.approx(POPULATION, rel=0.03)


def test_neighbouring_ages_and_the_dimensions_go_together() -> None:
    ages = np.log(shares("AGE_RANGE", [{}] * 2000))
    stages = np.log(shares("LIFE_STAGE", [{}] * 2000))
    together = np.corrcoef(np.concatenate([ages, stages]))
    assert together[0, 1] > 0.5
    assert together[4, 5] > 0.5
    assert together[0, 5] < -0.5
    single = len(AGES) + list(PLATFORM.audience.LIFE_STAGE).index("SINGLE")
    assert together[0, single] > 0.3


def test_what_is_targeted_bends_the_other_dimensions() -> None:
    horror = shares("AGE_RANGE", [{"CONTENT_GENRE": ["HORROR"]}] * 500).mean(axis=1)
    drama = shares("AGE_RANGE", [{"CONTENT_GENRE": ["DRAMA"]}] * 500).mean(axis=1)
    assert horror[0] > 1.15 * drama[0]
    assert horror[-1] < 0.9 * drama[-1]


def test_a_calm_world_has_the_population() -> None:
    calm = shares("AGE_RANGE", [{"CONTENT_GENRE": ["HORROR"]}] * 5, CALM)
    assert np.abs(calm - POPULATION[:, None]).max() < 1e-12
    assert not scores_of_days(CALM, 1, np.arange(5), 1).any()


def test_days_drift_and_any_window_is_a_part_of_the_whole() -> None:
    days = np.arange(20_000, 20_040)
    whole = scores_of_days(PLATFORM, 7, days, 1)
    assert whole.std() == pytest.approx(PLATFORM.audience.factors.day, rel=0.5)
    assert (scores_of_days(PLATFORM, 7, days[[3, 9]], 1) == whole[:, [3, 9]]).all()


def test_the_old_click_more_the_young_leave_more_and_shares_stay() -> None:
    day = np.array([[40.0], [7960.0], [10.0], [1990.0]])
    kinds = by_kind(PLATFORM, AGES, POPULATION[None], day)[:, 0]
    split = day * kinds / kinds.sum(axis=1, keepdims=True)
    of_age = split.sum(axis=0) / day.sum()
    assert of_age == pytest.approx(POPULATION, rel=0.02)
    clicks = (split[0] + split[2]) / split.sum(axis=0)
    completes = (split[0] + split[1]) / split.sum(axis=0)
    assert clicks[-1] > 1.2 * clicks[0]
    assert completes[-1] > completes[0] + 0.02


def test_regions_have_no_loadings() -> None:
    with pytest.raises(ValidationError, match="GEO_DMA has no loadings"):
        AudienceFactors.model_validate({"loadings": {"YOUTH": {"GEO_DMA": {"501": 1.0}}}})
