"""Frequency capping: how often one household may see a campaign.

A cap is booked for the campaign (`FrequencyCap`). `caps_of` turns the booked caps into windows of
delivered hours, which the ledger keeps for every household. `impression_limits` turns them into the
impressions that one line item may deliver in an hour and in a day. `share_under_cap` is what
planning counts on, and `limits` ends delivery where such a limit is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats
from generator.clock import HOURS_A_DAY
from generator.schema import FrequencyCap


@dataclass(frozen=True)
class Cap:
    """At most `impressions` per household within any `hours` hours of delivery."""

    impressions: int
    hours: int

    @property
    def days(self) -> float:
        """The days of a cap: whole days, or the part of a day that it lasts.

        >>> Cap(impressions=3, hours=12).days, Cap(impressions=3, hours=36).days
        (0.5, 2)
        """
        if self.hours < HOURS_A_DAY:
            return self.hours / HOURS_A_DAY
        return -(-self.hours // HOURS_A_DAY)


@dataclass(frozen=True)
class ImpressionLimits:
    """The most impressions that a line item may deliver in one hour and in one day under the caps
    of its campaign; None without a cap."""

    hour: int | None
    day: int | None


def caps_of(caps: Sequence[FrequencyCap], campaign_hours: int) -> tuple[Cap, ...]:
    """Return the windows of the booked caps; none is longer than the campaign's hours."""
    longest = max(campaign_hours, 1)
    windows = []
    for cap in caps:
        unit_hours = cap.time_unit.hours
        hours = longest if unit_hours is None else min(longest, unit_hours * cap.time_units)
        windows.append(Cap(cap.max_impressions, hours))
    return tuple(windows)


def cap_rates(caps: Sequence[Cap]) -> tuple[float, float]:
    """Return the exposures per household that all caps allow in an hour, and in a day.

    A cap over less than a day is spread over its hours, a longer cap over the days that it touches.
    So no hours of a cap's length, and no days of one, can hold more than the cap allows.

    >>> cap_rates([Cap(impressions=14, hours=168)])
    (14.0, 2.0)
    >>> cap_rates([Cap(impressions=3, hours=12)])
    (0.25, 6.0)
    """
    hourly = [cap.impressions / (cap.hours if cap.hours < HOURS_A_DAY else 1) for cap in caps]
    daily = [cap.impressions / cap.days for cap in caps]
    return min(hourly), min(daily)


def impression_limits(caps: Sequence[Cap], households: float) -> ImpressionLimits:
    """Return what a line item may deliver under these caps to its part of the households.

    >>> impression_limits([Cap(impressions=3, hours=24)], households=500.0)
    ImpressionLimits(hour=1500, day=1500)
    """
    if not caps:
        return ImpressionLimits(None, None)
    hourly, daily = cap_rates(caps)
    return ImpressionLimits(hour=int(households * hourly), day=int(households * daily))


def share_under_cap(impressions: Floats | float, day_limit: int, cap_use: float) -> Floats:
    """Return the share of a day's impressions that planning expects to get past the cap.

    Only the part `cap_use` of what a cap allows can be delivered, because households watch
    unequally. `impressions` are those that a plan wants in a day, of any shape.

    >>> share_under_cap(np.array([500.0, 1400.0]), day_limit=1000, cap_use=0.7).tolist()
    [1.0, 0.5]
    """
    expected = cap_use * day_limit
    share: Floats = expected / np.maximum(impressions, max(expected, 1e-9))
    return share
