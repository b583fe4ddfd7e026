"""The campaigns that are booked on a platform: the mix that a market draws from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from generator.enums import (
    AdFormat,
    AdServerType,
    BuyType,
    ChangeReason,
    CleanRoom,
    ContentTier,
    Device,
    DspPartner,
    Industry,
    MeasurementPartner,
    Objective,
    Pacing,
    Placement,
    TargetingKey,
    TimeUnit,
    VerificationVendor,
)
from generator.platform.figures import (
    Figures,
    LogSd,
    Member,
    Mix,
    Noise,
    Positive,
    Share,
    WeekCurve,
    YearCurve,
    adds_up_to_one,
)
from generator.platform.life import Life
from generator.schema.text_types import Text

InIndustry = Annotated[Industry, Field(strict=False)]
WithObjective = Annotated[Objective, Field(strict=False)]
OfBuyType = Annotated[BuyType, Field(strict=False)]
InFormat = Annotated[AdFormat, Field(strict=False)]
OfKey = Annotated[TargetingKey, Field(strict=False)]
Month = Annotated[int, Field(ge=1, le=12)]


def _add_up_to_at_most_one(shares: dict[Any, float]) -> dict[Any, float]:
    if sum(shares.values()) > 1 + 1e-6:
        raise ValueError(f"the shares add up to {sum(shares.values()):.6g}, more than 1")
    return shares


PartialMix = Annotated[dict[Member, Share], AfterValidator(_add_up_to_at_most_one)]


def _toward(
    mix: Mapping[Member, float], plain: Mapping[Member, float], scale: float
) -> dict[Member, float]:
    """Return a mix that lies `scale` times as far from a plain one.

    >>> _toward({"a": 0.5, "b": 0.5}, {"a": 1.0}, scale=0.5)
    {'a': 0.75, 'b': 0.25}
    """
    members = dict.fromkeys((*plain, *mix))
    shares = {
        member: max(plain.get(member, 0.0) * (1 - scale) + mix.get(member, 0.0) * scale, 0.0)
        for member in members
    }
    total = sum(shares.values())
    return {member: share / total for member, share in shares.items() if share > 0}


def _tilts(
    tilts: Mapping[Any, Mapping[Member, float]], scale: float
) -> dict[Any, dict[Member, float]]:
    """Return factors that are `scale` times as strong, on a log scale."""
    return {of: {on: times**scale for on, times in to.items()} for of, to in tilts.items()}


class FlightEnd(StrEnum):
    """On which day a flight ends."""

    WEEKS = "WEEKS"
    MONTH_END = "MONTH_END"
    QUARTER_END = "QUARTER_END"
    ANY_DAY = "ANY_DAY"


class LineItemDesign(StrEnum):
    """In what the line items of a campaign differ."""

    BY_AUDIENCE = "BY_AUDIENCE"
    BY_LENGTH = "BY_LENGTH"
    BY_FORMAT = "BY_FORMAT"
    PROSPECT_AND_RETARGET = "PROSPECT_AND_RETARGET"


class Tier(Figures):
    """A class of advertisers: its share of them; how many campaigns they book relative to others;
    how much larger a campaign is (log); in how many countries, from and to; which share of them
    books in its own regions only; and which ways of buying they prefer (times the mix)."""

    share: Share
    campaigns: Positive = 1.0
    log_size: Annotated[float, Field(ge=-6, le=6)] = 0.0
    countries: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)] = (
        Field(default=[1, 1])
    )
    regional: Share = 0.0
    buy_type: dict[OfBuyType, Positive] = Field(default={})


class Customers(Figures):
    """The advertisers of a market. `campaigns_log_sd` is the spread of how many campaigns those of
    a tier book, `size_log_sd` that of how large theirs are. `new_per_year` of them place their
    first order during a year, `lost_per_year` their last."""

    tiers: Annotated[dict[Text, Tier], Field(min_length=1)] = Field(
        default={"ALL": Tier(share=1.0)}
    )
    campaigns_log_sd: LogSd = 0.0
    size_log_sd: LogSd = 0.0
    new_per_year: Share = 0.0
    lost_per_year: Share = 0.0

    def times(self, scale: float) -> Customers:
        """Return customers that differ `scale` times as much."""
        tiers = {
            name: tier.model_copy(
                update={
                    "campaigns": tier.campaigns**scale,
                    "log_size": tier.log_size * scale,
                    "countries": tier.countries if scale else [1, 1],
                    "regional": min(tier.regional * scale, 1.0),
                    "buy_type": {on: times**scale for on, times in tier.buy_type.items()},
                }
            )
            for name, tier in self.tiers.items()
        }
        return self.model_copy(
            update={
                "tiers": tiers,
                "campaigns_log_sd": self.campaigns_log_sd * scale,
                "size_log_sd": self.size_log_sd * scale,
                "new_per_year": min(self.new_per_year * scale, 1.0),
                "lost_per_year": min(self.lost_per_year * scale, 1.0),
            }
        )

    @model_validator(mode="after")
    def _tiers_add_up(self) -> Customers:
        adds_up_to_one({name: tier.share for name, tier in self.tiers.items()})
        return self


class Demand(Figures):
    """When advertisers want to be seen: relative by month of the year, by month in an industry
    (times the month), and the growth of demand in a year. Demand follows `follows_viewing` of the
    seasons of viewing, booked prices `price_follows` of those of auction prices (parts of the
    log)."""

    month: YearCurve = Field(default=[1.0] * 12)
    industry_month: dict[InIndustry, dict[Month, Positive]] = Field(default={})
    growth_per_year: Annotated[float, Field(ge=-0.9, le=9)] = 0.0
    follows_viewing: Annotated[float, Field(ge=0, le=2)] = 1.0
    price_follows: Share = 0.0

    def times(self, scale: float) -> Demand:
        """Return demand with seasons and growth `scale` times as strong."""
        return self.model_copy(
            update={
                "month": [level**scale for level in self.month],
                "industry_month": _tilts(self.industry_month, scale),
                "growth_per_year": (1 + self.growth_per_year) ** scale - 1,
                "follows_viewing": max(1 - (1 - self.follows_viewing) * scale, 0.0),
                "price_follows": min(self.price_follows * scale, 1.0),
            }
        )


class RateCard(Figures):
    """What a thousand impressions cost relative to the level of a country: by length in seconds, by
    format, for each targeting key, for twice the budget, in an agency's deals (log-sd)."""

    duration: dict[Annotated[int, Field(ge=1)], Positive] = Field(default={})
    ad_format: dict[InFormat, Positive] = Field(default={})
    targeting_key: Positive = 1.0
    twice_the_size: Positive = 1.0
    advertiser_log_sd: LogSd = 0.0

    def times(self, scale: float) -> RateCard:
        """Return a rate card with prices that differ `scale` times as much."""
        return RateCard(
            duration={length: times**scale for length, times in self.duration.items()},
            ad_format={kind: times**scale for kind, times in self.ad_format.items()},
            targeting_key=self.targeting_key**scale,
            twice_the_size=self.twice_the_size**scale,
            advertiser_log_sd=min(self.advertiser_log_sd * scale, 3.0),
        )


