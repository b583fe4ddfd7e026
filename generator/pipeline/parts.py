"""The parts of a run, each of which can be made alone, in any process.

A part is the platforms with the advertisers, the inventory of one platform, or the entities and
facts of a range of campaigns. The parts depend on the world and on the size of a part, never on the
engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from generator.arrays import Int64s
from generator.clock import day_number, hours_of_days
from generator.delivery.campaign import deliver
from generator.delivery.demand import holidays_batch, prices_batch
from generator.delivery.supply import inventory_batch
from generator.faults.stage import inject_faults
from generator.pipeline.country_supplies import CountrySupplies, Supplies
from generator.pipeline.logs import ROWS_A_HOUSEHOLD, Logs, expected_impressions, logged_households
from generator.schema import (
    LOG,
    TABLES,
    TRUTH,
    Advertiser,
    AudienceDaily,
    Budget,
    Campaign,
    CampaignChange,
    CampaignReach,
    ConversionsDaily,
    Creative,
    FaultLog,
    Flight,
    FrequencyCap,
    Holiday,
    Household,
    HouseholdDevice,
    InventoryHourly,
    LineItem,
    PerformanceHourly,
    Platform,
    PricesWeekly,
    Profile,
    RawTable,
    Run,
)
from generator.schema.arrow import to_arrow
from generator.schema.booking import Booking
from generator.sinks.sink import ROW_GROUP, Piece
from generator.world.changes import state_on
from generator.world.world import World

ROWS_A_BLOCK = ROW_GROUP
_A_FEW = 4
PEOPLE = (Household, Profile, HouseholdDevice)
# A log is cut into longer parts than hourly rows: its households are looked up part by part.
_BLOCKS_OF_A_LOG = 4
FACTS = (PerformanceHourly, CampaignReach, AudienceDaily, ConversionsDaily, FaultLog)


@dataclass(frozen=True)
class Part:
    """A piece of a run: its name, and the positions of its campaigns, `first` to before `last`.

    `platform` is set for an inventory. A part with neither is that of platforms and advertisers.
    `log` is set for a piece of the log of one campaign, or of the people of a platform: its number,
    from 0, and how many there are. The log of other campaigns is in their part, if it has up to
    `longest_log` impressions.
    """

    name: str
    first: int = 0
    last: int = 0
    platform: str | None = None
    log: tuple[int, int] | None = None
    longest_log: int = 0

    @property
    def campaigns(self) -> int:
        """The number of campaigns with their entities and facts in this part."""
        return 0 if self.log else self.last - self.first


def parts_of(world: World, rows_a_part: int) -> list[Part]:
    """Return the parts of a run, in order: accounts, the inventories, ranges of campaigns, then
    pieces of long logs and the people in the log.

    A range has about `rows_a_part` rows of performance and of the log. The last of many ranges are
    smaller, so that no process works alone for long at the end. A log that would be longer than a
    part is in pieces of whole hours.

    >>> from generator.scenario.templates import dataset
    >>> from generator.world.build import build_world
    >>> for part in parts_of(build_world(dataset("complete")), rows_a_part=20_000):
    ...     print(part.name)
    accounts
    inventory-netflix_like
    campaigns-00000001-00000004
    campaigns-00000005-00000006
    campaigns-00000007-00000007
    people-netflix_like-00001
    """
    inventories = [Part(f"inventory-{name}", platform=name) for name in world.outline.countries]
    rows, logged = world.outline.rows, expected_impressions(world)
    log_rows = max(rows_a_part, _BLOCKS_OF_A_LOG * ROWS_A_BLOCK)
    is_long = logged > log_rows
    rows = rows + logged * ~is_long
    households_a_part = log_rows // ROWS_A_HOUSEHOLD
    campaigns = [
        Part(f"campaigns-{first + 1:08d}-{last:08d}", first, last, longest_log=log_rows)
        for first, last in _ranges(rows, _edges(rows, rows_a_part))
    ]
    logs = [
        Part(
            f"log-{position + 1:08d}-{number + 1:05d}", position, position + 1, log=(number, count)
        )
        for position in np.flatnonzero(is_long).tolist()
        for count in [-(-int(logged[position]) // log_rows)]
        for number in range(count)
    ]
    people = [
        Part(f"people-{name}-{number + 1:05d}", platform=name, log=(number, count))
        for name in world.outline.countries
        for count in [-(-logged_households(world, name, logged) // households_a_part)]
        for number in range(count)
    ]
    return [Part("accounts"), *inventories, *campaigns, *logs, *people]


def _edges(rows: Int64s, size: int) -> list[int]:
    """Return the rows so far at which each part is full. With more than a few parts, the last ones
    become smaller and smaller, down to an eighth.

    >>> _edges(np.array([100, 100]), size=50)
    [50, 100, 150, 200]
    >>> _edges(np.array([100, 150]), size=50)
    [50, 100, 137, 165, 186, 202, 214, 223, 229, 235, 241, 247, 253]
    """
    total = int(rows.sum())
    edge = 0
    edges = []
    while edge < total:
        if total <= _A_FEW * size:
            edge += size
        else:
            edge += max(min(size, (total - edge) // _A_FEW), size // 8, 1)
        edges.append(edge)
    return edges


def _ranges(rows: Int64s, edges: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield ranges of positions, first to before last, that end where an edge is passed."""
    passed = np.searchsorted(edges, rows.cumsum(), side="right")
    ends = [*(np.flatnonzero(np.diff(passed, prepend=0)) + 1).tolist(), rows.size]
    first = 0
    for last in ends:
        if last > first:
            yield first, last
            first = last


