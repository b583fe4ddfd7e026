"""A booked campaign: the raw rows that delivery is computed from."""

from dataclasses import dataclass

from generator.schema.entities import (
    Budget,
    Campaign,
    Creative,
    Flight,
    FrequencyCap,
    LineItem,
)


@dataclass(frozen=True)
class BookedLineItem:
    """A line item and its creatives, in the order of their ids."""

    line_item: LineItem
    creatives: tuple[Creative, ...]


@dataclass(frozen=True)
class Booking:
    """One booked campaign. Flights are in order of time and do not overlap."""

    campaign: Campaign
    flights: tuple[Flight, ...]
    budget: Budget
    frequency_caps: tuple[FrequencyCap, ...]
    line_items: tuple[BookedLineItem, ...]
