"""The log of a run: how much it will be, and the parts of it that are made alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa

from generator.arrays import Int64s, distinct
from generator.clock import HOURS_A_DAY, MICROSECONDS_AN_HOUR, day_number
from generator.delivery.addressees import addressees, expected_before
from generator.delivery.campaign import Delivery, Seen, deliver
from generator.delivery.conversions import counting_campaign
from generator.log.people import People
from generator.log.population import Population
from generator.log.rows import Audience, CampaignLog, Keep, Logged, make_anew
from generator.log.sittings import Sittings
from generator.outcomes.baseline import Claim, claim_of
from generator.outcomes.campaign import CampaignOutcomes
from generator.pipeline.country_supplies import Supplies
from generator.scenario.errors import bad_input
from generator.schema import (
    LOG,
    TABLES,
    TRUTH,
    AdError,
    AdImpression,
    Conversion,
    Household,
    HouseholdDevice,
    Profile,
    RawTable,
)
from generator.schema.booking import Booking
from generator.sinks.sink import Piece
from generator.world.world import World

# What a run may log at most, and the bytes of an impression in Parquet.
_MOST_IMPRESSIONS = 3_000_000_000
_BYTES_AN_IMPRESSION = 60
# A household has about two profiles and five devices.
ROWS_A_HOUSEHOLD = 8
_HOUSEHOLDS_AT_ONCE = 50_000
# What is kept with conversions: the numbers of their households.
_HOUSEHOLD = "household_number"
_ROWS: frozenset[type[RawTable]] = frozenset((AdImpression, AdError))
_PEOPLE: frozenset[type[RawTable]] = frozenset((Household, Profile, HouseholdDevice))
_OUTCOMES = frozenset(LOG + TRUTH) - _ROWS - _PEOPLE
_MICROSECONDS_A_DAY = HOURS_A_DAY * MICROSECONDS_AN_HOUR


def expected_impressions(world: World) -> Int64s:
    """Return about how many impressions of each campaign are logged: (campaigns,).

    Raises InputError where that is more than a run may log.
    """
    share = world.log.households
    if not share:
        return np.zeros(len(world.bookings), dtype=np.int64)
    logged = np.array([_logged(booking, world) for booking in world.bookings], dtype=np.int64)
    if (total := int(logged.sum())) > _MOST_IMPRESSIONS:
        fits = share * _MOST_IMPRESSIONS / total
        raise bad_input(
            f"the log of {share:g} of the households would have about {total:,} impressions "
            f"({total * _BYTES_AN_IMPRESSION / 1e9:,.0f} GB of Parquet), and a run logs up to "
            f"{_MOST_IMPRESSIONS:,}; log a smaller share, such as --log {fits / 2:.1g}"
        )
    return logged


def _logged(booking: Booking, world: World) -> int:
    """Return the logged share of the impressions that a campaign pays for until the as-of day."""
    horizon = day_number(world.run.as_of_date)
    days, past = 0, 0
    for flight in booking.flights:
        first, last = day_number(flight.start_date), day_number(flight.end_date) + 1
        days += last - first
        past += min(max(horizon - first, 0), last - first)
    paid = expected_before(booking, len(booking.flights)) * past / days
    return round(paid * world.log.households)


def logged_households(world: World, platform: str, logged: Int64s) -> int:
    """Return about how many households of a platform are in the log: those of the panel, and no
    more than there are impressions. `logged` (campaigns,) is what `expected_impressions` says.

    Of a log it is 1 or more, since households convert without an impression, too.
    """
    if not world.log:
        return 0
    of_platform = [booking.campaign.platform == platform for booking in world.bookings]
    figures = world.platform_models[platform].countries.values()
    households = sum(country.households for country in figures)
    return max(min(round(households * world.log.households), int(logged[of_platform].sum())), 1)


class Logs:
    """The logs of the campaigns of a world.

    The last one that was asked for by its position is kept, since a campaign may be in several
    parts. So are the households of a panel that short logs have. Only what the wanted `tables` need
    is made. `keep` keeps what takes long.
    """

    def __init__(
        self,
        world: World,
        supplies: Supplies,
        tables: Collection[type[RawTable]] = TABLES,
        keep: Keep = make_anew,
    ) -> None:
        self._world = world
        self._keep = keep
        self._supplies = supplies
        self._with_rows, self._with_people, self._with_outcomes = (
            not kinds.isdisjoint(tables) for kinds in (_ROWS, _PEOPLE, _OUTCOMES)
        )
        self._audiences: dict[str, Audience] = {}
        self._last: tuple[int, CampaignLog] | None = None
        self._reached: dict[int, Int64s] = {}
        self._households: dict[str, Int64s] = {}
        self._claims: dict[int, Claim | None] = {}
        self._last_outcomes: tuple[CampaignLog, CampaignOutcomes | None] | None = None

    def pieces(self, position: int, platform: str | None, part: int, parts: int) -> Iterator[Piece]:
        """Yield a part of the log of the campaign at a position, or of a platform's people. The
        first part of a campaign has its outcomes."""
        if platform is None:
            log = self.of(position)
            if self._with_rows:
                yield from log.pieces(part, parts)
            if part == 0 and self._with_outcomes:
                yield from self.outcome_pieces(log)
            return
        people = self._audience(platform).people
        reached = self._reached_on(platform)
        reached = reached[reached.size * part // parts : reached.size * (part + 1) // parts]
        for first in range(0, reached.size, _HOUSEHOLDS_AT_ONCE):
            numbers = reached[first : first + _HOUSEHOLDS_AT_ONCE]
            yield Household, people.households_batch(numbers)
            yield Profile, people.profiles_batch(numbers)
            yield HouseholdDevice, people.devices_batch(numbers)

    def _reached_on(self, platform: str) -> Int64s:
        """Return the numbers of the logged households that saw a campaign of a platform or have a
        conversion, in order."""
        if platform not in self._households:
            reached = np.zeros(0, dtype=np.int64)
            for position, booking in enumerate(self._world.bookings):
                if booking.campaign.platform == platform:
                    known = self._reached.get(booking.campaign.campaign_id)
                    more = self._in_log(self.of(position)) if known is None else known
                    reached = distinct([reached, more])
            self._households[platform] = reached
        return self._households[platform]

    def of(self, position: int) -> CampaignLog:
        """Return the log of the campaign at a position."""
        if self._last is None or self._last[0] != position:
            booking = self._world.bookings[position]
            delivery = self._deliver(booking)
            self._last = position, self._log(booking, delivery.performance, delivery.seen[0])
        return self._last[1]

    def short(self, bookings: Sequence[Booking], delivery: Delivery, most: int) -> Iterator[Piece]:
        """Yield the logs of those campaigns of a delivery that have up to `most` impressions, with
        their outcomes."""
        for log in self.of_delivery(bookings, delivery, most):
            if self._with_rows:
                yield from log.pieces()
            if self._with_outcomes:
                yield from self.outcome_pieces(log)
            if self._with_people and self._world.log.households < 1:
                self._reached[log.booking.campaign.campaign_id] = self._in_log(log)

    def of_delivery(
        self, bookings: Sequence[Booking], delivery: Delivery, most: int = _MOST_IMPRESSIONS
    ) -> Iterator[CampaignLog]:
        """Yield the logs of those campaigns of a delivery that have up to `most` impressions."""
        ids = delivery.performance.column("campaign_id").to_numpy()
        for booking, seen in zip(bookings, delivery.seen, strict=True):
            if _logged(booking, self._world) <= most:
                own = np.flatnonzero(ids == booking.campaign.campaign_id)
                first = int(own[0]) if own.size else 0
                yield self._log(booking, delivery.performance.slice(first, own.size), seen)

    def _in_log(self, log: CampaignLog) -> Int64s:
        """Return the numbers of the households that are in the log of a campaign, in order."""
        reached, kept = log.reached_households(), self._conversions(log)
        if kept is None:
            return reached
        return distinct([reached, kept.column(_HOUSEHOLD).to_numpy()])

    def conversions(self, log: CampaignLog) -> Iterator[Piece]:
        """Yield the conversions of a campaign."""
        kept = self._conversions(log)
        if kept is not None:
            yield Conversion, kept.drop_columns(_HOUSEHOLD)

    def _conversions(self, log: CampaignLog) -> pa.RecordBatch | None:
        """Return the conversions of a campaign with the numbers of their households; None where it
        counts none."""
        if self._claim(log.booking) is None:
            return None

        def make() -> pa.RecordBatch:
            outcomes = self._outcomes(log)
            assert outcomes is not None
            household = pa.array(outcomes.converting_households())
            return outcomes.conversions.append_column(_HOUSEHOLD, household)

        return self._keep(f"conversions-{log.booking.campaign.campaign_id:08d}", make).slice()

    def outcome_pieces(self, log: CampaignLog) -> Iterator[Piece]:
        """Yield the conversions of a campaign and the truth about them."""
        outcomes = self._outcomes(log)
        if outcomes is not None:
            yield from outcomes.pieces()

    def _outcomes(self, log: CampaignLog) -> CampaignOutcomes | None:
        """Return the outcomes of a campaign; None where it counts no conversions. The last ones are
        kept."""
        if self._last_outcomes is None or self._last_outcomes[0] is not log:
            self._last_outcomes = log, self._new_outcomes(log)
        return self._last_outcomes[1]

    def _new_outcomes(self, log: CampaignLog) -> CampaignOutcomes | None:
        campaign = log.booking.campaign
        own = self._claim(log.booking)
        if own is None:
            return None
        earlier = [
            claim
            for booking in self._world.bookings
            if booking.campaign.advertiser_id == campaign.advertiser_id
            and booking.campaign.platform == campaign.platform
            and booking.campaign.campaign_id < campaign.campaign_id
            for claim in [self._claim(booking)]
            if claim is not None
        ]
        people = self._audience(campaign.platform).people
        share = self._world.log.households
        panel = people.population.panel(share) if share < 1 else None
        horizon = day_number(self._world.run.as_of_date) * _MICROSECONDS_A_DAY
        return CampaignOutcomes(log, people, own, earlier, panel, horizon)

    def _claim(self, booking: Booking) -> Claim | None:
        """Return what a campaign says of the baseline of its advertiser; None where it counts no
        conversions."""
        campaign_id, platform = booking.campaign.campaign_id, booking.campaign.platform
        if campaign_id not in self._claims:
            model = self._world.platform_models[platform]
            found = addressees(booking, model, self._world.run.seed)
            planned = expected_before(booking, len(booking.flights))
            counting = counting_campaign(
                booking, model, found.households, planned, self._world.run.seed
            )
            self._claims[campaign_id] = (
                None
                if counting is None
                else claim_of(counting, found.cells, self._audience(platform).people)
            )
        return self._claims[campaign_id]

    def _log(self, booking: Booking, rows: pa.RecordBatch, seen: Seen) -> CampaignLog:
        audience = self._audience(booking.campaign.platform)
        return CampaignLog(Logged(booking, rows, seen), audience, self._keep)

    def _audience(self, platform: str) -> Audience:
        """Return the audience of a platform. Its tables take a while, so they are kept."""
        if platform not in self._audiences:
            log = self._world.log
            model = self._world.platform_models[platform]
            population = Population(model, self._world.run.seed)
            self._audiences[platform] = Audience(
                People(population), Sittings(population), log.households, log.missing_ids
            )
        return self._audiences[platform]

    def _deliver(self, booking: Booking) -> Delivery:
        world = self._world
        horizon_day = day_number(world.run.as_of_date)
        return deliver(
            [booking], world.platform_models, self._supplies, world.run.seed, horizon_day
        )
