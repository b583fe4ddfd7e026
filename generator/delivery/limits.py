"""Limits: where delivery ends, to the impression and to the micro.

Chance can draw more impressions than a line item may deliver. First no hour and device sells more
than its supply. Then the hour, the day and the flight end at their frequency cap or budget. In the
hour that reaches a limit, every row keeps the same share of its impressions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s, Keys, WholeFloats
from generator.clock import HOURS_A_DAY
from generator.delivery.history import lowest_from
from generator.delivery.pacing import Goal
from generator.randomness import uniforms

_BARELY_LESS = 1.0 - 1e-12


@dataclass(frozen=True)
class LimitedRows:
    """The rows of one line item in one flight, and what limits them.

    `hour` (rows,) is the position of each row's hour in the flight, `cell` (rows,) that of its hour
    and device, `keys` (rows,) are for draws, `prices` (rows,) micros per impression. `first_rows`
    and `sizes` (hours,) say which rows an hour has.
    """

    goal: Goal
    hour: Int64s
    cell: Int64s
    keys: Keys
    prices: Int64s
    first_rows: Int64s
    sizes: Int64s

    def by_hour(self, amounts: Int64s) -> Int64s:
        """Add up the amounts of rows (rows,) by hour: (hours,)."""
        edges = np.concatenate([[0], amounts.cumsum()])
        return edges[self.first_rows + self.sizes] - edges[self.first_rows]


def stop_at_limits(rows: LimitedRows, fates: WholeFloats, ceiling: Int64s) -> WholeFloats:
    """End delivery where a limit is reached: change `fates` (fates, rows) in place.

    `ceiling` (cells,) is the most impressions of each hour and device. Returns the impressions of
    each cell, as drawn.

    A day of 3 hours with 10 impressions each and a limit of 25 keeps 10, 10 and 5.
    """
    impressions = fates.sum(axis=0)
    drawn = np.bincount(rows.cell, weights=impressions, minlength=ceiling.size).astype(float)
    if (drawn > ceiling).any():
        shares = fitting_shares(ceiling, drawn.astype(np.int64))
        impressions = _keep(rows, fates, shares.take(rows.cell))
    goal = rows.goal
    flight_hours = rows.sizes.size
    for limit, counts_money, window in (
        (goal.under_cap(goal.hour_impressions), False, 1),
        (goal.under_cap(goal.day_impressions), False, HOURS_A_DAY),
        (goal.day_micros, True, HOURS_A_DAY),
        (None if goal.known_micros is not None else goal.delivered_micros, True, flight_hours),
    ):
        if limit is None:
            continue
        amounts = impressions.astype(np.int64)
        if counts_money:
            amounts *= rows.prices
        hourly = rows.by_hour(amounts)
        if hourly.reshape(-1, window).sum(axis=1).max() > limit:
            shares = stop_at(limit, hourly, window)
            impressions = _keep(rows, fates, shares.take(rows.hour))
    if goal.known_micros is not None:
        _stop_at_known_budgets(rows, fates, goal.known_micros)
    return drawn


def _stop_at_known_budgets(rows: LimitedRows, fates: WholeFloats, known: Int64s) -> None:
    """End delivery at a budget that changes: change `fates` (fates, rows) in place.

    `known` (days,) is the budget that is known on each day. What is spent up to a day is at most
    the least of what is known then and later, since no budget is cut below what was spent. Only
    the last budget is delivered beyond.
    """
    least = lowest_from(known)
    ends = [*(np.flatnonzero(np.diff(least)) + 1).tolist(), least.size]
    for end in ends:
        until = min(end * HOURS_A_DAY, rows.sizes.size)
        limit = rows.goal.delivered_micros if end == least.size else int(least[end - 1])
        hourly = rows.by_hour(fates.sum(axis=0).astype(np.int64) * rows.prices)
        hourly[until:] = 0
        if hourly.sum() > limit:
            shares = stop_at(limit, hourly, hourly.size)
            shares[until:] = 1.0
            _keep(rows, fates, shares.take(rows.hour))


def billed_shares(rows: LimitedRows, impressions: WholeFloats) -> Floats | None:
    """Return the share of each row's impressions that the budget of the flight pays: (rows,).

    Impressions (rows,) are billed until the budget is spent, and those after it are free. None: all
    of them are billed.
    """
    if rows.goal.beyond <= 0.0:
        return None
    hourly = rows.by_hour(impressions.astype(np.int64) * rows.prices)
    if hourly.sum() <= rows.goal.flight_micros:
        return None
    return stop_at(rows.goal.flight_micros, hourly, hourly.size).take(rows.hour)


def stop_at(limit: int, amounts: Int64s, window: int) -> Floats:
    """Return the share of each hour's amount that still fits under `limit`: (hours,).

    It is 1 before the limit is reached, a fraction in the hour that reaches it, and 0 after it,
    until the next window of `window` hours starts. Rounding a count down after scaling it keeps
    the sum within the limit, exactly.

    >>> stop_at(25, np.array([10, 10, 10, 10]), window=4).round(6).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    windows = amounts.reshape(-1, window)
    before = windows.cumsum(axis=1) - windows
    return fitting_shares(np.maximum(limit - before, 0), windows).ravel()


def fitting_shares(room: Int64s, amounts: Int64s) -> Floats:
    """Return the share of each amount that fits into its room: 1, or a hair less than the ratio."""
    scaled = room / np.maximum(amounts, 1).astype(np.float64) * _BARELY_LESS
    return np.where(amounts <= room, 1.0, scaled)


def _keep(rows: LimitedRows, fates: WholeFloats, shares: Floats) -> WholeFloats:
    """Keep a share of each row's impressions: change `fates` (fates, rows) in place. Returns the
    impressions that are left, (rows,)."""
    any_kept = shares > 0.0
    np.multiply(fates, any_kept, out=fates)
    cut = np.flatnonzero(any_kept & (shares < 1.0))
    chance = uniforms(rows.keys.take(cut), "kept")
    fates[:, cut] = keep_share(fates.take(cut, axis=1), shares.take(cut), chance)
    impressions: WholeFloats = fates.sum(axis=0)
    return impressions


def keep_share(fates: WholeFloats, shares: Floats, chance: Floats) -> WholeFloats:
    """Keep a share of each row's impressions, rounded down: (fates, rows).

    Systematic sampling over the fates: each fate keeps its share on average, and none gets more
    than it had. `chance` (rows,) are uniforms.

    >>> fates = np.array([[2.0], [6.0], [2.0]])
    >>> keep_share(fates, np.array([0.5]), np.array([0.4])).ravel().tolist()
    [1.0, 3.0, 1.0]
    """
    so_far = fates.cumsum(axis=0)
    total = so_far[-1]
    kept = np.floor(total * shares)
    rate = np.divide(kept, total, out=np.zeros(total.shape), where=total > 0)
    marks = np.minimum(np.floor(so_far * rate + chance), kept)
    marks = np.where(so_far == total, kept, marks)
    marks[1:] -= marks[:-1].copy()
    return marks
