"""What a live run sends beside the rows of the raw tables: the log as an ad server sends it, event
by event, and what the run says of itself. No batch run lands them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from generator.enums import Device, VastEvent
from generator.schema.table import Count, HexId, Id, Number, RawTable, Storage, column

# The version of the JSON of all rows: it changes with a column.
SCHEMA_VERSION = 1
# An id of letters, digits and a colon.
EventId = Annotated[str, Storage("VARCHAR", pa.large_string())]
Lag = Annotated[float, Storage("DOUBLE", pa.float64()), Field(allow_inf_nan=False)]


class AdEvent(RawTable):
    """An event of an ad, called as in VAST 4. One row per ad and event: an impression with each
    event that it had, and each error. The mart `fct_ad_events` has the same rows. Progress has the
    moment that the creative's duration gives, a skip that of leaving. Clicks, scans, engagements
    and viewability are not timed and have the moment when the ad began."""

    table_name: ClassVar = "ad_events"
    grain: ClassVar = ("event_id",)
    is_repaired: ClassVar = True
    is_optional: ClassVar = True
    time_column: ClassVar = "event_ts"

    event_id: EventId = column("Identifies the event: ad_id, a colon and event_name.")
    event_name: VastEvent = column("What happened, as VAST 4 calls it.")
    event_ts: datetime = column("When it happened, to the microsecond.", unit="UTC")
    ad_id: HexId = column("The `impression_id`; for an error, the `error_id`.", unit="hex")
    campaign_id: Id | None = column(
        "The campaign; NULL where a fault took it.", references="campaigns.campaign_id"
    )
    line_item_id: Id | None = column(
        "The line item; NULL where a fault took it.", references="line_items.line_item_id"
    )
    creative_id: Id = column("The creative.", references="creatives.creative_id")
    advertiser_id: Id = column("The advertiser.", references="advertisers.advertiser_id")
    household_id: Id | None = column("The household that saw it; NULL for an error.")
    device_id: Id | None = column(
        "The device that it ran on; NULL where its id is missing, and for an error."
    )
    session_id: Id | None = column("The sitting that it was seen in; NULL for an error.")
    device: Device = column("Device group.")
    activity_date: date = column("The day of the hour that counts the ad.", unit="UTC day")
    vast_error_code: Number | None = column("The error code of VAST 4; NULL for all other events.")


class LiveState(RawTable):
    """How far a live run is. One row: it is replaced with each slice, together with the rows of the
    slice, so that a run that was killed goes on where they end."""

    schema_name: ClassVar = "live"
    table_name: ClassVar = "state"
    grain: ClassVar = ("run_identity",)

    run_identity: str = column("Identifies the run: its world, its tables and its first moment.")
    workflow: str = column("The workflow.")
    speed: str = column("Seconds of event time in a second, or max.")
    event_time_from: datetime = column("The moment at which the first slice begins.", unit="UTC")
    event_time_until: datetime = column("The moment at which the last slice ends.", unit="UTC")
    next_slice: datetime = column("The moment at which the next slice begins.", unit="UTC")
    is_complete: bool = column("Whether all slices and the truth were sent.")
    started_at: datetime = column("When the run was started for the first time.", unit="UTC")
    updated_at: datetime = column("When this row was written.", unit="UTC")

    def is_as_far_as(self, other: LiveState) -> bool:
        """Say whether a run is as far as in another state of it, or further."""
        return (self.next_slice, self.is_complete) >= (other.next_slice, other.is_complete)


class LiveSlice(RawTable):
    """A slice that a live run has sent: all rows from a moment to before another. One row per slice
    with rows."""

    schema_name: ClassVar = "live"
    table_name: ClassVar = "slices"
    grain: ClassVar = ("slice_start",)

    slice_start: datetime = column("The moment at which the slice begins.", unit="UTC")
    slice_end: datetime = column("The moment at which it ends.", unit="UTC")
    sent_at: datetime = column("When it was sent.", unit="UTC")
    events: Count = column("Events of ads and conversions.", unit="events")
    late_events: Count = column("Those that a fault made late.", unit="events")
    duplicate_events: Count = column("Those that are copies of others.", unit="events")
    hourly_rows: Count = column("Rows of performance_hourly.", unit="rows")
    lag_seconds: Lag = column("How long after it was due it was sent.", unit="seconds")


class LiveError(RawTable):
    """A failure that a live run met on its way and got over. One row per failure."""

    schema_name: ClassVar = "live"
    table_name: ClassVar = "errors"
    grain: ClassVar = ("at",)

    at: datetime = column("When it happened.", unit="UTC")
    target: str = column("Where the rows were sent.")
    sentence: str = column("What happened.")


LIVE = (LiveState, LiveSlice, LiveError)
# The tables that only a live run makes.
OF_LIVE_RUNS: tuple[type[RawTable], ...] = (*LIVE, AdEvent)
