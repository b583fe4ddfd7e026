"""What may be spoilt on purpose: the models of the key `faults:` of a workflow, and of a file of
faults.

By kind of fault a list of windows: which days, hours, campaigns and devices, and what share of what
lies in them. `generator.faults` puts them in; nothing is touched here. Campaigns and creatives are
named by their ids, which are the same in every run of a workflow.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from generator.enums import FaultType, VastEvent
from generator.scenario.errors import nearest
from generator.scenario.values import Day, Devices, Flag, Share, no_repeats
from generator.schema import PerformanceHourly, RawTable
from generator.schema.text_types import TemplateName, Text

Number = Annotated[int, Field(strict=True, ge=1)]
Ids = Annotated[list[Number], Field(min_length=1), no_repeats]
Hours = Annotated[
    list[Annotated[int, Field(strict=True, ge=0, le=23)]], Field(min_length=1), no_repeats
]
DaysLater = Annotated[int, Field(strict=True, ge=1, le=60)]
MinutesLater = Annotated[int, Field(strict=True, ge=1, le=1440)]
Events = Annotated[list[VastEvent], Field(min_length=1), no_repeats]
Times = Annotated[int, Field(strict=True, ge=2, le=50)]
PartOf = Annotated[float, Field(strict=True, gt=0, lt=1)]

_KEYS = {*PerformanceHourly.grain, "campaign_id", "loaded_at"}
_MEASURES = {column.name for column in PerformanceHourly.columns()} - _KEYS


class Window(BaseModel):
    """What a fault is aimed at: what is left out does not restrict, `rate` is a share of the rest.

    Days are UTC days, first and last included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_date: Day | None = None
    end_date: Day | None = None
    campaigns: Ids | None = None
    devices: Devices | None = None
    rate: Share = 1.0

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Window:
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} lies before start_date {self.start_date}")
        return self


class HourlyWindow(Window):
    """A window that may be some hours of each day, numbered 0 to 23, UTC."""

    hours: Hours | None = None


class EventWindow(HourlyWindow):
    """A window of rows that may be those of the log, conversions, or events of ads, which live runs
    send: those called as in `events`, or all. By default the rows are those of hourly
    performance."""

    table: Literal["ad_impressions", "conversions", "ad_events"] | None = None
    events: Events | None = None

    @model_validator(mode="after")
    def _has_events(self) -> EventWindow:
        if self.events and self.table != "ad_events":
            raise ValueError("events are those of ad_events; add table: ad_events")
        return self

    @model_validator(mode="after")
    def _has_devices(self) -> EventWindow:
        _refuse_devices(self)
        return self


class LateRows(EventWindow):
    """Rows that land `days` days late; events of ads are sent `minutes` minutes late."""

    days: DaysLater | None = None
    minutes: MinutesLater | None = None

    @model_validator(mode="after")
    def _has_one_unit(self) -> LateRows:
        needed = "minutes" if self.table == "ad_events" else "days"
        if (self.days is None, self.minutes is None) != (needed != "days", needed != "minutes"):
            raise ValueError(
                f"rows of {self.table or 'performance_hourly'} are late by {needed}; give {needed}"
            )
        return self


class Duplicates(EventWindow):
    """Rows that land twice."""


def _refuse_devices(window: EventWindow | MissingHours | NullIds) -> None:
    """Raise ValueError where devices are named that conversions do not have."""
    if window.devices and window.table == "conversions":
        raise ValueError("conversions have no device group; leave devices out")


class RestatedDays(Window):
    """Days of a campaign that are counted in part at first, and in full `days` days later."""

    days: DaysLater
    counted_at_first: PartOf


class MissingHours(HourlyWindow):
    """Hours of a campaign that never land: those of performance, or of its conversions."""

    table: Literal["conversions"] | None = None

    @model_validator(mode="after")
    def _has_devices(self) -> MissingHours:
        _refuse_devices(self)
        return self


class NullIds(HourlyWindow):
    """Rows that land without one of their ids: those of hourly performance by default. A conversion
    without its household has no device either."""

    table: Literal["ad_impressions", "conversions"] | None = None
    column: Literal["campaign_id", "line_item_id", "creative_id", "household_id"]

    @model_validator(mode="after")
    def _is_in_the_table(self) -> NullIds:
        if (self.column == "household_id") != (self.table == "conversions"):
            table = self.table or "performance_hourly"
            raise ValueError(
                f"null_ids does not empty {self.column} in {table}; household_id is for table: "
                "conversions, the others are for performance_hourly and ad_impressions"
            )
        if self.table and self.column == "creative_id":
            raise ValueError(
                f"an impression of {self.table} without its creative_id belongs to no campaign; "
                "empty campaign_id or line_item_id"
            )
        return self

    @model_validator(mode="after")
    def _has_devices(self) -> NullIds:
        _refuse_devices(self)
        return self


