"""What there is: the names of the catalogue, and what is in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from generator.cli import results
from generator.cli.catalogue import Catalogue
from generator.cli.commands.inputs import library_of, parse_overrides
from generator.cli.settings import Settings
from generator.market.dataset import world_of
from generator.platform.model import PlatformModel
from generator.scenario.faults import Faults
from generator.world.build import notices_of


def catalogue(settings: Settings) -> Catalogue:
    """Return the catalogue with the templates of the settings."""
    return Catalogue(library_of(settings))


def validate(settings: Settings, file: Path, sets: Sequence[str]) -> results.Valid:
    """Check a file. Raises InputError with all that is wrong in it."""
    found = library_of(settings).check(file, parse_overrides(sets))
    if isinstance(found, PlatformModel):
        return results.Valid(file=str(file), kind="platform", name=found.name)
    if isinstance(found, Faults):
        return results.Valid(file=str(file), kind="faults", name=file.stem)
    world = world_of(found)
    scenarios = [scenario.name for scenario in found.scenarios]
    kind = "scenario" if scenarios == [found.name] else "workflow"
    return results.Valid(
        file=str(file),
        kind=kind,
        name=found.name,
        scenarios=scenarios,
        notices=[*found.notices, *notices_of(world)],
    )
