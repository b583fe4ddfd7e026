"""What a run may replace unasked: the same dataset, if nothing in the destination would be lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from generator.schema import TABLES, PerformanceHourly, RawTable
from generator.sinks.errors import DestinationError
from generator.sinks.held import HeldDataset
from generator.world.world import World

_MOST_NAMED = 3


def refuse_loss(
    world: World, tables: Collection[type[RawTable]], destination: str, held: HeldDataset
) -> None:
    """Raise DestinationError if a run of these tables would take something from a destination that
    it does not make again: another dataset, one with other overrides, later days, campaigns,
    advertisers or tables."""
    if not any(held.rows.values()):
        return
    if (why := _loss(world, tables, held)) is not None:
        raise DestinationError(
            f"{destination}: holds {_description(held)}{why}; --replace puts {_name(world)} in its "
            "place, another --to keeps both"
        )


def _loss(world: World, tables: Collection[type[RawTable]], held: HeldDataset) -> str | None:
    """Return what would be lost, as the end of a sentence on what is held; None for nothing."""
    run = held.run
    if run is None or (run.workflow, run.seed) != (world.run.workflow, world.run.seed):
        return ""
    if run.overrides != world.run.overrides:
        return ", made with other --set, --faults or --log"
    if run.as_of_date > world.run.as_of_date:
        return f", and this run ends before {world.run.as_of_date}"
    made = {table.table_name for table in tables}
    relations = {table.table_name: table.relation() for table in TABLES}
    unmade = [relations[name] for name, rows in held.rows.items() if rows and name not in made]
    if unmade:
        return _unmade("table", unmade)
    campaigns = np.setdiff1d(held.campaign_ids, world.outline.ids).tolist()
    if campaigns:
        return _unmade("campaign", campaigns)
    last = world.advertisers[-1].advertiser_id if world.advertisers else 0
    advertisers = held.advertiser_ids[held.advertiser_ids > last].tolist()
    if advertisers:
        return _unmade("advertiser", advertisers)
    platforms = held.platforms - {platform.platform for platform in world.platforms}
    return _unmade("platform", sorted(platforms)) if platforms else None


def _unmade(noun: str, names: Sequence[object]) -> str:
    rest = len(names) - _MOST_NAMED
    some = ", ".join(map(str, names[:_MOST_NAMED])) + (f" and {rest:,} more" if rest > 0 else "")
    return f", and this run does not make {noun}{'' if len(names) == 1 else 's'} {some}"


def _description(held: HeldDataset) -> str:
    run = held.run
    name = f"{run.workflow}, seed {run.seed}, as of {run.as_of_date}" if run else "rows of no run"
    hours = held.rows.get(PerformanceHourly.table_name, 0)
    count = held.rows.get("campaigns", 0)
    return f"{name} ({count:,} campaign{'' if count == 1 else 's'}, {hours:,} hourly rows)"


def _name(world: World) -> str:
    return f"{world.run.workflow}, seed {world.run.seed},"
