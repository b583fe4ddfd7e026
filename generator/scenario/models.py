"""What a scenario and a workflow may hold: the models of the files in `templates/`.

An example says everything; a profile leaves out its advertiser, names and dates, and `world/`
makes them up from the seed. Both are a `Scenario`. Amounts are in units of the currency, as people
write them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from generator.enums import (
    AdFormat,
    AdServerType,
    BudgetType,
    BuyType,
    CapScope,
    ChangeReason,
    CleanRoom,
    ContentTier,
    ConversionType,
    Currency,
    DspPartner,
    ExperimentDesign,
    ExperimentUnit,
    GeoTier,
    Industry,
    MeasurementPartner,
    Objective,
    Pacing,
    Placement,
    TargetingKey,
    TimeUnit,
    VerificationVendor,
)
from generator.platform.life import UNCHANGED, Life
from generator.platform.model import PlatformModel
from generator.scenario.errors import nearest
from generator.scenario.faults import NO_FAULTS, Faults
from generator.scenario.log import NO_LOG, LogPlan
from generator.scenario.money import in_whole_units
from generator.scenario.values import (
    Amount,
    Cpm,
    Day,
    Devices,
    ExampleAddress,
    Flag,
    Seed,
    Segments,
    Share,
    Whole,
    no_repeats,
)
from generator.scenario.yaml_file import KeyPath
from generator.schema.text_types import TemplateName, Text, TimeZone

DURATIONS = (10, 15, 20, 30, 45, 60, 75)
PRE_ROLL_DURATIONS = (10, 15, 20, 30)
LIVE_DURATIONS = (15, 30)


class Plan(BaseModel):
    """Base of everything in a scenario file: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AdvertiserPlan(Plan):
    """Who pays. What is left out is made up."""

    name: Text | None = None
    brand: Text | None = None
    industry: Industry | None = None
    contact_email: ExampleAddress | None = None
    agency_name: Text | None = None
    time_zone: TimeZone = "America/New_York"


class FlightPlan(Plan):
    """Days on which the campaign runs: given, or `weeks` long from a day drawn inside a window."""

    start_date: Day | None = None
    end_date: Day | None = None
    weeks: Annotated[int, Field(strict=True, ge=1, le=104)] | None = None
    start_between: Annotated[list[Day], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _given_or_drawn(self) -> FlightPlan:
        given = self.start_date is not None and self.end_date is not None
        drawn = self.weeks is not None and self.start_between is not None
        either = (self.start_date or self.end_date) and (self.weeks or self.start_between)
        if given == drawn or either:
            raise ValueError("give start_date and end_date, or weeks and start_between")
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} lies before start_date {self.start_date}")
        if self.start_between and self.start_between[1] < self.start_between[0]:
            raise ValueError("start_between is given as [earliest, latest]")
        return self


class BudgetPlan(Plan):
    """How much may be spent: in all, or on each UTC day."""

    amount: Amount
    type: BudgetType = BudgetType.LIFETIME


class FrequencyCapPlan(Plan):
    """At most `max_impressions` for one household within `time_units` times `time_unit`."""

    max_impressions: Whole
    time_unit: TimeUnit
    time_units: Whole = 1
    scope: CapScope = CapScope.HOUSEHOLD


class ChangePlan(Plan):
    """What is changed from the start of a UTC day on: the campaign is paused until another day, or
    stopped for good, or its budget or its bids are raised or cut."""

    on: Day
    pause_until: Day | None = None
    stop: Flag = False
    budget: Amount | None = None
    bid_cpm: Cpm | None = None
    reason: ChangeReason = ChangeReason.CLIENT

    @model_validator(mode="after")
    def _is_one_change(self) -> ChangePlan:
        kinds = (self.pause_until, self.stop or None, self.budget, self.bid_cpm)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("give one of pause_until, stop, budget and bid_cpm")
        if self.pause_until is not None and self.pause_until <= self.on:
            raise ValueError(f"pause_until {self.pause_until} does not lie after {self.on}")
        return self


