"""The model of a platform file: which figures describe a platform, in which unit, within which
bounds.

The figures themselves are defined in `templates/platforms/*.yml`. A figure with a default here may
be left out of a custom platform file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from generator.enums import BuyType, Currency, Device, TargetingKey
from generator.platform.audience import AUDIENCE_KEYS, AudienceFactors
from generator.platform.booking_mix import BookingMix
from generator.platform.conversions import Conversions
from generator.platform.figures import (
    Autocorrelation,
    CountryCode,
    DayCurve,
    Figures,
    Floor,
    LogOdds,
    LogSd,
    Noise,
    Positive,
    Share,
    Shares,
    WeekCurve,
    YearCurve,
    adds_up_to_one,
)
from generator.platform.incidents import Incidents
from generator.platform.life import LARGEST_SCALE, UNCHANGED, Life
from generator.platform.people import PeopleFigures
from generator.platform.variation import Effects, Variation
from generator.schema.text_types import TemplateName, Text, TimeZone

_MOST_OPPORTUNITIES = 2**31 - 1
_SEASONS_AND_NOISE = 4

Figure = TypeVar("Figure")


class PerDevice(Figures, Generic[Figure]):
    """A figure for each device group."""

    CTV: Figure
    MOBILE: Figure
    TABLET: Figure
    DESKTOP: Figure

    def in_order(self) -> list[Figure]:
        """Return the figures in the order of `Device`."""
        return [getattr(self, device) for device in Device]


class HourCurve(Figures):
    """Relative viewing by local hour 0-23; only the shape matters, not the level."""

    weekday: DayCurve
    weekend: DayCurve


def day_of_year(day: str) -> str:
    """Return a day of the year, MM-DD. Raises ValueError where it is none."""
    try:
        datetime.strptime(f"2024-{day}", "%Y-%m-%d")
    except ValueError as error:
        raise ValueError(f"{day!r} is not a day of the year") from error
    return day


class Event(Figures):
    """A window in which viewing is higher or lower everywhere (a holiday, a première, live sport).

    Dates are local days, both included: a full date happens once, `MM-DD` every year. On a holiday
    (`is_holiday`) households also buy more.
    """

    name: Text
    start: date | Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$")]
    end: date | Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$")]
    multiplier: Annotated[float, Field(gt=0, le=20)]
    countries: list[CountryCode] | None = None
    is_holiday: bool = False

    @model_validator(mode="after")
    def _dates_make_a_window(self) -> Event:
        if type(self.start) is not type(self.end):
            raise ValueError("start and end are both full dates or both MM-DD")
        for day in (self.start, self.end):
            if isinstance(day, str):
                day_of_year(day)
        if isinstance(self.start, date) and isinstance(self.end, date) and self.end < self.start:
            raise ValueError("end lies before start")
        return self


class Release(Figures):
    """A title that comes out: it lifts viewing by a part, on its first evening most. The lift fades
    by a factor of e in `fades_in_days`. `day` is a local day, `MM-DD` every year."""

    title: Text
    day: Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$"), AfterValidator(day_of_year)]
    lift: Annotated[float, Field(gt=0, le=2)]
    fades_in_days: Annotated[float, Field(gt=0, le=60)]
    countries: list[CountryCode] | None = None


_NO_NOISE = Noise(log_sd=0.0, autocorrelation=0.0)
TailDegrees = Annotated[float, Field(ge=3, le=1000)]


class DemandNoise(Figures):
    """What a campaign gets differs from day to day, and more so for some campaigns than for others.

    `day` is a median campaign's noise from day to day, `day_spread` the log-sd of its strength
    between campaigns, `weekday_log_sd` how campaigns differ on the days of the week, `hour_spread`
    the log-sd of the strength of `line_item_noise` between line items. A daily budget has
    `part_of_daily_budgets` of the noise of days. Days have the tails of Student's t with
    `tail_degrees`.
    """

    day: Noise = _NO_NOISE
    day_spread: LogSd = 0.0
    weekday_log_sd: LogSd = 0.0
    hour_spread: LogSd = 0.0
    part_of_daily_budgets: Share = 0.15
    tail_degrees: TailDegrees = 1000.0


class Supply(Figures):
    """How many ad opportunities viewing creates, and how many of them may be sold to one buyer.

    Noise of days is that of local days: `market_noise` of the whole platform,
    `country_day_noise` of a country, with the tails of Student's t with `tail_degrees`.
    `room_for_chance` is the part of the supply shared by line items that their plans use; the rest
    is left to chance.
    """

    hours_per_household_day: Annotated[float, Field(gt=0, le=24)]
    ad_minutes_per_hour: Annotated[float, Field(gt=0, le=60)]
    mean_ad_seconds: Annotated[float, Field(ge=1, le=300)]
    device_share: PerDevice[Share]
    hour_curve: PerDevice[HourCurve]
    weekday: WeekCurve
    month: YearCurve
    events: list[Event] = Field(default=[])
    releases: list[Release] = Field(default=[])
    market_noise: Noise
    country_day_noise: Noise = _NO_NOISE
    country_hour_noise: Noise = _NO_NOISE
    device_hour_noise: Noise = _NO_NOISE
    tail_degrees: TailDegrees = 1000.0
    line_item_noise: Noise
    demand_noise: DemandNoise = DemandNoise()
    max_share_of_voice: Annotated[float, Field(gt=0, le=1)]
    room_for_chance: Annotated[float, Field(gt=0, le=1)] = 0.8

    @property
    def slots_per_hour(self) -> float:
        """Ad slots per hour of viewing."""
        return self.ad_minutes_per_hour * 60 / self.mean_ad_seconds

    @model_validator(mode="after")
    def _devices_add_up(self) -> Supply:
        total = sum(self.device_share.in_order())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"device_share adds up to {total:.6g}, not to 1")
        return self


class Region(Figures):
    """A part of a country that can be targeted: a DMA, a state, a city. Without a `zone` it lies in
    all time zones of its country."""

    name: Text
    share: Share
    zone: TimeZone | None = None


class Country(Figures):
    """A country: its households, time zones and regions, its currency and its price level.

    Its habits: viewing is `later_hours` later than on the platform, and has a `device_share`
    of the country where that differs.
    """

    households: Annotated[int, Field(ge=1, le=10**9)]
    currency: Annotated[Currency, Field(strict=False)]
    cpm_level: Positive
    zones: Annotated[dict[TimeZone, Share], Field(min_length=1), AfterValidator(adds_up_to_one)]
    regions: dict[Text, Region] = Field(default={})
    later_hours: Annotated[float, Field(ge=-6, le=6)] = 0.0
    device_share: PerDevice[Share] | None = None

    @model_validator(mode="after")
    def _regions_fit(self) -> Country:
        if sum(region.share for region in self.regions.values()) > 1 + 1e-6:
            raise ValueError("the shares of the regions add up to more than 1")
        for code, region in self.regions.items():
            if region.zone is not None and region.zone not in self.zones:
                raise ValueError(
                    f"the region {code} has the zone {region.zone}, which the country has not"
                )
        for zone, share in self.zones.items():
            if sum(self.share_in_zone(code, zone) for code in self.regions) > share + 1e-6:
                raise ValueError(f"the regions in the zone {zone} add up to more than its share")
        return self

    def share_in_zone(self, region: str, zone: str) -> float:
        """Return the share of the country's households that live in a region and in a time zone.

        The region "" is the rest of the zone.
        """
        if region:
            figures = self.regions[region]
            whole = self.zones[zone] if figures.zone is None else float(figures.zone == zone)
            return figures.share * whole
        regions = sum(self.share_in_zone(code, zone) for code in self.regions)
        return max(0.0, self.zones[zone] - regions)

    @model_validator(mode="after")
    def _devices_add_up(self) -> Country:
        if self.device_share is not None:
            adds_up_to_one(self.device_share.model_dump())
        return self


class Genre(Figures):
    """A genre of the catalogue and its part of viewing."""

    share: Share
    iab_content_id: Text


class Audience(Figures):
    """The platform's population: the share of each segment, per dimension."""

    AGE_RANGE: Shares
    GENDER: Shares
    HOUSEHOLD_INCOME: Shares
    LIFE_STAGE: Shares
    INTEREST_CATEGORY: Shares
    affinity_log_sd: LogSd
    factors: AudienceFactors = AudienceFactors()


