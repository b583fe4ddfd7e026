"""Hours and days: UTC hours counted from the epoch, and local time in a time zone.

An hour is the number of hours since 1970-01-01T00:00Z (int64); a day the number of days (UTC).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from generator.arrays import Int64s, Mask

Hours = Int64s

HOURS_A_DAY = 24
MICROSECONDS_AN_HOUR = 3_600_000_000
# Assumption: an ad server's log of a UTC day is closed and loaded by six the next morning.
LANDING_HOUR = 6
EPOCH = date(1970, 1, 1)


def today() -> date:
    """Return the current day in UTC. Only what a user calls `today` depends on it."""
    return datetime.now(UTC).date()


def day_number(day: date) -> int:
    """Return the days from the epoch to this day.

    >>> day_number(date(2025, 1, 1))
    20089
    """
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """Return the date of a day number."""
    return EPOCH + timedelta(days=day)


def datetime_of(hour: int) -> datetime:
    """Return the start of an hour, UTC without a time zone."""
    return datetime.combine(EPOCH, time()) + timedelta(hours=hour)


def hours_of(first_day: int, last_day: int) -> Hours:
    """Return every UTC hour from the start of `first_day` to the end of `last_day`; none if
    `last_day` is before `first_day`."""
    return np.arange(first_day * 24, (last_day + 1) * 24, dtype=np.int64)


def hours_of_days(days: Int64s) -> Hours:
    """Return every UTC hour of these days (day numbers), in order."""
    return (days[:, None] * 24 + np.arange(24, dtype=np.int64)).ravel()


def timestamps(hours: Hours) -> Int64s:
    """Return hours as microseconds since the epoch, as Arrow's timestamp[us] stores them."""
    return hours * MICROSECONDS_AN_HOUR


def landing_of(hours: Hours) -> Hours:
    """Return the hour at which the rows of each of these hours land in the warehouse."""
    return (hours // 24 + 1) * 24 + LANDING_HOUR


def weekday_of(days: Int64s) -> Int64s:
    """Return the day of the week of day numbers: 0 is Monday, 6 is Sunday."""
    return (days + 3) % 7


def month_of(days: Int64s) -> Int64s:
    """Return the month of day numbers: 0 is January."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


@dataclass(frozen=True)
class LocalClock:
    """The local time of one time zone at given UTC hours; every array has the shape (hours,).

    Zones that are off by half an hour are read at the start of the UTC hour.
    """

    hour: Hours
    day: Int64s
    is_weekend: Mask


def local_clock(zone: str, hours: Hours) -> LocalClock:
    """Return the local time in `zone` at each UTC hour, daylight saving time included.

    In the night of 2025-03-30, the clocks in Madrid skip the hour from 2 to 3:

    >>> night = day_number(date(2025, 3, 30)) * 24
    >>> local_clock("Europe/Madrid", np.arange(night, night + 3)).hour.tolist()
    [1, 3, 4]
    """
    local_minutes = hours * 60 + _offsets(zone, hours)
    local_hours = local_minutes // 60
    day = local_hours // 24
    return LocalClock(hour=local_hours % 24, day=day, is_weekend=weekday_of(day) >= 5)


def _offsets(zone: str, hours: Hours) -> Int64s:
    """Return the minutes ahead of UTC at each hour: same shape."""
    if not hours.size:
        return np.zeros(0, dtype=np.int64)
    first, last = int(hours[0]) // 24, int(hours[-1]) // 24 + 1
    return _offsets_of_days(zone, first, last)[hours - first * 24]


@lru_cache(maxsize=64)
def _offsets_of_days(zone: str, first: int, last: int) -> Int64s:
    """Return the minutes ahead of UTC at each hour from a day to before another: read once a day,
    and hour by hour on days on which they change."""
    midnight = [offset_minutes(zone, day * 24) for day in range(first, last + 1)]
    table = np.repeat(np.array(midnight[:-1], dtype=np.int64), 24)
    for index, (before, after) in enumerate(pairwise(midnight)):
        if before != after:
            start = (first + index) * 24
            table[index * 24 : index * 24 + 24] = [
                offset_minutes(zone, start + hour) for hour in range(24)
            ]
    return table


@lru_cache(maxsize=65536)
def offset_minutes(zone: str, hour: int) -> int:
    """Return by how many minutes a time zone is ahead of UTC at an hour."""
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60
