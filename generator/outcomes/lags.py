"""Lags from an ad to a conversion: mixtures of exponentials that end after the longest lag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generator.arrays import Floats, Int64s, Keys
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR
from generator.platform.conversions import LagPart
from generator.randomness import uniforms

# An integral is the mean over this number of parts.
_STEPS = 200


def draw_lags(parts: Sequence[LagPart], longest_days: int, keys: Keys) -> Int64s:
    """Return a lag for each key, in microseconds: same shape."""
    which, chance = uniforms(keys, "part of the lag", "lag")
    shares = np.cumsum([part.share for part in parts])
    hours = np.array([part.hours for part in parts])
    mean = hours[np.searchsorted(shares[:-1], which, side="right")]
    whole = -np.expm1(-longest_days * HOURS_A_DAY / mean)
    return (-mean * np.log1p(-chance * whole) * MICROSECONDS_AN_HOUR).astype(np.int64)


def share_within(parts: Sequence[LagPart], longest_days: int, days: Floats) -> Floats:
    """Return the share of lags that are not longer than some days: same shape.

    >>> quick = [LagPart(share=0.5, hours=1), LagPart(share=0.5, hours=24)]
    >>> share_within(quick, 30, np.array([0.0, 1.0, 30.0])).round(3).tolist()
    [0.0, 0.816, 1.0]
    """
    result = np.zeros(days.shape)
    for part in parts:
        mean = part.hours / HOURS_A_DAY
        result += part.share * np.expm1(-days / mean) / np.expm1(-longest_days / mean)
    return result


def share_of_visits_within(parts: Sequence[LagPart], longest_days: int, days: Floats) -> Floats:
    """Return the share of the visits on the way to what follows an ad that are not longer after it
    than some days: same shape. Each is at an even part of the lag.

    >>> quick = [LagPart(share=0.5, hours=1), LagPart(share=0.5, hours=24)]
    >>> share_of_visits_within(quick, 30, np.array([0.0, 1.0, 30.0])).round(3).tolist()
    [0.0, 0.926, 1.0]
    """
    even = (np.arange(_STEPS) + 0.5) / _STEPS
    within = np.minimum(days / even[:, None], longest_days)
    result: Floats = share_within(parts, longest_days, within).mean(axis=0)
    return result
