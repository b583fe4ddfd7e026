"""Reach: how many households an amount of impressions came to.

Household exposure is Poisson mixed by gamma (negative binomial, NBD; Ehrenberg 1959, Danaher 2007)
over the addressed households, with exposures above the frequency cap never served. Reach is
computed, not drawn. The shape of its curve differs by campaign and day. Reach per impression falls
as impressions rise, so the reach of a window is at most the sum of its parts, and rounding up keeps
that in whole numbers. Bounds keep it where the shapes of days differ too much. n+ reaches are
rounded down, so that the tiers together never claim more impressions than were delivered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY, Hours, timestamps, weekday_of
from generator.delivery.capping import NO_CAP, Cap, most_exposures
from generator.delivery.noise import ar1_normals, effects
from generator.enums import ReachWindow
from generator.platform.model import PlatformModel
from generator.randomness import key
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
# Digits of logarithms of shapes.
_DIGITS = 9


def exposure(impressions: Floats, households: int, shape_k: float) -> Floats:
    """Return the mean impressions per reached household, at least 1: same shape as `impressions`.

    >>> exposure(np.array([0.0, 100.0, 1000.0]), households=1000, shape_k=0.6).round(3).tolist()
    [1.0, 1.132, 2.248]
    """
    mean = impressions / max(households, 1)
    reached = -np.expm1(-shape_k * np.log1p(mean / shape_k))
    return np.divide(mean, reached, out=np.ones_like(mean), where=mean > 1e-9)


def shape_of(platform_model: PlatformModel, campaign_id: int, seed: int) -> float:
    """Return the shape of a campaign's exposure: some reach few households often, others many."""
    figures = platform_model.reach
    scale = platform_model.life.scale("reach")
    (normal,) = effects(seed, [("reach shape", campaign_id)]).tolist()
    return figures.shape_k * math.exp(scale * figures.campaign_log_sd * normal)


def shapes_of_days(
    platform_model: PlatformModel, campaign_id: int, days: Int64s, seed: int
) -> Floats:
    """Return the shapes on days of a campaign, which are in order and may have gaps: (days,)."""
    figures = platform_model.reach
    log_sd = platform_model.life.scale("reach") * figures.day.log_sd
    shape = shape_of(platform_model, campaign_id, seed)
    if not days.size or log_sd == 0.0:
        return np.full(days.shape, shape)
    span = np.arange(days[0], days[-1] + 1)
    stream = key(seed, "reach days", campaign_id)
    shocks = ar1_normals(stream, span, figures.day.autocorrelation)[days - days[0]]
    shapes: Floats = shape * np.exp(log_sd * shocks)
    return shapes


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

    `hours` are in order and make whole UTC days; flights may leave gaps. `shape_k` is the shape of
    each day's exposure, (days,), or that of all days.
    """

    hours: Hours
    impressions: Int64s
    households: int
    shape_k: Floats | float
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
    `start` the first hour, `length` the hours of delivery, `log_k` the logarithm of the shape."""

    owner: Int64s
    start: Hours
    length: Int64s
    impressions: Int64s
    log_k: Floats


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
    daily = _reach(campaigns, ReachWindow.DAY, days, hourly, first_hours)
    weekly = _reach(campaigns, ReachWindow.WEEK, weeks, daily, first_days)
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
        log_k=np.concatenate([_log_k(campaign) for campaign in campaigns]),
    )


