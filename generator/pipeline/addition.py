"""Additions to a database, in one transaction: a campaign with its performance, or an advertiser.

Existing rows stay byte for byte; ids, seed and as-of day are those of the database's run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from generator import __version__
from generator.enums import Currency
from generator.market.shares import recorded_days
from generator.pipeline.run import in_this_process, land
from generator.platform.life import UNCHANGED, Life
from generator.platform.model import PlatformModel
from generator.scenario.errors import bad_input, nearest
from generator.scenario.models import AdvertiserPlan
from generator.scenario.templates import NO_OVERRIDES, ResolvedScenario
from generator.scenario.values import FIRST_DAY, LAST_DAY
from generator.schema import TABLES, Advertiser, Campaign, Run
from generator.schema.existing import Holdings
from generator.sinks.duckdb import DuckdbAddition
from generator.sinks.errors import DestinationError
from generator.world.extend import (
    advertiser_by_name,
    advertiser_of,
    different_details,
    with_advertiser,
    with_campaign,
)
from generator.world.world import World

BY_HAND = "by_hand"
# The ids of what belongs to a campaign are multiples of its own.
_LARGEST_ID = 10**12


@dataclass(frozen=True)
class Start:
    """The seed and the as-of day of the run that an addition to an empty database starts."""

    seed: int
    as_of: date


@dataclass(frozen=True)
class Addition:
    """The new world, its advertiser, and the added rows by table name."""

    world: World
    advertiser: Advertiser
    rows: dict[str, int]
    notices: tuple[str, ...] = ()


def add_campaign(
    file: Path,
    start: Start,
    draw: Callable[[Holdings, Run], ResolvedScenario],
    advertiser: str | None,
) -> Addition:
    """Add the campaign that `draw` makes for the existing data.

    It belongs to the advertiser of this id or name, or to the scenario's advertiser. Raises
    InputError and DestinationError.
    """
    with DuckdbAddition(file, TABLES) as sink:
        holdings = sink.holdings()
        run = _run_of(file, holdings, start)
        buyer = advertiser_of(holdings, advertiser) if advertiser is not None else None
        resolved = draw(holdings, run)
        buyer = buyer or advertiser_by_name(holdings, resolved.scenario.advertiser.name)
        notices = [*resolved.notices]
        if buyer is not None:
            _refuse_changes(buyer, resolved, is_chosen=advertiser is not None)
            if advertiser is None:
                notices += different_details(buyer, resolved.scenario.advertiser)
        platform_model = resolved.platform.with_life(_life_of(file, run))
        world = with_campaign(holdings, run, resolved.scenario, platform_model, buyer)
        world = _beside_a_market(world, platform_model, sink)
        land(world, sink, in_this_process)
    advertiser_id = world.bookings[0].campaign.advertiser_id
    (payer,) = (
        candidate
        for candidate in (*holdings.advertisers, *world.advertisers)
        if candidate.advertiser_id == advertiser_id
    )
    return Addition(world, payer, _rows(sink), tuple(notices))


def _refuse_changes(buyer: Advertiser, resolved: ResolvedScenario, is_chosen: bool) -> None:
    """Raise InputError where an override is for an advertiser that exists; its name may be one, if
    that is what chooses it."""
    for override in resolved.overrides:
        is_name = override.path == ("advertiser", "name") and not is_chosen
        if override.path[0] == "advertiser" and not is_name:
            raise bad_input(
                f"advertiser {buyer.advertiser_id} {buyer.name!r} exists, and adding a campaign "
                "does not change it; leave this out, or have a new advertiser made with another "
                "advertiser.name and without --advertiser-id",
                str(override.mark),
            )


def add_advertiser(file: Path, start: Start, plan: AdvertiserPlan, currency: Currency) -> Addition:
    """Add an advertiser. Raises InputError and DestinationError."""
    with DuckdbAddition(file, TABLES) as sink:
        holdings = sink.holdings()
        world = with_advertiser(holdings, _run_of(file, holdings, start), plan, currency)
        land(world, sink, in_this_process)
    return Addition(world, world.advertisers[0], _rows(sink))


def remove_campaign(file: Path, campaign_id: int) -> dict[str, int]:
    """Remove a campaign with everything that belongs to it; return the rows by table.

    Its advertiser and the inventory stay. Raises InputError if the campaign does not exist.
    """
    with DuckdbAddition(file, TABLES) as sink:
        known = sink.ids(Campaign)
        if campaign_id not in known:
            hint = nearest(campaign_id, {str(known_id) for known_id in known})
            raise bad_input(f"there is no campaign {campaign_id}{hint}", str(file))
        return sink.remove(Campaign, campaign_id)


def _beside_a_market(world: World, platform_model: PlatformModel, sink: DuckdbAddition) -> World:
    """Return a world with a campaign that meets the prices and incidents of the market in the
    database, if there is one. What the market has booked stays without the campaign."""
    shares = sink.booked_shares(platform_model.name)
    booked = recorded_days(platform_model, shares, world.outline.days)
    if not booked:
        return world
    outline = replace(world.outline, booked={platform_model.name: booked})
    return replace(world, outline=outline)


def _rows(sink: DuckdbAddition) -> dict[str, int]:
    return {table.table_name: rows for table, rows in sink.inserted.items() if rows}


def _life_of(file: Path, run: Run) -> Life:
    """Return how strongly the forces act in a run. Raises DestinationError."""
    try:
        return Life.model_validate_json(run.life)
    except ValidationError as error:
        raise DestinationError(
            f'{file}: raw.runs.life is {run.life[:80]!r}; it is like {{"preset": "calm"}}: change '
            "it, or `generate` again"
        ) from error


def _run_of(file: Path, holdings: Holdings, start: Start) -> Run:
    """Return the run to continue, or a new one. Raises DestinationError for a day or an id out of
    range."""
    for column, last in (
        ("campaigns.campaign_id", holdings.last_campaign_id),
        ("advertisers.advertiser_id", holdings.last_advertiser_id),
    ):
        if last >= _LARGEST_ID:
            raise DestinationError(
                f"{file}: raw.{column} goes up to {last}, and {_LARGEST_ID} is the last that can "
                "be continued: change it, or `generate` again"
            )
    if holdings.run and not FIRST_DAY <= holdings.run.as_of_date <= LAST_DAY:
        raise DestinationError(
            f"{file}: raw.runs.as_of_date is {holdings.run.as_of_date}; a day from {FIRST_DAY} to "
            f"{LAST_DAY} is possible: change it, or `generate` again"
        )
    return holdings.run or Run(
        run_id=1,
        workflow=BY_HAND,
        seed=start.seed,
        as_of_date=start.as_of,
        generator_version=__version__,
        life=UNCHANGED.model_dump_json(exclude_unset=True),
        overrides=NO_OVERRIDES,
        market_campaigns=None,
        log_share=None,
        log_missing_ids=None,
    )
