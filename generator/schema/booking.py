"""A booked campaign: the raw rows that delivery is computed from."""

from dataclasses import dataclass

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
class Steering:
    """How people and programs steer a line item towards its goal.

    `beyond` is the part of its goal that it aims to deliver on top of it, unbilled; below 0 it
    falls short by that part. `error_log_sd` is how far off the aim of a day is (log-sd), and
    `error_autocorrelation` how alike the errors of two days in a row. `ramp` are the aims of the
    first days of a flight, relative to what they should be.
    """

    beyond: float = 0.0
    error_log_sd: float = 0.0
    error_autocorrelation: float = 0.0
    ramp: tuple[float, ...] = ()


STRAIGHT = Steering()


@dataclass(frozen=True)
class BookedLineItem:
    """A line item and its creatives, in the order of their ids, and how it is steered."""

    line_item: LineItem
    creatives: tuple[Creative, ...]
    steering: Steering = STRAIGHT


@dataclass(frozen=True)
class Booking:
    """One booked campaign: its rows at the booking, and what was changed later.

    Flights are in order of time and do not overlap, changes are in order of time. A creative has
    the rotation that it had in the end.
    """

    campaign: Campaign
    flights: tuple[Flight, ...]
    budget: Budget
    frequency_caps: tuple[FrequencyCap, ...]
    line_items: tuple[BookedLineItem, ...]
    changes: tuple[CampaignChange, ...] = ()