class FunnelFloor(Figures):
    """The least each step of the supply funnel keeps of the step before."""

    response: Floor
    eligible: Floor
    win: Floor
    render: Floor


class Funnel(Figures):
    """The mean of each step of the supply funnel, and what the losses are made of.

    Time-outs rise with what is watched: by `load_elasticity_of_timeouts` of an hour's ad
    opportunities over those of a mean hour.
    """

    response_rate: Share
    eligibility_rate: Share
    win_rate: dict[Annotated[BuyType, Field(strict=False)], Share]
    render_rate: Share
    timeout_share_of_no_response: Share
    load_elasticity_of_timeouts: Annotated[float, Field(ge=0, le=2)] = 0.0
    error_share_of_render_loss: Share
    invalid_traffic_rate: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _every_buy_type_has_a_win_rate(self) -> Funnel:
        missing = [buy_type.value for buy_type in BuyType if buy_type not in self.win_rate]
        if missing:
            raise ValueError(f"win_rate lacks {', '.join(missing)}")
        return self


class Quality(Figures):
    """Measurement (MRC): shares of impressions, and of measurable impressions."""

    measurable_rate: PerDevice[Share]
    viewability_rate: PerDevice[Share]
    audibility_rate: PerDevice[Share]


class PlacementShift(Figures):
    """Log-odds added to completion by placement; a pause ad has no completion."""

    PRE_ROLL: LogOdds
    MID_ROLL: LogOdds
    LIVE: LogOdds


