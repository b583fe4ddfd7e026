"""A run as something to be done: what to make, and one part after the other as it is packed for the
sink. An engine differs from another only in who makes the parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.pipeline.country_supplies import CountrySupplies, Supplies
from generator.pipeline.memory import keep_what_is_freed
from generator.pipeline.parts import Part, parts_of, pieces
from generator.schema import TABLES, RawTable
from generator.sinks.fingerprint import Tally
from generator.sinks.sink import Counted, Packer, Sink
from generator.world.world import World, identity_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TableTotal:
    """What one table received."""

    table: type[RawTable]
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class PackedPart:
    """A part as it is packed for the sink, and what it holds of each table, by name."""

    packed: Any
    tallies: dict[str, Tally]


@dataclass(frozen=True)
class Job:
    """What is to be made: the world, the tables that are wanted, and how a part is packed."""

    world: World
    tables: tuple[type[RawTable], ...]
    packer: Packer


class Maker:
    """Makes the parts of a job, in the markets that they share: those given, or its own."""

    def __init__(self, job: Job, supplies: Supplies | None = None) -> None:
        keep_what_is_freed()
        self._job = job
        self._supplies = supplies or CountrySupplies(job.world)

    def __call__(self, part: Part) -> PackedPart:
        """A part, made and packed."""
        counted = Counted(pieces(self._job.world, part, self._supplies, self._job.tables))
        packed = self._job.packer(part.name, counted)
        return PackedPart(packed, counted.tallies)


class EngineError(Exception):
    """A part could not be made: what happened and what to do."""


Engine = Callable[[Job, Sequence[Part]], Iterable[PackedPart]]


def in_this_process(job: Job, parts: Sequence[Part]) -> Iterator[PackedPart]:
    """Make the parts one after the other: the engine without any other process."""
    return map(Maker(job), parts)


def land(
    world: World,
    sink: Sink,
    engine: Engine,
    tables: Collection[type[RawTable]] = TABLES,
    progress: Progress | None = None,
) -> list[TableTotal]:
    """Have an engine make the world's data and hand it to a sink that is open; rows and fingerprint
    of each table.

    What the sink holds of the same run already is not made again. `progress` is called with
    campaigns done and campaigns in all.
    """
    wanted = tuple(table for table in TABLES if table in tables)
    names = [table.table_name for table in wanted]
    parts = parts_of(world, sink.rows_a_part)
    identity = identity_of(world.identity, names, sink.rows_a_part)
    held = sink.held(identity, [part.name for part in parts])
    missing = [part for part in parts if part.name not in held]
    totals = {table.table_name: Tally() for table in TABLES}
    for tallies in held.values():
        _add_up(totals, tallies)
    campaigns = sum(part.campaigns for part in parts)
    done = campaigns - sum(part.campaigns for part in missing)
    if progress:
        progress(done, campaigns)
    made = iter(engine(Job(world, wanted, sink.packer), missing))
    for part in missing:
        each = next(made)
        sink.take(part.name, each.packed, each.tallies)
        _add_up(totals, each.tallies)
        del each  # or it would be kept while the next one arrives
        done += part.campaigns
        if progress:
            progress(done, campaigns)
    return [
        TableTotal(table, totals[table.table_name].rows, totals[table.table_name].hexdigest)
        for table in TABLES
    ]


def _add_up(totals: dict[str, Tally], more: Mapping[str, Tally]) -> None:
    for name, tally in more.items():
        totals[name] += tally
