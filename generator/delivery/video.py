"""Video: the fates of an impression, from one that never starts to one that completes.

Completion is a log-odds model: the device's rate for a 15 s pre-roll, shifted by placement,
duration, skippability and a small effect of the creative. Losses before each quartile follow one
abandonment shape.
"""

import math
from collections.abc import Sequence

import numpy as np

from generator.arrays import Floats
from generator.enums import Device, Placement
from generator.platform.model import Video
from generator.schema import Creative

FATES = (
    "never started",
    "left before 25",
    "left before 50",
    "left before 75",
    "left late",
    "completed",
)
REFERENCE_SECONDS = 15


def fates(video: Video, creatives: Sequence[Creative], effects: Floats) -> Floats:
    """Return the probability of each fate of an impression: (creatives, devices, fates).

    They add up to 1. `effects` (creatives,) are standard normals that shift completion. A pause ad
    has no video: all its impressions count as never started.
    """
    result = np.tile(np.eye(len(FATES))[0], (len(creatives), len(Device), 1))
    plays = [position for position, creative in enumerate(creatives) if _plays(creative)]
    completion = completion_rates(
        video, [creatives[position] for position in plays], effects[plays]
    )
    start = np.array(video.start_rate.in_order())
    gone = np.array([0.0, *video.abandoned_by_quartile, 1.0])
    result[plays, :, 0] = 1.0 - start
    result[plays, :, 1:5] = (start * (1.0 - completion))[:, :, None] * np.diff(gone)
    result[plays, :, 5] = start * completion
    return result


def _plays(creative: Creative) -> bool:
    return creative.placement is not Placement.PAUSE and creative.duration_seconds is not None


def completion_rates(video: Video, creatives: Sequence[Creative], effects: Floats) -> Floats:
    """Return completes / starts of creatives with these effects: (creatives, devices)."""
    base = np.array(video.completion_rate.in_order())
    placement = [getattr(video.placement_log_odds, creative.placement) for creative in creatives]
    doublings = [
        math.log2((creative.duration_seconds or REFERENCE_SECONDS) / REFERENCE_SECONDS)
        for creative in creatives
    ]
    skippable = [
        video.skippable_log_odds if creative.is_skippable else 0.0 for creative in creatives
    ]
    log_odds = np.log(base / (1.0 - base)) + _column(placement)
    log_odds += video.log_odds_per_doubling_of_duration * _column(doublings)
    log_odds += _column(skippable)
    log_odds += video.creative_log_odds_sd * effects[:, None]
    return 1.0 / (1.0 + np.exp(-log_odds))


def _column(by_creative: Sequence[float]) -> Floats:
    return np.array(by_creative, dtype=np.float64)[:, None]