def pieces(
    world: World,
    part: Part,
    supplies: Supplies,
    tables: Collection[type[RawTable]],
    logs: Logs | None = None,
) -> Iterator[Piece]:
    """Yield every batch of a part, of the wanted tables. Parts of the same `logs` make a campaign
    that is in several of them once."""
    clean = _clean_pieces(world, part, supplies, tables, logs or Logs(world, supplies, tables))
    for table, batch in inject_faults(clean, world.faults, world.run):
        if issubclass(table, tuple(tables)):
            yield table, batch


def all_pieces(world: World, tables: Collection[type[RawTable]] = TABLES) -> Iterator[Piece]:
    """Yield every batch of a run, in order."""
    supplies = CountrySupplies(world)
    logs = Logs(world, supplies, tables)
    for part in parts_of(world, ROWS_A_BLOCK):
        yield from pieces(world, part, supplies, tables, logs)


def _clean_pieces(
    world: World,
    part: Part,
    supplies: Supplies,
    tables: Collection[type[RawTable]],
    logs: Logs,
) -> Iterator[Piece]:
    if part.log:
        if not set(PEOPLE if part.platform else (*LOG, *TRUTH)).isdisjoint(tables):
            yield from logs.pieces(part.first, part.platform, *part.log)
    elif part.platform is not None:
        if InventoryHourly in tables:
            yield from _inventory(world, part.platform, supplies)
    elif part.campaigns:
        bookings = world.bookings[part.first : part.last]
        yield from _entities(_rows_of(bookings, world.run.as_of_date))
        if not set(FACTS + LOG + TRUTH).isdisjoint(tables):
            rows = world.outline.rows[part.first : part.last]
            yield from _facts(world, bookings, rows, supplies, logs, part.longest_log)
    else:
        yield from _entities(
            {Run: [world.run], Platform: world.platforms, Advertiser: world.advertisers}
        )
        yield from _calendar(world)


def _entities(rows: Mapping[type[RawTable], Sequence[RawTable]]) -> Iterator[Piece]:
    for table, entities in rows.items():
        for batch in to_arrow(table, entities).to_batches():
            yield table, batch


def _rows_of(bookings: Sequence[Booking], as_of: date) -> dict[type[RawTable], list[RawTable]]:
    """Return the rows of everything that was booked, by table, in their state on a day."""
    bookings = [state_on(booking, as_of) for booking in bookings]
    items = [item for booking in bookings for item in booking.line_items]
    return {
        Campaign: [booking.campaign for booking in bookings],
        Flight: [flight for booking in bookings for flight in booking.flights],
        Budget: [booking.budget for booking in bookings],
        FrequencyCap: [cap for booking in bookings for cap in booking.frequency_caps],
        LineItem: [item.line_item for item in items],
        Creative: [creative for item in items for creative in item.creatives],
        CampaignChange: [change for booking in bookings for change in booking.changes],
    }


def _calendar(world: World) -> Iterator[Piece]:
    """Yield the holidays of each platform, and the prices of the advertisers: of those of the
    campaigns where no advertiser is new."""
    days = range(
        int(min(world.outline.days, default=0)),
        day_number(world.run.as_of_date) if len(world.outline.days) else 0,
    )
    if not days:
        return
    buyers = [advertiser.advertiser_id for advertiser in world.advertisers]
    buyers = buyers or [booking.campaign.advertiser_id for booking in world.bookings]
    for platform, countries in world.outline.countries.items():
        model = world.platform_models[platform]
        batches: list[Piece] = [(Holiday, holidays_batch(model, countries, days))]
        if buyers:
            batches.append((PricesWeekly, prices_batch(model, world.run.seed, buyers, days)))
        yield from ((table, batch) for table, batch in batches if batch.num_rows)


def _inventory(world: World, platform: str, supplies: Supplies) -> Iterator[Piece]:
    """Yield the inventory of each country of a platform, on every day of some flight that is before
    the as-of day."""
    days = world.outline.days
    hours = hours_of_days(days[days < day_number(world.run.as_of_date)])
    for country_supply in supplies[platform].values():
        yield InventoryHourly, inventory_batch(country_supply, hours)


def _facts(
    world: World,
    bookings: Sequence[Booking],
    rows: Int64s,
    supplies: Supplies,
    logs: Logs,
    longest_log: int,
) -> Iterator[Piece]:
    """Yield the facts of campaigns, and their logs where they are not longer than that."""
    horizon_day = day_number(world.run.as_of_date)
    blocks = _blocks(rows)
    if len(blocks) > 1:
        in_time = _by_first_day(bookings)
        bookings = [bookings[position] for position in in_time]
        blocks = _blocks(rows[in_time])
    for first, last in blocks:
        delivery = deliver(
            bookings[first:last], world.platform_models, supplies, world.run.seed, horizon_day
        )
        yield PerformanceHourly, delivery.performance
        yield CampaignReach, delivery.reach
        yield AudienceDaily, delivery.audience
        if delivery.conversions.num_rows:
            yield ConversionsDaily, delivery.conversions
        for batch in to_arrow(FaultLog, delivery.incidents).to_batches():
            yield FaultLog, batch
        if world.log:
            yield from logs.short(bookings[first:last], delivery, longest_log)


def _blocks(rows: Int64s) -> list[tuple[int, int]]:
    """Return the ranges of campaigns that are delivered together."""
    return list(_ranges(rows, range(ROWS_A_BLOCK, int(rows.sum()) + 1, ROWS_A_BLOCK)))


def _by_first_day(bookings: Sequence[Booking]) -> list[int]:
    """Return the positions of campaigns in the order in which they begin. So a block of them spans
    few months, and partitions fill one after the other and not all at once."""
    first_days = [min(flight.start_date for flight in booking.flights) for booking in bookings]
    return sorted(range(len(bookings)), key=first_days.__getitem__)
