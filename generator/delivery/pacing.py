"""Pacing: how a line item wants to spend its budget over a flight, and where it must stop.

`plan` gives the expected impressions of every hour: the budget spread in proportion to the supply
that everybody forecasts, re-planned each morning from what is left, and never more than supply,
share of voice and frequency capping allow. `stop_at` is the other half: it ends delivery in the
hour in which a limit is reached, whatever the draws were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s
from generator.delivery.flight_supply import FlightSupply
from generator.enums import Pacing
from generator.platform.model import PacingFigures

HOURS_A_DAY = 24
_BARELY_LESS = 1.0 - 1e-12
# How far above its goal a day aims, in standard deviations, so that chance leaves little over:
# the last day of a lifetime budget once, each day of a daily budget less, since it would end early.
_LAST_DAY_SAFETY = 2.0
_DAILY_SAFETY = 0.5


@dataclass(frozen=True)
class Goal:
    """What one line item may spend in one flight. Money in micros."""

    flight_micros: int
    day_micros: int | None
    day_impressions: int | None
    hour_impressions: int | None
    pacing: Pacing
    pacing_pct: int


def plan(goal: Goal, supply: FlightSupply, figures: PacingFigures) -> Floats:
    """Expected impressions (hours, devices) of a line item over a flight; 0 <= plan <= available.

    EVEN follows the forecast raised to `supply_exponent`; FRONTLOADED the same with a decay over
    the flight; ASAP takes all there is. The day's goal is what is left over the days that are
    left, limited to `pacing_pct` of the day's share of the first plan. Money not spent on a day is
    spent later.
    """
    available = over_devices(supply.available)
    if goal.flight_micros <= 0 or not available.any():
        return np.zeros_like(supply.available)
    days = available.size // HOURS_A_DAY
    by_device = np.divide(
        supply.available,
        available[:, None],
        out=np.zeros_like(supply.available),
        where=available[:, None] > 0,
    )
    price = over_devices(by_device * supply.price)
    price[available == 0] = 1.0
    ceiling = available * price
    if goal.hour_impressions is not None:
        ceiling = np.minimum(ceiling, figures.cap_use * goal.hour_impressions * price)
    ceiling = ceiling.reshape(days, HOURS_A_DAY)
    if goal.pacing is Pacing.ASAP:
        impressions = (ceiling / price.reshape(days, HOURS_A_DAY)).sum(axis=1)
        spend = ceiling
        if goal.day_impressions is not None:
            spend = spend * _let_through(impressions, goal.day_impressions, figures)[:, None]
    else:
        forecast = over_devices(supply.forecast)
        spend = _follow_plan(goal, forecast, available, ceiling, price, figures)
    return (spend.ravel() / price)[:, None] * by_device


def over_devices(values: Floats) -> Floats:
    """The sums of (hours, devices) over the devices: numpy's own takes five times as long for so
    short an axis."""
    total = values[:, 0].copy()
    for column in values.T[1:]:
        total += column
    return total


def _follow_plan(
    goal: Goal,
    forecast: Floats,
    available: Floats,
    ceiling: Floats,
    price: Floats,
    figures: PacingFigures,
) -> Floats:
    """Planned spend (days, 24) in micros, day after day from what is left, below `ceiling`.

    As long as no hour of a day meets its ceiling, what the day spends is its goal times sums that
    are known beforehand.
    """
    days = ceiling.shape[0]
    wanted = np.where(available > 0, forecast, 0.0) ** figures.supply_exponent
    wanted[available == 0] = 0.0
    if goal.pacing is Pacing.FRONTLOADED:
        progress = np.arange(wanted.size) / wanted.size
        wanted *= np.exp(-figures.frontload_decay_per_flight * progress)
    wanted = wanted.reshape(days, HOURS_A_DAY)
    weight = wanted.sum(axis=1)
    if not weight.any():
        return np.zeros_like(ceiling)
    tail = weight[::-1].cumsum()[::-1]
    last_day = int(np.flatnonzero(weight)[-1])
    surprise = np.divide(available, forecast, out=np.zeros_like(available), where=forecast > 0)
    mean_price = float((available * price).sum() / available.sum())
    hourly = price.reshape(days, HOURS_A_DAY)
    shape = wanted / np.maximum(weight, 1e-300)[:, None] * surprise.reshape(days, HOURS_A_DAY)
    free = np.divide(ceiling, shape, out=np.full(shape.shape, np.inf), where=shape > 0).min(axis=1)
    spent, seen = shape.sum(axis=1).tolist(), (shape / hourly).sum(axis=1).tolist()
    of_flight, of_rest = (weight / tail[0]).tolist(), (weight / np.maximum(tail, 1e-300)).tolist()
    bounds = free.tolist()
    goals, parts = [0.0] * days, [1.0] * days
    left, a_day = float(goal.flight_micros), 0.0
    if goal.day_micros is not None:
        a_day = goal.day_micros + _DAILY_SAFETY * _one_sd(goal.day_micros, mean_price)
    for day in np.flatnonzero(weight > 0).tolist():
        today = a_day
        if goal.day_micros is None:
            share = goal.flight_micros * of_flight[day]
            today = min(left * of_rest[day], share * goal.pacing_pct / 100)
            if day == last_day:
                today += _LAST_DAY_SAFETY * _one_sd(goal.flight_micros, mean_price)
        is_bounded = today > bounds[day]
        money = today * spent[day]
        if is_bounded:
            bounded = np.minimum(today * shape[day], ceiling[day])
            money = float(np.add.reduce(bounded))
        goals[day] = today
        if goal.day_impressions is not None:
            impressions = (bounded / hourly[day]).sum() if is_bounded else today * seen[day]
            parts[day] = float(_let_through(impressions, goal.day_impressions, figures))
            money *= parts[day]
        left = max(left - money, 0.0)
    planned = np.minimum(np.array(goals)[:, None] * shape, ceiling)
    planned *= np.array(parts)[:, None]
    return planned


def _one_sd(micros: float, price: float) -> float:
    """The standard deviation, in micros, of what is spent where this much is expected."""
    return math.sqrt(micros / price) * price


def _let_through(impressions: Floats, most: int, figures: PacingFigures) -> Floats:
    """The part of days' impressions that frequency capping, at `most` a day, can be expected to let
    through."""
    expected = figures.cap_use * most
    part: Floats = expected / np.maximum(impressions, max(expected, 1e-9))
    return part


def stop_at(limit: int, amounts: Int64s, window: int) -> Floats:
    """The part of each hour's amount that still fits under `limit` in its window: (hours,).

    1 before the limit is reached, a fraction in the hour that reaches it, 0 after it, until the
    next window of `window` hours starts. Rounding a count down after scaling it keeps the sum
    within the limit, exactly.
    """
    windows = amounts.reshape(-1, window)
    before = windows.cumsum(axis=1) - windows
    return fitting(np.maximum(limit - before, 0), windows).ravel()


def fitting(room: Int64s, amounts: Int64s) -> Floats:
    """The part of each amount that fits into its room: 1, or a hair less than the ratio."""
    scaled = room / np.maximum(amounts, 1).astype(np.float64) * _BARELY_LESS
    return np.where(amounts <= room, 1.0, scaled)