class GoalPlan(Plan):
    """One kind of conversion: how many a household has in 28 days without ads, the share of clicks
    that one follows, what one is worth in units of the currency, and the lift of reached
    households, if it is not drawn."""

    monthly_rate: Annotated[float, Field(strict=True, gt=0, le=10)]
    click_rate: Share
    value: Amount = 0.0
    lift: Annotated[float, Field(strict=True, ge=0, le=10)] | None = None


class ConversionsPlan(Plan):
    """What the campaign counts as conversions, and how many days after a click or an impression."""

    types: Annotated[dict[ConversionType, GoalPlan], Field(max_length=9)]
    click_window_days: Annotated[int, Field(strict=True, ge=1, le=90)] = 30
    view_window_days: Annotated[int, Field(strict=True, ge=1, le=90)] = 14


class ExperimentPlan(Plan):
    """An experiment: which share of the households is held out, what is known of them, and the
    share of the ads kept from them that reach them all the same."""

    design: ExperimentDesign
    unit: ExperimentUnit = ExperimentUnit.HOUSEHOLD
    control_share: Annotated[float, Field(strict=True, ge=0.1, le=0.5)]
    contamination: Annotated[float, Field(strict=True, ge=0, le=0.5)] = 0.0


class CampaignPlan(Plan):
    """What is bought, for how much, and when."""

    name: Text | None = None
    platform: TemplateName
    objective: Objective
    buy_type: BuyType
    dsp_partner: DspPartner | None = None
    target_cpm: Cpm
    currency: Currency
    content_tier: ContentTier | None = None
    brand_lift_enabled: Flag = False
    attention_metrics_enabled: Flag = False
    clean_room_provider: CleanRoom | None = None
    measurement_partner: MeasurementPartner | None = None
    external_ref: Text | None = None
    flights: Annotated[list[FlightPlan], Field(min_length=1, max_length=99)]
    budget: BudgetPlan
    max_share_of_voice: Share | None = None
    frequency_caps: Annotated[list[FrequencyCapPlan], Field(max_length=9)] = []
    changes: Annotated[list[ChangePlan], Field(max_length=20)] = []
    conversions: ConversionsPlan | None = None
    experiment: ExperimentPlan | None = None

    @model_validator(mode="after")
    def _an_experiment_counts_something(self) -> CampaignPlan:
        if self.experiment and not (self.conversions and self.conversions.types):
            raise ValueError(
                "an experiment compares conversions; say which under conversions.types, or leave "
                "out the experiment"
            )
        return self

    @model_validator(mode="after")
    def _changes_are_possible(self) -> CampaignPlan:
        has_one_flight = len(self.flights) == 1
        is_lifetime = self.budget.type is BudgetType.LIFETIME
        if any(change.budget for change in self.changes) and not (has_one_flight and is_lifetime):
            raise ValueError("only a LIFETIME budget of one flight can be changed")
        is_auction = self.buy_type is BuyType.PRIVATE_AUCTION
        if any(change.bid_cpm for change in self.changes) and not is_auction:
            raise ValueError("only a PRIVATE_AUCTION has bids that can be changed")
        days = sorted(change.on for change in self.changes)
        if len(set(days)) < len(days):
            raise ValueError("two changes are on one day")
        pauses = sorted((one.on, one.pause_until) for one in self.changes if one.pause_until)
        stops = [one.on for one in self.changes if one.stop]
        ends = [*(until for _, until in pauses[:-1]), *(until for _, until in pauses if stops)]
        starts = [*(start for start, _ in pauses[1:]), *(min(stops) for _ in pauses if stops)]
        if any(start < end for start, end in zip(starts, ends, strict=True)):
            raise ValueError("a pause lasts into the next one, or after the stop")
        if len(stops) > 1:
            raise ValueError("a campaign is stopped once")
        return self

    @model_validator(mode="after")
    def _flights_do_not_overlap(self) -> CampaignPlan:
        if len(self.flights) > 1:
            days = [(flight.start_date, flight.end_date) for flight in self.flights]
            if any(start is None or end is None for start, end in days):
                raise ValueError("a drawn flight must be the only one")
            ordered = sorted((start, end) for start, end in days if start and end)
            for (_, end), (start, _) in pairwise(ordered):
                if start <= end:
                    raise ValueError(f"two flights overlap: one ends {end}, another starts {start}")
        return self

    @model_validator(mode="after")
    def _direct_orders_have_no_dsp(self) -> CampaignPlan:
        if self.buy_type is BuyType.DIRECT_IO and self.dsp_partner is not None:
            raise ValueError("a DIRECT_IO campaign has no dsp_partner")
        return self


