"""The figures of conversions: what households do for an advertiser with and without ads, and what
ads add to it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from generator.enums import ConversionSource, ConversionType, Currency, Industry, Objective
from generator.platform.figures import (
    Figures,
    LogSd,
    Mix,
    Positive,
    Share,
    adds_up_to_one,
)

WindowDays = Annotated[int, Field(ge=1, le=90)]
MonthlyRate = Annotated[float, Field(gt=0, le=10)]
OrderValue = Annotated[float, Field(ge=0, le=1e9)]


class Goal(Figures):
    """What an industry counts as a conversion.

    `monthly_rate` are the conversions of a household in 28 days without ads, `click_rate` those
    that follow a click, `value` the mean worth of one in US dollars.
    """

    type: Annotated[ConversionType, Field(strict=False)]
    monthly_rate: MonthlyRate
    click_rate: Share
    value: OrderValue


class LagPart(Figures):
    """One exponential of a lag: its share, and its mean in hours."""

    share: Share
    hours: Positive


def _shares_add_up(parts: list[LagPart]) -> list[LagPart]:
    adds_up_to_one({position: part.share for position, part in enumerate(parts)})
    return parts


Lag = Annotated[list[LagPart], Field(min_length=1), AfterValidator(_shares_add_up)]


class Lift(Figures):
    """What the households that a campaign reaches convert more: a share of what they would do
    without it.

    It is log-normal between campaigns, with a `median` by type; a share of campaigns has `none`.
    """

    median: dict[Annotated[ConversionType, Field(strict=False)], Share]
    log_sd: LogSd
    none: Share

    @model_validator(mode="after")
    def _every_type_has_a_median(self) -> Lift:
        missing = [name.value for name in ConversionType if name not in self.median]
        if missing:
            raise ValueError(f"median lacks {', '.join(missing)}")
        return self


class Prices(Figures):
    """What moves purchases beside ads: what they cost, and when.

    Each advertiser has a usual price, which moves every `regular_weeks` weeks (`regular_log_sd`). A
    share of weeks is `promoted`, with one of `discounts`, parts of the price. Purchases follow the
    price with the power -`elasticity`. What is promoted sells more by the part `promotion_lift` on
    top of that, and a holiday adds the part `holiday_lift`.
    """

    elasticity: Annotated[float, Field(ge=0, le=6)]
    regular_weeks: Annotated[int, Field(ge=1, le=104)]
    regular_log_sd: Annotated[float, Field(ge=0, le=0.3)]
    promoted: Share
    discounts: Mix[Annotated[float, Field(gt=0, le=0.8, strict=False)]]
    promotion_lift: Annotated[float, Field(ge=0, le=5)]
    holiday_lift: Annotated[float, Field(ge=0, le=5)]


class Conversions(Figures):
    """What converts, and how an ad brings a conversion about.

    A conversion is counted for the last click within `click_window_days`, or else for the last
    impression within `view_window_days`. `tracked` is the share of campaigns with a tag that counts
    at all, none for an objective that it does not name, `intent` how much more often than others
    the households convert that a campaign addresses. Those that watch much convert more often, with
    the power `activity_exponent` of how much they watch. Lags are mixtures of exponentials that end
    after `longest_lag_days`. `creative_log_sd` is how the creatives of a campaign differ in what
    they cause, `value_cv` how orders differ in value. `units_per_dollar` turns values into a
    currency.

    The rest is about the households of a log. They differ in how often they convert
    (`household_log_sd`) and in what ads do to them (`susceptibility_log_sd`). Of the conversions
    that follow from an ad, the share `displaced` would have come later without it. Of purchases and
    leads, the share `upstream` follows a visit, which is one more conversion of campaigns that
    count visits, too. `new_customers` is the share of buyers who are new, and `sources` say where
    households convert.
    """

    click_window_days: WindowDays
    view_window_days: WindowDays
    tracked: dict[Annotated[Objective, Field(strict=False)], Share]
    intent: dict[Annotated[Objective, Field(strict=False)], Positive]
    activity_exponent: Annotated[float, Field(ge=0, le=2)]
    click_lag: Lag
    view_lag: Lag
    longest_lag_days: WindowDays
    lift: Lift
    prices: Prices | None = None
    creative_log_sd: LogSd
    value_cv: Annotated[float, Field(ge=0, le=3)]
    household_log_sd: LogSd = 0.0
    susceptibility_log_sd: LogSd = 0.0
    displaced: Annotated[float, Field(ge=0, le=0.9)] = 0.0
    upstream: Share = 0.0
    new_customers: Share = 0.0
    sources: Mix[Annotated[ConversionSource, Field(strict=False)]] = Field(
        default={ConversionSource.WEBSITE: 1.0}
    )
    units_per_dollar: dict[Annotated[Currency, Field(strict=False)], Positive]
    industries: dict[Annotated[Industry, Field(strict=False)], Goal]

    @model_validator(mode="after")
    def _nothing_is_missing(self) -> Conversions:
        for name, members in (
            ("units_per_dollar", Currency),
            ("industries", Industry),
        ):
            missing = [member.value for member in members if member not in getattr(self, name)]
            if missing:
                raise ValueError(f"{name} lacks {', '.join(missing)}")
        return self
