"""Video: the fates of an impression, from one that never starts to one that completes.

Completion is a log-odds model: the device's rate for a 15 s pre-roll, shifted by placement,
duration, skippability and a small effect of the creative. Losses before each quartile follow one
abandonment shape.
"""

import math
from collections.abc import Sequence

import numpy as np

from generator.delivery.quantiles import normal
from generator.enums import Device, Placement
from generator.randomness import Floats, key, uniforms
from generator.schema import Creative
from generator.schema.behaviour import Video

FATES = (
    "never started",
    "left before 25",
    "left before 50",
    "left before 75",
    "left late",
    "completed",
)
REFERENCE_SECONDS = 15


def fates(video: Video, creative: Creative, own: float) -> Floats:
    """The probability of each fate of an impression, by device: (devices, fates), rows add up to 1.

    `own` is the creative's effect on completion. A pause ad has no video: all its impressions count
    as never started.
    """
    if creative.placement is Placement.PAUSE or creative.duration_seconds is None:
        return np.tile(np.eye(len(FATES))[0], (len(Device), 1))
    completion = completion_rates(video, creative, own)
    start = np.array(video.start_rate.in_order())
    gone = np.array([0.0, *video.abandoned_by_quartile, 1.0])
    result = np.empty((len(Device), len(FATES)))
    result[:, 0] = 1.0 - start
    result[:, 1:5] = (start * (1.0 - completion))[:, None] * np.diff(gone)
    result[:, 5] = start * completion
    return result


def completion_rates(video: Video, creative: Creative, own: float) -> Floats:
    """Completes / starts of a creative with an effect of its `own`, by device: (devices,)."""
    base = np.array(video.completion_rate.in_order())
    log_odds = np.log(base / (1.0 - base))
    log_odds += getattr(video.placement_log_odds, creative.placement)
    doublings = math.log2((creative.duration_seconds or REFERENCE_SECONDS) / REFERENCE_SECONDS)
    log_odds += video.log_odds_per_doubling_of_duration * doublings
    if creative.is_skippable:
        log_odds += video.skippable_log_odds
    log_odds += video.creative_log_odds_sd * own
    return 1.0 / (1.0 + np.exp(-log_odds))


def effects(seed: int, whose: Sequence[tuple[str, int]]) -> Floats:
    """Standard normals that belong to entities, for what makes each differ from its kind: one for
    each purpose and id."""
    keys = np.array([key(seed, *each) for each in whose], dtype=np.uint64)
    return normal(uniforms(keys, "uniform"))
