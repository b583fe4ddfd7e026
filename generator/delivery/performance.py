"""Hourly performance: from what line items plan to the rows of `performance_hourly`.

A `Stretch` is one line item in one flight with everything known before chance has its say; `drawn`
draws many stretches together, since a numpy call on 30,000 rows costs little more than one on
1,000. They share nothing but the table of odds, in which each has rows of its own, so it makes no
difference which ones are drawn together. Rows are in the order of hour, device and creative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Keys, WholeFloats
from generator.clock import Hours, day_number, landing_of, timestamps
from generator.delivery import interaction, pacing, targeting, video
from generator.delivery.flight_supply import FlightContext, competition, flight_supply
from generator.delivery.funnel import largest_loss, supply_side
from generator.delivery.odds import Odds, OddsTable
from generator.delivery.quantiles import binomial_shares, poisson
from generator.delivery.reach import exposure
from generator.delivery.supply import DEVICES, device_column
from generator.randomness import key, row_keys, uniforms
from generator.schema import Creative, PerformanceHourly
from generator.schema.arrow import arrow_schema

# Fewer, and what a numpy call costs to begin shows; more, and what is worked on leaves the cache.
ROWS_AT_ONCE = 24_000
# From this part of rows with impressions on, leaving out those without costs more than it saves.
_LIVELY = 0.9
_GIVEN = ("campaign_id", "line_item_id", "creative_id", "device", "hour_ts", "loaded_at")


@dataclass(frozen=True)
class Stretch:
    """One line item in one flight, before its draws; arrays are (rows,) where not said otherwise.

    `hours` are (hours,), `slots` and `ceiling` (hours, devices), `prices` micros per impression.
    `first_rows` (hours,) is where each hour's rows start; `profile` is the row's place in the table
    of odds, and `floor_render` the thousandths of what is won that render at least.
    """

    campaign_id: int
    line_item_id: int
    goal: pacing.Goal
    floor_render: float
    hours: Hours
    first_rows: Int64s
    hour: Hours
    device: Int64s
    creative_id: Int64s
    profile: Int64s
    keys: Keys
    means: Floats
    prices: Int64s
    slots: Int64s
    ceiling: Int64s
    wear_out: Floats
    competition: Floats

    @property
    def rows(self) -> int:
        """How many rows the stretch has."""
        return self.hour.size


def plan_stretch(context: FlightContext, goal: pacing.Goal, table: OddsTable) -> Stretch:
    """What one line item plans for one flight, up to the horizon; `table` has its creatives."""
    creatives, line_item = context.item.creatives, context.item.line_item
    by_day = rotation_shares(creatives, context.hours)
    how_many = np.count_nonzero(by_day, axis=1)
    supply = flight_supply(context, in_rotation=_all_day(how_many > 0))
    planned = pacing.plan(goal, supply, context.platform_model.pacing)
    delivered = int(np.searchsorted(context.hours, context.horizon))
    exposures = _mean_exposures(planned * supply.price, planned, context, goal)[:delivered]
    worn = interaction.wear_out(context.platform_model.interaction, exposures)
    hours, rotation = context.hours[:delivered], _all_day(by_day)[:delivered]
    targeted = np.flatnonzero(targeting.device_mask(targeting.targeting_of(line_item)))

    shape = (hours.size, targeted.size, len(creatives))
    in_rotation = rotation > 0
    present: Int64s | slice = slice(None)
    if not in_rotation.all():
        present = np.flatnonzero(np.broadcast_to(in_rotation[:, None, :], shape))

    def by_row(values: NDArray[Any]) -> NDArray[Any]:
        """Values that can be broadcast to (hours, devices, creatives), for the rows there are."""
        rows = np.empty(shape, dtype=values.dtype)
        rows[...] = values
        return rows.reshape(-1)[present]

    ids = np.array([each.creative_id for each in creatives], dtype=np.int64)
    first_profiles = np.array([table.first_profile[each] for each in ids.tolist()])
    sizes = _all_day(how_many * targeted.size)[:delivered]
    return Stretch(
        campaign_id=line_item.campaign_id,
        line_item_id=line_item.line_item_id,
        goal=goal,
        floor_render=float(table.odds.floor_render[first_profiles[0]]),
        hours=hours,
        first_rows=sizes.cumsum() - sizes,
        hour=by_row(hours[:, None, None]),
        device=by_row(targeted[:, None]),
        creative_id=by_row(ids),
        profile=by_row(first_profiles + targeted[:, None]),
        keys=by_row(_row_keys(context, hours, targeted)),
        means=by_row(planned[:delivered, targeted, None] * rotation[:, None, :]),
        prices=by_row(supply.price[:delivered, targeted, None].astype(np.int64)),
        slots=supply.slots[:delivered],
        ceiling=supply.ceiling[:delivered],
        wear_out=by_row(worn[:, None, None]),
        competition=by_row(competition(context, hours)[:, targeted, None]),
    )


def rotation_shares(creatives: tuple[Creative, ...], hours: Hours) -> Floats:
    """Each creative's part of the line item's impressions on the days of these hours: (days,
    creatives).

    A day's shares add up to 1, or to 0 where no creative is in rotation.
    """
    days = hours[:: pacing.HOURS_A_DAY] // pacing.HOURS_A_DAY
    shares = np.empty((days.size, len(creatives)))
    for index, creative in enumerate(creatives):
        first = _day_or(creative.rotation_start_date, -(2**31))
        last = _day_or(creative.rotation_end_date, 2**31)
        shares[:, index] = creative.rotation_weight * ((days >= first) & (days <= last))
    total = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)


def _all_day(values: NDArray[Any]) -> NDArray[Any]:
    """Values by day as values by hour, along the first axis."""
    return np.repeat(values, pacing.HOURS_A_DAY, axis=0)


def _day_or(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else day_number(day)


def _mean_exposures(
    spend: Floats, planned: Floats, context: FlightContext, goal: pacing.Goal
) -> Floats:
    """Impressions per reached household that the campaign is expected to have delivered before each
    hour: (hours,). `spend` and `planned` are the line item's, (hours, devices), and count until
    its money is spent; the campaign's other line items are taken to keep step with it."""
    hourly = pacing.over_devices(planned)
    money = pacing.over_devices(spend).cumsum()
    affordable = np.minimum(1.0, goal.flight_micros / np.maximum(money, 1.0))
    own = np.maximum.accumulate(hourly.cumsum() * affordable) - hourly * affordable
    campaign = np.maximum(own, 0.0) / context.item.line_item.budget_share
    so_far = context.delivered_before + campaign
    return exposure(so_far, context.count_households, context.platform_model.reach.shape_k)