class TargetingPlan(Plan):
    """What a line item is targeted on; what is left out does not restrict."""

    DEVICE: Devices | None = None
    GEO_COUNTRY: Segments | None = None
    GEO_DMA: Segments | None = None
    CONTENT_GENRE: Segments | None = None
    AGE_RANGE: Segments | None = None
    GENDER: Segments | None = None
    HOUSEHOLD_INCOME: Segments | None = None
    LIFE_STAGE: Segments | None = None
    INTEREST_CATEGORY: Segments | None = None

    def lists(self) -> dict[str, list[str]]:
        """Return the lists that were given, by key."""
        return {
            str(key): [str(value) for value in values]
            for key in TargetingKey
            if (values := getattr(self, key)) is not None
        }


class CreativePlan(Plan):
    """One ad. A pause ad is a still image and has no duration."""

    name: Text | None = None
    placement: Placement
    duration_seconds: Annotated[int, Field(strict=True)] | None = None
    rotation_weight: Whole = 1
    rotation_start_date: Day | None = None
    rotation_end_date: Day | None = None
    is_skippable: Flag = False
    is_interactive: Flag = False
    has_qr_code: Flag = False
    overlay_cta_text: Text | None = None

    @model_validator(mode="after")
    def _duration_fits_the_placement(self) -> CreativePlan:
        if self.placement is Placement.PAUSE:
            if self.duration_seconds is not None or self.is_skippable:
                raise ValueError("a pause ad is a still image: no duration_seconds, not skippable")
            return self
        sold = {Placement.PRE_ROLL: PRE_ROLL_DURATIONS, Placement.LIVE: LIVE_DURATIONS}
        lengths = sold.get(self.placement, DURATIONS)
        if self.duration_seconds not in lengths:
            names = ", ".join(str(length) for length in lengths)
            raise ValueError(f"duration_seconds of a {self.placement} is one of {names}")
        return self

    @model_validator(mode="after")
    def _rotation_ends_after_it_starts(self) -> CreativePlan:
        start, end = self.rotation_start_date, self.rotation_end_date
        if start and end and end < start:
            raise ValueError(f"rotation_end_date {end} lies before rotation_start_date {start}")
        return self


