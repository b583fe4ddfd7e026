"""Hourly performance of one line item in one flight: from its plan to its rows.

The order is that of the simulation: what is offered, what is planned, what was drawn, where limits
ended it, and only then what became of each impression. Axes are (hours, devices, creatives) until
the rows are made, then (rows,), hour-major.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.delivery import funnel, interaction, pacing, price, targeting, video
from generator.delivery.calendar import Hours, day_number, timestamps
from generator.delivery.noise import multiplier
from generator.delivery.pacing import Counts
from generator.delivery.quantiles import binomial, poisson
from generator.delivery.reach import exposure
from generator.delivery.supply import DEVICES, Market, device_column
from generator.enums import BuyType
from generator.randomness import Floats, Keys, key, row_keys, uniforms
from generator.schema import Campaign, Creative, PerformanceHourly
from generator.schema.arrow import arrow_schema
from generator.schema.behaviour import Behaviour
from generator.schema.booking import BookedLineItem


@dataclass(frozen=True)
class Setting:
    """What one line item's flight happens in: who sells, who buys, when, and under which seed.

    `hours` are the whole flight; only those before `horizon` (an hour) are delivered.
    """

    behaviour: Behaviour
    markets: dict[str, Market]
    campaign: Campaign
    item: BookedLineItem
    hours: Hours
    horizon: int
    addressed_households: int
    seed: int


def performance(setting: Setting, goal: pacing.Goal) -> pa.RecordBatch:
    """The rows of `performance_hourly` of one line item in one flight, zeros included."""
    rotation = rotation_shares(setting.item.creatives, setting.hours)
    offer = _offer(setting, in_rotation=rotation.sum(axis=1) > 0)
    planned = pacing.plan(goal, offer, setting.behaviour.pacing)
    delivered = int(np.searchsorted(setting.hours, setting.horizon))
    mean_exposures = _mean_exposures(planned, setting)[:delivered]
    hours, rotation = setting.hours[:delivered], rotation[:delivered]
    prices = offer.price[:delivered].astype(np.int64)
    targeted = np.flatnonzero(targeting.device_mask(targeting.targeting_of(setting.item.line_item)))

    rates = planned[:delivered, targeted, None] * rotation[:, None, :]
    keys = _row_keys(setting, hours, targeted)
    drawn = _draw_fates(setting, rates, keys, targeted)
    drawn = _within_limits(drawn, prices[:, targeted], goal)

    present = np.broadcast_to((rotation > 0)[:, None, :], rates.shape).ravel()
    rows = _Rows(
        hour=np.repeat(np.arange(hours.size), targeted.size * rotation.shape[1])[present],
        device=np.tile(np.repeat(targeted, rotation.shape[1]), hours.size)[present],
        creative=np.tile(np.arange(rotation.shape[1]), hours.size * targeted.size)[present],
        keys=keys.ravel()[present],
        fates=drawn.reshape(-1, len(video.FATES))[present],
    )
    return _batch(setting, hours, rows, prices, mean_exposures)


@dataclass(frozen=True)
class _Rows:
    """The rows of one line item's flight: positions of hour, device and creative, (rows,) each,
    and the number of impressions that met each fate, (rows, fates)."""

    hour: NDArray[np.int64]
    device: NDArray[np.int64]
    creative: NDArray[np.int64]
    keys: Keys
    fates: Counts


def rotation_shares(creatives: tuple[Creative, ...], hours: Hours) -> Floats:
    """Each creative's part of the line item's impressions: (hours, creatives), rows add up to 1 or
    0."""
    shares = np.empty((hours.size, len(creatives)))
    days = hours // 24
    for index, creative in enumerate(creatives):
        first = _day_or(creative.rotation_start_date, -(2**31))
        last = _day_or(creative.rotation_end_date, 2**31)
        shares[:, index] = creative.rotation_weight * ((days >= first) & (days <= last))
    total = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)


def _day_or(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else day_number(day)


def _offer(setting: Setting, in_rotation: NDArray[np.bool_]) -> pacing.Offer:
    """What the markets offer the line item, and at which price."""
    behaviour, line_item, hours = setting.behaviour, setting.item.line_item, setting.hours
    wanted = targeting.targeting_of(line_item)
    forecast = np.zeros((hours.size, len(DEVICES)))
    supply = np.zeros_like(forecast)
    level = np.zeros_like(forecast)
    level_forecast = np.zeros_like(forecast)
    for country in targeting.countries_of(wanted, behaviour):
        market = setting.markets[country]
        window = market.window(hours)
        share = targeting.supply_share(behaviour, country, wanted)
        here = market.forecast[window] * share
        cpm = behaviour.countries[country].cpm_level * behaviour.price.clearing_share_of_cpm_level
        forecast += here
        supply += market.opportunities[window] * share
        level += here * cpm * market.price_index[window]
        level_forecast += here * cpm * market.price_forecast[window]
    some = forecast > 0
    level = np.divide(level, forecast, out=np.ones_like(level), where=some)
    level_forecast = np.divide(level_forecast, forecast, out=np.ones_like(level), where=some)
    own = multiplier(
        behaviour.supply.line_item_noise,
        hours,
        setting.seed,
        "supply noise",
        line_item.line_item_id,
    )
    usable = targeting.device_mask(wanted) * in_rotation[:, None]
    usable *= behaviour.supply.max_share_of_voice
    supply *= np.minimum(own, 1.0 / behaviour.supply.max_share_of_voice)[:, None] * usable
    forecast *= usable
    booked = line_item.bid_cpm_micros / 1_000_000
    if setting.campaign.buy_type is not BuyType.PRIVATE_AUCTION:
        paid = np.full_like(supply, setting.campaign.target_cpm_micros / 1_000_000)
        return pacing.Offer(forecast, supply, price.micros_per_impression(paid))
    level *= price.line_item_noise(behaviour.price, hours, setting.seed, line_item.line_item_id)[
        :, None
    ]
    won, paid = price.auction(level, booked, behaviour.price)
    won_forecast, _ = price.auction(level_forecast, booked, behaviour.price)
    return pacing.Offer(forecast * won_forecast, supply * won, price.micros_per_impression(paid))


def _mean_exposures(planned: Floats, setting: Setting) -> Floats:
    """Impressions per reached household that the plan has delivered before each hour: (hours,)."""
    so_far = planned.sum(axis=1).cumsum() - planned.sum(axis=1)
    return exposure(so_far, setting.addressed_households, setting.behaviour.reach.shape_k)


def _row_keys(setting: Setting, hours: Hours, targeted: NDArray[np.int64]) -> Keys:
    """The key of each row: (hours, targeted devices, creatives)."""
    creatives = setting.item.creatives
    keys = np.empty((hours.size, targeted.size, len(creatives)), dtype=np.uint64)
    for position, device in enumerate(targeted):
        for index, creative in enumerate(creatives):
            stream = key(setting.seed, "performance", creative.creative_id, str(DEVICES[device]))
            keys[:, position, index] = row_keys(stream, hours)
    return keys


def _draw_fates(setting: Setting, rates: Floats, keys: Keys, targeted: NDArray[np.int64]) -> Counts:
    """Independent Poissons by fate: (hours, targeted devices, creatives, fates)."""
    probabilities = np.stack(
        [
            video.fates(setting.behaviour.video, creative, setting.seed)[targeted]
            for creative in setting.item.creatives
        ],
        axis=1,
    )
    drawn = np.empty((*rates.shape, len(video.FATES)), dtype=np.int64)
    for index, fate in enumerate(video.FATES):
        means = (rates * probabilities[None, :, :, index]).ravel()
        drawn[..., index] = poisson(uniforms(keys.ravel(), fate), means).reshape(rates.shape)
    return drawn


def _within_limits(drawn: Counts, prices: Counts, goal: pacing.Goal) -> Counts:
    """The draws up to the hour in which a limit ends delivery; limits hold to the impression and
    micro.

    In that hour every row keeps the same part, rounded down, so what is left stays a possible
    outcome.
    """
    hours = drawn.shape[0]
    for limit, counts_money, window in (
        (goal.hour_impressions, False, 1),
        (goal.day_impressions, False, pacing.HOURS_A_DAY),
        (goal.day_micros, True, pacing.HOURS_A_DAY),
        (goal.flight_micros, True, hours),
    ):
        if limit is None or not hours:
            continue
        impressions = drawn.sum(axis=3)
        if counts_money:
            impressions = impressions * prices[:, :, None]
        part = pacing.stop_at(limit, impressions.sum(axis=(1, 2)), window)
        ended = np.flatnonzero(part < 1.0)
        drawn[ended] = np.floor(drawn[ended] * part[ended, None, None, None]).astype(np.int64)
    return drawn


def _batch(
    setting: Setting, hours: Hours, rows: _Rows, prices: Counts, mean_exposures: Floats
) -> pa.RecordBatch:
    """Every column of the rows. Rows without impressions are zero throughout and cost nothing."""
    behaviour, creatives = setting.behaviour, setting.item.creatives
    total = rows.fates.sum(axis=1)
    live = np.flatnonzero(total)
    impressions, keys, device = total[live], rows.keys[live], rows.device[live]
    hour, creative, fates = rows.hour[live], rows.creative[live], rows.fates[live]

    still_watching = impressions[:, None] - fates.cumsum(axis=1)
    starts, q25, q50, q75, q100 = (still_watching[:, index] for index in range(5))

    quality = behaviour.quality
    measurable = _share_of(
        impressions, quality.measurable_rate.in_order(), device, keys, "measurable"
    )
    viewable = _share_of(measurable, quality.viewability_rate.in_order(), device, keys, "viewable")
    audible = _share_of(measurable, quality.audibility_rate.in_order(), device, keys, "audible")

    figures, seed = behaviour.interaction, setting.seed
    by_creative = [
        (
            interaction.click_rates(figures, setting.campaign.campaign_id, each, seed),
            interaction.qr_scan_rates(figures, each, seed),
            interaction.engagement_rates(figures, each, seed),
        )
        for each in creatives
    ]
    click_rate, scan_rate, engagement_rate = (
        np.array([rates[kind] for rates in by_creative])[creative, device] for kind in range(3)
    )
    click_rate = click_rate * interaction.wear_out(figures, mean_exposures)[hour]
    clicks = binomial(uniforms(keys, "clicks"), impressions, click_rate)
    scans = binomial(uniforms(keys, "qr scans"), impressions, scan_rate)
    engagements = binomial(uniforms(keys, "engagements"), impressions, engagement_rate)
    skippable = np.array([1.0 if each.is_skippable else 0.0 for each in creatives])[creative]
    skips = binomial(
        uniforms(keys, "skips"), starts - q100, skippable * behaviour.video.skip_share_of_abandoners
    )
    competition = _competition(setting, hours)[hour, device]
    supply = funnel.supply_side(
        behaviour, setting.campaign.buy_type, impressions, competition, keys
    )
    counts = {
        "requests": supply.requests,
        "responses": supply.responses,
        "eligible_impressions": supply.eligible_impressions,
        "auctions_won": supply.auctions_won,
        "impressions": impressions,
        "measurable_impressions": measurable,
        "viewable_impressions": viewable,
        "audible_impressions": audible,
        "invalid_impressions": supply.invalid_impressions,
        "video_starts": starts,
        "video_q25": q25,
        "video_q50": q50,
        "video_q75": q75,
        "video_q100": q100,
        "clicks": clicks,
        "skips": skips,
        "qr_scans": scans,
        "interactive_engagements": engagements,
        "spend_micros": impressions * prices[hour, device],
        "error_count": supply.error_count,
        "timeout_count": supply.timeout_count,
    }
    return _assembled(setting, hours, rows, live, counts)


def _share_of(
    whole: Counts, rates: list[float], device: NDArray[np.int64], keys: Keys, purpose: str
) -> Counts:
    return binomial(uniforms(keys, purpose), whole, np.array(rates)[device])


def _competition(setting: Setting, hours: Hours) -> Floats:
    """The price level of each hour over the line item's markets, around 1: (hours, devices)."""
    wanted = targeting.targeting_of(setting.item.line_item)
    countries = targeting.countries_of(wanted, setting.behaviour)
    levels = [
        setting.markets[each].price_index[setting.markets[each].window(hours)] for each in countries
    ]
    return np.mean(levels, axis=0) if levels else np.ones((hours.size, len(DEVICES)))


def _assembled(
    setting: Setting, hours: Hours, rows: _Rows, live: NDArray[np.int64], counts: dict[str, Counts]
) -> pa.RecordBatch:
    schema = arrow_schema(PerformanceHourly)
    size = rows.hour.size
    creative_ids = np.array([each.creative_id for each in setting.item.creatives], dtype=np.int64)
    columns = {
        "campaign_id": pa.array(np.full(size, setting.campaign.campaign_id, dtype=np.int64)),
        "line_item_id": pa.array(
            np.full(size, setting.item.line_item.line_item_id, dtype=np.int64)
        ),
        "creative_id": pa.array(creative_ids[rows.creative]),
        "device": device_column(rows.device.astype(np.int8)),
        "hour_ts": pa.array(timestamps(hours)[rows.hour], type=pa.timestamp("us")),
    }
    for name, values in counts.items():
        column = np.zeros(size, dtype=schema.field(name).type.to_pandas_dtype())
        column[live] = values
        columns[name] = pa.array(column)
    return pa.RecordBatch.from_pydict(columns, schema=schema)
