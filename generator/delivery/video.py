"""Video: the fates of an impression, from one that never starts to one that completes.

Completion is a log-odds model: the device's rate for a 15 s pre-roll, shifted by placement,
duration, skippability and a small effect of the creative. Losses before each quartile follow one
abandonment shape.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from generator.arrays import Floats
from generator.delivery.quantiles import normal
from generator.enums import Device, Placement
from generator.platform.model import Video
from generator.randomness import key, uniforms
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


def fates(video: Video, creatives: Sequence[Creative], own: Floats) -> Floats:
    """The probability of each fate of an impression, adding up to 1: (creatives, devices, fates).

    `own` are the creatives' effects on completion. A pause ad has no video: all its impressions
    count as never started.
    """
    result = np.tile(np.eye(len(FATES))[0], (len(creatives), len(Device), 1))
    plays = [position for position, each in enumerate(creatives) if _plays(each)]
    completion = completion_rates(video, [creatives[each] for each in plays], own[plays])
    start = np.array(video.start_rate.in_order())
    gone = np.array([0.0, *video.abandoned_by_quartile, 1.0])
    result[plays, :, 0] = 1.0 - start
    result[plays, :, 1:5] = (start * (1.0 - completion))[:, :, None] * np.diff(gone)
    result[plays, :, 5] = start * completion
    return result


def _plays(creative: Creative) -> bool:
    return creative.placement is not Placement.PAUSE and creative.duration_seconds is not None


def completion_rates(video: Video, creatives: Sequence[Creative], own: Floats) -> Floats:
    """Completes / starts of creatives with these effects of their `own`: (creatives, devices)."""
    base = np.array(video.completion_rate.in_order())

    def of_each(shift: Callable[[Creative], float]) -> Floats:
        return np.array([shift(each) for each in creatives], dtype=np.float64)[:, None]

    log_odds = np.log(base / (1.0 - base)) + of_each(
        lambda each: getattr(video.placement_log_odds, each.placement)
    )
    log_odds += of_each(
        lambda each: (
            video.log_odds_per_doubling_of_duration
            * math.log2((each.duration_seconds or REFERENCE_SECONDS) / REFERENCE_SECONDS)
        )
    )
    log_odds += of_each(lambda each: video.skippable_log_odds if each.is_skippable else 0.0)
    log_odds += video.creative_log_odds_sd * own[:, None]
    return 1.0 / (1.0 + np.exp(-log_odds))


def effects(seed: int, whose: Sequence[tuple[str, int]]) -> Floats:
    """Standard normals that belong to entities, for what makes each differ from its kind: one for
    each purpose and id."""
    keys = np.array([key(seed, *each) for each in whose], dtype=np.uint64)
    return normal(uniforms(keys, "uniform"))