class Habits(Figures):
    """How people book. `start_weekday` (Monday to Sunday) and `first_of_month` say when flights
    begin, `flight_end` when they end. Budgets have `budget_digits` digits that are not 0. Prices
    are multiples of `cpm_steps` where a thousand impressions cost about 30, and in proportion
    elsewhere. Line items share a budget in steps of `share_step`, with `share_log_sd` between them.
    `missing` is the share of optional values that are left empty."""

    start_weekday: WeekCurve = Field(default=[1.0] * 7)
    first_of_month: Share = 0.0
    flight_end: Mix[Annotated[FlightEnd, Field(strict=False)]] = Field(
        default={FlightEnd.WEEKS: 1.0}
    )
    budget_digits: Mix[Annotated[int, Field(ge=1, le=15)]] = Field(default={15: 1.0})
    cpm_steps: Mix[Positive] = Field(default={0.01: 1.0})
    share_step: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    share_log_sd: LogSd = 0.0
    missing: Share = 0.0

    def times(self, scale: float) -> Habits:
        """Return habits that are `scale` times as strong; without any, chance decides."""
        plain = Habits()
        return self.model_copy(
            update={
                "start_weekday": [level**scale for level in self.start_weekday],
                "first_of_month": min(self.first_of_month * scale, 1.0),
                "flight_end": _toward(self.flight_end, plain.flight_end, scale),
                "budget_digits": _toward(self.budget_digits, plain.budget_digits, scale),
                "cpm_steps": _toward(self.cpm_steps, plain.cpm_steps, scale),
                "share_log_sd": self.share_log_sd * scale,
                "missing": min(self.missing * scale, 1.0),
            }
        )


class Beyond(Figures):
    """How far past its goal a guaranteed line item aims, so that chance leaves no gap: the share of
    those that do, and the mean and spread of it (parts of the goal)."""

    share: Share
    mean: Share
    sd: Share


class Shortfall(Figures):
    """The share of line items that fall short of their goal, for reasons that were not foreseen, by
    which part in the median, and the spread of it."""

    share: Share
    median: Share
    log_sd: LogSd


class Ramp(Figures):
    """The days after the start of a flight on which less is delivered than planned: how many, the
    part of the plan on the first of them, and the spread of it."""

    days: Annotated[int, Field(ge=0, le=14)]
    first_day: Annotated[float, Field(gt=0, le=1)]
    log_sd: LogSd


