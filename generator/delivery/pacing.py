"""Pacing: how a line item plans to spend its budget over a flight.

`plan` returns the expected impressions of every hour. The budget is spread in proportion to the
forecast supply, planned again each morning from what is left, and never more than supply, share of
voice and frequency capping allow. What chance draws beyond a limit is cut in `limits`.

Who steers errs: a goal says how far past its budget a line item aims or how far short of it, and
how far off the aim of each day is. What a day misses is left for the days after it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY
from generator.delivery.capping import share_under_cap
from generator.delivery.flight_supply import FlightSupply
from generator.enums import Pacing
from generator.platform.model import PacingFigures


@dataclass(frozen=True)
class Goal:
    """What one line item may spend and deliver in one flight. Money in micros; None: no limit.

    `hour_impressions` and `day_impressions` are what frequency caps allow. Planning reckons with
    them; delivery ends at `part_of_cap` of them.
    `beyond` is the part of the budget that it aims to deliver on top of it, and that is not
    billed; below 0 it aims that far short. `day_aims` (days,) are the aims of its days relative
    to the right ones; without them every aim is right. `known_micros` (days,) is the budget
    that is known on each day, if it is changed; `flight_micros` is the last of it.
    """

    flight_micros: int
    day_micros: int | None
    day_impressions: int | None
    hour_impressions: int | None
    pacing: Pacing
    pacing_pct: int
    part_of_cap: float = 1.0
    beyond: float = 0.0
    day_aims: Floats | None = None
    known_micros: Int64s | None = None

    def under_cap(self, impressions: int | None) -> int | None:
        """Return where delivery ends, of what caps allow in an hour or a day."""
        return None if impressions is None else int(impressions * self.part_of_cap)

    @property
    def delivered_micros(self) -> int:
        """The price of the most that may be delivered: the budget, and what is beyond it."""
        return self.flight_micros + int(self.flight_micros * max(self.beyond, 0.0))


def plan(goal: Goal, supply: FlightSupply, figures: PacingFigures) -> Floats:
    """Return the expected impressions (hours, devices) of a line item over a flight.

    0 <= plan <= available. EVEN follows the forecast raised to `supply_exponent`. FRONTLOADED does
    the same with a decay over the flight. ASAP takes all that is available. A day aims for what is
    left over the days that are left, limited to `pacing_pct` of the day's share of the first plan.
    Money not spent on a day is spent later.

    Two days with 100 impressions an hour at 100 micros each, and a budget for 2,000 impressions:
    the first day plans half of them. The last day aims two standard deviations higher, so that
    chance leaves little of the budget over.

    >>> hourly = np.full((48, 1), 100.0)
    >>> most = np.full((48, 1), 100)
    >>> supply = FlightSupply(hourly, hourly, np.ones(48), hourly, most, most, contest=hourly)
    >>> goal = Goal(200_000, None, None, None, Pacing.EVEN, pacing_pct=150)
    >>> figures = PacingFigures(supply_exponent=1.0, frontload_decay_per_flight=1.5, cap_use=0.7)
    >>> plan(goal, supply, figures).reshape(2, 24).sum(axis=1).round(1).tolist()
    [1000.0, 1089.4]
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
        spend = ceiling * np.minimum(supply.demand, 1.0).reshape(days, HOURS_A_DAY)
        if goal.day_impressions is not None:
            impressions = (spend / price.reshape(days, HOURS_A_DAY)).sum(axis=1)
            share = share_under_cap(impressions, goal.day_impressions, figures.cap_use)
            spend = spend * share[:, None]
    else:
        forecast = np.where(available > 0, over_devices(supply.forecast), 0.0)
        bought = available * supply.demand
        spend = _follow_plan(goal, forecast, bought, ceiling, price, figures)
    return (spend.ravel() / price)[:, None] * by_device


def over_devices(values: Floats) -> Floats:
    """Add up (hours, devices) over the devices: numpy's sum takes five times as long over so
    short an axis."""
    total = values[:, 0].copy()
    for column in values.T[1:]:
        total += column
    return total


def _follow_plan(
    goal: Goal,
    forecast: Floats,
    bought: Floats,
    ceiling: Floats,
    price: Floats,
    figures: PacingFigures,
) -> Floats:
    """Plan the spend of each hour (days, 24) in micros, day after day from what is left.

    `forecast`, `bought` and `price` are (hours,); `ceiling` (days, 24) is the most spend of an
    hour. A day's spend is its aim, spread over its hours by weight, times how much more is bought
    of what came than was forecast.
    """
    weights = _hour_weights(goal, forecast, figures)
    day_weights = weights.sum(axis=1)
    if not day_weights.any() or not bought.any():
        return np.zeros_like(ceiling)
    surprise = np.divide(bought, forecast, out=np.zeros_like(bought), where=forecast > 0)
    share_of_day = weights / np.maximum(day_weights, 1e-300)[:, None]
    days = _Days(
        weights=day_weights,
        spend_per_aim=share_of_day * surprise.reshape(weights.shape),
        ceiling=ceiling,
        price=price.reshape(weights.shape),
    )
    mean_price = float((bought * price).sum() / bought.sum())
    aims, shares = _plan_days(goal, days, mean_price, figures)
    planned = np.minimum(aims[:, None] * days.spend_per_aim, ceiling)
    planned *= shares[:, None]
    return planned


