"""The result of each command: a model that `--json` prints and `terminal` shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from generator.cli.settings import Setting
from generator.sinks.summary import Contents


class Deed(BaseModel):
    """Something that a command has done, and that stays done if it cannot be printed. With
    `is_beside_data` stdout has data, so the result is printed on stderr."""

    is_beside_data: bool = Field(default=False, exclude=True)


class Progress(BaseModel):
    """How a live run is doing, once a second: up to which moment everything was sent, how much
    later than due, and what was sent since the start. `waits_for` is why nothing is sent now."""

    event_time: datetime
    lag_seconds: float
    events_per_second: float
    events: int
    late_events: int
    duplicate_events: int
    hourly_rows: int
    waits_for: str | None = None


class Streamed(Deed):
    """A live run that ended: what it sent since it was started, and up to which moment everything
    was sent."""

    workflow: str
    target: str
    event_time: datetime
    is_complete: bool
    events: int
    late_events: int
    duplicate_events: int
    hourly_rows: int
    slices: int
    errors: int
    notices: list[str] = []
    seconds: float = Field(exclude=True)


class LandedRows(BaseModel):
    """Rows that one raw table received, and their fingerprint."""

    table: str
    rows: int
    hash: str


class Generated(Deed):
    """A dataset that was generated, and the command that builds the dbt models on it. Seconds and
    the bytes of a file are for people: they are not part of the JSON, which is the same each time.
    """

    workflow: str
    seed: int
    as_of: date
    database: str
    tables: list[LandedRows]
    next: str | None
    notices: list[str] = []
    seconds: float = Field(exclude=True)
    bytes: int | None = Field(exclude=True)


class Initialised(Deed):
    """What `init-db` did to each table: created, migrated or kept."""

    database: str
    tables: dict[str, str]


class AddedAdvertiser(Deed):
    """An advertiser that was added."""

    database: str
    advertiser: dict[str, Any]


class AddedCampaign(Deed):
    """A campaign that was added, with the rows that each table took."""

    database: str
    campaign_id: int
    name: str
    advertiser_id: int
    advertiser: str
    scenario: str
    platform: str
    start_date: date
    end_date: date
    status: str
    rows: dict[str, int]
    notices: list[str] = []


class Removed(Deed):
    """A campaign that was removed, with the rows that each table lost."""

    database: str
    campaign_id: int
    rows: dict[str, int]


class Entry(BaseModel):
    """A name of the catalogue and its meaning."""

    name: str
    description: str


class Listing(BaseModel):
    """All names of one kind."""

    kind: str
    entries: list[Entry]


class DescribedColumn(BaseModel):
    """A column of a raw table."""

    name: str
    type: str
    unit: str | None
    nullable: bool
    references: str | None
    description: str


class Description(BaseModel):
    """One thing of the catalogue: a table's columns, an enum's members or a template's content."""

    kind: str
    name: str
    description: str
    file: str | None = None
    grain: list[str] | None = None
    columns: list[DescribedColumn] | None = None
    members: list[str] | None = None
    content: dict[str, Any] | None = None


class Valid(BaseModel):
    """A file that can be used, and what is in it."""

    file: str
    kind: str
    name: str
    scenarios: list[str] = []
    notices: list[str] = []


class Configuration(BaseModel):
    """The settings in force."""

    settings: list[Setting]


Status = Configuration | Contents


class Judgement(BaseModel):
    """What a benchmark or a shape came out as; see the dbt models realism_scorecard and _shapes."""

    name: str
    what: str
    unit: str
    status: str
    is_binding: bool
    measured_value: float | None
    low: float | None
    high: float | None
    impressions: int | None = None
    why_not_applicable: str | None = None


class Scorecard(BaseModel):
    """The realism of a database: of the benchmarks, then of the shapes."""

    database: str
    workflow: str
    platform: str
    benchmarks: list[Judgement]
    shapes: list[Judgement]


class Built(Deed):
    """What `dbt build` made of a database."""

    database: str
    models: int
    tests: int
    seconds: float
    campaigns: int
    performance_rows: int
    first_hour: datetime | None
    last_hour: datetime | None


class Project(Deed):
    """A project that was written into a folder."""

    folder: str
    files: int


class Written(Deed):
    """Files that were written."""

    files: list[str]


class Watching(BaseModel):
    """A page that follows a database, and its address. It is served once that is printed."""

    url: str
    database: str
    serve: Callable[[], None] = Field(exclude=True)


Result = (
    Generated
    | Streamed
    | Initialised
    | AddedAdvertiser
    | AddedCampaign
    | Removed
    | Listing
    | Description
    | Valid
    | Status
    | Scorecard
    | Written
    | Watching
    | Built
    | Project
)
