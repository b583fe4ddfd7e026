"""The campaigns that are booked on a platform: the mix that a market draws from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from generator.enums import (
    AdFormat,
    BuyType,
    Device,
    Industry,
    Objective,
    Pacing,
    Placement,
    TargetingKey,
    TimeUnit,
)
from generator.platform.figures import Figures, LogSd, Mix, Positive, Share, adds_up_to_one


class CapMix(Figures):
    """A frequency cap and the share of campaigns that book it; without figures, of those that book
    none."""

    share: Share
    max_impressions: Annotated[int, Field(ge=1)] | None = None
    time_unit: Annotated[TimeUnit, Field(strict=False)] | None = None
    time_units: Annotated[int, Field(ge=1)] = 1


class DeviceMix(Figures):
    """A set of devices and the share of campaigns that run on them."""

    share: Share
    devices: Annotated[list[Annotated[Device, Field(strict=False)]], Field(min_length=1)]


class BookingMix(Figures):
    """The campaigns that are booked on the platform: the mix that a market draws from.

    `fill` is the part of all ad opportunities that its campaigns are sized to sell together,
    `most_of_share` the part of its share of the market that a campaign plans to use,
    `size_log_sd` the spread of campaign sizes, `largest_over_median` how many times the median the
    largest are, `country_exponent` how much slower than its
    opportunities the number of campaigns of a country grows. `targeting` is how often a line item
    names segments of a key; lengths are in seconds, flights in weeks.

    `fitting` is the part of the supply that fits its targeting which a line item is sized to,
    `won_in_auction` the part of that which an auction bid wins, `paid_in_auction` what it pays of
    the target. A cap is booked if the campaign needs at most `use_of_a_cap` of what it allows.
    `brand_lift` and `attention` are the shares of campaigns that are measured so.
    """

    fill: Annotated[float, Field(gt=0, le=0.9)]
    most_of_share: Annotated[float, Field(gt=0, le=1)]
    size_log_sd: LogSd
    largest_over_median: Annotated[float, Field(ge=1)]
    country_exponent: Annotated[float, Field(gt=0, le=1)]
    flight_weeks: Mix[Annotated[int, Field(ge=1, le=52)]]
    objective: Mix[Annotated[Objective, Field(strict=False)]]
    buy_type: Mix[Annotated[BuyType, Field(strict=False)]]
    industry: Mix[Annotated[Industry, Field(strict=False)]]
    devices: Annotated[list[DeviceMix], Field(min_length=1)]
    line_items: Mix[Annotated[int, Field(ge=1, le=9)]]
    creatives: Mix[Annotated[int, Field(ge=1, le=9)]]
    ad_format: Mix[Annotated[AdFormat, Field(strict=False)]]
    placement: Mix[Annotated[Placement, Field(strict=False)]]
    duration: dict[
        Annotated[Placement, Field(strict=False)], Mix[Annotated[int, Field(ge=1, le=300)]]
    ]
    pacing: Mix[Annotated[Pacing, Field(strict=False)]]
    daily_budget: Share
    targeting: dict[Annotated[TargetingKey, Field(strict=False)], Share]
    frequency_caps: Annotated[list[CapMix], Field(min_length=1)]
    cpm_of_buy_type: dict[Annotated[BuyType, Field(strict=False)], Positive]
    cpm_log_sd: LogSd
    bid_over_target: Annotated[float, Field(ge=1, le=10)]
    qr_code: Share
    skippable: Share
    fitting: Annotated[float, Field(gt=0, le=1)] = 0.75
    won_in_auction: Annotated[float, Field(gt=0, le=1)] = 0.5
    paid_in_auction: Annotated[float, Field(gt=0, le=1)] = 0.8
    use_of_a_cap: Annotated[float, Field(gt=0, le=1)] = 0.4
    brand_lift: Share = 0.2
    attention: Share = 0.1

    @model_validator(mode="after")
    def _lists_add_up(self) -> BookingMix:
        adds_up_to_one({str(mix.devices): mix.share for mix in self.devices})
        adds_up_to_one({repr(mix): mix.share for mix in self.frequency_caps})
        return self

    @model_validator(mode="after")
    def _what_is_booked_has_its_figures(self) -> BookingMix:
        if Placement.PAUSE in self.placement:
            raise ValueError("placement is that of video; a PAUSE_AD needs none")
        for name, needed, figures in (
            ("duration", self.placement, self.duration),
            ("cpm_of_buy_type", self.buy_type, self.cpm_of_buy_type),
        ):
            if missing := [member.value for member in needed if member not in figures]:
                raise ValueError(f"{name} lacks {', '.join(missing)}")
        return self
