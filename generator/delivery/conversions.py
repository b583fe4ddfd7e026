"""Conversions: what a platform counts for the ads of a campaign, day by day.

The counts follow from a model of people, so that a log of households could be drawn from the same
rates. Without ads a household converts at a rate of its industry, more often the more it watches.
An ad causes more with a chance that falls as the household sees it again, after a lag. The platform
counts a conversion for the last touch within its windows, caused or not. `expected_conversions`
returns both apart. Only whole days are drawn here: when in a day a household converts, and which
household it is, is left to a log.

Approximations: touches and conversions of a day are spread evenly over it, households are exposed
as the negative binomial that reach is planned by says, and what happens after a click is not taken
off what happens after a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

from generator.arrays import CountError, Floats, Int64s, Keys, check_counts
from generator.clock import HOURS_A_DAY
from generator.delivery.demand import relative_demand
from generator.delivery.interaction import wear_out
from generator.delivery.noise import effects, log_normal
from generator.delivery.performance import Stretch
from generator.delivery.quantiles import normal, poisson
from generator.delivery.reach import exposure, shape_of
from generator.delivery.supply import DEVICES, device_column
from generator.delivery.targeting import households_by_country, targeting_of
from generator.enums import ConversionType, Placement, TouchType
from generator.platform.conversions import Conversions, LagPart
from generator.platform.model import PlatformModel
from generator.randomness import key, row_keys, uniform, uniforms
from generator.schema import ConversionsDaily
from generator.schema.arrow import arrow_schema
from generator.schema.booking import Booking, ConversionCount, ConversionGoal

DAYS_A_MONTH = 28
_SCHEMA = arrow_schema(ConversionsDaily)
_TYPES = tuple(ConversionType)
_TOUCHES = tuple(TouchType)
_MICROS = 1_000_000
_MOST_VALUE = 2**62 // _MICROS


@dataclass(frozen=True)
class Touches:
    """What a campaign did on each day, by lane: a creative on a device.

    `line_item_id`, `creative_id` and `device` are (lanes,), the counts (lanes, days) from
    `first_day` on. `seen` are the impressions, each weighted with the part that was watched. The
    days go on after the last impression for as long as conversions are counted.
    """

    first_day: int
    line_item_id: Int64s
    creative_id: Int64s
    device: Int64s
    impressions: Floats
    seen: Floats
    clicks: Floats


@dataclass(frozen=True)
class Expected:
    """The conversions of one type that are expected to be counted: (lanes, days) each.

    `baseline` ones would happen without the ads as well, `caused` ones would not. They follow a
    click or a view.
    """

    baseline_click: Floats
    caused_click: Floats
    baseline_view: Floats
    caused_view: Floats

    def of(self, touch: TouchType) -> Floats:
        """Return what is counted for a type of touch."""
        if touch is TouchType.POST_CLICK:
            return self.baseline_click + self.caused_click
        return self.baseline_view + self.caused_view


@dataclass(frozen=True)
class CountingCampaign:
    """A campaign that counts conversions: what it counts, and what is known of its households.

    `households` are those that it addresses, `planned` the impressions that it books.
    """

    booking: Booking
    platform_model: PlatformModel
    figures: Conversions
    count: ConversionCount
    households: int
    planned: float
    shape_k: float
    seed: int

    @property
    def campaign_id(self) -> int:
        """The campaign."""
        return self.booking.campaign.campaign_id

    def demand(self, goal: ConversionGoal, days: Int64s) -> Floats:
        """Return how much more than usual its households do without ads on each day: (days,)."""
        households = households_by_country(
            self.platform_model, [targeting_of(one.line_item) for one in self.booking.line_items]
        )
        advertiser_id = self.booking.campaign.advertiser_id
        kind = goal.conversion_type
        result, known = np.zeros(days.size), 0.0
        for country, number in households.items():
            of_country = relative_demand(
                self.platform_model, self.seed, advertiser_id, country, kind, days
            )
            if of_country is None:
                return np.ones(days.size)
            result += number * of_country
            known += number
        return result / max(known, 1e-300)

    def window(self, touch: TouchType) -> int:
        """Return how many days a touch counts for."""
        is_click = touch is TouchType.POST_CLICK
        return self.count.click_window_days if is_click else self.count.view_window_days

    @property
    def flight_days(self) -> int:
        """The days of its flights together."""
        return sum(
            (flight.end_date - flight.start_date).days + 1 for flight in self.booking.flights
        )


def counting_campaign(
    booking: Booking, platform_model: PlatformModel, households: int, planned: float, seed: int
) -> CountingCampaign | None:
    """Return how a campaign counts conversions that addresses these `households` and books
    `planned` impressions; None where it counts none."""
    figures = platform_model.conversions
    if figures is None:
        return None
    count = booking.counted or _usual_count(booking, figures, seed)
    if count is None or not count.goals:
        return None
    return CountingCampaign(
        booking=booking,
        platform_model=platform_model,
        figures=figures,
        count=count,
        households=households,
        planned=planned,
        shape_k=shape_of(platform_model, booking.campaign.campaign_id, seed),
        seed=seed,
    )


def _usual_count(booking: Booking, figures: Conversions, seed: int) -> ConversionCount | None:
    """Return what a campaign counts by its industry and objective; None without a tag."""
    campaign = booking.campaign
    has_tag = uniform(seed, "conversions tracked", campaign.campaign_id)
    if has_tag >= figures.tracked.get(campaign.objective, 0.0):
        return None
    goal = figures.industries[booking.industry]
    return ConversionCount(
        goals=(
            ConversionGoal(
                conversion_type=goal.type,
                monthly_rate=goal.monthly_rate * figures.intent.get(campaign.objective, 1.0),
                click_rate=goal.click_rate,
                value=goal.value * figures.units_per_dollar[campaign.currency_code],
            ),
        ),
        click_window_days=figures.click_window_days,
        view_window_days=figures.view_window_days,
    )


def lift(campaign: CountingCampaign, goal: ConversionGoal) -> float:
    """Return what the reached households convert more, as a share of their baseline, if they see
    whole ads: what the goal says, or else log-normal, or none at all."""
    if goal.lift is not None:
        return goal.lift
    conversion_type = goal.conversion_type
    figures = campaign.figures.lift
    if uniform(campaign.seed, "no lift", campaign.campaign_id) < figures.none:
        return 0.0
    purpose = (f"conversion lift {conversion_type}", campaign.campaign_id)
    (score,) = effects(campaign.seed, [purpose])
    return float(figures.median[conversion_type] * np.exp(figures.log_sd * score))


def chance_of_causing(campaign: CountingCampaign, goal: ConversionGoal) -> float:
    """Return the chance that an ad causes a conversion, if it is the first that a household sees,
    and seen to the end.

    With it, what is caused in all is the `lift` of what the reached households do in the days of
    the flights, if the campaign delivers what was planned.
    """
    frequency = exposure(np.array([campaign.planned]), campaign.households, campaign.shape_k)
    usual = frequency * wear_out(campaign.platform_model.interaction, frequency / 2.0)
    rate = goal.monthly_rate / DAYS_A_MONTH
    return float(lift(campaign, goal) * rate * campaign.flight_days / usual.item())


def creative_effects(campaign: CountingCampaign, creative_ids: Sequence[int]) -> Floats:
    """Return what creatives cause relative to the mean one: (creatives,)."""
    scores = effects(campaign.seed, [("conversion creative", one) for one in creative_ids])
    return log_normal(campaign.figures.creative_log_sd, scores)


def lag_by_day(parts: Sequence[LagPart], longest_days: int, window_days: int) -> Floats:
    """Return the share of what follows a touch after 0, 1, … days: (window + 1,).

    Lags end at `longest_days`, and those above `window_days` are not counted. The touch is at an
    even time of its day.

    >>> quick = [LagPart(share=0.5, hours=1), LagPart(share=0.5, hours=24)]
    >>> lag_by_day(quick, 30, 3).round(3).tolist()
    [0.663, 0.221, 0.073, 0.018]
    """
    last = min(longest_days, window_days)
    edge = np.arange(-1.0, window_days + 2.0)
    inside = np.clip(edge, 0.0, last)
    area = np.zeros(edge.size)
    for part in parts:
        mean = part.hours / HOURS_A_DAY
        whole = -np.expm1(-longest_days / mean)
        # The integral of the distribution up to each edge; beyond the last day it is level.
        of_part = inside + mean * np.expm1(-inside / mean)
        of_part += -np.expm1(-last / mean) * (np.maximum(edge, 0.0) - inside)
        area += part.share / whole * of_part
    return np.diff(area, 2)


def after_lag(touched: Floats, lag: Floats) -> Floats:
    """Return what follows the touches of (lanes, days), on each day: same shape.

    >>> after_lag(np.array([[4.0, 0.0, 2.0]]), np.array([0.5, 0.25])).tolist()
    [[2.0, 1.0, 1.0]]
    """
    days = touched.shape[1]
    result = np.zeros_like(touched)
    for delay, share in enumerate(lag[:days]):
        result[:, delay:] += share * touched[:, : days - delay]
    return result


def last_touches(
    impressions: Floats, households: int, shape_k: float, exponent: float, window_days: int
) -> Floats:
    """Return the households that were last touched by each lane within the window: (lanes, days).

    Each counts as many times as it converts more than the mean household: with the power
    `exponent` of how much it watches. Between two days of the past, reach grows by those who were
    not touched since, so its increments are the households by the day of their last touch.

    One lane, two days of 500 impressions on 1,000 households, half of a day on average before its
    conversions:

    >>> last_touches(np.array([[500.0, 500.0]]), 1000, 0.6, 0.0, 14).round(1).tolist()
    [[188.6, 385.3]]
    """
    by_day = impressions.sum(axis=0)
    days = by_day.size
    edges = np.concatenate([[0.0], by_day.cumsum()])
    now = edges[:-1] + 0.5 * by_day
    day = np.arange(days)
    back = np.arange(window_days + 1)[:, None]
    since = np.where(back <= day, edges[np.maximum(day - back, 0)], 0.0)
    # Of the first day of the window only the second half is in it.
    first = np.maximum(day - window_days, 0)
    since[-1] += np.where(day >= window_days, 0.5 * by_day[first], 0.0)
    mean = (now - since) / max(households, 1)
    power = shape_k + exponent
    reached = -households * np.expm1(-power * np.log1p(mean / shape_k))
    new = np.diff(reached, axis=0, prepend=0.0)
    shares = np.divide(impressions, by_day, out=np.zeros_like(impressions), where=by_day > 0)
    result = np.zeros_like(impressions)
    for delay in range(min(window_days + 1, days)):
        result[:, delay:] += new[delay, delay:] * shares[:, : days - delay]
    return result


def expected_conversions(
    campaign: CountingCampaign, goal: ConversionGoal, touches: Touches
) -> Expected:
    """Return the conversions of a type that a campaign is expected to count: (lanes, days)
    each."""
    figures = campaign.figures
    count = campaign.count
    days = touches.first_day + np.arange(touches.seen.shape[1])
    rate = goal.monthly_rate / DAYS_A_MONTH * campaign.demand(goal, days)
    more = lift(campaign, goal)
    held = last_touches(
        touches.impressions,
        campaign.households,
        campaign.shape_k,
        figures.activity_exponent,
        count.view_window_days,
    )
    by_day = touches.impressions.sum(axis=0)
    so_far = exposure(by_day.cumsum() - by_day, campaign.households, campaign.shape_k)
    causing = touches.seen * wear_out(campaign.platform_model.interaction, so_far)
    causing *= creative_effects(campaign, touches.creative_id.tolist())[:, None]
    causing *= chance_of_causing(campaign, goal)
    longest = figures.longest_lag_days
    click_lag = lag_by_day(figures.click_lag, longest, count.click_window_days)
    view_lag = lag_by_day(figures.view_lag, longest, count.view_window_days)
    followed = goal.click_rate * after_lag(touches.clicks, click_lag)
    return Expected(
        baseline_click=followed,
        caused_click=more * followed,
        baseline_view=rate * held,
        caused_view=after_lag(causing, view_lag),
    )


def touches_of(
    campaign: CountingCampaign, stretches: Sequence[Stretch], rows: pa.RecordBatch
) -> Touches:
    """Return what a campaign did on each day, from its rows of performance, of which there are
    some, in the order of its stretches."""
    made = [stretch for stretch in stretches if stretch.rows]
    first_day = int(min(stretch.hours[0] for stretch in made)) // HOURS_A_DAY
    last_day = int(max(stretch.hours[-1] for stretch in made)) // HOURS_A_DAY
    tail = max(campaign.count.click_window_days, campaign.count.view_window_days)
    days = last_day - first_day + 1 + tail
    items = campaign.booking.line_items
    creatives = [creative for item in items for creative in item.creatives]
    ids = np.array([creative.creative_id for creative in creatives], dtype=np.int64)
    positions = np.concatenate(
        [
            (np.searchsorted(ids, stretch.creative_id) * len(DEVICES) + stretch.device) * days
            + (stretch.hour // HOURS_A_DAY - first_day)
            for stretch in made
        ]
    )
    starts, completes = (rows.column(name).to_numpy() for name in ("video_starts", "video_q100"))
    cells = ids.size * len(DEVICES) * days
    shown, watched, clicked = (
        np.bincount(positions, weights, cells).reshape(-1, days).astype(np.float64)
        for weights in (
            rows.column("impressions").to_numpy(),
            0.5 * (starts + completes),
            rows.column("clicks").to_numpy(),
        )
    )
    lane = np.flatnonzero(shown.any(axis=1))
    creative = lane // len(DEVICES)
    is_still = np.array([one.placement is Placement.PAUSE for one in creatives])[creative]
    return Touches(
        first_day=first_day,
        line_item_id=np.array([one.line_item_id for one in creatives])[creative],
        creative_id=ids[creative],
        device=lane % len(DEVICES),
        impressions=shown[lane],
        seen=np.where(is_still[:, None], shown[lane], watched[lane]),
        clicks=clicked[lane],
    )


@dataclass(frozen=True)
class _Cells:
    """Cells with a mean above 0 of one campaign, type and touch: (cells,) each, `lane` being the
    position among its lanes."""

    campaign: CountingCampaign
    touches: Touches
    goal: ConversionGoal
    touch: TouchType
    lane: Int64s
    day: Int64s
    means: Floats

    @property
    def keys(self) -> Keys:
        """The key of each cell."""
        streams = [
            key(
                self.campaign.seed,
                "conversions",
                creative_id,
                str(DEVICES[device]),
                str(self.goal.conversion_type),
                str(self.touch),
            )
            for creative_id, device in zip(
                self.touches.creative_id.tolist(), self.touches.device.tolist(), strict=True
            )
        ]
        return row_keys(np.array(streams, dtype=np.uint64)[self.lane], self.day)


def conversions_batch(
    campaigns: Sequence[tuple[CountingCampaign, Touches]], horizon_day: int
) -> pa.RecordBatch:
    """Return the conversions of campaigns before the start of `horizon_day` (a day number) as a
    batch of `conversions_daily`: campaign by campaign, in order of the day."""
    cells = [
        part for campaign, touches in campaigns for part in _cells(campaign, touches, horizon_day)
    ]
    if not cells:
        return pa.RecordBatch.from_pylist([], _SCHEMA)
    keys = np.concatenate([part.keys for part in cells])
    counts = poisson(uniforms(keys, "count"), np.concatenate([part.means for part in cells]))
    found = np.flatnonzero(counts)
    sizes = [part.means.size for part in cells]
    of = np.repeat(np.arange(len(cells)), sizes)[found]
    counts = counts[found]
    check_counts(counts, "conversions of a creative on a device and a day")
    worth = np.array([part.goal.value for part in cells])[of]
    spread = np.array([part.campaign.figures.value_cv for part in cells])[of]
    log_sd = np.sqrt(np.log1p(spread * spread / counts))
    scores = normal(uniforms(keys[found], "value"))
    unit = np.array([part.campaign.booking.campaign.currency_code.smallest_unit for part in cells])[
        of
    ]
    value = worth * counts * np.exp(log_sd * scores - 0.5 * log_sd * log_sd)
    if value.size and value.max() > _MOST_VALUE:
        raise CountError(
            f"conversions of a creative on a day are worth {value.max():,.0f}, more than "
            f"{_MOST_VALUE:,}, the largest amount; lower their value or their rates"
        )
    units = np.floor(value / unit + 0.5)

    def of_lanes(name: str) -> Int64s:
        values = [getattr(part.touches, name)[part.lane] for part in cells]
        return np.concatenate(values)[found].astype(np.int64)

    def of_parts(values: Sequence[int]) -> Int64s:
        return np.array(values, dtype=np.int64)[of]

    day = np.concatenate([part.day for part in cells])[found]
    campaign_id = of_parts([part.campaign.campaign_id for part in cells])
    kind = of_parts([_TYPES.index(part.goal.conversion_type) for part in cells])
    touch = of_parts([_TOUCHES.index(part.touch) for part in cells])
    device = of_lanes("device")
    creative_id = of_lanes("creative_id")
    turns = {campaign.campaign_id: turn for turn, (campaign, _) in enumerate(campaigns)}
    turn = of_parts([turns[part.campaign.campaign_id] for part in cells])
    order = np.lexsort((touch, kind, device, creative_id, day, turn))
    windows = of_parts([part.campaign.window(part.touch) for part in cells])
    columns = {
        "campaign_id": pa.array(campaign_id[order]),
        "line_item_id": pa.array(of_lanes("line_item_id")[order]),
        "creative_id": pa.array(creative_id[order]),
        "device": device_column(device[order].astype(np.int8)),
        "activity_date": pa.array(day[order].astype(np.int32)).view(pa.date32()),
        "conversion_type": _column(kind[order], ConversionType),
        "touch_type": _column(touch[order], TouchType),
        "window_days": pa.array(windows[order].astype(np.int32)),
        "conversions": pa.array(counts[order].astype(np.int32)),
        "value_micros": pa.array((units * np.round(unit * _MICROS)).astype(np.int64)[order]),
    }
    return pa.RecordBatch.from_pydict(columns, schema=_SCHEMA)


def _column(codes: Int64s, members: type[StrEnum]) -> pa.DictionaryArray:
    names = pa.array([str(member) for member in members])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), names)


def _cells(campaign: CountingCampaign, touches: Touches, horizon_day: int) -> Iterator[_Cells]:
    """Yield the cells of a campaign by type and touch."""
    goals = campaign.count.goals
    found = [expected_conversions(campaign, goal, touches) for goal in goals]
    for goal, means in zip(goals, found, strict=True):
        for touch in TouchType:
            expected = means.of(touch)
            if goal.conversion_type is ConversionType.VISIT:
                later = sum(other.of(touch) for other in found if other is not means)
                expected = expected + campaign.figures.upstream * later
            wanted = expected[:, : max(horizon_day - touches.first_day, 0)]
            lane, day = np.nonzero(wanted)
            yield _Cells(
                campaign, touches, goal, touch, lane, touches.first_day + day, wanted[lane, day]
            )
