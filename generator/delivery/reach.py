"""Reach: how many households an amount of impressions came to.

Household exposure is Poisson mixed by gamma (negative binomial, NBD; Ehrenberg 1959, Danaher 2007)
over the addressed households, with exposures above the frequency cap never served. Reach is
computed, not drawn, from curves that cannot contradict one another. Reach per impression falls as
impressions rise, so the reach of a window is at most the sum of its parts, and rounding up keeps
that in whole numbers. n+ reaches are rounded down, so that the tiers together never claim more
impressions than were delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY, Hours, timestamps, weekday_of
from generator.delivery.capping import NO_CAP, Cap, most_exposures
from generator.enums import ReachWindow
from generator.schema import CampaignReach
from generator.schema.arrow import arrow_schema

TIERS = (1, 2, 3, 5, 10)
_CLAIMS = {2: 1, 3: 1, 5: 2, 10: 5}
_NOTHING_LOST = -35.0
# Newton's steps to an exposure without a cap, how small the last of them is, and the largest
# exposure of interest, relative to the one with the cap.
_MOST_STEPS = 100
_SMALL_STEP = 1e-13
_LARGEST = np.exp(40.0)
_WINDOWS = tuple(ReachWindow)


def exposure(impressions: Floats, households: int, shape_k: float) -> Floats:
    """Return the mean impressions per reached household, at least 1: same shape as `impressions`.

    >>> exposure(np.array([0.0, 100.0, 1000.0]), households=1000, shape_k=0.6).round(3).tolist()
    [1.0, 1.132, 2.248]
    """
    mean = impressions / max(households, 1)
    reached = -np.expm1(-shape_k * np.log1p(mean / shape_k))
    return np.divide(mean, reached, out=np.ones_like(mean), where=mean > 1e-9)


def tiers(
    impressions: Int64s,
    households: Int64s | int,
    shape_k: Floats | float,
    cap: Int64s | None = None,
) -> dict[int, Int64s]:
    """Return the households with at least n impressions, for each n of `TIERS`: (windows,) each.

    `cap` is the most exposures a household can have in each window; impressions <= households x
    cap. 1,000 impressions over 1,000 households reach 445 of them, and 236 at least twice. A cap of
    3 spreads the same impressions over more households:

    >>> reached = tiers(np.array([1000]), households=1000, shape_k=0.6)
    >>> {tier: households.tolist() for tier, households in reached.items()}
    {1: [445], 2: [236], 3: [132], 5: [44], 10: [3]}
    >>> capped = tiers(np.array([1000]), households=1000, shape_k=0.6, cap=np.array([3]))
    >>> {tier: households.tolist() for tier, households in capped.items()}
    {1: [508], 2: [302], 3: [189], 5: [0], 10: [0]}
    """
    if cap is None:
        cap = np.full(impressions.shape, NO_CAP)
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
    """Return P(N >= n) of a negative binomial for n = 1 … most: (most, windows)."""
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
    """Return the mean exposure without a cap that leaves `mean` once exposures above `cap` are not
    served.

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
    """Return E[min(N, cap)] of negative binomials with these means, and the means times its slope:
    (windows,) each, in order of `cap`.

    The latter is the sum of n P(N = n) up to the cap. The expectation is that sum plus the cap
    times P(N > cap).
    """
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
    """The impressions of one campaign by hour, and the households that it addresses.

    `hours` are in order and make whole UTC days; flights may leave gaps.
    """

    hours: Hours
    impressions: Int64s
    households: int
    shape_k: float
    caps: tuple[Cap, ...]


@dataclass(frozen=True)
class Windows:
    """Windows of one kind: the position of each window's campaign (in order), the hour it starts
    at, its impressions, and the households it reached by tier."""

    kind: ReachWindow
    owner: Int64s
    start: Hours
    impressions: Int64s
    tiers: dict[int, Int64s]


@dataclass(frozen=True)
class _Spans:
    """Windows before reach is computed; (windows,) each. `owner` is the position of the campaign,
    `start` the first hour, `length` the hours of delivery."""

    owner: Int64s
    start: Hours
    length: Int64s
    impressions: Int64s


