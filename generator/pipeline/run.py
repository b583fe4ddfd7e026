"""A run: an engine makes its parts one after the other, packed for the sink, and the sink takes
them. Engines differ only in the processes that make the parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.arrays import CountError
from generator.pipeline.country_supplies import CountrySupplies, Supplies
from generator.pipeline.logs import Logs
from generator.pipeline.memory import keep_what_is_freed
from generator.pipeline.parts import Part, parts_of, pieces
from generator.scenario.errors import bad_input
from generator.schema import TABLES, RawTable
from generator.sinks.fingerprint import Tally
from generator.sinks.sink import CountingIterator, Packer, Sink
from generator.world.world import World, identity_of

# Called with the campaigns that are done, all campaigns, and the rows so far.
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class TableTotal:
    """The rows that one table received, and their fingerprint."""

    table: type[RawTable]
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class PackedPart:
    """A part packed for the sink, and the tally of its rows by table name."""

    packed: Any
    tallies: dict[str, Tally]


@dataclass(frozen=True)
class Job:
    """A job for an engine: the world, the wanted tables, and how to pack a part."""

    world: World
    tables: tuple[type[RawTable], ...]
    packer: Packer


class Maker:
    """Makes the parts of a job, which share the supplies: the given ones, or new ones."""

    def __init__(self, job: Job, supplies: Supplies | None = None) -> None:
        keep_what_is_freed()
        self._job = job
        self._supplies = supplies or CountrySupplies(job.world)
        self._logs = Logs(job.world, self._supplies, job.tables)

    def __call__(self, part: Part) -> PackedPart:
        """Make and pack a part. Raises InputError for a count that its column cannot hold."""
        job = self._job
        made = pieces(job.world, part, self._supplies, job.tables, self._logs)
        counted = CountingIterator(made)
        try:
            packed = job.packer(part.name, counted)
        except CountError as error:
            raise bad_input(
                f"{error}; lower the budget, or raise the platform's rates of response, "
                "eligibility and wins"
            ) from error
        return PackedPart(packed, counted.tallies)


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
    """Make the world's data with an engine and hand it to an open sink; return the rows and the
    fingerprint of each table.

    Parts of the same run that the sink already holds are not made again. `progress` is called with
    campaigns done, campaigns in all and rows so far. Raises EngineError and the errors of the sink.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from generator.scenario.templates import dataset
    >>> from generator.sinks.duckdb import DuckdbSink
    >>> from generator.world.build import build_world
    >>> world = build_world(dataset("smoke"))
    >>> with TemporaryDirectory() as folder:
    ...     with DuckdbSink(Path(folder) / "ads.duckdb", TABLES) as sink:
    ...         totals = land(world, sink, in_this_process)
    >>> [(total.table.table_name, total.rows) for total in totals if 1180 < total.rows < 2000]
    [('inventory_hourly', 1344), ('audience_daily', 1190)]
    """
    wanted = tuple(table for table in TABLES if table in tables)
    names = [table.table_name for table in wanted]
    parts = parts_of(world, sink.rows_a_part)
    identity = identity_of(world.identity, names, sink.rows_a_part)
    held = sink.existing_parts(identity, [part.name for part in parts])
    missing = [part for part in parts if part.name not in held]
    totals = {table.table_name: Tally() for table in TABLES}
    for tallies in held.values():
        _add_up(totals, tallies)
    campaigns = sum(part.campaigns for part in parts)
    done = campaigns - sum(part.campaigns for part in missing)
    if progress:
        progress(done, campaigns, _rows(totals))
    made = iter(engine(Job(world, wanted, sink.packer), missing))
    for part in missing:
        piece = next(made)
        sink.take(part.name, piece.packed, piece.tallies)
        _add_up(totals, piece.tallies)
        del piece  # free its memory before the next one arrives
        done += part.campaigns
        if progress:
            progress(done, campaigns, _rows(totals))
    return [
        TableTotal(table, totals[table.table_name].rows, totals[table.table_name].hexdigest)
        for table in TABLES
    ]


def _rows(totals: Mapping[str, Tally]) -> int:
    return sum(tally.rows for tally in totals.values())


def _add_up(totals: dict[str, Tally], more: Mapping[str, Tally]) -> None:
    for name, tally in more.items():
        totals[name] += tally