class Control(Figures):
    """How well line items are steered to their goals. `forecast_error` is how far off the aim of a
    day is (log-sd), and how alike two days in a row err."""

    beyond: Beyond = Beyond(share=0.0, mean=0.0, sd=0.0)
    shortfall: Shortfall = Shortfall(share=0.0, median=0.0, log_sd=0.0)
    forecast_error: Noise = Noise(log_sd=0.0, autocorrelation=0.0)
    ramp: Ramp = Ramp(days=0, first_day=1.0, log_sd=0.0)

    def times(self, scale: float) -> Control:
        """Return a control that errs this many times as much."""
        if not scale:
            return Control()
        beyond, shortfall, ramp = self.beyond, self.shortfall, self.ramp
        return Control(
            beyond=beyond.model_copy(update={"share": min(beyond.share * scale, 1.0)}),
            shortfall=shortfall.model_copy(update={"share": min(shortfall.share * scale, 1.0)}),
            forecast_error=self.forecast_error.times(scale),
            ramp=ramp.model_copy(
                update={"first_day": ramp.first_day**scale, "log_sd": ramp.log_sd * scale}
            ),
        )


class Rotation(Figures):
    """How creatives rotate: the share of line items with several of them in which a program favours
    those that are clicked more. It learns for `after_days` and moves over `days`. In the end a
    creative that is clicked twice as often has 2 to the power of `gain` times its share."""

    optimised: Share = 0.0
    gain: Annotated[float, Field(ge=0, le=5)] = 0.0
    after_days: Annotated[int, Field(ge=0, le=60)] = 3
    days: Annotated[int, Field(ge=1, le=60)] = 7

    def times(self, scale: float) -> Rotation:
        """Return a rotation that is moved by this many times as much."""
        return self.model_copy(update={"gain": self.gain * scale}) if scale else Rotation()


class Pause(Figures):
    """The share of campaigns that are paused, for how many days, and why."""

    share: Share
    days: Positive
    days_log_sd: LogSd
    reasons: Mix[Annotated[ChangeReason, Field(strict=False)]] = Field(
        default={ChangeReason.CLIENT: 1.0}
    )


class ForDays(Figures):
    """The share of those that something happens to, and for how many days, from and to."""

    share: Share
    days: Annotated[list[Annotated[int, Field(ge=1, le=14)]], Field(min_length=2, max_length=2)]


class AmountChange(Figures):
    """The share of campaigns that change an amount, by which factor (log-sd), and how many of them
    raise it."""

    share: Share
    factor_log_sd: LogSd
    up: Share = 1.0


class Changes(Figures):
    """What happens to campaigns after they are booked. `flights` says in how many flights they run,
    `late_start` how many begin late, since a creative is not approved, and `extension` how many
    campaigns of one flight get another right after it, with money for it. `early_stop` and
    `creative_swap` are the shares that end early and replace a creative."""

    flights: Mix[Annotated[int, Field(ge=1, le=9)]] = Field(default={1: 1.0})
    late_start: ForDays = ForDays(share=0.0, days=[1, 1])
    pause: Pause = Pause(share=0.0, days=1.0, days_log_sd=0.0)
    budget: AmountChange = AmountChange(share=0.0, factor_log_sd=0.0)
    bid: AmountChange = AmountChange(share=0.0, factor_log_sd=0.0)
    extension: ForDays = ForDays(share=0.0, days=[1, 1])
    early_stop: Share = 0.0
    creative_swap: Share = 0.0

    def times(self, scale: float) -> Changes:
        """Return changes that happen this many times as often."""
        if not scale:
            return Changes()
        often = {
            name: getattr(self, name).model_copy(
                update={"share": min(getattr(self, name).share * scale, 1.0)}
            )
            for name in ("late_start", "pause", "budget", "bid", "extension")
        }
        return self.model_copy(
            update={
                **often,
                "flights": _toward(self.flights, Changes().flights, scale),
                "early_stop": min(self.early_stop * scale, 1.0),
                "creative_swap": min(self.creative_swap * scale, 1.0),
            }
        )


class Audience(Figures):
    """A named audience that planners buy: its share of line items with one, how much more often
    industries and objectives buy it, and its segments, the most important key first."""

    share: Share
    industry: dict[InIndustry, Positive] = Field(default={})
    objective: dict[WithObjective, Positive] = Field(default={})
    segments: Annotated[
        dict[OfKey, Annotated[list[Text], Field(min_length=1)]], Field(min_length=1)
    ]


