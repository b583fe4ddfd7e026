"""Video: the fates of an impression, from one that never starts to one that completes.

Completion is a log-odds model: the device's rate for a 15 s pre-roll, shifted by placement,
duration, skippability and a small effect of the creative. Losses before each quartile follow one
abandonment shape.
"""

import math
from collections.abc import Sequence

import numpy as np

from generator.arrays import Floats
from generator.enums import Placement
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


def fates(start: Floats, completion: Floats, gone: Floats) -> Floats:
    """Return the probability of each fate of an impression: (fates, profiles).

    `start` is the share of impressions that start, `completion` that of starts which complete,
    `gone` (3, profiles) that of leavers who are gone at each quartile. The fates add up to 1.
    """
    result = np.empty((len(FATES), start.size))
    leavers = start * (1.0 - completion)
    result[0] = 1.0 - start
    result[1:4] = gone
    result[4] = 1.0
    result[2:5] -= gone
    result[1:5] *= leavers
    result[5] = start * completion
    return result


def starts_and_leaving(video: Video, creatives: Sequence[Creative]) -> tuple[Floats, Floats]:
    """Return the share of impressions that start a video, (profiles,), and of leavers who are gone
    at each quartile, (3, profiles). A pause ad has no video and never starts."""
    start = np.outer([_plays(creative) for creative in creatives], video.start_rate.in_order())
    gone = np.repeat(np.array(video.abandoned_by_quartile)[:, None], start.size, axis=1)
    return start.ravel(), gone


def _plays(creative: Creative) -> bool:
    return creative.placement is not Placement.PAUSE and creative.duration_seconds is not None


def completion_rates(video: Video, creatives: Sequence[Creative], effects: Floats) -> Floats:
    """Return completes / starts of creatives with these effects: (creatives, devices). Those of a
    pause ad mean nothing."""
    base = np.array(video.completion_rate.in_order())
    shifts = video.placement_log_odds.model_dump()
    placement = [shifts.get(creative.placement, 0.0) for creative in creatives]
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
