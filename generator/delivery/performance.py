"""Hourly performance: from what line items plan to the rows of `performance_hourly`.

A `Stretch` is one line item in one flight with everything that is known before chance plays a part.
`draw_rows` draws many stretches together, since a numpy call on 30,000 rows costs little more than
one on 1,000. Stretches share only the table of odds, so their rows do not depend on which ones are
drawn together. Rows are in the order of hour, device and creative.
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

from generator.arrays import LARGEST_COUNT, Floats, Int64s, Keys, WholeFloats, check_counts
from generator.clock import HOURS_A_DAY, Hours, day_number, timestamps
from generator.delivery import interaction, pacing, targeting, variation, video
from generator.delivery.fault_log import Log
from generator.delivery.flight_supply import (
    FlightContext,
    click_habit,
    flight_supply,
    timeouts,
)
from generator.delivery.funnel import SupplySide, largest_loss, supply_side
from generator.delivery.incidents import Incident, first_of_steps, landing_hours
from generator.delivery.limits import LimitedRows, billed_shares, stop_at_limits
from generator.delivery.odds import Odds, OddsTable
from generator.delivery.quantiles import binomial_shares, poisson
from generator.delivery.reach import exposure, shape_of
from generator.delivery.supply import DEVICES, device_column
from generator.delivery.variation import HOURS_A_STEP, RATES
from generator.enums import FaultType
from generator.randomness import key, row_keys, uniforms
from generator.schema import Creative, FaultLog, PerformanceHourly
from generator.schema.arrow import arrow_schema
from generator.schema.booking import Optimiser

# With fewer rows the fixed cost of numpy calls shows; with more the arrays leave the cache.
ROWS_AT_ONCE = 24_000
# From this share of rows with impressions on, leaving out the others costs more than it saves.
_LIVELY = 0.9
_NOT_DRAWN = ("campaign_id", "line_item_id", "creative_id", "device", "hour_ts", "loaded_at")


@dataclass(frozen=True)
class Stretch:
    """One line item in one flight, before its draws; arrays are (rows,) unless another shape is
    given.

    `hours` are (hours,), `slots` and `ceiling` (hours, devices), `prices` micros per impression.
    `first_rows` (hours,) is where each hour's rows start. `odds` (cells,) and `fates`
    (fates, cells) are those of each creative, device and quarter of a day, `cell` is the row's
    place in them, and `floor_render` the thousandths of what is won that render at least.
    `clicking` is the click rate relative to that of the odds, `contest` the odds to lose an auction
    likewise, `timeouts` how many requests time out. `incidents` are those that the line item meets.
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
    odds: Odds
    fates: Floats
    cell: Int64s
    keys: Keys
    means: Floats
    prices: Int64s
    slots: Int64s
    ceiling: Int64s
    clicking: Floats
    contest: Floats
    timeouts: Floats
    incidents: tuple[Incident, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.hour.size


def plan_stretch(context: FlightContext, goal: pacing.Goal, table: OddsTable) -> Stretch:
    """Plan one line item for one flight, up to the horizon; `table` has its creatives."""
    creatives = context.item.creatives
    line_item = context.item.line_item
    clicks = [float(table.clicks_of(creative.creative_id)) for creative in creatives]
    by_day = rotation_towards_clicks(
        rotation_shares(creatives, context.hours), clicks, context.item.steering.optimiser
    )
    creatives_a_day = np.count_nonzero(by_day, axis=1)
    supply = flight_supply(context, goal.flight_micros, _by_hour(creatives_a_day > 0))
    model = context.platform_model
    planned = pacing.plan(goal, supply, model.pacing.times(model.life.scale("demand_noise")))
    delivered = int(np.searchsorted(context.hours, context.horizon))
    exposures = _mean_exposures(planned * supply.price, planned, context, goal)[:delivered]
    hours = context.hours[:delivered]
    clicking = interaction.wear_out(context.platform_model.interaction, exposures)
    clicking *= click_habit(context, hours)
    rotation = _by_hour(by_day)[:delivered]
    targeted = np.flatnonzero(targeting.device_mask(targeting.targeting_of(line_item)))

    shape = (hours.size, targeted.size, len(creatives))
    in_rotation = rotation > 0
    present: Int64s | slice = slice(None)
    if not in_rotation.all():
        present = np.flatnonzero(np.broadcast_to(in_rotation[:, None, :], shape))

    def by_row(values: NDArray[Any]) -> NDArray[Any]:
        """Broadcast values to (hours, devices, creatives) and take the rows in rotation."""
        rows = np.empty(shape, dtype=values.dtype)
        rows[...] = values
        return rows.reshape(-1)[present]

    ids = np.array([creative.creative_id for creative in creatives], dtype=np.int64)
    first_profiles = np.array([table.first_profile[creative_id] for creative_id in ids.tolist()])
    sizes = _by_hour(creatives_a_day * targeted.size)[:delivered]
    profiles = (first_profiles + targeted[:, None]).ravel()
    starts = first_of_steps(context.incidents, hours)
    moves = _moves(context, hours, exposures)[:, starts // HOURS_A_STEP][:, :, targeted]
    moves = moves.repeat(len(creatives), axis=2)
    machines = np.zeros(moves.shape[1:])
    for incident, steps, cells in _met(context.incidents, hours[starts], targeted, ids):
        for rate, log_odds in incident.log_odds.items():
            moves[RATES.index(rate), steps, cells] += log_odds
        machines[steps, cells] += incident.lost_to_machines
    odds, fates = table.in_time(profiles, moves, machines)
    for incident, steps, cells in _met(context.incidents, hours[starts], targeted, ids):
        _lose_events(odds, fates, incident, steps * profiles.size + cells)
    step = np.searchsorted(starts, np.arange(hours.size), side="right") - 1
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
        odds=odds,
        fates=fates,
        cell=by_row(
            step[:, None, None] * profiles.size
            + np.arange(profiles.size).reshape(targeted.size, len(creatives))
        ),
        keys=by_row(_row_keys(context, hours, targeted)),
        means=by_row(planned[:delivered, targeted, None] * rotation[:, None, :]),
        prices=by_row(supply.price[:delivered, targeted, None].astype(np.int64)),
        slots=supply.slots[:delivered],
        ceiling=supply.ceiling[:delivered],
        clicking=by_row(clicking[:, None, None]),
        contest=by_row(supply.contest[:delivered, targeted, None]),
        timeouts=by_row(timeouts(context, hours)[:, None, None]),
        incidents=context.incidents,
    )


def _met(
    incidents: Sequence[Incident], first_hours: Hours, targeted: Int64s, creative_ids: Int64s
) -> Iterator[tuple[Incident, Int64s, Int64s]]:
    """Yield each incident with the steps that it meets, (steps, 1), and the positions of devices x
    creatives, (1, cells). `first_hours` (steps,) are the hours at which steps begin."""
    for incident in incidents:
        steps = (first_hours >= incident.first) & (first_hours < incident.last)
        devices = np.ones(targeted.size, dtype=bool)
        creatives = np.ones(creative_ids.size, dtype=bool)
        if incident.device is not None:
            devices = targeted == DEVICES.index(incident.device)
        if incident.creative_id is not None:
            creatives = creative_ids == incident.creative_id
        cells = np.flatnonzero(devices[:, None] & creatives)
        yield incident, np.flatnonzero(steps)[:, None], cells[None, :]


def _lose_events(odds: Odds, fates: Floats, incident: Incident, cells: Int64s) -> None:
    """Take away the events that an incident loses, in place, in some cells of `fates`
    (fates, cells)."""
    for name, kept in incident.kept_events.items():
        if name == "start":
            fates[1:, cells] *= kept
            fates[0, cells] = 1.0 - fates[1:, cells].sum(axis=0)
        else:
            getattr(odds, name)[cells] *= kept


def rotation_shares(creatives: tuple[Creative, ...], hours: Hours) -> Floats:
    """Return each creative's share of the line item's impressions on the days of these hours:
    (days, creatives).

    A day's shares add up to 1, or to 0 where no creative is in rotation.
    """
    days = hours[::HOURS_A_DAY] // HOURS_A_DAY
    shares = np.empty((days.size, len(creatives)))
    for index, creative in enumerate(creatives):
        first = _day_or(creative.rotation_start_date, -(2**31))
        last = _day_or(creative.rotation_end_date, 2**31)
        shares[:, index] = creative.rotation_weight * ((days >= first) & (days <= last))
    total = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)


