"""A booked campaign: the raw rows that delivery is computed from."""

from dataclasses import dataclass

from generator.enums import ConversionType, ExperimentDesign, ExperimentUnit, Industry
from generator.schema.entities import (
    Budget,
    Campaign,
    CampaignChange,
    Creative,
    Flight,
    FrequencyCap,
    LineItem,
)


@dataclass(frozen=True)
class Optimiser:
    """A program that moves the rotation of creatives towards those that are clicked more.

    It learns for `after_days` of a flight and moves over as many as `days`. In the end a
    creative that is clicked twice as often has 2 to the power of `gain` times its share.
    """

    gain: float = 0.0
    after_days: int = 0
    days: int = 1


@dataclass(frozen=True)
class Steering:
    """How people and programs steer a line item towards its goal.

    `beyond` is the part of its goal that it aims to deliver on top of it, unbilled; below 0 it
    falls short by that part. `error_log_sd` is how far off the aim of a day is (log-sd), and
    `error_autocorrelation` how alike the errors of two days in a row. `ramp` are the aims of the
    first days of a flight, relative to what they should be. `optimiser` moves its rotation.
    """

    beyond: float = 0.0
    error_log_sd: float = 0.0
    error_autocorrelation: float = 0.0
    ramp: tuple[float, ...] = ()
    optimiser: Optimiser = Optimiser()


STRAIGHT = Steering()


@dataclass(frozen=True)
class BookedLineItem:
    """A line item and its creatives, in the order of their ids, and how it is steered."""

    line_item: LineItem
    creatives: tuple[Creative, ...]
    steering: Steering = STRAIGHT


@dataclass(frozen=True)
class ConversionGoal:
    """One kind of conversion that a campaign counts: the conversions of a household in 28 days
    without ads, those that follow a click, and the mean worth of one in units of the campaign's
    currency. `lift` is what reached households do more, as a share of what they do anyway; None:
    one that is drawn for the campaign."""

    conversion_type: ConversionType
    monthly_rate: float
    click_rate: float
    value: float
    lift: float | None = None


@dataclass(frozen=True)
class ConversionCount:
    """What a campaign counts as conversions, and how many days a click or an impression counts
    for."""

    goals: tuple[ConversionGoal, ...]
    click_window_days: int
    view_window_days: int


@dataclass(frozen=True)
class BookedExperiment:
    """An experiment on a campaign: of the households that it addresses, the share `control_share`
    is held out. Of the ads that they would have seen, `contamination` reach them all the same."""

    design: ExperimentDesign
    unit: ExperimentUnit
    control_share: float
    contamination: float


@dataclass(frozen=True)
class Booking:
    """One booked campaign: its rows at the booking, the industry of its advertiser, and what was
    changed later.

    Flights are in order of time and do not overlap, changes are in order of time. A creative has
    the rotation that it had in the end. `counted` is what a scenario says about conversions;
    without it they are those of the `industry`, as the platform has them.
    """

    campaign: Campaign
    industry: Industry
    flights: tuple[Flight, ...]
    budget: Budget
    frequency_caps: tuple[FrequencyCap, ...]
    line_items: tuple[BookedLineItem, ...]
    changes: tuple[CampaignChange, ...] = ()
    counted: ConversionCount | None = None
    experiment: BookedExperiment | None = None

    @property
    def control_share(self) -> float:
        """The share of the addressed households that an experiment holds out; 0 without one."""
        return self.experiment.control_share if self.experiment else 0.0