def _log_k(campaign: HourlyImpressions) -> Floats:
    """Return the logarithm of the shape in each hour: (hours,)."""
    by_day = np.log(np.broadcast_to(campaign.shape_k, campaign.hours.size // HOURS_A_DAY))
    return np.repeat(np.round(by_day, _DIGITS), HOURS_A_DAY)


def _join(spans: _Spans, first: Int64s, start: Hours) -> _Spans:
    """Join spans to longer ones: `first` are the positions of the first span of each, `start` the
    hours that the longer ones start at. The shapes count by impressions."""
    impressions = np.add.reduceat(spans.impressions, first)
    weighted = np.add.reduceat(spans.impressions * spans.log_k, first)
    return _Spans(
        owner=spans.owner[first],
        start=start,
        length=np.add.reduceat(spans.length, first),
        impressions=impressions,
        log_k=_mean_log_k(weighted, impressions, spans.log_k[first]),
    )


def _mean_log_k(weighted: Floats, impressions: Int64s, otherwise: Floats) -> Floats:
    """Return the mean of logarithms that are weighted by impressions, rounded so that equal parts
    have an equal mean."""
    mean: Floats = np.where(impressions > 0, weighted / np.maximum(impressions, 1), otherwise)
    return mean.round(_DIGITS)


def _spans_to_date(days: _Spans) -> _Spans:
    """Return the spans from each campaign's first day to each of its days."""
    first = np.searchsorted(days.owner, days.owner)
    total = np.concatenate([[0], days.impressions.cumsum()])
    day_of_campaign = np.arange(1, days.owner.size + 1) - first
    weighted = np.concatenate([[0.0], (days.impressions * days.log_k).cumsum()])
    impressions = total[1:] - total[first]
    return replace(
        days,
        length=day_of_campaign * HOURS_A_DAY,
        impressions=impressions,
        log_k=_mean_log_k(weighted[1:] - weighted[first], impressions, days.log_k),
    )


def _mondays(day_starts: Hours) -> Hours:
    """Return the first hour of the ISO week of each day."""
    days = day_starts // HOURS_A_DAY
    return (days - weekday_of(days)) * HOURS_A_DAY


def _reach(
    campaigns: Sequence[HourlyImpressions],
    kind: ReachWindow,
    spans: _Spans,
    parts: Windows | None = None,
    first: Int64s | None = None,
) -> Windows:
    """Return the reach of spans, at least that of their best part and at most that of all parts.
    `first` are the positions of the first part of each."""
    households = np.array([campaign.households for campaign in campaigns])[spans.owner]
    most = _most_exposures(campaigns, spans)
    curve = tiers(spans.impressions, households, np.exp(spans.log_k), most)
    floor = {tier: np.zeros_like(spans.impressions) for tier in TIERS}
    if parts is not None and first is not None:
        floor = _best(parts, first)
        curve[1] = np.minimum(curve[1], np.add.reduceat(parts.tiers[1], first))
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
    day, and never more above the day before than the day reached.

    Where all days have one shape and there is no cap, the curve does all of this unchanged.
    """
    result = {tier: reach.copy() for tier, reach in curve.tiers.items()}
    another = np.diff(curve.owner, prepend=-1) != 0
    falls = np.zeros(another.shape, dtype=np.bool_)
    for tier, reach in curve.tiers.items():
        falls |= (np.diff(reach, prepend=0) < 0) & ~another
        falls |= reach < daily.tiers[tier]
    falls |= (np.diff(curve.tiers[1], prepend=0) > daily.tiers[1]) & ~another
    for owner in np.unique(curve.owner[falls]):
        yesterday = dict.fromkeys(TIERS, 0)
        for day in range(*np.searchsorted(curve.owner, [owner, owner + 1])):
            one = slice(day, day + 1)
            floor = {tier: np.maximum(daily.tiers[tier][one], yesterday[tier]) for tier in TIERS}
            today = {tier: curve.tiers[tier][one] for tier in TIERS}
            today[1] = np.minimum(today[1], daily.tiers[1][one] + yesterday[1])
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
    last = np.maximum(curve[1], floor[1])
    result = {1: last}
    claimed = sum(_CLAIMS[tier] * floor[tier] for tier in TIERS[1:])
    room = impressions - result[1] - claimed
    for tier in TIERS[1:]:
        most = np.minimum(curve[tier], last) - floor[tier]
        more = np.minimum(np.maximum(most, 0), room // _CLAIMS[tier])
        result[tier] = last = floor[tier] + more
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