def _row_keys(context: FlightContext, hours: Hours, targeted: Int64s) -> Keys:
    """The key of each row: (hours, targeted devices, creatives)."""
    streams = [
        [
            key(context.seed, "performance", creative.creative_id, str(DEVICES[device]))
            for creative in context.item.creatives
        ]
        for device in targeted
    ]
    return row_keys(np.array(streams, dtype=np.uint64), hours[:, None, None])


def draw_rows(stretches: Sequence[Stretch], table: OddsTable) -> pa.RecordBatch:
    """The rows of these stretches, one after the other, zeros included; `table` has their odds.

    They are drawn some thousands at a time, so that what is worked on stays in the processor's
    cache.
    """
    rows = [each.rows for each in stretches]
    schema = arrow_schema(PerformanceHourly)
    columns: dict[str, NDArray[Any]] = {
        field.name: np.zeros(sum(rows), dtype=field.type.to_pandas_dtype())
        for field in schema
        if field.name not in _GIVEN
    }
    first = 0
    for block in _blocks(stretches):
        first = _draw_block(block, table, columns, first)

    def all_of(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(each, name) for each in stretches])

    hours = all_of("hour")
    batch = {
        "campaign_id": pa.array(np.repeat([each.campaign_id for each in stretches], rows)),
        "line_item_id": pa.array(np.repeat([each.line_item_id for each in stretches], rows)),
        "creative_id": pa.array(all_of("creative_id")),
        "device": device_column(all_of("device").astype(np.int8)),
        "hour_ts": pa.array(timestamps(hours), type=pa.timestamp("us")),
        "loaded_at": pa.array(timestamps(landing_of(hours)), type=pa.timestamp("us")),
        **{name: pa.array(values) for name, values in columns.items()},
    }
    return pa.RecordBatch.from_pydict(batch, schema=schema)


def _blocks(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """The stretches in runs of about `ROWS_AT_ONCE`."""
    block: list[Stretch] = []
    for each in stretches:
        if block and sum(other.rows for other in block) + each.rows > ROWS_AT_ONCE:
            yield block
            block = []
        block.append(each)
    yield block


def _draw_block(
    stretches: Sequence[Stretch],
    table: OddsTable,
    columns: Mapping[str, NDArray[Any]],
    first: int,
) -> int:
    """Draw these stretches into `columns`, from the row `first` on; the first row after them."""

    def all_of(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(each, name) for each in stretches])

    rows = [each.rows for each in stretches]
    profile, keys = all_of("profile"), all_of("keys")
    chance = table.fates.take(profile, axis=1)
    chance *= all_of("means")
    fates = poisson(uniforms(keys, *video.FATES), chance)
    end = np.cumsum(rows)
    spare = np.empty(profile.size)
    for each, start, stop in zip(stretches, end - rows, end, strict=True):
        spare[start:stop] = _stop_at_limits(each, fates[:, start:stop])

    impressions = fates.sum(axis=0)
    live: Int64s | slice = slice(0, profile.size)
    where: Int64s | slice = slice(first, first + profile.size)
    some = impressions > 0.0
    if np.count_nonzero(some) < _LIVELY * profile.size:
        live = np.flatnonzero(some)
        where = first + live
    events = _events(
        table.odds.of(profile[live]),
        fates[:, live],
        impressions[live],
        spare[live],
        keys[live],
        all_of("wear_out")[live],
        all_of("competition")[live],
    )
    events["spend_micros"] = impressions[live].astype(np.int64) * all_of("prices")[live]
    for name, values in events.items():
        columns[name][where] = values
    return first + profile.size