def windows_of(campaigns: Sequence[HourlyImpressions]) -> list[Windows]:
    """Return the reach of campaigns by hour, UTC day, ISO week, and from their first day to each
    day.

    A window reaches at least what its best part reaches: with a cap, a longer window allows a
    household more exposures, so the curve alone could fall below that.

    Two days with 30 and 60 impressions, all in one hour of each, to 100 households. Each day
    reaches as many as its best hour. The week (both days lie in it) has 90 impressions.

    >>> impressions = np.zeros(48, dtype=np.int64)
    >>> impressions[20], impressions[44] = 30, 60
    >>> monday = 20_089 * 24
    >>> campaign = HourlyImpressions(np.arange(monday, monday + 48), impressions, 100, 0.6, ())
    >>> hour, day, week, to_date = windows_of([campaign])
    >>> day.tiers[1].tolist(), week.tiers[1].tolist(), to_date.tiers[1].tolist()
    ([22, 35], [43], [22, 43])
    """
    hours = _hour_spans(campaigns)
    first_hours = _starts(hours.owner, hours.start // HOURS_A_DAY)
    days = _join(hours, first_hours, start=hours.start[first_hours] // HOURS_A_DAY * HOURS_A_DAY)
    mondays = _mondays(days.start)
    first_days = _starts(days.owner, mondays)
    weeks = _join(days, first_days, start=mondays[first_days])

    hourly = _reach(campaigns, ReachWindow.HOUR, hours)
    daily = _reach(campaigns, ReachWindow.DAY, days, _best(hourly, first_hours))
    weekly = _reach(campaigns, ReachWindow.WEEK, weeks, _best(daily, first_days))
    curve = _reach(campaigns, ReachWindow.FLIGHT_TO_DATE, _spans_to_date(days))
    return [hourly, daily, weekly, replace(curve, tiers=_to_date(curve, daily))]


def _hour_spans(campaigns: Sequence[HourlyImpressions]) -> _Spans:
    """Return the hours of all campaigns, one campaign after the other."""
    sizes = [campaign.hours.size for campaign in campaigns]
    hours = np.concatenate([campaign.hours for campaign in campaigns])
    return _Spans(
        owner=np.repeat(np.arange(len(campaigns)), sizes),
        start=hours,
        length=np.ones(hours.shape, dtype=np.int64),
        impressions=np.concatenate([campaign.impressions for campaign in campaigns]),
    )


def _join(spans: _Spans, first: Int64s, start: Hours) -> _Spans:
    """Join spans to longer ones: `first` are the positions of the first span of each, `start` the
    hours that the longer ones start at."""
    return _Spans(
        owner=spans.owner[first],
        start=start,
        length=np.add.reduceat(spans.length, first),
        impressions=np.add.reduceat(spans.impressions, first),
    )


def _spans_to_date(days: _Spans) -> _Spans:
    """Return the spans from each campaign's first day to each of its days."""
    first = np.searchsorted(days.owner, days.owner)
    total = np.concatenate([[0], days.impressions.cumsum()])
    day_of_campaign = np.arange(1, days.owner.size + 1) - first
    return replace(days, length=day_of_campaign * HOURS_A_DAY, impressions=total[1:] - total[first])


def _mondays(day_starts: Hours) -> Hours:
    """Return the first hour of the ISO week of each day."""
    days = day_starts // HOURS_A_DAY
    return (days - weekday_of(days)) * HOURS_A_DAY


def _reach(
    campaigns: Sequence[HourlyImpressions],
    kind: ReachWindow,
    spans: _Spans,
    floor: dict[int, Int64s] | None = None,
) -> Windows:
    """Return the reach of spans, at least `floor`."""
    households = np.array([campaign.households for campaign in campaigns])[spans.owner]
    shapes = np.array([campaign.shape_k for campaign in campaigns])[spans.owner]
    most = _most_exposures(campaigns, spans)
    curve = tiers(spans.impressions, households, shapes, most)
    floor = floor or {tier: np.zeros_like(spans.impressions) for tier in TIERS}
    reached = _settle(spans.impressions, curve, floor)
    return Windows(kind, spans.owner, spans.start, spans.impressions, reached)


def _starts(owner: Int64s, span: Int64s) -> Int64s:
    """Return the positions at which another owner or span begins; both are in order."""
    if not owner.size:
        return np.zeros(0, dtype=np.int64)
    changes = (np.diff(owner) != 0) | (np.diff(span) != 0)
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def _most_exposures(campaigns: Sequence[HourlyImpressions], spans: _Spans) -> Int64s:
    """Return the most exposures of a household in each span: (windows,)."""
    most = np.full(spans.length.shape, NO_CAP)
    edges = np.searchsorted(spans.owner, np.arange(len(campaigns) + 1))
    for campaign, first, last in zip(campaigns, edges, edges[1:], strict=False):
        if campaign.caps:
            most[first:last] = most_exposures(campaign.caps, spans.length[first:last])
    return most


def _best(windows: Windows, first: Int64s) -> dict[int, Int64s]:
    """Return the most households that one part of each longer window reached, per tier. `first` are
    the positions of the first part of each."""
    return {tier: np.maximum.reduceat(reach, first) for tier, reach in windows.tiers.items()}


def _to_date(curve: Windows, daily: Windows) -> dict[int, Int64s]:
    """Return the reach from the first day to each day: the curve, never below the day before or any
    day.

    Without a cap one curve serves all windows, so it rises and lies above every day unchanged.
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
    """Return the curve's reach, at least `floor`, with n+ tiers that claim no more than the
    impressions.

    n+ reach of every n adds up to the impressions. Of the tiers not reported, 4+ is at least 5+,
    and 6+ to 9+ at least 10+, which gives the weights. The floors fit: they are the best of parts
    that each fit into their impressions.
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
    """Return the windows of campaigns as a batch of `campaign_reach`: by campaign, kind and
    start."""
    kinds = [_WINDOWS.index(few.kind) for few in windows]
    codes = np.repeat(kinds, [few.start.size for few in windows]).astype(np.int8)
    owner = np.concatenate([few.owner for few in windows])
    order = np.lexsort((codes, owner))

    def in_order(arrays: Iterable[Int64s]) -> Int64s:
        return np.concatenate(list(arrays))[order]

    start = in_order(few.start for few in windows)
    columns = {
        "campaign_id": pa.array(np.array(campaign_ids, dtype=np.int64)[owner[order]]),
        "reach_window": pa.DictionaryArray.from_arrays(
            pa.array(codes[order]), pa.array([str(window) for window in _WINDOWS])
        ),
        "window_start": pa.array(timestamps(start), type=pa.timestamp("us")),
        "impressions": pa.array(in_order(few.impressions for few in windows)),
    }
    for tier in TIERS:
        name = "reach" if tier == 1 else f"reach_{tier}plus"
        reached = in_order(few.tiers[tier] for few in windows)
        columns[name] = pa.array(reached.astype(np.int32))
    return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(CampaignReach))
