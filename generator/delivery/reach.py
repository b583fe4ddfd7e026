"""Reach: how many households an amount of impressions came to.

Household exposure is Poisson mixed by gamma (negative binomial, NBD; Ehrenberg 1959, Danaher 2007)
over the addressed households, with exposures above the frequency cap never served. Reach is
computed, not drawn, from curves that cannot contradict one another: reach per impression falls as
impressions rise, so the reach of a window is at most the sum of its parts, and rounding up keeps
that in whole numbers; n+ reaches are rounded down, so that the tiers together never claim more
impressions than there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s
from generator.clock import Hours, timestamps, weekday_of
from generator.enums import ReachWindow, TimeUnit
from generator.schema import CampaignReach, FrequencyCap
from generator.schema.arrow import arrow_schema

TIERS = (1, 2, 3, 5, 10)
_CLAIMS = {2: 1, 3: 1, 5: 2, 10: 5}
_HOURS = {TimeUnit.HOUR: 1, TimeUnit.DAY: 24, TimeUnit.WEEK: 168, TimeUnit.MONTH: 720}
_NO_CAP = 2**62
_NOTHING_LOST = -35.0
# Newton's steps to an exposure without a cap, how small the last of them is, and the largest
# exposure of interest, relative to the one with the cap.
_MOST_STEPS = 100
_SMALL_STEP = 1e-13
_LARGEST = np.exp(40.0)
_WINDOWS = tuple(ReachWindow)


@dataclass(frozen=True)
class Cap:
    """At most `impressions` per household within any `hours` hours of delivery."""

    impressions: int
    hours: int

    def within(self, hours: Int64s) -> Int64s:
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


def most_exposures(caps: Sequence[Cap], hours: Int64s) -> Int64s | None:
    """The most exposures of a household under all caps, in windows of so many hours of delivery;
    None without a cap."""
    if not caps:
        return None
    most: Int64s = np.min([cap.within(hours) for cap in caps], axis=0)
    return most


def cap_rates(caps: Sequence[Cap]) -> tuple[float, float]:
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
    impressions: Int64s,
    households: Int64s | int,
    shape_k: Floats | float,
    cap: Int64s | None = None,
) -> dict[int, Int64s]:
    """Households with at least n impressions, for each n of `TIERS`: (windows,) each.

    `cap` is the most exposures a household can have in each window; impressions <= households x
    cap.
    """
    if cap is None:
        cap = np.full(impressions.shape, _NO_CAP)
    shape = np.broadcast_to(np.asarray(shape_k, dtype=np.float64), impressions.shape)
    mean = _uncapped_mean(impressions / np.maximum(households, 1), shape, cap)
    at_least = _survival(mean, shape, max(TIERS))
    result = {}
    for tier in TIERS:
        expected = households * at_least[tier - 1]
        if tier == 1:
            reach = np.maximum(np.ceil(expected).astype(np.int64), -(-impressions // cap))
            result[tier] = np.clip(
                reach, np.minimum(impressions, 1), np.minimum(impressions, households)
            )
        else:
            result[tier] = np.where(tier <= cap, np.floor(expected), 0).astype(np.int64)
    return result


def _survival(mean: Floats, shape_k: Floats, most: int) -> Floats:
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


def _uncapped_mean(mean: Floats, shape_k: Floats, cap: Int64s) -> Floats:
    """The mean exposure without a cap that leaves `mean` once exposures above `cap` are not served.

    Solves E[min(N, cap)] = mean by Newton's method, where the cap matters. The expectation is
    concave in the mean of N and at most that mean, so the steps rise to the solution from `mean`.
    """
    result = mean.copy()
    # Each term of the law is at most `stays` times the one before: below e^-35 nothing is lost.
    stays = np.maximum(mean, 1e-300) / (mean + shape_k) * (1 + np.maximum(shape_k - 1, 0) / cap)
    touched = np.flatnonzero(np.log(stays) * cap > _NOTHING_LOST)
    touched = touched[np.argsort(cap[touched], kind="stable")]
    for _ in range(_MOST_STEPS):
        now = result[touched]
        served, gain = _served_mean(now, shape_k[touched], cap[touched])
        step = now * (mean[touched] - served) / gain
        result[touched] = np.clip(now + step, mean[touched], mean[touched] * _LARGEST)
        touched = touched[step > _SMALL_STEP * now]
        if not touched.size:
            break
    return result


def _served_mean(mean: Floats, shape_k: Floats, cap: Int64s) -> tuple[Floats, Floats]:
    """E[min(N, cap)] of negative binomials with these means, and the means times its slope, which
    is the sum of n P(N = n) up to the cap: (windows,) each, in order of `cap`. The expectation is
    that sum and the cap times P(N > cap)."""
    stays = mean / (mean + shape_k)
    term = np.exp(-shape_k * np.log1p(mean / shape_k))
    left = -np.expm1(-shape_k * np.log1p(mean / shape_k))
    gain = np.full(mean.shape, 1e-300)
    grows = stays * (shape_k - 1.0)
    counts = np.arange(1, int(cap.max(initial=0)) + 1)
    for n, first in zip(counts.tolist(), np.searchsorted(cap, counts).tolist(), strict=True):
        now = term[first:]
        now *= stays[first:] + grows[first:] / n
        left[first:] -= now
        gain[first:] += n * now
    return gain + cap * np.maximum(left, 0.0), gain


@dataclass(frozen=True)
class HourlyImpressions:
    """What a campaign delivered in each of its hours, and to how many it could.

    `hours` are in order and make whole UTC days; flights may leave gaps.
    """

    hours: Hours
    impressions: Int64s
    households: int
    shape_k: float
    caps: tuple[Cap, ...]


@dataclass(frozen=True)
class Windows:
    """The windows of one kind: whose each is (a position, in order), where it starts (an hour), and
    what it delivered to whom."""

    kind: ReachWindow
    owner: Int64s
    start: Hours
    impressions: Int64s
    tiers: dict[int, Int64s]


def windows_of(campaigns: Sequence[HourlyImpressions]) -> list[Windows]:
    """Reach of campaigns by hour, UTC day, ISO week and from their first day to each day.

    A window reaches at least what its best part reaches: with a cap, a longer window allows a
    household more exposures, so the curve alone could fall below that.
    """
    households = np.array([each.households for each in campaigns])
    shapes = np.array([each.shape_k for each in campaigns])

    def counted(
        kind: ReachWindow,
        owner: Int64s,
        start: Hours,
        length: Int64s,
        amount: Int64s,
        floor: dict[int, Int64s] | None,
    ) -> Windows:
        most = _most_exposures(campaigns, owner, length)
        curve = tiers(amount, households[owner], shapes[owner], most)
        floor = floor or {tier: np.zeros_like(amount) for tier in TIERS}
        return Windows(kind, owner, start, amount, _settle(amount, curve, floor))

    owner = np.repeat(np.arange(len(campaigns)), [each.hours.size for each in campaigns])
    hours = np.concatenate([each.hours for each in campaigns])
    of_hour = np.concatenate([each.impressions for each in campaigns])
    first_hour = _starts(owner, hours // 24)
    owner_of_day, days = owner[first_hour], hours[first_hour] // 24
    of_day = np.add.reduceat(of_hour, first_hour)
    monday = days - weekday_of(days)
    first_day = _starts(owner_of_day, monday)
    days_of_week = np.diff(first_day, append=days.size)
    of_week = np.add.reduceat(of_day, first_day)
    before = np.searchsorted(owner_of_day, owner_of_day)
    day_of_campaign = np.arange(1, days.size + 1) - before
    total = np.concatenate([[0], of_day.cumsum()])
    so_far = total[1:] - total[before]

    hourly = counted(
        ReachWindow.HOUR, owner, hours, np.ones(hours.shape, dtype=np.int64), of_hour, None
    )
    daily = counted(
        ReachWindow.DAY,
        owner_of_day,
        days * 24,
        np.full(days.shape, 24),
        of_day,
        _best(hourly, first_hour),
    )
    weekly = counted(
        ReachWindow.WEEK,
        owner_of_day[first_day],
        monday[first_day] * 24,
        days_of_week * 24,
        of_week,
        _best(daily, first_day),
    )
    curve = counted(
        ReachWindow.FLIGHT_TO_DATE, owner_of_day, days * 24, day_of_campaign * 24, so_far, None
    )
    return [hourly, daily, weekly, replace(curve, tiers=_to_date(curve, daily))]


def _starts(owner: Int64s, span: Int64s) -> Int64s:
    """The positions at which another owner or span begins; both are in order."""
    if not owner.size:
        return np.zeros(0, dtype=np.int64)
    changes = (np.diff(owner) != 0) | (np.diff(span) != 0)
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def _most_exposures(campaigns: Sequence[HourlyImpressions], owner: Int64s, hours: Int64s) -> Int64s:
    """The most exposures of a household in each window, of so many hours of delivery."""
    most = np.full(hours.shape, _NO_CAP)
    edges = np.searchsorted(owner, np.arange(len(campaigns) + 1))
    for campaign, first, last in zip(campaigns, edges, edges[1:], strict=False):
        limit = most_exposures(campaign.caps, hours[first:last])
        if limit is not None:
            most[first:last] = limit
    return most


def _best(parts: Windows, first: Int64s) -> dict[int, Int64s]:
    """The most households that one part of each window reached, per tier."""
    return {tier: np.maximum.reduceat(reach, first) for tier, reach in parts.tiers.items()}


def _to_date(curve: Windows, daily: Windows) -> dict[int, Int64s]:
    """Reach from the first day to each day: the curve, never below the day before or any day.

    Without a cap one curve serves all windows, rises, and lies above every day as it is.
    """
    result = {tier: reach.copy() for tier, reach in curve.tiers.items()}
    another = np.diff(curve.owner, prepend=-1) != 0
    falls = np.zeros(another.shape, dtype=np.bool_)
    for tier, reach in curve.tiers.items():
        falls |= (np.diff(reach, prepend=0) < 0) & ~another
        falls |= reach < daily.tiers[tier]
    for owner in np.unique(curve.owner[falls]):
        yesterday = dict.fromkeys(TIERS, 0)
        for day in range(*np.searchsorted(curve.owner, [owner, owner + 1])):
            one = slice(day, day + 1)
            floor = {tier: np.maximum(daily.tiers[tier][one], yesterday[tier]) for tier in TIERS}
            today = {tier: curve.tiers[tier][one] for tier in TIERS}
            for tier, reach in _settle(curve.impressions[one], today, floor).items():
                result[tier][one] = reach
                yesterday[tier] = int(reach[0])
    return result


def _settle(
    impressions: Int64s, curve: dict[int, Int64s], floor: dict[int, Int64s]
) -> dict[int, Int64s]:
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
    """The windows of campaigns as a batch of `campaign_reach`: by campaign, kind and start."""
    kinds = [_WINDOWS.index(each.kind) for each in windows]
    codes = np.repeat(kinds, [each.start.size for each in windows]).astype(np.int8)
    owner = np.concatenate([each.owner for each in windows])
    order = np.lexsort((codes, owner))

    def concatenate(parts: Iterable[Int64s]) -> Int64s:
        return np.concatenate(list(parts))[order]

    columns = {
        "campaign_id": pa.array(np.array(campaign_ids, dtype=np.int64)[owner[order]]),
        "reach_window": pa.DictionaryArray.from_arrays(
            pa.array(codes[order]), pa.array([str(window) for window in _WINDOWS])
        ),
        "window_start": pa.array(
            timestamps(concatenate(each.start for each in windows)), type=pa.timestamp("us")
        ),
        "impressions": pa.array(concatenate(each.impressions for each in windows)),
    }
    for tier in TIERS:
        name = "reach" if tier == 1 else f"reach_{tier}plus"
        columns[name] = pa.array(concatenate(each.tiers[tier] for each in windows).astype(np.int32))
    return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(CampaignReach))