def _stop_at_limits(stretch: Stretch, fates: WholeFloats) -> WholeFloats | float:
    """End delivery, in place, where a limit is reached; limits hold to the impression and micro.

    First no hour and device sells more than there was; then hour, day and flight end at their cap
    or budget. In the hour that reaches a limit every row keeps the same part. `fates` is (fates,
    rows). Returns how many slots each row (or any) may win beside its impressions.
    """
    if not stretch.rows:
        return np.inf
    goal, hours = stretch.goal, stretch.hours.size
    sizes = np.diff(stretch.first_rows, append=stretch.rows)
    hour = np.repeat(np.arange(hours), sizes)
    impressions = fates.sum(axis=0)

    def keep(fits: Floats, where: Int64s) -> None:
        part = fits.take(where)
        any_fits = part > 0.0
        np.multiply(fates, any_fits, out=fates)
        some = np.flatnonzero(any_fits & (part < 1.0))
        chance = uniforms(stretch.keys.take(some), "kept")
        fates[:, some] = _keep_share(fates.take(some, axis=1), part.take(some), chance)
        fates.sum(axis=0, out=impressions)

    cell = hour * len(DEVICES)
    cell += stretch.device
    sold = np.bincount(cell, weights=impressions, minlength=stretch.ceiling.size).astype(float)
    if (sold > stretch.ceiling.ravel()).any():
        keep(pacing.fitting(stretch.ceiling.ravel(), sold.astype(np.int64)), cell)
    for limit, counts_money, window in (
        (goal.hour_impressions, False, 1),
        (goal.day_impressions, False, pacing.HOURS_A_DAY),
        (goal.day_micros, True, pacing.HOURS_A_DAY),
        (goal.flight_micros, True, hours),
    ):
        if limit is not None:
            amounts = impressions.astype(np.int64)
            if counts_money:
                amounts *= stretch.prices
            edges = np.concatenate([[0], amounts.cumsum()])
            of_hour = edges[stretch.first_rows + sizes] - edges[stretch.first_rows]
            if of_hour.reshape(-1, window).sum(axis=1).max() > limit:
                keep(pacing.stop_at(limit, of_hour, window), hour)

    slots = stretch.slots.ravel()
    if (sold + largest_loss(sold, stretch.floor_render) <= slots).all():
        return np.inf
    sold = np.bincount(cell, weights=impressions, minlength=slots.size).astype(float)
    beside_each = np.divide(slots - sold, sold, out=np.zeros(slots.size), where=sold > 0.0)
    return np.floor(beside_each.take(cell) * impressions)


def _keep_share(fates: WholeFloats, part: Floats, chance: Floats) -> WholeFloats:
    """A part of each row's impressions, rounded down, by systematic sampling over the fates.

    Each fate keeps its share on average, and none gets more than it had. `fates` is (fates, rows).
    """
    so_far = fates.cumsum(axis=0)
    total = so_far[-1]
    kept = np.floor(total * part)
    rate = np.divide(kept, total, out=np.zeros(total.shape), where=total > 0)
    marks = np.minimum(np.floor(so_far * rate + chance), kept)
    marks = np.where(so_far == total, kept, marks)
    marks[1:] -= marks[:-1].copy()
    return marks


def _events(
    odds: Odds,
    fates: WholeFloats,
    impressions: WholeFloats,
    spare: WholeFloats,
    keys: Keys,
    wear_out: Floats,
    competition: Floats,
) -> dict[str, NDArray[Any]]:
    """What became of the impressions, by column name: (rows,) each."""
    _, starts, q25, q50, q75, q100 = accumulate(fates[:-1], np.subtract, initial=impressions)
    measurable, clicks, skips, scans, engagements = binomial_shares(
        keys,
        ("measurable", impressions, odds.measurable),
        ("clicks", impressions, odds.click * wear_out),
        ("skips", starts - q100, odds.skip),
        ("qr scans", impressions, odds.scan),
        ("engagements", impressions, odds.engagement),
    )
    viewable, audible = binomial_shares(
        keys, ("viewable", measurable, odds.viewable), ("audible", measurable, odds.audible)
    )
    supply = supply_side(odds, impressions, spare, competition, keys)
    return {
        "requests": supply.requests,
        "responses": supply.responses,
        "eligible_impressions": supply.eligible_impressions,
        "auctions_won": supply.auctions_won,
        "impressions": impressions,
        "measurable_impressions": measurable,
        "viewable_impressions": viewable,
        "audible_impressions": audible,
        "invalid_impressions": supply.invalid_impressions,
        "video_starts": starts,
        "video_q25": q25,
        "video_q50": q50,
        "video_q75": q75,
        "video_q100": q100,
        "clicks": clicks,
        "skips": skips,
        "qr_scans": scans,
        "interactive_engagements": engagements,
        "error_count": supply.error_count,
        "timeout_count": supply.timeout_count,
    }