class Video(Figures):
    """Starts and completion. Completion is stated for a 15 s pre-roll that cannot be skipped."""

    start_rate: PerDevice[Share]
    completion_rate: PerDevice[Annotated[float, Field(gt=0, lt=1)]]
    placement_log_odds: PlacementShift
    log_odds_per_doubling_of_duration: LogOdds
    skippable_log_odds: LogOdds
    creative_log_odds_sd: LogSd
    abandoned_by_quartile: Annotated[list[Share], Field(min_length=3, max_length=3)]
    skip_share_of_abandoners: Share

    @model_validator(mode="after")
    def _abandonment_rises(self) -> Video:
        if self.abandoned_by_quartile != sorted(self.abandoned_by_quartile):
            raise ValueError("abandoned_by_quartile must rise: who is gone by 25 % is gone by 50 %")
        return self


class Interaction(Figures):
    """Clicks, QR scans and engagements, as shares of impressions."""

    ctr: PerDevice[Share]
    campaign_log_sd: LogSd
    creative_log_sd: LogSd
    wear_out: Annotated[dict[Annotated[int, Field(ge=1)], Share], Field(min_length=1)]
    qr_scan_rate: PerDevice[Share]
    interactive_rate: PerDevice[Share]
    highest_rate: Annotated[float, Field(gt=0, le=1)] = 0.5


class Price(Figures):
    """What an impression costs where it is auctioned. Guaranteed buys pay the booked CPM.

    Prices are `prime_time` times as high at the local hours `prime_time_hours`.
    """

    clearing_share_of_cpm_level: Positive
    impression_log_sd: Annotated[float, Field(gt=0, le=3)]
    market_noise: Noise
    country_hour_noise: Noise = _NO_NOISE
    line_item_hourly_log_sd: LogSd
    line_item_autocorrelation: Autocorrelation = 0.0
    month: YearCurve
    month_of_quarter: Annotated[list[Positive], Field(min_length=3, max_length=3)]
    prime_time: Positive
    prime_time_hours: list[Annotated[int, Field(ge=0, le=23)]] = Field(default=[20, 21, 22])
    device: PerDevice[Positive]


