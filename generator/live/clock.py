"""The clock of a live run: when a moment of the data is due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1)
_MICROSECONDS_A_SECOND = 1_000_000
_MINUTE, _HOUR = 60 * _MICROSECONDS_A_SECOND, 3600 * _MICROSECONDS_A_SECOND
# The lengths of slices: each divides an hour.
_LENGTHS = tuple(
    round(seconds * _MICROSECONDS_A_SECOND)
    for seconds in (0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600)
)


def now() -> datetime:
    """Return the time of day in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def moment_of(when: datetime) -> int:
    """Return a time in UTC as microseconds since the epoch."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def datetime_of_moment(moment: int) -> datetime:
    """Return microseconds since the epoch as a time in UTC."""
    return _EPOCH + timedelta(microseconds=moment)


@dataclass(frozen=True)
class Clock:
    """A clock that shows the moment `begins_at` when the monotonic clock of this machine shows
    `started`, and from then on goes `speed` times as fast as time; without a speed every moment is
    due at once. A change of the time of day does not change it.

    >>> clock = Clock(60, begins_at=0, started=100.0)
    >>> clock.due(120 * 1_000_000)
    102.0
    """

    speed: int | None
    begins_at: int
    started: float

    @classmethod
    def start(cls, speed: int | None, first: int, until: int) -> Clock:
        """Return a clock that starts at the first moment that is to be sent. At the speed of time,
        if the present is before the last one, it shows the present: all before it is overdue."""
        present = moment_of(now())
        begins_at = present if speed == 1 and first < present < until else first
        return cls(speed, begins_at, time.monotonic())

    def due(self, moment: int) -> float:
        """Return when a moment is due, as the monotonic clock shows it."""
        if self.speed is None:
            return self.started
        return self.started + (moment - self.begins_at) / (self.speed * _MICROSECONDS_A_SECOND)

    def seconds_until(self, moment: int) -> float:
        """Return the seconds until a moment is due; below 0 if it is overdue."""
        return self.due(moment) - time.monotonic()

    def length_at(self, moment: int, least: int) -> int:
        """Return the length of the slice that begins at a moment, in microseconds: what is due
        within half a second, or an hour of what is overdue; at least `least`."""
        if self.speed is None:
            return _HOUR
        usual = self.speed * _MICROSECONDS_A_SECOND // 2
        overdue = -self.seconds_until(moment) * self.speed * _MICROSECONDS_A_SECOND
        most = max(usual, overdue / 2, least)
        return max(length for length in _LENGTHS if length <= max(most, _LENGTHS[0]))
