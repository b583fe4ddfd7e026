"""Office hours: at which moment people do what they do on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import EPOCH, HOURS_A_DAY, day_number, offset_minutes, weekday_of

MINUTES_A_DAY = 24 * 60
# Assumptions about buyers: days from the booking of a campaign to its first flight, and the working
# day. Days that fall on a weekend move to the Friday before, but for a few.
LEAST_DAYS_AHEAD = 12
DAYS_BOOKED_AHEAD = 40
_OFFICE = (9 * 60, 18 * 60)
_WORKS_AT_WEEKENDS = 0.08
# The longest time from the first day on which an advertiser can order to the first flight.
DAYS_FROM_SIGNING_TO_START = DAYS_BOOKED_AHEAD + 4


def office_moment(day: date, zone: str, chance: float) -> datetime:
    """Return one moment in the office hours of a time zone, see `office_moments`."""
    days = np.array([day_number(day)])
    (moment,) = office_moments(days, [zone], np.zeros(1, dtype=np.int64), np.array([chance]))
    return moment_of(int(moment))


def moment_of(minutes: int) -> datetime:
    """Return UTC minutes since the epoch as a moment without a time zone."""
    return datetime.combine(EPOCH, time()) + timedelta(minutes=minutes)


def office_moments(days: Int64s, zones: Sequence[str], zone: Int64s, chances: Floats) -> Int64s:
    """Return a moment in the office hours of a time zone on or just before each of these days, in
    UTC minutes since the epoch. `zone` are positions in `zones`, `chances` uniforms.

    A Sunday in Tokyo becomes the Friday before it; its morning is at night in UTC:

    >>> sunday = np.array([day_number(date(2025, 6, 15))])
    >>> at = office_moments(sunday, ["Asia/Tokyo"], np.array([0]), np.array([0.5000003]))
    >>> moment_of(int(at[0]))
    datetime.datetime(2025, 6, 13, 4, 30)
    """
    opens, closes = _OFFICE
    minute = opens + np.floor(chances * (closes - opens)).astype(np.int64)
    # The digits of the chance that do not decide the minute.
    works = (chances * 1e6) % 1.0 < _WORKS_AT_WEEKENDS
    after_friday = np.where(works, 0, np.maximum(weekday_of(days) - 4, 0))
    local_days = days - after_friday
    offsets = np.zeros(days.size, dtype=np.int64)
    pairs, back = np.unique(np.stack([zone, local_days]), axis=1, return_inverse=True)
    known = [
        offset_minutes(zones[position], day * HOURS_A_DAY + 12)
        for position, day in pairs.T.tolist()
    ]
    if known:
        offsets = np.array(known, dtype=np.int64)[back.ravel()]
    moments: Int64s = local_days * MINUTES_A_DAY + minute - offsets
    return moments
