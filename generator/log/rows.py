"""The rows of the log of one campaign: its impressions and its errors.

The rows of `performance_hourly` are put in order of time. In an hour the impressions of the line
items that share their viewers have slots, from 0, in the order of the rows. A slot has a household
(`Viewers`), a place in its row (`deal`), and with both all that is known of an impression. The
whole log goes through the slots in order, a panel asks for those of its households.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, partial
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys, Mask, distinct
from generator.clock import MICROSECONDS_AN_HOUR, Hours, timestamps
from generator.delivery.campaign import Seen
from generator.delivery.supply import DEVICES, device_column
from generator.delivery.targeting import targeting_of
from generator.enums import FurthestEvent, IfaType, Placement, TargetingKey
from generator.log.deal import COUNTS, FUNNEL, deal
from generator.log.likeness import CHANCES
from generator.log.people import People
from generator.log.sittings import PLACEMENTS, Sittings, genre_choices
from generator.log.viewers import Viewers
from generator.randomness import key, mix, row_keys, uniforms
from generator.schema.arrow import arrow_schema
from generator.schema.booking import Booking
from generator.schema.log import AdError, AdImpression, GhostImpression
from generator.schema.table import RawTable

# With fewer impressions the fixed cost of numpy calls shows; more do not stay in the cache of a
# processor.
IMPRESSIONS_AT_ONCE = 24_000
# Households of many impressions are looked up together, since they take turns over parts of a line.
_VIEWS_AT_ONCE = 200_000
_ODD = np.uint64(key("row of the log") | 1)
# The digits of all pairs of bytes.
_HEX = np.frombuffer(
    np.arange(1 << 16, dtype="<u2").tobytes().hex().encode(), dtype=np.uint32
).copy()
_DIGITS = 32
_NEAR = (1 << 16) - 1
_PAUSE = PLACEMENTS.index(Placement.PAUSE)
_SCHEMA, _ERRORS = arrow_schema(AdImpression), arrow_schema(AdError)
_GHOSTS = arrow_schema(GhostImpression)


class Rows(Protocol):
    """Rows that are in memory, as a `pa.RecordBatch` is one of, or in a file."""

    @property
    def num_rows(self) -> int:
        """How many there are."""

    def slice(self, offset: int = 0, length: int | None = None) -> pa.RecordBatch:
        """Return as many as `length` of them from position `offset` on, or all that follow."""


# Returns what was kept under a name, or else what the function makes.
Keep = Callable[[str, Callable[[], pa.RecordBatch]], Rows]


def make_anew(name: str, make: Callable[[], pa.RecordBatch]) -> Rows:  # noqa: ARG001
    """Return what a function makes: nothing is kept."""
    return make()


@dataclass(frozen=True)
class _Panel:
    """The impressions of a campaign that a panel sees, in order of time.

    `rows` have the position of each in the log of all households, the number of the household that
    sees it, and its exposure number. `begins` (hours + 1,) are the rows with which hours begin.
    """

    rows: Rows
    begins: Int64s

    def within(self, first: int = 0, last: int | None = None) -> tuple[Int64s, Int64s, Int64s]:
        """Return the columns of the rows from number `first` to before `last`: (rows,) each."""
        length = None if last is None else last - first
        position, household, exposure = (
            column.to_numpy().astype(np.int64, copy=False)
            for column in self.rows.slice(first, length).columns
        )
        return position, household, exposure


@dataclass(frozen=True)
class Logged:
    """A delivered campaign that is logged.

    `performance` are its rows of `performance_hourly`, `seen` says where it was seen.
    """

    booking: Booking
    performance: pa.RecordBatch
    seen: Seen


@dataclass(frozen=True)
class Audience:
    """The people of a platform, and the figures of the log: it has a `share` of the households, 1
    is all of them, and of `missing_ids` of the devices it does not know the id."""

    people: People
    sittings: Sittings
    share: float
    missing_ids: float


@dataclass(frozen=True)
class _Rows:
    """The hourly rows of a campaign in order of time and group: (rows,) each.

    `hour` counts from the epoch, `item`, `creative` and `device` are positions in the booking and
    in `DEVICES`. `position` is that of a row's first impression in the whole log, and `slot` its
    slot in the hour. `edges` (hours + 1,) are the positions at which hours begin.
    """

    hour: Int64s
    hour_position: Int64s
    group: Int64s
    item: Int64s
    creative_id: Int64s
    device: Int64s
    loaded_at: Int64s
    milliseconds: Int64s
    placement: Int64s
    counts: Mapping[str, Int64s]
    errors: Int64s
    keys: Keys
    position: Int64s
    slot: Int64s
    edges: Int64s

    def take(self, rows: Int64s) -> _Rows:
        """Return these rows alone, with the same edges."""
        kept = {
            field.name: getattr(self, field.name).take(rows)
            for field in fields(self)
            if field.name not in ("counts", "edges")
        }
        counts = {name: values.take(rows) for name, values in self.counts.items()}
        return _Rows(**kept, counts=counts, edges=self.edges)


@dataclass(frozen=True)
class Views:
    """What became of impressions, without the people who saw them: (impressions,) each.

    `position` is that in the log of all households, `keys` are random keys, `hour` counts from the
    epoch, `device` is the position in `DEVICES`, `block` that of where the household lives,
    `exposure` the exposure number, and `seen` the part of the ad that was seen, on average.
    """

    position: Int64s
    keys: Keys
    hour: Int64s
    creative_id: Int64s
    device: Int64s
    block: Int64s
    exposure: Int64s
    seen: Floats
    is_clicked: Mask
    spend_micros: Int64s


class CampaignLog:
    """The log of one campaign.

    It has parts, each of whole hours and with about as many impressions: number `part` of `parts`,
    from 0. So a part can be made without the others. `keep` keeps which impressions a panel sees.
    """

    def __init__(self, logged: Logged, audience: Audience, keep: Keep = make_anew) -> None:
        self._logged = logged
        self._audience = audience
        self._keep = keep
        population = audience.people.population
        targetings = [targeting_of(item.line_item) for item in logged.booking.line_items]
        model = population.platform_model
        self._demand = audience.people.demand(targetings)
        wants = partial(audience.people.matches, demand=self._demand)
        self._viewers = Viewers(
            logged.seen, population, population.seed, wants, logged.booking.control_share
        )
        self._rows = _rows_of(logged, self._viewers.hours, population.seed)
        self._genres = genre_choices(model, targetings)
        self._stream = key(audience.people.population.seed, "log", self._campaign_id)

    @property
    def booking(self) -> Booking:
        """The campaign."""
        return self._logged.booking

    @property
    def _campaign_id(self) -> int:
        return self._logged.booking.campaign.campaign_id

    def reached_households(self) -> Int64s:
        """Return the numbers of the logged households that saw the campaign, in order."""
        if self._audience.share < 1:
            return distinct([self._panel.within()[1]])
        return self._viewers.reached_households(1.0)

    def pieces(
        self, part: int = 0, parts: int = 1
    ) -> Iterator[tuple[type[RawTable], pa.RecordBatch]]:
        """Yield the batches of a part: impressions, then errors."""
        yield from self._pieces(*self._hours(part, parts))

    def pieces_of_hours(
        self, begin: int, end: int
    ) -> Iterator[tuple[type[RawTable], pa.RecordBatch]]:
        """Yield the batches of the hours from `begin` to before `end`, which count from the epoch:
        impressions, then errors."""
        yield from self._pieces(*np.searchsorted(self._viewers.hours, [begin, end]).tolist())

    def _pieces(self, first: int, last: int) -> Iterator[tuple[type[RawTable], pa.RecordBatch]]:
        """Yield the batches of the hours at positions from `first` to before `last`."""
        for batch in self._impressions(first, last):
            yield AdImpression, batch
        yield AdError, self._errors(first, last)

    def impressions(self, part: int = 0, parts: int = 1) -> Iterator[pa.RecordBatch]:
        """Yield the impressions of a part in order of their hours, some hundred thousand at a
        time."""
        yield from self._impressions(*self._hours(part, parts))

    def _impressions(self, first: int, last: int) -> Iterator[pa.RecordBatch]:
        """Yield the impressions of the hours at positions from `first` to before `last`."""
        edges = self._rows.edges[first : last + 1]
        if self._audience.share == 1:
            for begin, end in _spans(edges, _VIEWS_AT_ONCE):
                span = np.searchsorted(edges, [begin, end]).tolist()
                yield from self._batches(
                    np.arange(begin, end),
                    *self._viewers_of_hours(first + span[0], first + span[1]),
                    edges[span[0] : span[1] + 1],
                )
        else:
            begins = self._panel.begins[first : last + 1]
            position, numbers, exposure = self._panel.within(int(begins[0]), int(begins[-1]))
            yield from self._batches(position, numbers, exposure, edges)

    def _viewers_of_hours(self, first: int, last: int) -> tuple[Int64s, Int64s]:
        """Return the household that sees each impression of the hours at positions from `first` to
        before `last`, and how many it has seen with it, in order."""
        group, hour, slot, *found = self._viewers.views_of_hours(first, last)
        first_of_groups = self._first_of_groups
        place = first_of_groups.ravel().take(hour * first_of_groups.shape[1] + group)
        place += slot
        place -= self._rows.edges[first]
        numbers, exposure = np.empty_like(place), np.empty_like(place)
        numbers[place], exposure[place] = found
        return numbers, exposure

    def _batches(
        self, position: Int64s, numbers: Int64s, exposure: Int64s, edges: Int64s
    ) -> Iterator[pa.RecordBatch]:
        """Yield impressions of whole hours, the positions of which begin at `edges`."""
        for begin, end in _spans(np.searchsorted(position, edges), IMPRESSIONS_AT_ONCE):
            yield self._batch(position[begin:end], numbers[begin:end], exposure[begin:end])

    @property
    def size(self) -> int:
        """The impressions of the log."""
        return int(self._begins[-1])

    def impressions_by_hour(self, begin: int, end: int) -> Int64s:
        """Return how many impressions of each hour are in the log: (hours,) from `begin` to before
        `end`, which count from the epoch."""
        counts = np.zeros(end - begin, dtype=np.int64)
        first, last = np.searchsorted(self._viewers.hours, [begin, end]).tolist()
        own = self._viewers.hours[first:last] - begin
        counts[own] = np.diff(self._begins[first : last + 1])
        return counts

    @property
    def _begins(self) -> Int64s:
        """The impressions of the log with which hours begin: (hours + 1,)."""
        return self._rows.edges if self._audience.share == 1 else self._panel.begins

    def views(self) -> Iterator[Views]:
        """Yield what became of all impressions in order of time, some hundred thousand at
        once."""
        for first in range(0, self.size, _VIEWS_AT_ONCE):
            end = min(first + _VIEWS_AT_ONCE, self.size)
            if self._audience.share == 1:
                position = np.arange(first, end)
                yield self._views(position, *self._viewers.exposures(*self._place(position)))
            else:
                position, numbers, exposure = self._panel.within(first, end)
                block = self._audience.people.population.locate(numbers)
                yield self._views(position, exposure, block)

    def _views(self, position: Int64s, exposure: Int64s, block: Int64s) -> Views:
        """Return what became of the impressions at some positions, with these exposure numbers, and
        these blocks of the households that saw them."""
        rows, row = self._rows_at(position)
        number = position - rows.position.take(row)
        found = deal(rows.counts, rows.keys, row, number)
        watched = 0.5 * (found.furthest > 0) + 0.5 * (found.furthest == len(FUNNEL))
        return Views(
            position=position,
            keys=_id_words(rows.keys, "impression", row, number)[0],
            hour=rows.hour[row],
            creative_id=rows.creative_id[row],
            device=rows.device[row],
            block=block,
            exposure=exposure,
            seen=np.where(rows.placement[row] == _PAUSE, 1.0, watched),
            is_clicked=found.is_clicked,
            spend_micros=found.spend_micros,
        )

    def members(self) -> Iterator[tuple[Int64s, Mask]]:
        """Yield the households of the log that the campaign addresses, and which of them its
        experiment holds out: (households,) each, some hundred thousand at once."""
        share = self._audience.share
        population = self._audience.people.population
        yield from self._viewers.members(population.panel(share) if share < 1 else None)

    def mirrored_views(self, numbers: Int64s) -> tuple[Int64s, Views]:
        """Return the impressions that held-out households would have seen, in order of time: the
        household of each, and what became of the impression that it mirrors."""
        position, household = self._mirrored(numbers)
        return household, self._views(
            position,
            self._viewers.exposure_numbers(*self._place(position)),
            self._audience.people.population.locate(household),
        )

    def ghosts(self, numbers: Int64s) -> tuple[Int64s, Int64s, pa.RecordBatch]:
        """Return the ads that held-out households would have seen, in order of time: the positions
        that they mirror, the households, and rows of `ghost_impressions`."""
        position, household = self._mirrored(numbers)
        exposure = self._viewers.exposure_numbers(*self._place(position))
        batch = self._batch(position, household, exposure, "ghost")
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns["ghost_id"] = columns["impression_id"]
        columns["experiment_id"] = columns["campaign_id"]
        return position, household, _record(columns, _GHOSTS)

    def _mirrored(self, numbers: Int64s) -> tuple[Int64s, Int64s]:
        """Return the positions that held-out households mirror, and the household of each, in order
        of time."""
        owner, group, hour, slot = self._viewers.mirrored_slots_of(numbers)
        position = self._first_of_groups[hour, group] + slot
        in_time = np.argsort(position, kind="stable")
        return position[in_time], numbers[owner[in_time]]

    def households_at(self, position: Int64s) -> Int64s:
        """Return the number of the household that sees the impression at each position of the log
        of all households, which has to be in this log: same shape."""
        if self._audience.share < 1:
            logged, numbers, _ = self._panel.within()
            return numbers[np.searchsorted(logged, position)]
        return self._viewers.views(*self._place(position))[0]

    def impressions_of(self, numbers: Int64s) -> tuple[Int64s, Int64s, pa.RecordBatch]:
        """Return the impressions that these households see, in order of time: the positions in the
        log of all households, the households, which have to be in this log, and the rows."""
        if self._audience.share < 1:
            columns = self._panel.within()
            known = np.flatnonzero(np.isin(columns[1], numbers))
            position, household, exposure = (column[known] for column in columns)
        else:
            position, household, exposure = self._seen_by(numbers)
        return position, household, self._batch(position, household, exposure)

    def _row(self, position: Int64s) -> Int64s:
        """Return the row of each position of the log: same shape."""
        return np.searchsorted(self._rows.position, position, side="right") - 1

    def _rows_at(self, position: Int64s) -> tuple[_Rows, Int64s]:
        """Return the rows of positions of the log, which are in order, and the place of each one's
        row among them."""
        starts = self._rows.position
        ends = position[[0, -1]] if position.size else np.zeros(2)
        first, last = np.searchsorted(starts, ends, side="right").tolist()
        begins = np.searchsorted(position, starts[first:last])
        sizes = np.diff(begins, prepend=0, append=position.size)
        some = np.flatnonzero(sizes)
        rows = self._rows.take(first - 1 + some)
        return rows, np.repeat(np.arange(some.size), sizes.take(some))

    def _place(self, position: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """Return the group, the hour and the slot of each position of the log: same shape each."""
        rows, row = self._rows, self._row(position)
        slot = rows.slot[row] + position - rows.position[row]
        return rows.group[row], rows.hour_position[row], slot

    @cached_property
    def _panel(self) -> _Panel:
        """The impressions that the panel sees."""
        name = f"{self._campaign_id:08d}"
        rows = self._keep(f"panel-{name}", self._look_up_panel)

        def find_begins() -> pa.RecordBatch:
            position = rows.slice().column(0).to_numpy()
            begins = np.searchsorted(position, self._rows.edges)
            return pa.RecordBatch.from_arrays([pa.array(begins)], ["begins"])

        begins = self._keep(f"hours-{name}", find_begins).slice()
        return _Panel(rows, begins.column(0).to_numpy())

    def _look_up_panel(self) -> pa.RecordBatch:
        columns = self._seen_by(self._audience.people.population.panel(self._audience.share))
        types = (pa.int64(), pa.int32(), pa.int32())
        arrays = [pa.array(values).cast(kind) for values, kind in zip(columns, types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, ["position", "household", "exposure"])

    def _seen_by(self, numbers: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """Return the impressions that households see, in order of time: the positions in the whole
        log, the households, and the exposure numbers, (impressions,) each."""
        owner, group, hour, slot = self._viewers.slots_of(numbers)
        position = self._first_of_groups[hour, group] + slot
        in_time = np.argsort(position, kind="stable")
        position, household = position[in_time], numbers[owner[in_time]]
        return position, household, self._viewers.exposure_numbers(*self._place(position))

    @cached_property
    def _first_of_groups(self) -> Int64s:
        """The position of the first impression of each hour and group: (hours, groups)."""
        rows = self._rows
        groups = int(rows.group.max(initial=0)) + 1
        result = np.zeros((rows.edges.size - 1, groups), dtype=np.int64)
        begins = np.flatnonzero(rows.slot == 0)[::-1]
        result[rows.hour_position[begins], rows.group[begins]] = rows.position[begins]
        return result

    def errors(self, part: int = 0, parts: int = 1) -> pa.RecordBatch:
        """Return the errors of a part, or the same share of them as of the households."""
        return self._errors(*self._hours(part, parts))

    def _errors(self, first: int, last: int) -> pa.RecordBatch:
        """Return the errors of the hours at positions from `first` to before `last`."""
        rows = self._rows
        begin, end = np.searchsorted(rows.hour_position, [first, last]).tolist()
        count = rows.errors[begin:end]
        row = np.repeat(np.arange(begin, end), count)
        number = np.arange(row.size) - np.repeat(count.cumsum() - count, count)
        words = _id_words(rows.keys, "error", row, number)
        if self._audience.share < 1:
            kept = np.flatnonzero(uniforms(words[0], "panel") < self._audience.share)
            row, words = row[kept], words[:, kept]
        hour = timestamps(rows.hour[row])
        moment, cause = uniforms(words[0], "moment", "cause")
        columns = {
            "error_id": hex_ids(words),
            **_row_columns(self._logged, rows, row),
            "event_ts": _times(hour + (moment * MICROSECONDS_AN_HOUR).astype(np.int64)),
            "vast_error_code": pa.array(self._error_codes(cause)),
        }
        return _record(columns, _ERRORS)

    def _error_codes(self, chance: Floats) -> NDArray[np.int32]:
        """Return the error code of each chance: same shape."""
        shares = self._audience.people.population.platform_model.people.vast_error_codes
        edges = np.cumsum(list(shares.values()))
        codes = np.array(list(shares), dtype=np.int32)
        return codes[np.searchsorted(edges[:-1] / edges[-1], chance, side="right")]

    def _batch(
        self, position: Int64s, numbers: Int64s, exposure: Int64s, kind: str = "impression"
    ) -> pa.RecordBatch:
        """Return the impressions at these positions of the log, which are those of whole hours;
        `numbers` are the households that see them, for the `exposure`th time. Ids are those of
        rows of a kind."""
        people = self._audience.people
        rows, row = self._rows_at(position)
        number = position - rows.position.take(row)
        found = deal(rows.counts, rows.keys, row, number)
        words = _id_words(rows.keys, kind, row, number)
        milliseconds = rows.milliseconds.take(row)
        watched = _watched(milliseconds, found.furthest, uniforms(words[0], "watched"))

        device, item, hour = (one.take(row) for one in (rows.device, rows.item, rows.hour))
        order = _order_in_hour(rows.hour_position.take(row), numbers, exposure)
        profile = people.choose_profiles(numbers, words[0], self._demand, item)
        device_number = people.choose_devices(numbers, device, profile, words[0])
        device_id = people.device_ids(numbers, device, device_number)
        identifiers = people.identifiers(numbers, device, device_number)
        is_missing = uniforms(device_id.view(np.uint64), "missing id") < self._audience.missing_ids
        breaks = self._audience.sittings.breaks(
            numbers, device, hour, order, rows.placement.take(row), self._stream
        )
        genres = list(people.population.platform_model.segment_shares(TargetingKey.CONTENT_GENRE))
        columns = {
            "impression_id": hex_ids(words),
            **_row_columns(self._logged, rows, row),
            "event_ts": _times(timestamps(hour) + breaks.offset),
            "household_id": pa.array(people.population.household_ids(numbers)),
            "profile_id": pa.array(people.profile_ids(numbers, profile)),
            "device_id": pa.array(device_id, mask=is_missing),
            "ifa_type": _words_of(
                identifiers.ifa_type, IfaType, is_missing | (identifiers.ifa_type < 0)
            ),
            "limit_ad_tracking": pa.array(identifiers.limit_ad_tracking),
            "session_id": pa.array(breaks.session_id),
            "content_genre": _words_of(
                self._genres.ravel().take(item * CHANCES + breaks.programme).astype(np.int8), genres
            ),
            "break_number": pa.array(breaks.number),
            "pod_size": pa.array(breaks.pod_size),
            "slot_in_pod": pa.array(breaks.slot),
            "exposure_number": pa.array(exposure.astype(np.int32)),
            "furthest_event": _words_of(found.furthest, FurthestEvent),
            "milliseconds_watched": pa.array(watched.astype(np.int32)),
            "is_skipped": pa.array(found.is_skipped),
            "is_clicked": pa.array(found.is_clicked),
            "is_scanned": pa.array(found.is_scanned),
            "is_engaged": pa.array(found.is_engaged),
            "is_measurable": pa.array(found.is_measurable),
            "is_viewable": pa.array(found.is_viewable),
            "is_audible": pa.array(found.is_audible),
            "spend_micros": pa.array(found.spend_micros),
        }
        return _record(columns, _SCHEMA)

    def _hours(self, part: int, parts: int) -> tuple[int, int]:
        """Return the positions of the first hour of a part and of the one after its last."""
        edges = self._rows.edges
        marks = np.array([part, part + 1]) * edges[-1] // parts
        first, last = np.searchsorted(edges, marks).tolist()
        return first, (edges.size - 1 if part == parts - 1 else last)


def _rows_of(logged: Logged, hours: Hours, seed: int) -> _Rows:
    """Return the rows of a campaign with impressions or errors, in order of time and group."""
    batch = logged.performance
    items = [item.line_item.line_item_id for item in logged.booking.line_items]
    creatives = [creative for item in logged.booking.line_items for creative in item.creatives]
    hour = _numbers(batch, "hour_ts") // MICROSECONDS_AN_HOUR
    item = np.searchsorted(items, _numbers(batch, "line_item_id"))
    groups = np.array(logged.seen.groups, dtype=np.int64)
    group = groups[item]
    hour_position = np.searchsorted(hours, hour)
    in_time = np.lexsort((np.arange(hour.size), group, hour))
    live = _numbers(batch, "impressions") + _numbers(batch, "error_count") > 0
    in_time = in_time[live[in_time]]
    counts = {name: _numbers(batch, name)[in_time] for name in COUNTS}
    hour, hour_position = hour[in_time], hour_position[in_time]
    item, group = item[in_time], group[in_time]
    creative_id = _numbers(batch, "creative_id")[in_time]
    devices = batch.column("device")
    known = np.array([DEVICES.index(name) for name in devices.dictionary.to_pylist()])
    device = known[devices.indices.to_numpy()][in_time]
    position = counts["impressions"].cumsum() - counts["impressions"]
    begins = np.flatnonzero(np.diff(hour_position * (groups.max() + 1) + group, prepend=-1))
    slot = position - np.repeat(position[begins], np.diff(np.append(begins, position.size)))
    by_hour = np.bincount(hour_position, counts["impressions"], hours.size).astype(np.int64)
    creative = np.searchsorted([one.creative_id for one in creatives], creative_id)
    seconds = np.array([one.duration_seconds or 0 for one in creatives], dtype=np.int64)
    placements = np.array([PLACEMENTS.index(one.placement) for one in creatives])
    stream = key(seed, "log", logged.booking.campaign.campaign_id)
    keys = row_keys(stream, creative_id)
    for values in (device, hour):
        keys = mix(keys + values.astype(np.uint64) * _ODD)
    return _Rows(
        hour=hour,
        hour_position=hour_position,
        group=group,
        item=item,
        creative_id=creative_id,
        device=device,
        loaded_at=_numbers(batch, "loaded_at")[in_time],
        milliseconds=1000 * seconds[creative],
        placement=placements[creative],
        counts=counts,
        errors=_numbers(batch, "error_count")[in_time],
        keys=keys,
        position=position,
        slot=slot,
        edges=np.concatenate([[0], by_hour.cumsum()]),
    )


def _spans(edges: Int64s, least: int) -> Iterator[tuple[int, int]]:
    """Yield spans of whole hours, with at least `least` impressions in all but the last one.
    `edges` (hours + 1,) are where hours begin."""
    block = (edges - edges[0]) // least
    full = edges[np.flatnonzero(np.diff(block)) + 1]
    for begin, end in pairwise([int(edges[0]), *full.tolist(), int(edges[-1])]):
        if end > begin:
            yield begin, end


def _order_in_hour(hour: Int64s, numbers: Int64s, exposure: Int64s) -> Int64s:
    """Return how many impressions of the campaign each one's household sees before it in its hour:
    same shape."""
    order = np.zeros(hour.size, dtype=np.int64)
    if not hour.size:
        return order
    cell = (hour - hour.min()) * (int(numbers.max()) + 1) + numbers
    in_order = np.sort(cell)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    if repeated.size:
        # Few cells are repeated, and most others differ from them in their last bits.
        is_near = np.zeros(_NEAR + 1, dtype=np.bool_)
        is_near[repeated & _NEAR] = True
        near = np.flatnonzero(is_near.take(cell & _NEAR))
        place = np.minimum(np.searchsorted(repeated, cell.take(near)), repeated.size - 1)
        is_again = repeated.take(place) == cell.take(near)
        again, place = near[is_again], place[is_again]
        first = np.full(repeated.size, np.iinfo(np.int64).max)
        np.minimum.at(first, place, exposure[again])
        order[again] = exposure[again] - first[place]
    return order


def _watched(duration: Int64s, furthest: NDArray[np.int8], chance: Floats) -> Int64s:
    """Return how long videos played that were left in the quarter after their furthest event, in
    the unit of `duration`: same shape."""
    quarters = np.maximum(furthest - 1, 0) + chance * (furthest > 0) * (furthest < len(FUNNEL))
    return np.floor(duration * quarters / (len(FUNNEL) - 1)).astype(np.int64)


def _row_columns(logged: Logged, rows: _Rows, row: Int64s) -> dict[str, pa.Array]:
    """Return the columns that impressions and errors have of their hourly row."""
    items = np.array([item.line_item.line_item_id for item in logged.booking.line_items])
    campaign_id = logged.booking.campaign.campaign_id
    return {
        "campaign_id": pa.array(np.full(row.size, campaign_id)),
        "line_item_id": pa.array(items.take(rows.item).take(row)),
        "creative_id": pa.array(rows.creative_id.take(row)),
        "device": device_column(rows.device.astype(np.int8).take(row)),
        "hour_ts": _times(timestamps(rows.hour).take(row)),
        "loaded_at": _times(rows.loaded_at.take(row)),
    }


def _id_words(keys: Keys, kind: str, row: Int64s, number: Int64s) -> Keys:
    """Return 128 random bits for each number of a row: (2, impressions)."""
    streams = [mix(keys + np.uint64(key(kind, half))) for half in ("first half", "second half")]
    return np.stack([row_keys(stream.take(row), number) for stream in streams])


def hex_ids(words: Keys) -> pa.Array:
    """Return words (2, rows) as text of 32 hexadecimal digits."""
    text = _HEX.take(np.ascontiguousarray(words.T).view(np.uint16))
    offsets = np.arange(words.shape[1] + 1) * _DIGITS
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.LargeStringArray.from_buffers(words.shape[1], *buffers[1:])


def _words_of(
    codes: NDArray[np.int8], words: Iterable[str], missing: Mask | None = None
) -> pa.Array:
    """Return codes as the words at these positions."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), pa.array(map(str, words)))


def _times(microseconds: Int64s) -> pa.Array:
    return pa.array(microseconds).view(pa.timestamp("us"))


def _record(columns: Mapping[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _numbers(batch: pa.RecordBatch, column: str) -> Int64s:
    """Return a column of whole numbers or times as numbers."""
    values = batch.column(column)
    if pa.types.is_timestamp(values.type):
        values = values.view(pa.int64())
    return values.to_numpy().astype(np.int64)
