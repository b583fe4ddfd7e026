"""Data without a destination, for notebooks: Arrow tables or batches of a workflow or scenario."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from generator.faults.changed_columns import landing_tables
from generator.market.dataset import world_of
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.logs import Logs
from generator.pipeline.parts import ROWS_A_BLOCK, parts_of, pieces
from generator.scenario.kinds import DEFAULT_WORKFLOW
from generator.scenario.overrides import parse_override
from generator.scenario.tables import pick_tables
from generator.scenario.templates import Dataset, Library
from generator.scenario.validation import model_of
from generator.scenario.values import Day, Seed
from generator.scenario.yaml_file import Document
from generator.schema import TABLES, RawTable
from generator.schema.arrow import arrow_schema

# The name of a workflow, a YAML file, or the content of one.
Source = str | Path | Mapping[str, Any]
# Called with the number of campaigns that are done, and of all campaigns.
Progress = Callable[[int, int], None]


def generate(
    source: Source = DEFAULT_WORKFLOW,
    *,
    seed: int | None = None,
    as_of: date | None = None,
    sets: Sequence[str] = (),
    templates: str | Path | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Generate a dataset, and yield its rows as (table name, Arrow record batch).

    `source` is the name of a workflow, the path of a YAML file, or the content of such a file as a
    mapping. `seed` and `as_of` replace those of the workflow; `sets` are overrides as in `--set`.
    The rows are those that the command line writes. A market of any size needs the memory of a few
    batches. Raises InputError for input that is not valid.

    >>> from generator import generate
    >>> rows = {}
    >>> for table, batch in generate("smoke"):
    ...     rows[table] = rows.get(table, 0) + batch.num_rows
    >>> rows["performance_hourly"], rows["campaign_reach"]
    (672, 367)
    """
    yield from _batches(_dataset(source, seed, as_of, sets, templates), TABLES, progress)


def tables(
    source: Source = DEFAULT_WORKFLOW,
    *,
    only: Collection[str] = (),
    seed: int | None = None,
    as_of: date | None = None,
    sets: Sequence[str] = (),
    templates: str | Path | None = None,
) -> dict[str, pa.Table]:
    """Generate a dataset, and return its raw tables by name as Arrow tables.

    `only` names the tables that are wanted, by default all; the other parameters are those of
    `generate`. Raises InputError for input that is not valid.

    >>> from generator import tables
    >>> data = tables("smoke", seed=8, sets=["campaign.budget.amount=500"])
    >>> data["budgets"].column("amount_micros").to_pylist()
    [500000000]
    >>> data["performance_hourly"].num_rows, data["fault_log"].num_rows
    (672, 0)
    """
    dataset = _dataset(source, seed, as_of, sets, templates)
    wanted = pick_tables(only, TABLES) or TABLES
    batches: dict[str, list[pa.RecordBatch]] = {table.table_name: [] for table in wanted}
    for name, batch in _batches(dataset.with_tables(wanted), wanted):
        batches[name].append(batch)
    schemas = {table.table_name: arrow_schema(table) for table in landing_tables(dataset.faults)}
    return {name: pa.Table.from_batches(found, schemas[name]) for name, found in batches.items()}


class _Given(BaseModel):
    """What a caller may give instead of the workflow's own."""

    seed: Seed | None
    as_of: Day | None


def _dataset(
    source: Source,
    seed: int | None,
    as_of: date | None,
    sets: Sequence[str],
    templates: str | Path | None,
) -> Dataset:
    library = Library(Path(templates)) if templates is not None else Library()
    changes = [parse_override(change) for change in sets]
    given = model_of(Document({"seed": seed, "as_of": as_of}, {}), _Given)
    if isinstance(source, Mapping):
        dataset = library.dataset_of_mapping(source, changes)
    else:
        dataset = library.dataset(str(source), changes)
    if given.seed is not None:
        dataset = dataset.with_seed(given.seed)
    return dataset if given.as_of is None else dataset.with_as_of(given.as_of)


def _batches(
    dataset: Dataset, wanted: Collection[type[RawTable]], progress: Progress | None = None
) -> Iterator[tuple[str, pa.RecordBatch]]:
    world = world_of(dataset)
    supplies, done = CountrySupplies(world), 0
    logs = Logs(world, supplies, wanted)
    for part in parts_of(world, ROWS_A_BLOCK):
        for table, batch in pieces(world, part, supplies, wanted, logs):
            yield table.table_name, batch
        done += part.campaigns
        if progress:
            progress(done, len(world.bookings))