class Competition(Figures):
    """How buyers get into each other's way.

    Auctions cost more on days with more bookings than is usual in the season: `fill_elasticity` is
    the elasticity of the price, for the part of demand that is not `elsewhere` (buyers that are not
    in the data). A line item also drives its own price up: `own_share_elasticity`, around a
    `usual_share` of what fits it. `usual_outbid` is the chance of a usual bid to be outbid; a bid
    that is outbid more often wins less. Where more than `displaced_above` of what came is booked,
    guaranteed line items get less than they were promised.
    """

    fill_elasticity: Annotated[float, Field(ge=0, le=2)] = 0.0
    elsewhere: Share = 0.0
    own_share_elasticity: Annotated[float, Field(ge=0, le=2)] = 0.0
    usual_share: Annotated[float, Field(gt=0, le=1)] = 0.02
    usual_outbid: Annotated[float, Field(gt=0, lt=1)] = 0.1
    displaced_above: Annotated[float, Field(gt=0, le=1)] = 1.0

    def times(self, scale: float) -> Competition:
        """Return figures with elasticities that are this many times as large."""
        return self.model_copy(
            update={
                "fill_elasticity": self.fill_elasticity * scale,
                "own_share_elasticity": self.own_share_elasticity * scale,
                "displaced_above": self.displaced_above if scale else 1.0,
            }
        )


class PacingFigures(Figures):
    """How delivery follows the plan.

    `last_day_safety` and `daily_safety` are how far above its goal a day aims, in standard
    deviations, so that chance leaves little of the budget over: the last day of a lifetime budget,
    and each day of a daily budget. A day of a lifetime budget aims for `ahead` times its part of
    what is left, so that bad days can be made up for.
    """

    supply_exponent: Annotated[float, Field(ge=0, le=2)]
    frontload_decay_per_flight: Annotated[float, Field(ge=0, le=20)]
    cap_use: Annotated[float, Field(gt=0, lt=1)]
    ahead: Annotated[float, Field(ge=1, le=2)] = 1.0
    last_day_safety: Annotated[float, Field(ge=0, le=10)] = 2.0
    daily_safety: Annotated[float, Field(ge=0, le=10)] = 0.5

    def times(self, scale: float) -> PacingFigures:
        """Return figures that aim this many times as far ahead."""
        return self.model_copy(update={"ahead": 1.0 + scale * (self.ahead - 1.0)})


class Reach(Figures):
    """How exposure spreads over households (negative binomial).

    `shape_k` is the shape of a median campaign, `campaign_log_sd` how campaigns differ from it, and
    `day` how the days of a campaign do: on some, the same households watch again and again.
    """

    shape_k: Annotated[float, Field(gt=0, le=100)]
    campaign_log_sd: LogSd = 0.0
    day: Noise = _NO_NOISE
    device_households: PerDevice[Share]
    breadth: dict[Annotated[TargetingKey, Field(strict=False)], Positive]


