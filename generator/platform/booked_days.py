"""What a market has booked on a platform, known before anything is delivered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats
from generator.clock import HOURS_A_DAY, Hours


@dataclass(frozen=True)
class BookedDays:
    """The part of a country's expected ad opportunities that a market has booked.

    `first_day` is a day number (UTC). `share` is the part that campaigns are sized to, NaN on a day
    that is none of the market's, `usual` the part that is usual in the season, 0 on such a day;
    (days, devices) each.
    """

    first_day: int
    share: Floats
    usual: Floats

    def by_hour(self, values: Floats, hours: Hours) -> Floats:
        """Return values of days (days, devices) at consecutive hours: (hours, devices). Between two
        noons they change evenly, so nothing happens at midnight."""
        noons = (self.first_day + np.arange(len(values))) * HOURS_A_DAY + HOURS_A_DAY // 2
        return np.stack([np.interp(hours, noons, of_device) for of_device in values.T], axis=1)
