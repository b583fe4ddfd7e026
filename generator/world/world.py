"""Everything that exists in one run, and the outline by which it is cut into parts before it is
made."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from generator.arrays import Int64s
from generator.clock import HOURS_A_DAY, day_number
from generator.enums import Device, TargetingKey
from generator.platform.booked_days import BookedDays
from generator.platform.model import PlatformModel
from generator.scenario.faults import NO_FAULTS, Faults
from generator.scenario.log import NO_LOG, LogPlan
from generator.schema import Advertiser, Platform, Run
from generator.schema.booking import Booking
from generator.source import source_digest


@dataclass(frozen=True)
class RunOutline:
    """The extent of a run, known without looking at its campaigns one by one.

    `countries` are those that its campaigns are targeted on, by platform; `days` the days of its
    flights (day numbers, in order, each once); `ids` and `rows` have the id and the rows of
    performance of each campaign. `booked` is what a market has booked, by platform and country.
    """

    countries: Mapping[str, tuple[str, ...]]
    days: Int64s
    ids: Int64s
    rows: Int64s
    booked: Mapping[str, Mapping[str, BookedDays]] = field(default_factory=dict)

    def only(self, positions: Sequence[int]) -> RunOutline:
        """Return the outline with the campaigns at these positions; its days are unchanged."""
        return replace(self, ids=self.ids[positions], rows=self.rows[positions])


@dataclass(frozen=True)
class World:
    """Everything that exists in one run.

    `bookings` are the campaigns that are booked before the as-of day, `booked_later` counts the
    others. `bookings` and `advertisers` may be made on demand; `outline` is the extent of them all.
    Worlds of the same `identity` are the same.
    """

    identity: str
    run: Run
    platform_models: Mapping[str, PlatformModel]
    platforms: tuple[Platform, ...]
    advertisers: Sequence[Advertiser]
    bookings: Sequence[Booking]
    outline: RunOutline
    faults: Faults = NO_FAULTS
    log: LogPlan = NO_LOG
    booked_later: int = 0

    def only(self, scenarios: Collection[str]) -> World:
        """Return the world with the campaigns of these scenarios; its supply is unchanged.

        An advertiser is left out if it has campaigns and none of them is kept.
        """
        kept = [
            position
            for position, booking in enumerate(self.bookings)
            if booking.campaign.scenario in scenarios
        ]
        bookings = tuple(self.bookings[position] for position in kept)
        buyers = {booking.campaign.advertiser_id for booking in bookings}
        others = {booking.campaign.advertiser_id for booking in self.bookings} - buyers
        payers = [
            advertiser for advertiser in self.advertisers if advertiser.advertiser_id not in others
        ]
        return replace(
            self,
            identity=identity_of(self.identity, sorted(scenarios)),
            advertisers=tuple(payers),
            bookings=bookings,
            outline=self.outline.only(kept),
            booked_later=len(set(scenarios) - {booking.campaign.scenario for booking in bookings}),
        )


def identity_of(*inputs: object) -> str:
    """Return the identity of a world made of these inputs: 32 hexadecimal digits, equal where the
    inputs have the same `repr` and the same code of the generator makes the world."""
    text = repr((source_digest(), *inputs))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def outline_of(
    bookings: Sequence[Booking], platform_models: Mapping[str, PlatformModel]
) -> RunOutline:
    """Return the outline of existing campaigns."""
    countries: dict[str, set[str]] = {}
    days = [np.zeros(0, dtype=np.int64)]
    rows = []
    for booking in bookings:
        platform = booking.campaign.platform
        flight_days = [
            np.arange(day_number(flight.start_date), day_number(flight.end_date) + 1)
            for flight in booking.flights
        ]
        rows_an_hour = 0
        for item in booking.line_items:
            targeting = item.line_item.targeting_lists()
            named = targeting.get(TargetingKey.GEO_COUNTRY, platform_models[platform].countries)
            countries.setdefault(platform, set()).update(named)
            devices = targeting.get(TargetingKey.DEVICE, list(Device))
            rows_an_hour += len(item.creatives) * len(devices)
        days += flight_days
        rows.append(sum(flight.size for flight in flight_days) * HOURS_A_DAY * rows_an_hour)
    return RunOutline(
        countries={platform: tuple(sorted(found)) for platform, found in sorted(countries.items())},
        days=np.unique(np.concatenate(days)),
        ids=np.array([booking.campaign.campaign_id for booking in bookings], dtype=np.int64),
        rows=np.array(rows, dtype=np.int64),
    )