class LineItemPlan(Plan):
    """What is bought in one format with one targeting, on all days of the flights or on some."""

    name: Text | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    ad_format: AdFormat = AdFormat.STANDARD_VIDEO
    bid_cpm: Cpm | None = None
    budget_share: Share | None = None
    pacing: Pacing = Pacing.EVEN
    pacing_pct: Annotated[int, Field(strict=True, ge=1, le=1000)] = 150
    ad_server_type: AdServerType = AdServerType.PLATFORM_HOSTED
    verification_vendor: VerificationVendor = VerificationVendor.DOUBLEVERIFY
    geo_tier: GeoTier | None = None
    targeting: TargetingPlan = TargetingPlan()
    creatives: Annotated[list[CreativePlan], Field(min_length=1, max_length=99)]

    @model_validator(mode="after")
    def _format_and_creatives_agree(self) -> LineItemPlan:
        pauses = [creative.placement is Placement.PAUSE for creative in self.creatives]
        if self.ad_format is AdFormat.PAUSE_AD and not all(pauses):
            raise ValueError("a PAUSE_AD line item has PAUSE creatives only")
        if self.ad_format is not AdFormat.PAUSE_AD and any(pauses):
            raise ValueError(f"a {self.ad_format} line item has no PAUSE creatives")
        interactive = any(creative.is_interactive for creative in self.creatives)
        if interactive and self.ad_format is not AdFormat.INTERACTIVE_OVERLAY:
            raise ValueError("interactive creatives belong in an INTERACTIVE_OVERLAY line item")
        return self

    @model_validator(mode="after")
    def _creatives_rotate_while_it_runs(self) -> LineItemPlan:
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} lies before start_date {self.start_date}")
        for creative in self.creatives:
            start, end = self.rotation_of(creative)
            if start and end and end < start:
                raise ValueError(
                    f"a creative rotates from {start} to {end} within the dates of its line item, "
                    "which are no days"
                )
        return self

    def rotation_of(self, creative: CreativePlan) -> tuple[date | None, date | None]:
        """Return the first and the last day on which a creative rotates, None for no limit: its own
        days, within those of the line item."""
        starts = [day for day in (self.start_date, creative.rotation_start_date) if day]
        ends = [day for day in (self.end_date, creative.rotation_end_date) if day]
        return max(starts, default=None), min(ends, default=None)


class Scenario(Plan):
    """An example or a profile: one campaign with its line items."""

    name: TemplateName
    description: Text
    advertiser: AdvertiserPlan = AdvertiserPlan()
    campaign: CampaignPlan
    line_items: Annotated[list[LineItemPlan], Field(min_length=1, max_length=99)]

    @model_validator(mode="after")
    def _shares_add_up(self) -> Scenario:
        shares = [item.budget_share for item in self.line_items]
        given = [share for share in shares if share is not None]
        if given and len(given) < len(shares):
            raise ValueError("give every line item a budget_share, or none")
        if given and abs(sum(given) - 1) > 1e-6:
            raise ValueError(
                f"the budget_share of the line items add up to {sum(given):g}, not to 1"
            )
        return self

    @model_validator(mode="after")
    def _line_items_run_in_every_flight(self) -> Scenario:
        for item in self.line_items:
            if not item.start_date and not item.end_date:
                continue
            for flight in self.campaign.flights:
                if not flight.start_date or not flight.end_date:
                    raise ValueError(
                        "a line item has dates, and a flight does not: give it start_date and "
                        "end_date, or leave out those of the line item"
                    )
                starts_late = item.start_date and item.start_date > flight.end_date
                if starts_late or (item.end_date and item.end_date < flight.start_date):
                    raise ValueError(
                        "a line item with dates has no day in the flight from "
                        f"{flight.start_date} to {flight.end_date}, and every flight has a part of "
                        "its budget: change its dates"
                    )
        return self

    @model_validator(mode="after")
    def _bids_are_raised(self) -> Scenario:
        bids = [item.bid_cpm or self.campaign.target_cpm for item in self.line_items]
        for change in sorted(self.campaign.changes, key=lambda change: change.on):
            if change.bid_cpm is not None:
                if change.bid_cpm < max(bids):
                    raise ValueError(f"a bid of {max(bids):g} can be raised, not cut")
                bids = [change.bid_cpm]
        return self


class MarketPlan(Plan):
    """A whole market: `campaigns` campaigns on some platforms, over a period of whole days.

    They are sized to sell the platforms' fill together, so more campaigns are smaller ones. With
    `made` only so few of them are made, evenly over the order in which they are booked, and the
    same ones as in the whole market.
    """

    platforms: Annotated[list[TemplateName], Field(min_length=1), no_repeats]
    campaigns: Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
    advertisers: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] | None = None
    made: Annotated[int, Field(strict=True, ge=1)] | None = None
    start_date: Day
    end_date: Day

    @model_validator(mode="after")
    def _is_possible(self) -> MarketPlan:
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} lies before start_date {self.start_date}")
        if (self.end_date - self.start_date).days >= 5 * 366:
            raise ValueError("a market spans at most five years")
        if self.made is not None and self.made > self.campaigns:
            raise ValueError(f"made ({self.made}) is more than all the {self.campaigns} campaigns")
        return self


