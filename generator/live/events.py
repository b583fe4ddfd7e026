"""The events of ads, derived from the impressions and errors of the log as the mart `fct_ad_events`
derives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator.arrays import Int64s, Mask
from generator.enums import FurthestEvent, VastEvent
from generator.live.timed import Timed
from generator.schema.arrow import arrow_schema
from generator.schema.booking import Booking
from generator.schema.live import AdEvent

_MICROSECONDS_A_MILLISECOND = 1000
_MICROSECONDS_A_QUARTER_OF_A_SECOND = 250_000
_MICROSECONDS_A_DAY = 86_400_000_000
_COLON = pa.scalar(":", pa.large_string())
_SCHEMA = arrow_schema(AdEvent)
_NAMES = list(VastEvent)
_FURTHEST = list(FurthestEvent)
# How many events of progress an ad has that has the event, and its place in the ad in quarters.
_PROGRESS = (
    (VastEvent.START, 1, 0),
    (VastEvent.FIRST_QUARTILE, 2, 1),
    (VastEvent.MIDPOINT, 3, 2),
    (VastEvent.THIRD_QUARTILE, 4, 3),
    (VastEvent.COMPLETE, 5, 4),
)
_FLAGS = (
    (VastEvent.CLICK_THROUGH, "is_clicked"),
    (VastEvent.SCAN, "is_scanned"),
    (VastEvent.ACCEPT_INVITATION, "is_engaged"),
)


class Creatives:
    """What events need to know of the creatives of a run: durations and advertisers."""

    def __init__(self, bookings: Sequence[Booking]) -> None:
        known = sorted(
            (
                creative.creative_id,
                creative.duration_seconds or 0,
                booking.campaign.advertiser_id,
            )
            for booking in bookings
            for item in booking.line_items
            for creative in item.creatives
        )
        self._ids, self._seconds, self._advertisers = (
            np.array(known, dtype=np.int64).reshape(-1, 3).T
        )

    @property
    def longest_seconds(self) -> int:
        """The longest duration."""
        return int(self._seconds.max(initial=0))

    def seconds(self, creative_id: Int64s) -> Int64s:
        """Return the duration of each creative: same shape."""
        return self._seconds[np.searchsorted(self._ids, creative_id)]

    def advertisers(self, creative_id: Int64s) -> Int64s:
        """Return the advertiser of each creative: same shape."""
        return self._advertisers[np.searchsorted(self._ids, creative_id)]


def events_of_impressions(impressions: Timed, creatives: Creatives) -> Timed:
    """Return the events of impressions in the order in which they are sent. Those of a late
    impression are all sent when it is."""
    rows = impressions.rows
    creative_id = rows.column("creative_id").to_numpy()
    quarter = _MICROSECONDS_A_QUARTER_OF_A_SECOND * creatives.seconds(creative_id)
    watched = _MICROSECONDS_A_MILLISECOND * rows.column("milliseconds_watched").to_numpy().astype(
        np.int64
    )
    furthest = _codes(rows.column("furthest_event"), _FURTHEST)
    measurable, viewable = _flag(rows, "is_measurable"), _flag(rows, "is_viewable")
    nothing = np.zeros_like(quarter)
    found: list[tuple[VastEvent, Mask, Int64s]] = [
        (VastEvent.IMPRESSION, furthest >= 0, nothing),
        *((event, furthest >= least, place * quarter) for event, least, place in _PROGRESS),
        (VastEvent.SKIP, _flag(rows, "is_skipped"), watched),
        *((event, _flag(rows, name), nothing) for event, name in _FLAGS),
        (VastEvent.VIEWABLE, viewable, nothing),
        (VastEvent.NOT_VIEWABLE, measurable & ~viewable, nothing),
        (VastEvent.VIEW_UNDETERMINED, ~measurable, nothing),
    ]
    positions = [np.flatnonzero(mask) for _, mask, _ in found]
    into = [offset[here] for (*_, offset), here in zip(found, positions, strict=True)]
    codes = [
        np.full(here.size, _NAMES.index(event), dtype=np.int8)
        for (event, *_), here in zip(found, positions, strict=True)
    ]
    return _events(
        impressions,
        "impression_id",
        np.concatenate(positions),
        np.concatenate(codes),
        np.concatenate(into),
        creatives,
    )


def events_of_errors(errors: Timed, creatives: Creatives) -> Timed:
    """Return the events of errors."""
    size = errors.moment.size
    return _events(
        errors,
        "error_id",
        np.arange(size),
        np.full(size, _NAMES.index(VastEvent.ERROR), dtype=np.int8),
        np.zeros(size, dtype=np.int64),
        creatives,
    )


def _events(
    ads: Timed, key: str, position: Int64s, code: pa.Array, into: Int64s, creatives: Creatives
) -> Timed:
    """Return events of ads in order of time: the position of each ad, the position of each event in
    `VastEvent`, and how far into the ad it is, in microseconds."""
    is_late = ads.is_late[position]
    moment = ads.moment[position] + np.where(is_late, 0, into)
    order = np.argsort(moment, kind="stable")
    position, code, into, is_late = position[order], code[order], into[order], is_late[order]
    taken = pa.array(position)
    names = pa.DictionaryArray.from_arrays(pa.array(code), pa.array(map(str, _NAMES)))
    columns = {}
    for name in ads.rows.column_names:
        if name in _SCHEMA.names or name == key:
            columns[name] = ads.rows.column(name).combine_chunks().take(taken)
    ad_id = columns.pop(key)
    began = ads.rows.column("event_ts").combine_chunks().view(pa.int64()).to_numpy()[position]
    hour = ads.rows.column("hour_ts").combine_chunks().view(pa.int64()).to_numpy()[position]
    creative_id = ads.rows.column("creative_id").to_numpy()[position]
    columns |= {
        "event_id": pc.binary_join_element_wise(ad_id, names.cast(ad_id.type), _COLON),
        "event_name": names,
        "event_ts": pa.array(began + into).view(pa.timestamp("us")),
        "ad_id": ad_id,
        "advertiser_id": pa.array(creatives.advertisers(creative_id)),
        "activity_date": pa.array((hour // _MICROSECONDS_A_DAY).astype(np.int32)).view(pa.date32()),
    }
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(position.size, field.type)
        for field in _SCHEMA
    ]
    rows = pa.Table.from_arrays(arrays, names=_SCHEMA.names)
    return Timed(AdEvent, rows, moment[order], is_late, ads.is_repeated[position])


def _codes(column: pa.ChunkedArray, words: Sequence[str]) -> Int64s:
    """Return the position in `words` of each word of a column with a dictionary: (rows,)."""
    array = column.combine_chunks()
    known = np.array([list(words).index(word) for word in array.dictionary.to_pylist()])
    return known[array.indices.to_numpy()] if len(array) else np.zeros(0, dtype=np.int64)


def _flag(rows: pa.Table, name: str) -> Mask:
    return rows.column(name).to_numpy()