def rotation_towards_clicks(
    shares: Floats, clicks: Sequence[float], optimiser: Optimiser
) -> Floats:
    """Return shares of creatives by day, as an optimiser moves them: (days, creatives).

    `clicks` are the log-odds of a click on each creative. From the first days on, in which it
    learns, the optimiser gives more to those that are clicked more, the more days have passed.

    >>> half = np.full((3, 2), 0.5)
    >>> after_a_day = Optimiser(gain=1.0, after_days=1, days=1)
    >>> rotation_towards_clicks(half, [0.0, 0.7], after_a_day).round(2).tolist()
    [[0.5, 0.5], [0.5, 0.5], [0.33, 0.67]]
    """
    if optimiser.gain == 0.0:
        return shares
    learnt = np.clip((np.arange(len(shares)) - optimiser.after_days) / optimiser.days, 0.0, 1.0)
    moved: Floats = shares * np.exp(optimiser.gain * learnt[:, None] * np.array(clicks))
    total = moved.sum(axis=1, keepdims=True)
    return np.divide(moved, total, out=np.zeros_like(moved), where=total > 0)


def _by_hour(by_day: NDArray[Any]) -> NDArray[Any]:
    """Repeat values by day as values by hour, along the first axis."""
    return np.repeat(by_day, HOURS_A_DAY, axis=0)


