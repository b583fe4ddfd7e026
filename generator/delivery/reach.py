"""Reach: how many households an amount of impressions came to.

Household exposure is Poisson mixed by gamma (negative binomial, NBD; Ehrenberg 1959, Danaher 2007)
over the addressed households, with exposures above the frequency cap never served. Reach is
computed, not drawn, from curves that cannot contradict one another: reach per impression falls as
impressions rise, so the reach of a window is at most the sum of its parts, and rounding up keeps
that in whole numbers; n+ reaches are rounded down, so that the tiers together never claim more
impressions than there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.delivery.calendar import Hours, timestamps, weekday_of
from generator.delivery.pacing import Counts
from generator.enums import ReachWindow, TimeUnit
from generator.randomness import Floats
from generator.schema import CampaignReach, FrequencyCap
from generator.schema.arrow import arrow_schema

TIERS = (1, 2, 3, 5, 10)
_HOURS = {TimeUnit.HOUR: 1, TimeUnit.DAY: 24, TimeUnit.WEEK: 168, TimeUnit.MONTH: 720}
_BISECTIONS = 42
_WINDOWS = tuple(ReachWindow)


@dataclass(frozen=True)
class Cap:
    """At most `impressions` per household within `hours` hours."""

    impressions: int
    hours: int

    def within(self, hours: NDArray[np.int64]) -> Counts:
        """The most exposures of a household in windows of this length."""
        return self.impressions * -(-hours // self.hours)


def cap_of(caps: Sequence[FrequencyCap], campaign_hours: int) -> Cap | None:
    """The tightest cap of a campaign by the day, or None; LIFETIME counts over its days."""
    found = [
        Cap(
            cap.max_impressions,
            max(campaign_hours, 1)
            if cap.time_unit is TimeUnit.LIFETIME
            else _HOURS[cap.time_unit] * cap.time_units,
        )
        for cap in caps
    ]
    return min(found, key=lambda cap: cap.impressions / cap.hours, default=None)


def exposure(impressions: Floats, households: int, shape_k: float) -> Floats:
    """Mean impressions per reached household, at least 1: same shape as `impressions`."""
    mean = impressions / max(households, 1)
    reached = -np.expm1(-shape_k * np.log1p(mean / shape_k))
    return np.divide(mean, reached, out=np.ones_like(mean), where=mean > 1e-9)


def tiers(
    impressions: Counts, households: int, shape_k: float, cap: Counts | None
) -> dict[int, Counts]:
    """Households with at least n impressions, for each n of `TIERS`: (windows,) each.

    `cap` is the most exposures a household can have in each window; impressions <= households x
    cap.
    """
    mean = impressions / max(households, 1)
    if cap is not None:
        mean = _uncapped_mean(mean, shape_k, cap)
    at_least = _survival(mean, shape_k, max(TIERS))
    result = {}
    for tier in TIERS:
        expected = households * at_least[tier - 1]
        if tier == 1:
            reach = np.ceil(expected).astype(np.int64)
            if cap is not None:
                reach = np.maximum(reach, -(-impressions // cap))
            result[tier] = np.clip(
                reach, np.minimum(impressions, 1), np.minimum(impressions, households)
            )
        else:
            possible = True if cap is None else tier <= cap
            result[tier] = np.where(possible, np.floor(expected), 0).astype(np.int64)
    return result


def _survival(mean: Floats, shape_k: float, most: int) -> Floats:
    """P(N >= n) of a negative binomial for n = 1 … most: (most, windows)."""
    stays = mean / (mean + shape_k)
    term = np.exp(-shape_k * np.log1p(mean / shape_k))
    result = np.empty((most, mean.size))
    # 1 - P(0) by expm1: where the mean is tiny, the difference would lose its digits.
    left = -np.expm1(-shape_k * np.log1p(mean / shape_k))
    for n in range(1, most + 1):
        result[n - 1] = np.maximum(left, 0.0)
        term = term * stays * (shape_k + n - 1) / n
        left = left - term
    return result


def _uncapped_mean(mean: Floats, shape_k: float, cap: Counts) -> Floats:
    """The mean exposure without a cap that leaves `mean` once exposures above `cap` are not served.

    Solves E[min(N, cap)] = mean by bisection on the logarithm, for all windows at once.
    """
    low = np.log(np.maximum(mean, 1e-12))
    high = low + 40.0
    most = int(cap.max(initial=1))
    tier = np.arange(1, most + 1)[:, None] <= cap[None, :]
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        served = np.where(tier, _survival(np.exp(middle), shape_k, most), 0.0).sum(axis=0)
        below = served < mean
        low = np.where(below, middle, low)
        high = np.where(below, high, middle)
    return np.where(mean > 0.0, np.exp(high), 0.0)


@dataclass(frozen=True)
class Windows:
    """The windows of one kind: where each starts (an hour), how long it is, what it delivered."""

    kind: ReachWindow
    start: Hours
    length: NDArray[np.int64]
    impressions: Counts
    tiers: dict[int, Counts]


def campaign_windows(
    hours: Hours, impressions: Counts, households: int, shape_k: float, cap: Cap | None
) -> list[Windows]:
    """Reach of a campaign by hour, UTC day, ISO week and from its first day to each day.

    `hours` are the campaign's hours in order (whole UTC days; flights may leave gaps),
    `impressions` its deliveries in each. A window reaches at least what its best part reaches:
    with a cap, a longer window allows a household more exposures, so the curve alone could fall
    below that.
    """

    def counted(kind: ReachWindow, start: Hours, length: Counts, amount: Counts) -> Windows:
        most = None if cap is None else cap.within(length)
        return Windows(kind, start, length, amount, tiers(amount, households, shape_k, most))

    day_of_hour = hours // 24
    days, first_hour = np.unique(day_of_hour, return_index=True)
    of_day = np.add.reduceat(impressions, first_hour) if days.size else impressions
    monday = days - weekday_of(days)
    weeks, first_day = np.unique(monday, return_index=True)
    of_week = np.add.reduceat(of_day, first_day) if weeks.size else of_day
    elapsed = (days - days[0] + 1) * 24 if days.size else days

    hourly = counted(ReachWindow.HOUR, hours, np.full(hours.shape, 1), impressions)
    daily = counted(ReachWindow.DAY, days * 24, np.full(days.shape, 24), of_day)
    weekly = counted(ReachWindow.WEEK, weeks * 24, np.full(weeks.shape, 168), of_week)
    to_date = counted(ReachWindow.FLIGHT_TO_DATE, days * 24, elapsed, of_day.cumsum())
    for tier in TIERS:
        if days.size:
            at_least(daily.tiers[tier], np.maximum.reduceat(hourly.tiers[tier], first_hour))
            at_least(weekly.tiers[tier], np.maximum.reduceat(daily.tiers[tier], first_day))
            at_least(to_date.tiers[tier], daily.tiers[tier])
            to_date.tiers[tier][:] = np.maximum.accumulate(to_date.tiers[tier])
    return [hourly, daily, weekly, to_date]


def at_least(reach: Counts, floor: Counts) -> None:
    """Raise `reach` to `floor` where it is below, in place."""
    np.maximum(reach, floor, out=reach)


def reach_batch(campaign_id: int, windows: Sequence[Windows]) -> pa.RecordBatch:
    """The windows of one campaign as a batch of `campaign_reach`."""
    sizes = [window.start.size for window in windows]
    codes = np.repeat([_WINDOWS.index(window.kind) for window in windows], sizes).astype(np.int8)

    def joined(parts: list[Counts]) -> pa.Array:
        return pa.array(np.concatenate(parts).astype(np.int32))

    columns = {
        "campaign_id": pa.array(np.full(sum(sizes), campaign_id, dtype=np.int64)),
        "reach_window": pa.DictionaryArray.from_arrays(
            pa.array(codes), pa.array([str(window) for window in _WINDOWS])
        ),
        "window_start": pa.array(
            timestamps(np.concatenate([window.start for window in windows])),
            type=pa.timestamp("us"),
        ),
        "impressions": pa.array(np.concatenate([window.impressions for window in windows])),
        "reach": joined([window.tiers[1] for window in windows]),
    }
    for tier in TIERS[1:]:
        columns[f"reach_{tier}plus"] = joined([window.tiers[tier] for window in windows])
    return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(CampaignReach))
