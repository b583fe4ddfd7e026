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
from dataclasses import dataclass, replace

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
_CLAIMS = {2: 1, 3: 1, 5: 2, 10: 5}
_HOURS = {TimeUnit.HOUR: 1, TimeUnit.DAY: 24, TimeUnit.WEEK: 168, TimeUnit.MONTH: 720}
_BISECTIONS = 42
_NOTHING_LOST = -35.0
_WINDOWS = tuple(ReachWindow)


@dataclass(frozen=True)
class Cap:
    """At most `impressions` per household within any `hours` hours of delivery."""

    impressions: int
    hours: int

    def within(self, hours: NDArray[np.int64]) -> Counts:
        """The most exposures of a household in windows with this many hours of delivery."""
        return self.impressions * -(-hours // self.hours)


def caps_of(caps: Sequence[FrequencyCap], campaign_hours: int) -> tuple[Cap, ...]:
    """The caps of a campaign that runs for so many hours; none counts over more than those."""
    longest = max(campaign_hours, 1)
    return tuple(
        Cap(
            cap.max_impressions,
            longest
            if cap.time_unit is TimeUnit.LIFETIME
            else min(longest, _HOURS[cap.time_unit] * cap.time_units),
        )
        for cap in caps
    )


def most_exposures(caps: Sequence[Cap], hours: NDArray[np.int64]) -> Counts | None:
    """The most exposures of a household under all caps, in windows of so many hours of delivery;
    None without a cap."""
    if not caps:
        return None
    most: Counts = np.min([cap.within(hours) for cap in caps], axis=0)
    return most


def allowed_rates(caps: Sequence[Cap]) -> tuple[float, float]:
    """Exposures per household that all caps allow in an hour, and in a day, at an even rate.

    A cap over less than a day is spread over its hours, a longer one over its days, so that no
    window of its length can hold more than it allows.
    """
    hour = min(cap.impressions / (cap.hours if cap.hours < 24 else 1) for cap in caps)
    return hour, min(cap.impressions * 24 / cap.hours for cap in caps)


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

    Solves E[min(N, cap)] = mean by bisection on the logarithm, where the cap matters.
    """
    result = mean.copy()
    # Each term of the law is at most `stays` times the one before: below e^-35 nothing is lost.
    stays = np.maximum(mean, 1e-300) / (mean + shape_k) * (1 + max(shape_k - 1, 0) / cap)
    touched = np.flatnonzero(np.log(stays) * cap > _NOTHING_LOST)
    mean, cap = mean[touched], cap[touched]
    low = np.log(mean)
    high = low + 40.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        below = _served(np.exp(middle), shape_k, cap) < mean
        low = np.where(below, middle, low)
        high = np.where(below, high, middle)
    result[touched] = np.exp(high)
    return result


def _served(mean: Floats, shape_k: float, cap: Counts) -> Floats:
    """E[min(N, cap)] of negative binomials with these means: (windows,)."""
    most = int(cap.max(initial=1))
    counted = np.arange(1, most + 1)[:, None] <= cap[None, :]
    return np.where(counted, _survival(mean, shape_k, most), 0.0).sum(axis=0)


@dataclass(frozen=True)
class Windows:
    """The windows of one kind: where each starts (an hour), and what it delivered to whom."""

    kind: ReachWindow
    start: Hours
    impressions: Counts
    tiers: dict[int, Counts]


def campaign_windows(
    hours: Hours, impressions: Counts, households: int, shape_k: float, caps: Sequence[Cap]
) -> list[Windows]:
    """Reach of a campaign by hour, UTC day, ISO week and from its first day to each day.

    `hours` are the campaign's hours in order (whole UTC days; flights may leave gaps),
    `impressions` its deliveries in each. A window reaches at least what its best part reaches:
    with a cap, a longer window allows a household more exposures, so the curve alone could fall
    below that.
    """

    def counted(
        kind: ReachWindow,
        start: Hours,
        length: Counts,
        amount: Counts,
        floor: dict[int, Counts] | None,
    ) -> Windows:
        curve = tiers(amount, households, shape_k, most_exposures(caps, length))
        floor = floor or {tier: np.zeros_like(amount) for tier in TIERS}
        return Windows(kind, start, amount, _settled(amount, curve, floor))

    day_of_hour = hours // 24
    days, first_hour = np.unique(day_of_hour, return_index=True)
    of_day = np.add.reduceat(impressions, first_hour) if days.size else impressions
    monday = days - weekday_of(days)
    weeks, first_day, days_of_week = np.unique(monday, return_index=True, return_counts=True)
    of_week = np.add.reduceat(of_day, first_day) if weeks.size else of_day
    so_many_hours = np.arange(1, days.size + 1, dtype=np.int64) * 24

    hourly = counted(ReachWindow.HOUR, hours, np.full(hours.shape, 1), impressions, None)
    daily = counted(
        ReachWindow.DAY, days * 24, np.full(days.shape, 24), of_day, _best(hourly, first_hour)
    )
    weekly = counted(
        ReachWindow.WEEK, weeks * 24, days_of_week * 24, of_week, _best(daily, first_day)
    )
    so_far = of_day.cumsum()
    curve = counted(ReachWindow.FLIGHT_TO_DATE, days * 24, so_many_hours, so_far, None)
    return [hourly, daily, weekly, replace(curve, tiers=_to_date(so_far, curve, daily))]


def _best(parts: Windows, first: NDArray[np.int64]) -> dict[int, Counts]:
    """The most households that one part of each window reached, per tier."""
    if not first.size:
        return parts.tiers
    return {tier: np.maximum.reduceat(reach, first) for tier, reach in parts.tiers.items()}


def _to_date(so_far: Counts, curve: Windows, daily: Windows) -> dict[int, Counts]:
    """Reach from the first day to each day: the curve, never below the day before or any day.

    Without a cap one curve serves all windows, rises, and lies above every day as it is.
    """
    result = {tier: curve.tiers[tier].copy() for tier in TIERS}
    if all(_rises_above(result[tier], daily.tiers[tier]) for tier in TIERS):
        return result
    yesterday = dict.fromkeys(TIERS, 0)
    for day in range(so_far.size):
        one = slice(day, day + 1)
        floor = {tier: np.maximum(daily.tiers[tier][one], yesterday[tier]) for tier in TIERS}
        today = {tier: curve.tiers[tier][one] for tier in TIERS}
        for tier, reach in _settled(so_far[one], today, floor).items():
            result[tier][one] = reach
            yesterday[tier] = int(reach[0])
    return result


def _rises_above(curve: Counts, days: Counts) -> bool:
    return bool((np.diff(curve) >= 0).all() and (curve >= days).all())


def _settled(
    impressions: Counts, curve: dict[int, Counts], floor: dict[int, Counts]
) -> dict[int, Counts]:
    """The curve's reach, at least `floor`, with n+ tiers that claim no more than the impressions.

    n+ reach of every n adds up to the impressions; of the tiers not reported, 4+ is at least 5+,
    and 6+ to 9+ at least 10+, which gives the weights. The floors fit: they are the best of parts
    that each fit into their own impressions.
    """
    result = {1: np.maximum(curve[1], floor[1])}
    claimed = sum(_CLAIMS[tier] * floor[tier] for tier in TIERS[1:])
    room = impressions - result[1] - claimed
    for tier in TIERS[1:]:
        more = np.minimum(np.maximum(curve[tier] - floor[tier], 0), room // _CLAIMS[tier])
        result[tier] = floor[tier] + more
        room = room - _CLAIMS[tier] * more
    return result


def reach_batch(campaign_ids: Sequence[int], windows: Sequence[Windows]) -> pa.RecordBatch:
    """The windows of campaigns, one of each kind per campaign, as a batch of `campaign_reach`."""
    sizes = [window.start.size for window in windows]
    codes = np.repeat([_WINDOWS.index(window.kind) for window in windows], sizes).astype(np.int8)
    owners = np.repeat(np.repeat(campaign_ids, len(_WINDOWS)), sizes)

    def joined(parts: list[Counts]) -> pa.Array:
        return pa.array(np.concatenate(parts).astype(np.int32))

    columns = {
        "campaign_id": pa.array(owners.astype(np.int64)),
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
