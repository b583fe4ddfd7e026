"""Reach: how many households an amount of impressions came to.

Reach is counted: the `ledger` says which household sees which impression. So windows agree with one
another and with their impressions, and caps hold, without a rule that says so. `exposure` is the
mean that planning expects, from the negative binomial that the ledger follows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY, Hours, timestamps, weekday_of
from generator.delivery.ledger import TIERS, Addressed, Ledger, open_ledger
from generator.delivery.noise import ar1_normals, effects
from generator.enums import ReachWindow
from generator.platform.model import PlatformModel
from generator.randomness import key
from generator.schema import CampaignReach
from generator.schema.arrow import arrow_schema

_WINDOWS = tuple(ReachWindow)


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


@dataclass(frozen=True)
class HourlyImpressions:
    """The impressions of one campaign by hour, and the households that it addresses.

    `hours` are in order and make whole UTC days; flights may leave gaps. `by_line` (lines, hours)
    are the impressions of each line of households, `lines` what is known of them. `shape_k` (days,)
    is how unequally households watch on each day.
    """

    hours: Hours
    by_line: Int64s
    lines: tuple[Addressed, ...]
    shape_k: Floats

    def ledgers(self) -> list[Ledger]:
        """Return who saw which impression, line by line."""
        return [
            open_ledger(line, impressions, self.shape_k)
            for line, impressions in zip(self.lines, self.by_line, strict=True)
        ]


@dataclass(frozen=True)
class Windows:
    """Windows of one kind: the position of each window's campaign (in order), the hour it starts
    at, its impressions, and the households it reached by tier."""

    kind: ReachWindow
    owner: Int64s
    start: Hours
    impressions: Int64s
    tiers: dict[int, Int64s]


def windows_of(campaigns: Sequence[HourlyImpressions]) -> list[Windows]:
    """Return the reach of campaigns by hour, UTC day, ISO week, and from their first day to each
    day.

    Two days with 300 and 600 impressions, all in one hour of each, to 1,000 households. Some see
    it twice in a day; the week (both days lie in it) reaches fewer than the days together.

    >>> impressions = np.zeros(48, dtype=np.int64)
    >>> impressions[20], impressions[44] = 300, 600
    >>> monday = 20_089 * 24
    >>> hours = np.arange(monday, monday + 48)
    >>> addressed = Addressed(1000, 900.0, (), 1.0, stream=7)
    >>> lines = impressions[None], (addressed,)
    >>> campaign = HourlyImpressions(hours, *lines, np.array([0.6, 0.6]))
    >>> hour, day, week, to_date = windows_of([campaign])
    >>> day.tiers[1].tolist(), week.tiers[1].tolist(), to_date.tiers[1].tolist()
    ([228, 365], [458], [228, 458])
    """
    by_campaign = [_windows_of_one(owner, campaign) for owner, campaign in enumerate(campaigns)]
    return [_join(of_kind) for of_kind in zip(*by_campaign, strict=True)]


def _windows_of_one(owner: int, campaign: HourlyImpressions) -> list[Windows]:
    """Return the windows of one campaign, by kind."""
    ledgers = campaign.ledgers()
    so_far = np.concatenate([[0], campaign.by_line.sum(axis=0).cumsum()])
    hours = np.arange(campaign.hours.size + 1)
    midnights = hours[::HOURS_A_DAY]
    day_starts = campaign.hours[::HOURS_A_DAY]
    mondays = _mondays(day_starts)
    first_days = np.flatnonzero(np.diff(mondays, prepend=-1))
    weeks = np.append(midnights[first_days], hours[-1])
    edges = {
        ReachWindow.HOUR: (campaign.hours, hours[:-1], hours[1:]),
        ReachWindow.DAY: (day_starts, midnights[:-1], midnights[1:]),
        ReachWindow.WEEK: (mondays[first_days], weeks[:-1], weeks[1:]),
        ReachWindow.FLIGHT_TO_DATE: (day_starts, np.zeros_like(midnights[1:]), midnights[1:]),
    }
    return [
        Windows(
            kind,
            np.full(start.size, owner),
            start,
            so_far[end] - so_far[begin],
            _add_up([ledger.reach(begin, end) for ledger in ledgers]),
        )
        for kind, (start, begin, end) in edges.items()
    ]


def _add_up(lines: Sequence[dict[int, Int64s]]) -> dict[int, Int64s]:
    """Return what all lines reach, by tier: no household is in two of them."""
    return {tier: np.sum([line[tier] for line in lines], axis=0) for tier in TIERS}


def _join(windows: Sequence[Windows]) -> Windows:
    """Return windows of one kind, one campaign after the other."""
    return Windows(
        windows[0].kind,
        np.concatenate([few.owner for few in windows]),
        np.concatenate([few.start for few in windows]),
        np.concatenate([few.impressions for few in windows]),
        {tier: np.concatenate([few.tiers[tier] for few in windows]) for tier in TIERS},
    )


def _mondays(day_starts: Hours) -> Hours:
    """Return the first hour of the ISO week of each day."""
    days = day_starts // HOURS_A_DAY
    return (days - weekday_of(days)) * HOURS_A_DAY


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