class TimeZoneShift(Window):
    """Days of a campaign with the hours of another time zone, `hours_ahead` of UTC."""

    hours_ahead: Annotated[int, Field(strict=True, ge=-11, le=12)]

    @model_validator(mode="after")
    def _is_another_zone(self) -> TimeZoneShift:
        if self.hours_ahead == 0:
            raise ValueError("hours_ahead is 0, which is UTC itself")
        return self


class Outage(HourlyWindow):
    """Hours of a campaign in which no request was counted."""


class TrackingLoss(HourlyWindow):
    """Hours of a campaign that have impressions and no quartiles."""


class BotSpike(HourlyWindow):
    """Hours of a campaign with `times` its traffic, of which the share `click_rate` clicks."""

    times: Times
    click_rate: Share


class RunawaySpend(HourlyWindow):
    """Hours of a campaign in which an impression costs `times` its price."""

    times: Times


class Vast401(HourlyWindow):
    """Creatives with a missing file (VAST error 401): every slot they win is an error."""

    creatives: Ids | None = None


class SchemaDrift(BaseModel):
    """From a day on, a column has another name, or there is one more, with one text in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_date: Day
    column: Text | None = None
    renamed_to: TemplateName | None = None
    added: TemplateName | None = None
    value: Text | None = None

    @property
    def new_column(self) -> str:
        """The column that is new to the table."""
        name = self.added or self.renamed_to
        assert name is not None
        return name

    @model_validator(mode="after")
    def _renamed_or_added(self) -> SchemaDrift:
        renamed = self.column is not None and self.renamed_to is not None
        added = self.added is not None and self.value is not None
        either = (self.column or self.renamed_to) and (self.added or self.value)
        if renamed == added or either:
            raise ValueError("give column and renamed_to, or added and value")
        if self.column and self.column not in _MEASURES:
            raise ValueError(
                f"column {self.column!r} is not a count of {PerformanceHourly.table_name}"
                f"{nearest(self.column, _MEASURES)}"
            )
        if self.new_column in _MEASURES | _KEYS:
            raise ValueError(f"{self.new_column!r} is a column already; give it another name")
        return self


class Faults(BaseModel):
    """The faults of a run, by kind. First the facts are spoilt, then the rows on their way.

    With `sparse_rows` rows without requests never land, as in the reports of many platforms. No log
    has them, since nothing is wrong.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    outage: list[Outage] = []
    tracking_loss: list[TrackingLoss] = []
    bot_spike: list[BotSpike] = []
    runaway_spend: list[RunawaySpend] = []
    vast_401: list[Vast401] = []
    restated_days: list[RestatedDays] = []
    late_rows: list[LateRows] = []
    missing_hours: list[MissingHours] = []
    duplicates: list[Duplicates] = []
    null_ids: list[NullIds] = []
    time_zone_shift: list[TimeZoneShift] = []
    schema_drift: list[SchemaDrift] = []
    sparse_rows: Flag = False

    @model_validator(mode="after")
    def _new_columns_are_new(self) -> Faults:
        for names in (
            [drift.new_column for drift in self.schema_drift],
            [drift.column for drift in self.schema_drift if drift.column],
        ):
            if len(set(names)) < len(names):
                raise ValueError("schema_drift has the same column twice")
        return self

    def __bool__(self) -> bool:
        return any(getattr(self, kind) for kind in type(self).model_fields)

    def of_table(self, table: type[RawTable]) -> list[tuple[FaultType, str, Any]]:
        """Return the faults of a table's rows in the order in which they happen: type, name, and
        figures of each."""
        return [
            (FaultType(kind.upper()), f"{kind}_{number}", fault)
            for kind in type(self).model_fields
            if kind != "sparse_rows"
            for number, fault in enumerate(getattr(self, kind), start=1)
            if (getattr(fault, "table", None) or PerformanceHourly.table_name) == table.table_name
        ]


NO_FAULTS = Faults()