class Plans(Figures):
    """How campaigns are planned: tilts of the mix (times its shares) by what they depend on, the
    audiences that line items name (`targeted` of them), how often a planner leaves one segment of
    an audience out, and in what line items differ. `own_dates` says how many line items, but for
    the first one of a campaign, begin later or end earlier than it."""

    objective_of_industry: dict[InIndustry, dict[WithObjective, Positive]] = Field(default={})
    ad_format_of_objective: dict[WithObjective, dict[InFormat, Positive]] = Field(default={})
    ad_format_of_industry: dict[InIndustry, dict[InFormat, Positive]] = Field(default={})
    targeted: Share = 0.0
    audiences: dict[Text, Audience] = Field(default={})
    segment_left_out: Share = 0.0
    line_items: Mix[Annotated[LineItemDesign, Field(strict=False)]] = Field(
        default={LineItemDesign.BY_AUDIENCE: 1.0}
    )
    own_dates: ForDays = ForDays(share=0.0, days=[1, 1])
    dsp: Mix[Annotated[DspPartner, Field(strict=False)]] = Field(
        default=dict.fromkeys(
            (DspPartner.DV360, DspPartner.THE_TRADE_DESK, DspPartner.AMAZON, DspPartner.YAHOO), 0.25
        )
    )
    verification: Mix[Annotated[VerificationVendor, Field(strict=False)]] = Field(
        default={VerificationVendor.DOUBLEVERIFY: 1.0}
    )
    pacing_pct: Mix[Annotated[int, Field(ge=1, le=1000)]] = Field(default={150: 1.0})
    ad_server: Mix[Annotated[AdServerType, Field(strict=False)]] = Field(
        default={AdServerType.PLATFORM_HOSTED: 1.0}
    )
    content_tier: PartialMix[Annotated[ContentTier, Field(strict=False)]] = Field(default={})
    clean_room: PartialMix[Annotated[CleanRoom, Field(strict=False)]] = Field(default={})
    measurement: PartialMix[Annotated[MeasurementPartner, Field(strict=False)]] = Field(default={})

    def times(self, scale: float) -> Plans:
        """Return plans that depend `scale` times as much on the buyer and the objective."""
        plain = Plans()
        audiences = {
            name: audience.model_copy(
                update={
                    "industry": {on: times**scale for on, times in audience.industry.items()},
                    "objective": {on: times**scale for on, times in audience.objective.items()},
                }
            )
            for name, audience in self.audiences.items()
        }
        mixes = ("line_items", "dsp", "verification", "pacing_pct", "ad_server")
        return self.model_copy(
            update={
                "objective_of_industry": _tilts(self.objective_of_industry, scale),
                "ad_format_of_objective": _tilts(self.ad_format_of_objective, scale),
                "ad_format_of_industry": _tilts(self.ad_format_of_industry, scale),
                "targeted": min(self.targeted * scale, 1.0),
                "audiences": audiences,
                "segment_left_out": min(self.segment_left_out * scale, 1.0),
                "own_dates": self.own_dates.model_copy(
                    update={"share": min(self.own_dates.share * scale, 1.0)}
                ),
                **{
                    name: _toward(getattr(self, name), getattr(plain, name), scale)
                    for name in mixes
                },
            }
        )


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
    largest are, `most_per_household` how many impressions of a campaign a household that it
    addresses may get on average, `country_exponent` how much slower than its opportunities the
    number of campaigns of a country grows. `targeting` is how often a line item
    names segments of a key; lengths are in seconds, flights in weeks.

    `fitting` is the part of the supply that fits its targeting which a line item is sized to,
    `won_in_auction` the part of that which an auction bid wins, `paid_in_auction` what it pays of
    the target. A cap is booked if the campaign needs at most `use_of_a_cap` of what it allows.
    `brand_lift` and `attention` are the shares of campaigns that are measured so.

    `customers`, `demand`, `habits`, `plans`, `rate_card`, `control`, `rotation` and `changes` are
    forces: what is left out of them leaves the mix alone.
    """

    fill: Annotated[float, Field(gt=0, le=0.9)]
    most_of_share: Annotated[float, Field(gt=0, le=1)]
    size_log_sd: LogSd
    largest_over_median: Annotated[float, Field(ge=1)]
    most_per_household: Positive = 1e6
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
    customers: Customers = Customers()
    demand: Demand = Demand()
    habits: Habits = Habits()
    plans: Plans = Plans()
    rate_card: RateCard = RateCard()
    control: Control = Control()
    rotation: Rotation = Rotation()
    changes: Changes = Changes()

    def under(self, life: Life) -> BookingMix:
        """Return the mix under forces as strong as a run wants them."""
        return self.model_copy(
            update={
                "customers": self.customers.times(life.scale("customers")),
                "demand": self.demand.times(life.scale("demand")),
                "habits": self.habits.times(life.scale("booking")),
                "plans": self.plans.times(life.scale("planning")),
                "rate_card": self.rate_card.times(life.scale("rate_card")),
                "control": self.control.times(life.scale("control")),
                "rotation": self.rotation.times(life.scale("rotation")),
                "changes": self.changes.times(life.scale("changes")),
            }
        )

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
