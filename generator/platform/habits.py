"""Habits of countries: when people there watch, and on what, beside the figures of the platform."""

from __future__ import annotations

import numpy as np

from generator.arrays import Floats
from generator.platform.figures import relative
from generator.platform.model import PlatformModel


def device_shares(platform_model: PlatformModel, country: str) -> Floats:
    """Return the share of each device in a country's viewing: (devices,), adding up to 1."""
    shares = np.array(platform_model.supply.device_share.in_order())
    own = platform_model.countries[country].device_share
    scale = platform_model.life.scale("habits")
    if own is None or scale == 0.0:
        return shares
    used = shares > 0
    shares[used] *= (np.array(own.in_order())[used] / shares[used]) ** scale
    total: Floats = shares / shares.sum()
    return total


def hour_curves(platform_model: PlatformModel, country: str) -> Floats:
    """Return viewing by device, weekday or weekend, and local hour: (devices, 2, 24). The mean of
    each day is 1.

    A curve that is later by 1.5 hours has at 21:00 the mean of what it would have at 19:00 and
    20:00.
    """
    curves = np.array(
        [
            [relative(curve.weekday), relative(curve.weekend)]
            for curve in platform_model.supply.hour_curve.in_order()
        ]
    )
    later = platform_model.life.scale("habits") * platform_model.countries[country].later_hours
    whole = int(np.floor(later))
    part = later - whole
    shifted = np.roll(curves, whole, axis=2)
    if part:
        shifted = (1.0 - part) * shifted + part * np.roll(shifted, 1, axis=2)
    return shifted
