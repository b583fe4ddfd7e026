"""What a destination holds before a run: enough to tell what the run would take from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date

import numpy as np

from generator.arrays import Int64s
from generator.schema import Advertiser, Campaign, Platform, RawTable

# The tables to which commands and people add rows beside those of a run.
KEYED: tuple[type[RawTable], ...] = (Platform, Advertiser, Campaign)


def _no_ids() -> Int64s:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class HeldRun:
    """What the row of `raw.runs` in a destination says of the dataset."""

    workflow: str
    seed: int
    as_of_date: date
    overrides: str


# The columns of `raw.runs` that hold it.
OF_A_RUN = tuple(column.name for column in fields(HeldRun))


@dataclass(frozen=True)
class HeldDataset:
    """The dataset in a destination: its run (None if it has no row of one), the rows of each raw
    table by name, and the keys of what can be added to it."""

    run: HeldRun | None
    rows: Mapping[str, int]
    platforms: frozenset[str] = frozenset()
    advertiser_ids: Int64s = field(default_factory=_no_ids)
    campaign_ids: Int64s = field(default_factory=_no_ids)


# Called with what a destination holds, before a run replaces it; it raises to keep that.
Guard = Callable[[HeldDataset], None]
