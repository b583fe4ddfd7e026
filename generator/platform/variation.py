"""The figures of variation: how much every rate differs between those who buy and between days,
beyond chance, and what differs for a reason."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from generator.enums import AdFormat, Industry, Objective, TargetingKey
from generator.platform.figures import Autocorrelation, DayCurve, Figures, LogOdds, LogSd, WeekCurve

Correlation = Annotated[float, Field(gt=-1, lt=1)]


class Spread(Figures):
    """Standard deviations of a rate's log-odds, by level.

    `creative_by_device` is a creative's own effect on each device, `vendor` that of who measures
    it, and `day` what moves through time.
    """

    advertiser: LogSd = 0.0
    vendor: LogSd = 0.0
    campaign: LogSd = 0.0
    creative: LogSd = 0.0
    creative_by_device: LogSd = 0.0
    day: LogSd = 0.0


class Variation(Figures):
    """Random effects on the log-odds of each rate. `render`, `eligible` and `response` are about
    what these steps lose, `abandonment` about how early viewers leave.

    What moves through time is an AR(1) over quarters of a day: `shared_by_platform` is the part of
    its variance that all campaigns of the platform have together on a device.
    """

    completion: Spread = Spread()
    abandonment: Spread = Spread()
    click: Spread = Spread()
    scan: Spread = Spread()
    engagement: Spread = Spread()
    viewable: Spread = Spread()
    measurable: Spread = Spread()
    audible: Spread = Spread()
    render: Spread = Spread()
    invalid: Spread = Spread()
    eligible: Spread = Spread()
    response: Spread = Spread()
    quarter_day_autocorrelation: Autocorrelation = 0.9
    shared_by_platform: Annotated[float, Field(ge=0, le=1)] = 0.5
    click_with_completion: Correlation = 0.0
    viewable_with_completion: Correlation = 0.0


class Reasons(Figures):
    """What a rate owes to who booked and what was booked, as log-odds; 0 for what is not named.

    `targeted` is what it adds to name segments of a key. `genre_sd` is the spread between genres
    that a line item can be targeted on. Durations count from 15 seconds.
    """

    industry: dict[Annotated[Industry, Field(strict=False)], LogOdds] = Field(default={})
    objective: dict[Annotated[Objective, Field(strict=False)], LogOdds] = Field(default={})
    ad_format: dict[Annotated[AdFormat, Field(strict=False)], LogOdds] = Field(default={})
    targeted: dict[Annotated[TargetingKey, Field(strict=False)], LogOdds] = Field(default={})
    genre_sd: LogSd = 0.0
    per_doubling_of_duration: LogOdds = 0.0
    per_doubling_of_exposure: LogOdds = 0.0
    qr_code: LogOdds = 0.0


class Effects(Figures):
    """Differences that features explain, and when people click: by weekday and local hour, relative
    to the mean."""

    click: Reasons = Reasons()
    completion: Reasons = Reasons()
    click_by_weekday: WeekCurve = [1.0] * 7
    click_by_local_hour: DayCurve = [1.0] * 24
