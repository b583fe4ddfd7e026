"""Changes of a database: its tables made, advertisers and campaigns added and removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from generator.cli import results
from generator.cli.commands.inputs import database_path, library_of, parse_overrides
from generator.cli.settings import Settings
from generator.enums import Currency, Objective
from generator.pipeline.addition import (
    Addition,
    Start,
    add_advertiser,
    add_campaign,
    remove_campaign,
)
from generator.scenario.errors import bad_input
from generator.scenario.kinds import TemplateKind
from generator.scenario.models import AdvertiserPlan
from generator.scenario.templates import STANDARD_WORKFLOW, Library, ResolvedScenario
from generator.scenario.validation import model_of
from generator.scenario.yaml_file import Document, KeyPath, Mark
from generator.schema import TABLES, Run
from generator.schema.existing import Holdings
from generator.sinks.duckdb import DuckdbSchema
from generator.world.build import notices_of
from generator.world.extend import pick_profile


def init_db(settings: Settings) -> results.Initialised:
    """Make or migrate the raw tables."""
    file = database_path(settings)
    with DuckdbSchema(file, TABLES) as schema:
        pass
    return results.Initialised(database=str(file), tables=schema.changes)


def create_advertiser(
    settings: Settings, auto: bool, given: dict[str, Any], currency: Currency
) -> results.AddedAdvertiser:
    """Add an advertiser; without `auto`, a name must be given."""
    values = {key: value for key, value in given.items() if value is not None}
    if not auto and "name" not in values:
        raise bad_input("give --name, or --auto to make one up")
    options = {"contact_email": "--email", "agency_name": "--agency"}
    marks: dict[KeyPath, Mark] = {(key,): Mark(options.get(key, f"--{key}")) for key in values}
    plan = model_of(Document(values, marks), AdvertiserPlan)
    file = database_path(settings)
    added = add_advertiser(file, _start(settings), plan, currency)
    return results.AddedAdvertiser(
        database=str(file), advertiser=added.advertiser.model_dump(mode="json")
    )


def create_campaign(
    settings: Settings,
    advertiser: str,
    auto: bool,
    objective: Objective | None,
    profile: str | None,
    sets: Sequence[str],
) -> results.AddedCampaign:
    """Add a campaign of a profile: the one named, or one that the seed draws."""
    if profile is None and not auto:
        raise bad_input("give --profile NAME, or --auto to have one drawn")
    if objective is not None:
        sets = [f"campaign.objective={objective}", *sets] if profile else sets
    library, changes = library_of(settings), parse_overrides(sets)

    def draw(holdings: Holdings, run: Run) -> ResolvedScenario:
        name = profile or pick_profile(_by_objective(library, objective), holdings, run)
        return library.scenario(TemplateKind.PROFILES, name, changes)

    return _addition(
        settings, add_campaign(database_path(settings), _start(settings), draw, advertiser)
    )


def create_from(
    settings: Settings,
    kind: TemplateKind,
    name: str | None,
    template: Path | None,
    sets: Sequence[str],
    advertiser: str | None,
) -> results.AddedCampaign:
    """Add the campaign of an example or profile, bundled or in a file."""
    library, changes = library_of(settings), parse_overrides(sets)
    if template is not None:
        drawn = library.scenario_of_file(template, name, changes)
    elif name is not None:
        drawn = library.scenario(kind, name, changes)
    else:
        raise bad_input("give --example NAME, --template FILE, or both")
    return _addition(
        settings,
        add_campaign(
            database_path(settings), _start(settings), lambda _holdings, _run: drawn, advertiser
        ),
    )


def remove(settings: Settings, campaign_id: int) -> results.Removed:
    """Remove a campaign and all that belongs to it."""
    file = database_path(settings)
    rows = remove_campaign(file, campaign_id)
    return results.Removed(database=str(file), campaign_id=campaign_id, rows=rows)


def _start(settings: Settings) -> Start:
    default = Library().workflow(STANDARD_WORKFLOW)
    seed = default.seed if settings.seed is None else settings.seed
    return Start(seed=seed, as_of=settings.as_of or default.as_of)


def _by_objective(library: Library, objective: Objective | None) -> dict[str, Objective]:
    """Return the profiles of an objective, or all."""
    found = {
        name: library.scenario(TemplateKind.PROFILES, name).scenario.campaign.objective
        for name in library.names(TemplateKind.PROFILES)
    }
    return {name: aim for name, aim in found.items() if objective in (None, aim)}


def _addition(settings: Settings, added: Addition) -> results.AddedCampaign:
    (booking,) = added.world.bookings
    days: list[date] = [
        day for flight in booking.flights for day in (flight.start_date, flight.end_date)
    ]
    return results.AddedCampaign(
        database=str(database_path(settings)),
        campaign_id=booking.campaign.campaign_id,
        name=booking.campaign.name,
        advertiser_id=added.advertiser.advertiser_id,
        advertiser=added.advertiser.name,
        scenario=booking.campaign.scenario,
        platform=booking.campaign.platform,
        start_date=min(days),
        end_date=max(days),
        status=booking.campaign.status,
        rows=added.rows,
        notices=[*added.notices, *notices_of(added.world)],
    )
