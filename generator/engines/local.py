"""The engine that makes everything in this process, campaign by campaign."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa

from generator.delivery.calendar import Hours, day_number, hours_of
from generator.delivery.campaign import deliver
from generator.delivery.supply import Market, inventory_batch, market
from generator.delivery.targeting import countries_of, devices_of, targeting_of
from generator.schema import (
    TABLES,
    Advertiser,
    AudienceDaily,
    Budget,
    Campaign,
    CampaignReach,
    Creative,
    Flight,
    FrequencyCap,
    InventoryHourly,
    LineItem,
    PerformanceHourly,
    Platform,
    RawTable,
    Run,
)
from generator.schema.arrow import to_arrow
from generator.schema.booking import Booking
from generator.sinks.fingerprint import Fingerprint
from generator.sinks.sink import Sink
from generator.world.build import World

Progress = Callable[[int, int], None]
ROWS_A_BLOCK = 32_000
Piece = tuple[type[RawTable], pa.RecordBatch]


@dataclass(frozen=True)
class Landed:
    """What one table received."""

    table: type[RawTable]
    rows: int
    fingerprint: str


def run(
    world: World, sink: Sink, only: Collection[str] | None = None, progress: Progress | None = None
) -> list[Landed]:
    """Make the world's data and hand it to the sink; rows and fingerprint of each table.

    `only` keeps the campaigns of these scenarios; what is kept equals its rows in the whole.
    `progress` is called with campaigns done and campaigns in all.
    """
    with sink:
        return landed_in(sink, world, only, progress)


def landed_in(
    sink: Sink, world: World, only: Collection[str] | None = None, progress: Progress | None = None
) -> list[Landed]:
    """Hand the world's data to a sink that is open; rows and fingerprint of each table."""
    prints = {table: Fingerprint() for table in TABLES}
    for table, batch in pieces(world, only, progress):
        prints[table].add(batch)
        sink.write(table, batch)
    return [Landed(table, each.rows, each.hexdigest) for table, each in prints.items()]


def pieces(
    world: World, only: Collection[str] | None = None, progress: Progress | None = None
) -> Iterator[Piece]:
    """Every batch of the run: entities, inventory, then the facts of campaign after campaign."""
    chosen = [
        booking for booking in world.bookings if only is None or booking.campaign.scenario in only
    ]
    yield from entity_pieces(world, chosen)
    horizon_day = day_number(world.run.as_of_date)
    markets = _markets(world)
    hours = _span(world)
    for of_platform in markets.values():
        for each in of_platform.values():
            yield InventoryHourly, inventory_batch(each, hours[hours < horizon_day * 24])
    done = 0
    for block in _blocks(chosen):
        if progress:
            progress(done, len(chosen))
        delivery = deliver(block, world.behaviours, markets, world.run.seed, horizon_day)
        yield PerformanceHourly, delivery.performance
        yield CampaignReach, delivery.reach
        yield AudienceDaily, delivery.audience
        done += len(block)
    if progress:
        progress(done, len(chosen))


def _blocks(bookings: list[Booking]) -> Iterator[list[Booking]]:
    """The bookings in runs of about `ROWS_A_BLOCK` rows of performance, in order."""
    block: list[Booking] = []
    rows = 0
    for booking in bookings:
        block.append(booking)
        days = sum((each.end_date - each.start_date).days + 1 for each in booking.flights)
        rows += (
            days
            * 24
            * sum(
                len(item.creatives) * len(devices_of(targeting_of(item.line_item)))
                for item in booking.line_items
            )
        )
        if rows >= ROWS_A_BLOCK:
            yield block
            block, rows = [], 0
    if block:
        yield block


def entity_pieces(world: World, chosen: list[Booking]) -> Iterator[Piece]:
    """The entities of the chosen campaigns, one table after the other.

    An advertiser is left out if it has campaigns and none of them is chosen.
    """
    buyers = {booking.campaign.advertiser_id for booking in chosen}
    others = {booking.campaign.advertiser_id for booking in world.bookings} - buyers
    items = [item for booking in chosen for item in booking.line_items]
    rows: dict[type[RawTable], list[RawTable]] = {
        Run: [world.run],
        Platform: list(world.platforms),
        Advertiser: [each for each in world.advertisers if each.advertiser_id not in others],
        Campaign: [booking.campaign for booking in chosen],
        Flight: [flight for booking in chosen for flight in booking.flights],
        Budget: [booking.budget for booking in chosen],
        FrequencyCap: [cap for booking in chosen for cap in booking.frequency_caps],
        LineItem: [item.line_item for item in items],
        Creative: [creative for item in items for creative in item.creatives],
    }
    for table, entities in rows.items():
        for batch in to_arrow(table, entities).to_batches():
            yield table, batch


def _span(world: World) -> Hours:
    """Every hour from the first to the last day of any flight."""
    days = [
        (day_number(flight.start_date), day_number(flight.end_date))
        for booking in world.bookings
        for flight in booking.flights
    ]
    if not days:
        return hours_of(0, -1)
    return hours_of(min(first for first, _ in days), max(last for _, last in days))


def _markets(world: World) -> dict[str, dict[str, Market]]:
    """By platform and country: every market that some campaign is targeted on, over the span."""
    wanted = sorted(
        {
            (booking.campaign.platform, country)
            for booking in world.bookings
            for item in booking.line_items
            for country in countries_of(
                targeting_of(item.line_item), world.behaviours[booking.campaign.platform]
            )
        }
    )
    hours = _span(world)
    markets: dict[str, dict[str, Market]] = {}
    for platform, country in wanted:
        behaviour = world.behaviours[platform]
        of_platform = markets.setdefault(platform, {})
        of_platform[country] = market(behaviour, country, hours, world.run.seed)
    return markets