def _hour_weights(goal: Goal, forecast: Floats, figures: PacingFigures) -> Floats:
    """Return how much of the budget each hour should get, relative to others: (days, 24)."""
    weights = forecast**figures.supply_exponent
    weights[forecast == 0] = 0.0
    if goal.pacing is Pacing.FRONTLOADED:
        progress = np.arange(weights.size) / weights.size
        weights *= np.exp(-figures.frontload_decay_per_flight * progress)
    return weights.reshape(-1, HOURS_A_DAY)


@dataclass(frozen=True)
class _Days:
    """The days of a flight before they are planned.

    `weights` (days,) is the budget that each day should get, relative to others. The rest is
    (days, 24): what each hour spends per micro that its day aims for, the most it may spend, and
    its price in micros per impression.
    """

    weights: Floats
    spend_per_aim: Floats
    ceiling: Floats
    price: Floats


def _plan_days(
    goal: Goal, days: _Days, mean_price: float, figures: PacingFigures
) -> tuple[Floats, Floats]:
    """Return what each day aims to spend in micros, and the share of it that the frequency cap is
    expected to let through: (days,) each.

    Days are planned one after the other, since each starts from what the days before left. As long
    as no hour of a day meets its ceiling, the day's spend is its aim times a sum known beforehand;
    that is what the lists are for.
    """
    limit = goal.day_impressions
    wanted_days = np.flatnonzero(days.weights > 0).tolist()
    aims_of_flight = _Aims.of(goal, days.weights, mean_price, figures)
    first_bound = _aims_that_meet_a_ceiling(days).tolist()
    spend = days.spend_per_aim.sum(axis=1).tolist()
    impressions = (days.spend_per_aim / days.price).sum(axis=1).tolist()
    aims = np.zeros(days.weights.size)
    shares = np.ones(days.weights.size)
    totals = aims_of_flight.totals
    known = totals[wanted_days[0]]
    left = known
    for day in wanted_days:
        left = max(left + (totals[day] - known), 0.0)
        known = totals[day]
        aim = aims_of_flight.aim(day, left)
        if aim > first_bound[day]:
            bounded = np.minimum(aim * days.spend_per_aim[day], days.ceiling[day])
            money = float(np.add.reduce(bounded))
            seen = (bounded / days.price[day]).sum() if limit is not None else 0.0
        else:
            money = aim * spend[day]
            seen = aim * impressions[day]
        if limit is not None:
            share = float(share_under_cap(seen, limit, figures.cap_use))
            shares[day] = share
            money *= share
        aims[day] = aim
        left = max(left - money, 0.0)
    return aims, shares


@dataclass(frozen=True)
class _Aims:
    """What the days of a flight may aim for, in micros.

    `totals` (days,) are the aims of the flight that are known on each day. `daily` is the aim of
    every day of a daily budget, None for a lifetime budget. `ahead` (days,) is how much more than
    its part of what is left a day aims for: more, so that bad days can be made up for, and by error
    more or less. `share_of_rest` is a day's weight over that of the days from it on, `most` the
    limit that `pacing_pct` sets, and `extra` what the last day adds; (days,) each.
    """

    totals: list[float]
    daily: float | None
    ahead: list[float]
    share_of_rest: list[float]
    most: list[float]
    extra: list[float]

    @classmethod
    def of(cls, goal: Goal, weights: Floats, mean_price: float, figures: PacingFigures) -> _Aims:
        """Return the aims of a goal, for days of these weights.

        A day aims some standard deviations above its goal, so that chance leaves little money over:
        the last day of a lifetime budget by `last_day_safety`. Each day of a daily budget aims by
        the smaller `daily_safety` higher, since more would end the day early.
        """
        daily = None
        if goal.day_micros is not None:
            daily = goal.day_micros + figures.daily_safety * _one_sd(goal.day_micros, mean_price)
        rest = weights[::-1].cumsum()[::-1]
        known = goal.flight_micros if goal.known_micros is None else goal.known_micros
        totals = np.full(weights.size, known * (1.0 + goal.beyond))
        most = totals * (weights / rest[0]) * goal.pacing_pct / 100
        extra = np.zeros(weights.size)
        last_day = int(np.flatnonzero(weights)[-1])
        extra[last_day] = figures.last_day_safety * _one_sd(goal.flight_micros, mean_price)
        ahead = np.full(weights.size, figures.ahead)
        if goal.day_aims is not None:
            ahead *= goal.day_aims
            ahead[last_day] = max(ahead[last_day], 1.0)
        return cls(
            totals=totals.tolist(),
            daily=daily,
            ahead=ahead.tolist(),
            share_of_rest=(weights / np.maximum(rest, 1e-300)).tolist(),
            most=most.tolist(),
            extra=extra.tolist(),
        )

    def aim(self, day: int, left: float) -> float:
        """Return what a day aims to spend when `left` micros of the flight are left."""
        if self.daily is not None:
            return self.daily
        ahead = min(self.ahead[day] * self.share_of_rest[day], 1.0)
        return min(left * ahead, self.most[day]) + self.extra[day]


def _aims_that_meet_a_ceiling(days: _Days) -> Floats:
    """Return the least aim of each day at which some hour of it meets its ceiling: (days,)."""
    per_aim = days.spend_per_aim
    aims = np.divide(days.ceiling, per_aim, out=np.full(per_aim.shape, np.inf), where=per_aim > 0)
    return aims.min(axis=1)


def _one_sd(micros: float, price: float) -> float:
    """Return the standard deviation, in micros, of what is spent where this much is expected."""
    return math.sqrt(micros / price) * price