class PlatformModel(Figures):
    """The model of a whole platform file."""

    name: TemplateName
    title: Text
    description: Text
    is_skippable_allowed: bool
    countries: Annotated[dict[CountryCode, Country], Field(min_length=1)]
    genres: Annotated[dict[Text, Genre], Field(min_length=1)]
    audience: Audience
    supply: Supply
    funnel_floor: FunnelFloor
    funnel: Funnel
    quality: Quality
    video: Video
    interaction: Interaction
    variation: Variation = Variation()
    effects: Effects = Effects()
    incidents: Incidents = Incidents()
    price: Price
    competition: Competition = Competition()
    pacing: PacingFigures
    reach: Reach
    people: PeopleFigures = PeopleFigures()
    conversions: Conversions | None = None
    booking_mix: BookingMix | None = Field(default=None, alias="market")
    life: Life = UNCHANGED

    def with_life(self, life: Life) -> PlatformModel:
        """Return the same platform with forces as strong as a run wants them."""
        changed = self.model_copy(update={"life": life.over(self.life)})
        changed.__dict__.pop("scaled_booking_mix", None)
        return changed

    @cached_property
    def scaled_booking_mix(self) -> BookingMix:
        """The booking mix under the forces of the run."""
        assert self.booking_mix is not None
        return self.booking_mix.under(self.life)

    @cached_property
    def factor_loadings(self) -> dict[str, dict[str, tuple[float, ...]]]:
        """The loadings of each segment on the audience factors, around the population's mean."""
        factors = self.audience.factors.loadings.values()
        result: dict[str, dict[str, tuple[float, ...]]] = {}
        for name in AUDIENCE_KEYS:
            shares = self.segment_shares(name)
            named = [loadings.get(name, {}) for loadings in factors]
            means = [
                sum(share * one.get(segment, 0.0) for segment, share in shares.items())
                for one in named
            ]
            result[name] = {
                segment: tuple(
                    one.get(segment, 0.0) - mean for one, mean in zip(named, means, strict=True)
                )
                for segment in shares
            }
        return result

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], PlatformModel], tuple[dict[str, Any]]]:
        """Pickle the figures, since the classes of `PerDevice` have no name to pickle by."""
        return PlatformModel.model_validate, (self.model_dump(),)

    def segment_shares(self, key: str, country: str | None = None) -> dict[str, float]:
        """Return the segments of a targeting key and their share of viewing.

        `key` is a key of the audience, CONTENT_GENRE, or GEO_DMA. The segments of GEO_DMA are the
        regions of `country`.
        """
        if key == TargetingKey.CONTENT_GENRE:
            return {name: genre.share for name, genre in self.genres.items()}
        if key == TargetingKey.GEO_DMA:
            regions = self.countries[country].regions if country else {}
            return {code: region.share for code, region in regions.items()}
        shares: dict[str, float] = getattr(self.audience, key)
        return shares

    @model_validator(mode="after")
    def _genres_add_up(self) -> PlatformModel:
        adds_up_to_one({name: genre.share for name, genre in self.genres.items()})
        return self

    @model_validator(mode="after")
    def _events_name_its_countries(self) -> PlatformModel:
        named = [(f"event {event.name!r}", event.countries) for event in self.supply.events]
        named += [(f"release {one.title!r}", one.countries) for one in self.supply.releases]
        for what, countries in named:
            for country in countries or ():
                if country not in self.countries:
                    raise ValueError(f"the {what} names {country}, no country of it")
        return self

    @model_validator(mode="after")
    def _devices_with_viewing_have_households(self) -> PlatformModel:
        for device in Device:
            viewing = getattr(self.supply.device_share, device)
            if viewing > 0 and getattr(self.reach.device_households, device) == 0:
                raise ValueError(f"{device} has viewing, but reach.device_households is 0")
        return self

    @model_validator(mode="after")
    def _an_hour_can_be_counted(self) -> PlatformModel:
        supply = self.supply
        curves = supply.hour_curve.in_order()
        days = [day for curve in curves for day in (curve.weekday, curve.weekend)]
        peak = max(max(day) / sum(day) for day in days) * _SEASONS_AND_NOISE
        peak *= max([1.0, *(event.multiplier for event in supply.events)])
        peak *= 1.0 + LARGEST_SCALE * max([0.0, *(release.lift for release in supply.releases)])
        for code, country in self.countries.items():
            a_day = country.households * supply.hours_per_household_day * supply.slots_per_hour
            if a_day * peak > _MOST_OPPORTUNITIES:
                raise ValueError(
                    f"{code} could have more ad opportunities in an hour than a column can count "
                    f"({_MOST_OPPORTUNITIES:,}): fewer households, or a smaller ad load"
                )
        return self

    @model_validator(mode="after")
    def _means_are_above_their_floor(self) -> PlatformModel:
        steps = {
            "response": self.funnel.response_rate,
            "eligible": self.funnel.eligibility_rate,
            "win": min(self.funnel.win_rate.values()),
            "render": self.funnel.render_rate,
        }
        for step, mean in steps.items():
            if mean < float(getattr(self.funnel_floor, step)):
                raise ValueError(f"the mean {step} rate {mean} lies below funnel_floor.{step}")
        return self