def _day_or(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else day_number(day)


def _mean_exposures(
    spend: Floats, planned: Floats, context: FlightContext, goal: pacing.Goal
) -> Floats:
    """Return the impressions per reached household that the campaign is expected to have delivered
    before each hour: (hours,).

    `spend` and `planned` are the line item's, (hours, devices), and count until its money is spent.
    The campaign's other line items are assumed to keep step with it.
    """
    hourly = pacing.over_devices(planned)
    money = pacing.over_devices(spend).cumsum()
    affordable = np.minimum(1.0, goal.delivered_micros / np.maximum(money, 1.0))
    delivered = np.maximum.accumulate(hourly.cumsum() * affordable) - hourly * affordable
    campaign = np.maximum(delivered, 0.0) / context.item.line_item.budget_share
    so_far = context.delivered_before + campaign
    shape = shape_of(context.platform_model, context.campaign.campaign_id, context.seed)
    return exposure(so_far, context.households, shape)


def _row_keys(context: FlightContext, hours: Hours, targeted: Int64s) -> Keys:
    """Return the key of each row: (hours, targeted devices, creatives)."""
    streams = [
        [
            key(context.seed, "performance", creative.creative_id, str(DEVICES[device]))
            for creative in context.item.creatives
        ]
        for device in targeted
    ]
    return row_keys(np.array(streams, dtype=np.uint64), hours[:, None, None])


def _moves(context: FlightContext, hours: Hours, exposures: Floats) -> Floats:
    """Return what moves the log-odds of the rates at each step: (rates, steps, devices).

    Completion also falls as households have seen the campaign more often.
    """
    model = context.platform_model
    campaign_id = context.campaign.campaign_id
    moves = variation.effects_in_time(model, campaign_id, variation.steps_of(hours), context.seed)
    fall = model.life.scale("effects") * model.effects.completion.per_doubling_of_exposure
    doublings = np.log2(np.maximum(exposures[::HOURS_A_STEP], 1.0))
    moves[variation.RATES.index("completion")] += fall * doublings[:, None]
    return moves


def draw_rows(stretches: Sequence[Stretch]) -> pa.RecordBatch:
    """Draw the rows of these stretches, one after the other, zeros included.

    Some thousands are drawn at a time, so that the arrays stay in the processor's cache.
    """
    rows = [stretch.rows for stretch in stretches]
    schema = arrow_schema(PerformanceHourly)
    columns: dict[str, NDArray[Any]] = {
        field.name: np.zeros(sum(rows), dtype=field.type.to_pandas_dtype())
        for field in schema
        if field.name not in _NOT_DRAWN
    }
    first = 0
    for block in _blocks(stretches):
        first = _draw_block(block, columns, first)

    landing = [landing_hours(stretch.incidents, stretch.hour) for stretch in stretches]
    campaign_ids = [stretch.campaign_id for stretch in stretches]
    line_item_ids = [stretch.line_item_id for stretch in stretches]
    hours = _join(stretches, "hour")
    batch = {
        "campaign_id": pa.array(np.repeat(campaign_ids, rows)),
        "line_item_id": pa.array(np.repeat(line_item_ids, rows)),
        "creative_id": pa.array(_join(stretches, "creative_id")),
        "device": device_column(_join(stretches, "device").astype(np.int8)),
        "hour_ts": pa.array(timestamps(hours), type=pa.timestamp("us")),
        "loaded_at": pa.array(timestamps(np.concatenate(landing)), type=pa.timestamp("us")),
        **{name: pa.array(values) for name, values in columns.items()},
    }
    return pa.RecordBatch.from_pydict(batch, schema=schema)


def incident_log(stretches: Sequence[Stretch], rows: pa.RecordBatch) -> list[FaultLog]:
    """Return the log of the incidents that these stretches met; `rows` are theirs, as drawn.

    An outage touches rows with planned impressions, a late load all rows, other incidents those
    with impressions.
    """
    log = Log()
    first = 0
    for stretch in stretches:
        impressions = rows.column("impressions").slice(first, stretch.rows).to_numpy()
        first += stretch.rows
        for incident in stretch.incidents:
            during = slice(*np.searchsorted(stretch.hour, [incident.first, incident.last]))
            hours = stretch.hour[during]
            touched = np.ones(hours.size, dtype=bool)
            if incident.device is not None:
                touched &= stretch.device[during] == DEVICES.index(incident.device)
            if incident.creative_id is not None:
                touched &= stretch.creative_id[during] == incident.creative_id
            if incident.kind is FaultType.AD_SERVER_OUTAGE:
                touched &= stretch.means[during] > 0.0
            elif incident.kind is not FaultType.LATE_LOAD:
                touched &= impressions[during] > 0
            hours = hours[touched]
            campaign = np.full(hours.size, stretch.campaign_id)
            log.add(incident.kind, incident.name, incident.keys, campaign, hours)
    return log.rows()


def _join(stretches: Sequence[Stretch], name: str) -> NDArray[Any]:
    """Return one array of the stretches, one after the other."""
    return np.concatenate([getattr(stretch, name) for stretch in stretches])


def _blocks(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Yield the stretches in runs of about `ROWS_AT_ONCE`."""
    block: list[Stretch] = []
    for stretch in stretches:
        if block and sum(other.rows for other in block) + stretch.rows > ROWS_AT_ONCE:
            yield block
            block = []
        block.append(stretch)
    yield block


def _draw_block(
    stretches: Sequence[Stretch],
    columns: Mapping[str, NDArray[Any]],
    first: int,
) -> int:
    """Draw these stretches into `columns`, from the row `first` on; return the row after them."""
    cells = [stretch.fates.shape[1] for stretch in stretches]
    rows_of = [stretch.rows for stretch in stretches]
    cell = _join(stretches, "cell") + np.repeat(np.cumsum([0, *cells[:-1]]), rows_of)
    keys = _join(stretches, "keys")
    chance = np.concatenate([stretch.fates for stretch in stretches], axis=1).take(cell, axis=1)
    chance *= _join(stretches, "means")
    fates = poisson(uniforms(keys, *video.FATES), chance)
    end = np.cumsum(rows_of)
    spare = np.empty(cell.size)
    billed = np.ones(cell.size)
    for stretch, stop in zip(stretches, end.tolist(), strict=True):
        rows = slice(stop - stretch.rows, stop)
        spare[rows], billed[rows] = _limit(stretch, fates[:, rows])

    impressions = fates.sum(axis=0)
    live: Int64s | slice = slice(0, cell.size)
    target: Int64s | slice = slice(first, first + cell.size)
    has_impressions = impressions > 0.0
    if np.count_nonzero(has_impressions) < _LIVELY * cell.size:
        live = np.flatnonzero(has_impressions)
        target = first + live
    odds = Odds.concatenate([stretch.odds for stretch in stretches]).take(cell[live])
    contest = _join(stretches, "contest")[live]
    under_load = _join(stretches, "timeouts")[live]
    supply = supply_side(odds, impressions[live], spare[live], contest, under_load, keys[live])
    clicking = _join(stretches, "clicking")[live]
    events = _events(odds, fates[:, live], impressions[live], supply, clicking, keys[live])
    # No other count of a row is larger.
    if (requests := events["requests"]).size and requests.max() > LARGEST_COUNT:
        row = np.arange(cell.size)[live][requests.argmax()]
        campaign_id = stretches[int(np.searchsorted(end, row, side="right"))].campaign_id
        check_counts(requests, f"campaign {campaign_id}: requests of an hour and device")
    paid = np.floor(impressions * billed).astype(np.int64)
    events["spend_micros"] = (paid * _join(stretches, "prices"))[live]
    for name, values in events.items():
        columns[name][target] = values
    return first + cell.size


def _limit(stretch: Stretch, fates: WholeFloats) -> tuple[WholeFloats | float, Floats | float]:
    """End a stretch's delivery at its limits: change `fates` (fates, rows) in place.

    Returns how many slots each row may win beside its impressions, and the share of its impressions
    that is billed: (rows,) each, or one figure for all.
    """
    if not stretch.rows:
        return np.inf, 1.0
    sizes = np.diff(stretch.first_rows, append=stretch.rows)
    hour = np.repeat(np.arange(stretch.hours.size), sizes)
    cell = hour * len(DEVICES)
    cell += stretch.device
    rows = LimitedRows(
        goal=stretch.goal,
        hour=hour,
        cell=cell,
        keys=stretch.keys,
        prices=stretch.prices,
        first_rows=stretch.first_rows,
        sizes=sizes,
    )
    drawn = stop_at_limits(rows, fates, stretch.ceiling.ravel())
    shares = billed_shares(rows, fates.sum(axis=0)) if stretch.goal.beyond > 0.0 else None
    billed = 1.0 if shares is None else shares
    slots = stretch.slots.ravel()
    if (drawn + largest_loss(drawn, stretch.floor_render) <= slots).all():
        return np.inf, billed
    return _spare_slots(cell, fates.sum(axis=0), slots), billed


def _spare_slots(cell: Int64s, impressions: WholeFloats, slots: Int64s) -> WholeFloats:
    """Share the slots that impressions leave among the rows of their hour and device: (rows,).

    `cell` (rows,) is the position of each row's hour and device in `slots`. Rows share in
    proportion to their impressions.

    >>> cell = np.array([0, 0, 1])
    >>> _spare_slots(cell, np.array([30.0, 10.0, 5.0]), np.array([60, 5])).tolist()
    [15.0, 5.0, 0.0]
    """
    sold = np.bincount(cell, weights=impressions, minlength=slots.size).astype(float)
    beside_each = np.divide(slots - sold, sold, out=np.zeros(slots.size), where=sold > 0.0)
    return np.floor(beside_each.take(cell) * impressions)


def _events(
    odds: Odds,
    fates: WholeFloats,
    impressions: WholeFloats,
    supply: SupplySide,
    clicking: Floats,
    keys: Keys,
) -> dict[str, NDArray[Any]]:
    """Draw what became of the impressions, by column name: (rows,) each."""
    _, starts, q25, q50, q75, q100 = accumulate(fates[:-1], np.subtract, initial=impressions)
    measurable, clicks, skips, scans, engagements = binomial_shares(
        keys,
        ("measurable", impressions, odds.measurable),
        ("clicks", impressions, odds.click * clicking),
        ("skips", starts - q100, odds.skip),
        ("qr scans", impressions, odds.scan),
        ("engagements", impressions, odds.engagement),
    )
    viewable, audible = binomial_shares(
        keys, ("viewable", measurable, odds.viewable), ("audible", measurable, odds.audible)
    )
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