class Workflow(Plan):
    """A named dataset: which scenarios or market, under which seed, as of which day."""

    name: TemplateName
    description: Text
    seed: Seed
    as_of: Day
    examples: list[Text] = []
    profiles: list[Text] = []
    faults: Faults = NO_FAULTS
    life: Life = UNCHANGED
    log: LogPlan = NO_LOG
    market: MarketPlan | None = None

    @model_validator(mode="after")
    def _has_scenarios_or_a_market(self) -> Workflow:
        listed = bool(self.examples or self.profiles)
        if listed == (self.market is not None):
            raise ValueError("a workflow lists examples or profiles, or it has a market")
        return self


def platform_problems(
    scenario: Scenario, platform: PlatformModel
) -> Iterator[tuple[KeyPath, Callable[[], str]]]:
    """Yield what a scenario asks for that its platform does not have: where, and what says so."""
    audience = platform.audience.model_dump(exclude={"affinity_log_sd"})
    known: dict[str, set[str]] = {key: set(shares) for key, shares in audience.items()}
    known["CONTENT_GENRE"] = set(platform.genres)
    known["GEO_COUNTRY"] = set(platform.countries)
    known["GEO_DMA"] = {code for place in platform.countries.values() for code in place.regions}
    for position, item in enumerate(scenario.line_items):
        yield from _currency_problems(scenario, position, item, platform)
        for key, values in item.targeting.lists().items():
            for index, value in enumerate(values):
                if key in known and value not in known[key]:
                    path = ("line_items", position, "targeting", key, index)
                    yield path, partial(_missing_segment, platform.name, key, value, known[key])
    if scenario.campaign.conversions and platform.conversions is None:
        yield ("campaign", "conversions"), partial(_no_figures_of_conversions, platform.name)


def budget_problems(scenario: Scenario) -> Iterator[tuple[KeyPath, Callable[[], str]]]:
    """Yield the budget that its currency cannot pay: where, and what says so."""
    amount, currency = scenario.campaign.budget.amount, scenario.campaign.currency
    if amount != in_whole_units(amount, currency):
        yield ("campaign", "budget", "amount"), partial(_not_in_whole_units, amount, currency)


def _not_in_whole_units(amount: float, currency: Currency) -> str:
    unit = currency.smallest_unit
    return (
        f"a budget in {currency} is paid in whole units of {unit:g}, and cannot be {amount}; write "
        f"{in_whole_units(amount, currency):.12g}"
    )


def _missing_segment(platform: str, key: str, value: str, known: set[str]) -> str:
    return f"{platform} has no {key} {value!r}{nearest(value, known)}"


def _no_figures_of_conversions(platform: str) -> str:
    return (
        f"{platform} has no figures of conversions; leave the key out, or add `conversions` to the "
        "platform file, as netflix_like has it"
    )


def _currency_problems(
    scenario: Scenario, position: int, item: LineItemPlan, platform: PlatformModel
) -> Iterator[tuple[KeyPath, Callable[[], str]]]:
    """Yield the market in which a line item bids in an auction that is held in another currency."""
    if scenario.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        return
    currency = scenario.campaign.currency
    for country in item.targeting.GEO_COUNTRY or platform.countries:
        place = platform.countries.get(country)
        if place is not None and place.currency is not currency:
            path = ("line_items", position, "targeting", "GEO_COUNTRY")
            yield path, partial(_other_currency, country, place.currency, currency)
            return


def _other_currency(country: str, held_in: Currency, currency: Currency) -> str:
    return (
        f"an auction in {country} is held in {held_in}, the campaign bids in {currency}; name the "
        f"markets that use {currency}"
    )
