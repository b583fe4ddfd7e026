"""Variation: how rates differ between advertisers, campaigns, creatives and days, beyond chance and
for a reason.

All of it is added to the log-odds of a rate. Random effects are hashed normals of the entity. What
moves through time is an AR(1) over quarters of a day, in part the platform's on a device and in
part the campaign's. `odds` moves its base rates so that the platform's figures stay the means.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from generator.arrays import Floats, Int64s, Keys
from generator.delivery.noise import autoregression, memory_of
from generator.delivery.quantiles import normal
from generator.delivery.targeting import Targeting, targeting_of
from generator.delivery.video import REFERENCE_SECONDS
from generator.enums import Device, Industry, TargetingKey
from generator.platform.model import PlatformModel
from generator.platform.variation import Reasons, Spread, Variation
from generator.randomness import key, row_keys, uniforms
from generator.schema import Campaign, Creative, LineItem

HOURS_A_STEP = 6
# The names are part of the draws.
RATES = (
    "completion",
    "click",
    "viewable",
    "scan",
    "engagement",
    "measurable",
    "audible",
    "render",
    "invalid",
    "eligible",
    "response",
    "abandonment",
)
_COMPLETION, _CLICK, _VIEWABLE = range(3)
# Steps of the platform that are drawn together and kept.
_STEPS_KEPT = 256


@dataclass(frozen=True)
class Booked:
    """A creative with the line item and the campaign that it runs in, and the industry of its
    advertiser."""

    campaign: Campaign
    industry: Industry
    line_item: LineItem
    creative: Creative


def entity_effects(
    platform_model: PlatformModel, booked: Sequence[Booked], seed: int
) -> tuple[Floats, Floats]:
    """Return the random effects of who and what was booked: (rates, creatives, devices), and their
    variance with that of the days, (rates,)."""
    entities: dict[str, list[Sequence[int | str]]] = {
        "advertiser": [[row.campaign.advertiser_id] for row in booked],
        "vendor": [[platform_model.name, row.line_item.verification_vendor] for row in booked],
        "campaign": [[row.campaign.campaign_id] for row in booked],
        "creative": [[row.creative.creative_id] for row in booked],
        "creative_by_device": [
            [row.creative.creative_id, device] for row in booked for device in Device
        ],
    }
    devices = len(Device)
    total = np.zeros((len(RATES), len(booked), devices))
    variance = _sds(platform_model, "day") ** 2
    for level, members in entities.items():
        sds = _sds(platform_model, level)
        if sds.any():
            keys = np.array(
                [key(seed, "variation", level, *map(_plain, member)) for member in members],
                dtype=np.uint64,
            )
            drawn = _correlated(normal(uniforms(keys, *RATES)), platform_model.variation)
            total += (sds[:, None] * drawn).reshape(len(RATES), len(booked), -1)
            variance += sds**2
    return total, variance


def reasons(platform_model: PlatformModel, booked: Sequence[Booked], seed: int) -> Floats:
    """Return what rates owe to industry, objective, format, audience, genre, duration and code:
    (rates, creatives)."""
    scale = platform_model.life.scale("effects")
    result = np.zeros((len(RATES), len(booked)))
    for rate, figures in (
        (_CLICK, platform_model.effects.click),
        (_COMPLETION, platform_model.effects.completion),
    ):
        result[rate] = [
            scale * _reason(figures, RATES[rate], row, platform_model, seed) for row in booked
        ]
    return result


def _reason(
    figures: Reasons, rate: str, booked: Booked, platform_model: PlatformModel, seed: int
) -> float:
    creative = booked.creative
    seconds = creative.duration_seconds or REFERENCE_SECONDS
    named = targeting_of(booked.line_item)
    return (
        figures.industry.get(booked.industry, 0.0)
        + figures.objective.get(booked.campaign.objective, 0.0)
        + figures.ad_format.get(booked.line_item.ad_format, 0.0)
        + figures.per_doubling_of_duration * math.log2(seconds / REFERENCE_SECONDS)
        + figures.qr_code * (creative.qr_code_url is not None)
        + sum(log_odds for key_, log_odds in figures.targeted.items() if key_ in named)
        + _of_ages(rate, named, platform_model)
        + figures.genre_sd * _of_genres(rate, named, platform_model, seed)
    )


def _of_genres(rate: str, named: Targeting, platform_model: PlatformModel, seed: int) -> float:
    """Return the mean effect of the genres that a line item is targeted on, by their viewing, as a
    standard normal; 0 without such a targeting."""
    genres = named.get(TargetingKey.CONTENT_GENRE, [])
    shares = [platform_model.genres[genre].share for genre in genres]
    if not sum(shares):
        return 0.0
    effects = [float(_genre_effect(seed, rate, genre)) for genre in genres]
    return float(np.average(effects, weights=shares))


def _of_ages(rate: str, named: Targeting, platform_model: PlatformModel) -> float:
    """Return how the ages that a line item is targeted on differ from the population."""
    factors = platform_model.audience.factors
    by_age = factors.click_by_age if rate == RATES[_CLICK] else factors.completion_by_age
    ages = named.get(TargetingKey.AGE_RANGE)
    if ages is None or not by_age:
        return 0.0
    shares = platform_model.segment_shares(TargetingKey.AGE_RANGE)
    effects = {age: by_age.get(age, 0.0) for age in shares}

    def mean(members: Iterable[str]) -> float:
        total = sum(shares[age] for age in members)
        return sum(shares[age] * effects[age] for age in members) / total if total else 0.0

    return mean(ages) - mean(shares)


@lru_cache(maxsize=256)
def _genre_effect(seed: int, rate: str, genre: str) -> float:
    keys = np.array([key(seed, "variation", "genre", genre)], dtype=np.uint64)
    return float(normal(uniforms(keys, rate))[0])


def steps_of(hours: Int64s) -> Int64s:
    """Return the steps of whole days: hours are (hours,), steps a sixth of them."""
    return hours[::HOURS_A_STEP] // HOURS_A_STEP


def effects_in_time(
    platform_model: PlatformModel, campaign_id: int, steps: Int64s, seed: int
) -> Floats:
    """Return what moves a campaign's rates at consecutive steps: (rates, steps, devices)."""
    sds = _sds(platform_model, "day")
    if not steps.size or not sds.any():
        return np.zeros((len(RATES), steps.size, len(Device)))
    figures = platform_model.variation
    first, last = int(steps[0]), int(steps[-1])
    own = _of_campaign(figures, seed, campaign_id, first, last)
    blocks = [
        _of_platform(figures, seed, platform_model.name, block)
        for block in range(first // _STEPS_KEPT, last // _STEPS_KEPT + 1)
    ]
    start = first % _STEPS_KEPT
    together = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    moves = together[:, start : start + steps.size] + own[:, :, None]
    moves *= sds[:, None, None]
    return moves


@lru_cache(maxsize=4)
def _of_campaign(figures: Variation, seed: int, campaign_id: int, first: int, last: int) -> Floats:
    """Return the part of a campaign in what moves its rates, for its line items: (rates, steps)."""
    stream = np.array([key(seed, "variation in time", campaign_id)], dtype=np.uint64)
    own = _moving(figures, stream, first, last)[:, :, 0]
    own *= math.sqrt(1.0 - figures.shared_by_platform)
    return own


@lru_cache(maxsize=64)
def _of_platform(figures: Variation, seed: int, platform: str, block: int) -> Floats:
    """Return the part of a platform's devices in what moves rates: (rates, steps, devices)."""
    streams = [key(seed, "variation in time", platform, str(device)) for device in Device]
    first = block * _STEPS_KEPT
    moving = _moving(figures, np.array(streams, dtype=np.uint64), first, first + _STEPS_KEPT - 1)
    return moving * math.sqrt(figures.shared_by_platform)


def _moving(figures: Variation, streams: Keys, first: int, last: int) -> Floats:
    """Draw an AR(1) of standard normals for each rate and stream from the step `first` to `last`:
    (rates, steps, streams)."""
    autocorrelation = figures.quarter_day_autocorrelation
    keys = row_keys(streams[:, None], np.arange(first - memory_of(autocorrelation), last + 1))
    innovations = normal(uniforms(keys.ravel(), *RATES)).reshape(len(RATES), *keys.shape)
    moving = _correlated(autoregression(innovations, autocorrelation), figures)
    return np.ascontiguousarray(moving.transpose(0, 2, 1))


def _sds(platform_model: PlatformModel, level: str) -> Floats:
    """Return the standard deviations of a level: (rates,)."""
    scale = platform_model.life.scale("variation")
    spreads: list[Spread] = [getattr(platform_model.variation, rate) for rate in RATES]
    return scale * np.array([getattr(spread, level) for spread in spreads])


def _correlated(normals: Floats, figures: Variation) -> Floats:
    """Make clicks and viewability as correlated with completion as the figures say: (rates, …), in
    place."""
    for rate, correlation in (
        (_CLICK, figures.click_with_completion),
        (_VIEWABLE, figures.viewable_with_completion),
    ):
        normals[rate] *= math.sqrt(1.0 - correlation * correlation)
        normals[rate] += correlation * normals[_COMPLETION]
    return normals


def _plain(part: int | str) -> int | str:
    """Return a member of a vocabulary as its text."""
    return part if isinstance(part, int) else str(part)
