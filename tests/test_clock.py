"""Local clocks: daylight saving time, half-hour zones, and the names of days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.clock import (
    day_number,
    hours_of,
    local_clock,
    month_of,
    weekday_of,
)

ZONES = [
    "America/New_York",
    "Europe/London",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "America/St_Johns",
]


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_the_clock_agrees_with_zoneinfo_hour_by_hour(zone: str, day: date) -> None:
    hours = hours_of(day_number(day), day_number(day) + 1)
    clock = local_clock(zone, hours)
    for index, hour in enumerate(hours):
        local = datetime.fromtimestamp(int(hour) * 3600, UTC).astimezone(ZoneInfo(zone))
        assert clock.hour[index] == local.hour
        assert clock.day[index] == day_number(local.date())
        assert clock.is_weekend[index] == (local.weekday() >= 5)


def test_the_hour_that_daylight_saving_time_skips_and_the_one_it_repeats() -> None:
    spring = local_clock("America/New_York", hours_of(*[day_number(date(2025, 3, 9))] * 2))
    assert 2 not in spring.hour[5:]
    autumn = local_clock("America/New_York", hours_of(*[day_number(date(2025, 11, 2))] * 2))
    assert list(autumn.hour).count(1) == 2


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_weekdays_and_months(day: date) -> None:
    number = np.array([day_number(day)])
    assert weekday_of(number)[0] == day.weekday()
    assert month_of(number)[0] == day.month - 1


def test_a_flight_of_one_day_has_24_hours_and_one_that_ends_first_has_none() -> None:
    assert hours_of(100, 100).size == 24
    assert hours_of(100, 99).size == 0
