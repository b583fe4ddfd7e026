"""When the campaigns of a market run: on days on which people let campaigns begin and end, in the
seasons of their industries."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import month_of, weekday_of
from generator.enums import Industry
from generator.market.draws import pick, uniforms_of
from generator.platform.booking_mix import BookingMix, Demand, FlightEnd, Habits
from generator.platform.figures import relative

_DAYS_A_MONTH = 365.25 / 12
_DAYS_A_YEAR = 365.25
_DAYS_A_WEEK = 7
# Assumption: a flight that ends on a day of no calendar is up to a few days off whole weeks.
_OFF_WEEKS = 5


@dataclass(frozen=True)
class Window:
    """The days of the market, and of each campaign: the first and the last day of the market, the
    first and last day on which a campaign can start, and its length in whole weeks (days)."""

    first: int
    last: int
    opens: Int64s
    closes: Int64s
    days: Int64s

    def of(self, members: Int64s) -> Window:
        """Return the window of some campaigns."""
        return replace(
            self,
            opens=self.opens[members],
            closes=self.closes[members],
            days=self.days[members],
        )


def demand_level(demand: Demand, days: Int64s, industry: Industry | None = None) -> Floats:
    """Return how much advertisers want each day, around 1, growth included: (days,)."""
    month = month_of(days)
    years = (days - days[0]) / _DAYS_A_YEAR if days.size else np.zeros(0)
    level: Floats = relative(demand.month)[month] * (1 + demand.growth_per_year) ** years
    if industry is not None:
        for number, times in demand.industry_month.get(industry, {}).items():
            level = np.where(month == number - 1, level * times, level)
    return level


def start_weights(habits: Habits, demand: Demand, days: Int64s, industry: Industry) -> Floats:
    """Return how many flights begin on each day, relative to others: (days,)."""
    on_weekday = relative(habits.start_weekday)[weekday_of(days)]
    on_first = np.where(days == month_first(days), _DAYS_A_MONTH, 0.0)
    share = habits.first_of_month
    of_day = (1 - share) * on_weekday + share * on_first
    return demand_level(demand, days, industry) * of_day


def start_days(
    mix: BookingMix,
    industry: Int64s,
    window: Window,
    seed: int,
    lots: Int64s,
) -> Int64s:
    """Draw the first day of each campaign. Those that would begin before the market begin in its
    first week. `industry` are positions in those of the mix."""
    longest = max(mix.flight_weeks) * _DAYS_A_WEEK
    days = np.arange(window.first - longest, window.last + 1)
    chance = uniforms_of(seed, "market start", lots)
    early = uniforms_of(seed, "market first week", lots)
    week = window.first + np.arange(min(_DAYS_A_WEEK, window.last - window.first + 1))
    start = np.zeros(lots.size, dtype=np.int64)
    for position, name in enumerate(mix.industry):
        here = np.flatnonzero(industry == position)
        opens = np.maximum(window.first + 1 - window.days[here], window.opens[here])
        closes = np.maximum(window.closes[here], opens)
        weights = start_weights(mix.habits, mix.demand, days, name)
        begun = _draw_day(days, weights, opens, closes, chance[here])
        of_week = weights[np.searchsorted(days, week)]
        first, last = np.full(here.size, week[0]), np.full(here.size, week[-1])
        in_week = _draw_day(week, of_week, first, last, early[here])
        start[here] = np.where(begun < window.first, in_week, begun)
    return start


def _draw_day(days: Int64s, weights: Floats, first: Int64s, last: Int64s, chance: Floats) -> Int64s:
    """Draw one of consecutive days for each campaign, from its first to its last, by their
    weights."""
    edges = np.concatenate([[0.0], weights.cumsum()])
    low = edges[first - days[0]]
    high = edges[last + 1 - days[0]]
    drawn = days[0] + np.searchsorted(edges, low + chance * (high - low), side="right") - 1
    return np.clip(drawn, first, last)


def last_days(mix: BookingMix, start: Int64s, window: Window, seed: int, lots: Int64s) -> Int64s:
    """Draw the last day of each campaign, at most the last of the market."""
    ends = list(mix.habits.flight_end)
    kind = pick(mix.habits.flight_end.values(), seed, "market flight end", lots)
    whole_weeks = start + window.days - 1
    month_end = _nearest_month_end(whole_weeks, start)
    off = np.floor(uniforms_of(seed, "market off weeks", lots) * (2 * _OFF_WEEKS + 1)) - _OFF_WEEKS
    last = {
        FlightEnd.WEEKS: whole_weeks,
        FlightEnd.MONTH_END: month_end,
        FlightEnd.QUARTER_END: _quarter_end(start + 2 * _DAYS_A_WEEK),
        FlightEnd.ANY_DAY: np.maximum(whole_weeks + off.astype(np.int64), start + 1),
    }
    end = np.choose(kind, [last[one] for one in ends])
    if mix.habits.first_of_month:
        weeks_from_first = (kind == ends.index(FlightEnd.WEEKS)) & (start == month_first(start))
        end = np.where(weeks_from_first, month_end, end)
    return np.minimum(end, window.last)


def month_first(days: Int64s, months: int = 0) -> Int64s:
    """Return the first day of the month of each day, or of the month `months` later."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    first: Int64s = (month + months).astype("datetime64[D]").astype(np.int64)
    return first


def _nearest_month_end(days: Int64s, start: Int64s) -> Int64s:
    """Return the end of a month that is nearest to each day, at least a week after the start."""
    before = month_first(days) - 1
    after = month_first(days, 1) - 1
    is_nearer = (days - before < after - days) & (before - start >= _DAYS_A_WEEK - 1)
    return np.where(is_nearer, before, after)


def _quarter_end(days: Int64s) -> Int64s:
    """Return the last day of the quarter of each day."""
    months_left = 3 - month_of(days) % 3
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    last: Int64s = (month + months_left).astype("datetime64[D]").astype(np.int64) - 1
    return last
