"""Audience factors: how the audiences of campaigns bend away from the population together.

A factor such as youth moves ages, life stages, interests and genres at once, so neighbouring ages
and the dimensions are correlated. Its score belongs to the advertiser, the campaign, its targeting
and the day. The means over campaigns stay those of the population.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from generator.arrays import Floats, Int64s, WholeFloats
from generator.delivery.noise import ar1_normals, effects
from generator.delivery.odds import chances
from generator.delivery.targeting import Targeting
from generator.platform.audience import AUDIENCE_KEYS
from generator.platform.model import PlatformModel
from generator.randomness import key

_SURE = 1e-6


def loadings_of(platform_model: PlatformModel, dimension: str, segments: Iterable[str]) -> Floats:
    """Return the loadings of segments around the mean of the population: (segments, factors).

    Regions have none.
    """
    of_segments = platform_model.factor_loadings.get(dimension, {})
    none = (0.0,) * len(platform_model.audience.factors.loadings)
    rows = [of_segments.get(segment, none) for segment in segments]
    return np.array(rows).reshape(-1, len(none))


def scores_of(
    platform_model: PlatformModel,
    advertiser_id: int,
    campaign_id: int,
    targetings: Iterable[Targeting],
    seed: int,
) -> Floats:
    """Return the scores of a campaign's line items: (factors, line items)."""
    figures = platform_model.audience.factors
    scale = platform_model.life.scale("audience")
    names = list(figures.loadings)
    of_advertiser = effects(
        seed, [(f"audience {name} advertiser", advertiser_id) for name in names]
    )
    of_campaign = effects(seed, [(f"audience {name}", campaign_id) for name in names])
    scores = scale * (figures.advertiser * of_advertiser + figures.campaign * of_campaign)
    spills = [_spill(platform_model, targeting) for targeting in targetings]
    return scores[:, None] + scale * figures.targeting_spill * np.array(spills).T


def _spill(platform_model: PlatformModel, targeting: Targeting) -> Floats:
    """Return the sum of the mean loadings of what is targeted, by key: (factors,)."""
    total = np.zeros(len(platform_model.audience.factors.loadings))
    for name, segments in targeting.items():
        if name in AUDIENCE_KEYS:
            shares = platform_model.segment_shares(name)
            weights = [shares.get(segment, 0.0) for segment in segments]
            if sum(weights):
                total += np.average(
                    loadings_of(platform_model, name, segments), axis=0, weights=weights
                )
    return total


def bend(platform_model: PlatformModel, loadings: Floats, scores: Floats) -> Floats:
    """Return the factors by which shares differ from the population, with a mean of 1 over
    campaigns: (segments, line items)."""
    figures = platform_model.audience.factors
    scale = platform_model.life.scale("audience")
    variance = scale * scale * (figures.advertiser**2 + figures.campaign**2)
    by_segment = 0.5 * variance * (loadings * loadings).sum(axis=1)
    factors: Floats = np.exp(loadings @ scores - by_segment[:, None])
    return factors


def scores_of_days(
    platform_model: PlatformModel, campaign_id: int, days: Int64s, seed: int
) -> Floats:
    """Return how scores move on a campaign's days, which are in order and may have gaps: (factors,
    days)."""
    figures = platform_model.audience.factors
    log_sd = platform_model.life.scale("audience") * figures.day
    scores = np.zeros((len(figures.loadings), days.size))
    if log_sd and days.size:
        span = np.arange(days[0], days[-1] + 1)
        for position, name in enumerate(figures.loadings):
            stream = key(seed, "audience days", name, campaign_id)
            shocks = ar1_normals(stream, span, figures.day_autocorrelation)
            scores[position] = log_sd * shocks[days - days[0]]
    return scores


def by_kind(
    platform_model: PlatformModel, segments: Iterable[str], shares: Floats, by_day: WholeFloats
) -> Floats:
    """Return the shares of ages in each kind of impression: (kinds, days, segments).

    `shares` (days, segments) are those of all impressions, `by_day` (kinds, days) the counts, in
    the order of `IMPRESSION_KINDS`. Where the young leave more often, more of what was not
    completed is theirs.
    """
    figures = platform_model.audience.factors
    scale = platform_model.life.scale("audience")
    names = list(segments)
    clicking = np.exp([scale * figures.click_by_age.get(name, 0.0) for name in names])
    staying = np.array([scale * figures.completion_by_age.get(name, 0.0) for name in names])
    total = by_day.sum(axis=0)
    completed = (by_day[0] + by_day[1]) / np.maximum(total, 1.0)
    rate = np.clip(completed, _SURE, 1.0 - _SURE)[:, None]
    population = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    moves = staying - (population @ staying)[:, None]
    stays = shares * chances(np.log(rate) - np.log1p(-rate) + moves)
    leaves = shares - stays
    return np.stack([stays * clicking, stays, leaves * clicking, leaves])
