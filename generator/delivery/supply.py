"""Supply: how many ad opportunities viewing creates, by device and hour.

opportunities = households x viewing hours / 24 x hour curve x weekday x month x events x slots per
hour x device share x market noise. A country watches in several time zones. All campaigns of a
platform see the same supply, which is a function of (seed, platform, country, hour).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generator.arrays import Floats, Int64s, Mask, check_counts
from generator.clock import (
    HOURS_A_DAY,
    Hours,
    LocalClock,
    day_number,
    local_clock,
    month_of,
    timestamps,
    weekday_of,
)
from generator.delivery import noise
from generator.delivery.price import price_index
from generator.enums import Device
from generator.platform.booked_days import BookedDays
from generator.platform.figures import relative
from generator.platform.habits import device_shares, hour_curves
from generator.platform.model import Event, PlatformModel
from generator.randomness import key
from generator.schema import InventoryHourly
from generator.schema.arrow import arrow_schema

DEVICES = tuple(Device)
_EPOCH_YEAR = 1970
# Assumption: a title that comes out in the night is watched most in the evening (days later).
_FIRST_EVENING = 0.85


@dataclass(frozen=True)
class CountrySupply:
    """The supply of one country of one platform over a span of hours; arrays are (hours, devices).

    `forecast` is what buyers expect, `opportunities` what came, as landed in `inventory_hourly`,
    `zone_viewing` the forecast by time zone (hours, devices, zones), and `local_hour` what the
    clocks there show (zones, hours). `local_hours` (hours,) counts the hours of the
    clock that most viewers have, `click_habit` (hours,) is how readily people click, `timeouts`
    (hours,) how many requests time out under the load, around 1. `booked` is
    what a market has booked, None without a market, and `kept_of_promises` the part of its supply
    that a guaranteed line item gets. Each process keeps all supplies of its run, so whole numbers
    have small types.
    """

    platform: str
    country: str
    first_hour: int
    forecast: Floats
    opportunities: NDArray[np.int32]
    zone_viewing: Floats
    zones: tuple[str, ...]
    local_hour: NDArray[np.int8]
    local_hours: Int64s
    price_forecast: Floats
    price_index: Floats
    click_habit: Floats
    timeouts: Floats
    kept_of_promises: Floats
    booked: BookedDays | None

    def rows(self, hours: Hours) -> Int64s:
        """Return the rows of these hours, which lie inside the span and may have gaps."""
        return hours - self.first_hour

    def window(self, hours: Hours) -> slice:
        """Return the rows of these consecutive hours, which lie inside the span."""
        start = int(hours[0]) - self.first_hour if hours.size else 0
        return slice(start, start + hours.size)


def country_supply(
    platform_model: PlatformModel,
    country: str,
    hours: Hours,
    seed: int,
    booked: BookedDays | None = None,
) -> CountrySupply:
    """Return the supply of one country at consecutive UTC hours, and its prices under what is
    booked.

    >>> from generator.clock import hours_of
    >>> from generator.scenario.templates import platform
    >>> spain = country_supply(platform("netflix_like"), "ES", hours_of(20_089, 20_089), seed=1)
    >>> spain.opportunities.shape, spain.zones
    ((24, 4), ('Europe/Madrid', 'Atlantic/Canary'))
    >>> bool(spain.opportunities[20, 0] > spain.opportunities[4, 0])
    True
    """
    place = platform_model.countries[country]
    zone_viewing = viewing(platform_model, country, hours)
    viewing_hours = place.households * platform_model.supply.hours_per_household_day / 24
    zone_viewing *= viewing_hours * platform_model.supply.slots_per_hour
    forecast = zone_viewing.sum(axis=2) if len(place.zones) > 1 else zone_viewing[:, :, 0]
    local_hours = _main_clock(platform_model, country, hours)
    market = _market_factor(platform_model, country, hours, local_hours, seed)
    price_forecast = price_index(platform_model.price, place, hours)
    if booked is not None:
        price_forecast *= _scarcity(platform_model, booked, hours)
    price_factor = _price_factor(platform_model, country, hours, local_hours, seed)
    opportunities = np.rint(forecast * market)
    check_counts(opportunities, f"platform {platform_model.name}: ad slots of an hour in {country}")
    return CountrySupply(
        platform=platform_model.name,
        country=country,
        first_hour=int(hours[0]) if hours.size else 0,
        forecast=forecast,
        opportunities=opportunities.astype(np.int32),
        zone_viewing=zone_viewing,
        zones=tuple(place.zones),
        local_hour=np.array([local_clock(zone, hours).hour for zone in place.zones], dtype=np.int8),
        local_hours=local_hours,
        price_forecast=price_forecast,
        price_index=np.round(price_forecast * price_factor[:, None], 4),
        click_habit=click_habit(platform_model, country, hours),
        timeouts=_timeouts(platform_model, country, opportunities),
        kept_of_promises=_kept_of_promises(platform_model, booked, forecast, opportunities, hours),
        booked=booked,
    )


def viewing(platform_model: PlatformModel, country: str, hours: Hours) -> Floats:
    """Return viewing relative to the yearly mean of 1: (hours, devices, zones)."""
    place = platform_model.countries[country]
    supply = platform_model.supply
    curves = hour_curves(platform_model, country)
    weekday = relative(supply.weekday)
    month = relative(supply.month)
    device_share = device_shares(platform_model, country)
    result = np.empty((hours.size, len(DEVICES), len(place.zones)))
    for index, (zone, zone_share) in enumerate(place.zones.items()):
        clock = local_clock(zone, hours)
        level = weekday[weekday_of(clock.day)] * month[month_of(clock.day)]
        level *= event_factor(supply.events, country, clock)
        level *= release_factor(platform_model, country, clock)
        shape = curves[:, clock.is_weekend.astype(np.int64), clock.hour].T
        result[:, :, index] = zone_share * level[:, None] * shape * device_share
    return result


def click_habit(platform_model: PlatformModel, country: str, hours: Hours) -> Floats:
    """Return how readily people click at each hour, by local weekday and hour: (hours,). The mean
    over viewing is 1."""
    effects = platform_model.effects
    supply = platform_model.supply
    shares = device_shares(platform_model, country)
    watched = np.tensordot(shares, hour_curves(platform_model, country), axes=1).mean(axis=0)
    by_hour = np.array(effects.click_by_local_hour)
    by_hour /= np.average(by_hour, weights=watched)
    by_weekday = np.array(effects.click_by_weekday)
    by_weekday /= np.average(by_weekday, weights=supply.weekday)
    habit = np.zeros(hours.size)
    for zone, share in platform_model.countries[country].zones.items():
        clock = local_clock(zone, hours)
        habit += share * by_hour[clock.hour] * by_weekday[weekday_of(clock.day)]
    factor: Floats = habit ** platform_model.life.scale("effects")
    return factor


def event_factor(events: list[Event], country: str, clock: LocalClock) -> Floats:
    """Return the product of the multipliers of all events at each local hour: (hours,)."""
    factor = np.ones(clock.day.size)
    for event in events:
        if event.countries is None or country in event.countries:
            factor[_during(event, clock.day)] *= event.multiplier
    return factor


def holidays(platform_model: PlatformModel, country: str, days: Int64s) -> Mask:
    """Say which local days are holidays in a country: (days,)."""
    result = np.zeros(days.size, dtype=np.bool_)
    for event in platform_model.supply.events:
        if event.is_holiday and (event.countries is None or country in event.countries):
            result |= _during(event, days)
    return result


def release_factor(platform_model: PlatformModel, country: str, clock: LocalClock) -> Floats:
    """Return the product of what titles that came out lift at each local hour: (hours,).

    A lift rises during the day of its release and fades from its evening on, so no hour has a step.
    """
    scale = platform_model.life.scale("releases")
    factor = np.ones(clock.day.size)
    hour = clock.day * HOURS_A_DAY + clock.hour
    for release in platform_model.supply.releases:
        if scale == 0.0 or (release.countries is not None and country not in release.countries):
            continue
        since = (hour - HOURS_A_DAY * _latest(release.day, clock.day)) / HOURS_A_DAY
        faded = np.exp(-np.maximum(since - _FIRST_EVENING, 0.0) / release.fades_in_days)
        factor *= 1.0 + scale * release.lift * np.minimum(since / _FIRST_EVENING, 1.0) * faded
    return factor


def _latest(day: str, days: Int64s) -> Int64s:
    """Return the day number of the latest such day of the year, until each day: (days,)."""
    if not days.size:
        return days
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + _EPOCH_YEAR
    month, number = (int(part) for part in day.split("-"))
    first = int(years.min()) - 1
    by_year = np.array(
        [
            day_number(date(year, month, min(number, monthrange(year, month)[1])))
            for year in range(first, int(years.max()) + 1)
        ]
    )
    this_year = by_year.take(years - first)
    return np.where(this_year <= days, this_year, by_year.take(years - first - 1))


def _timeouts(platform_model: PlatformModel, country: str, opportunities: Floats) -> Floats:
    """Return how many requests time out at each hour under its load: (hours,). The mean over
    viewing is 1, but for noise and seasons."""
    scale = platform_model.life.scale("load")
    elasticity = scale * platform_model.funnel.load_elasticity_of_timeouts
    supply = platform_model.supply
    households = platform_model.countries[country].households
    usual = households * supply.hours_per_household_day / HOURS_A_DAY * supply.slots_per_hour
    load = opportunities.sum(axis=1) / max(usual, 1e-300)
    shares = device_shares(platform_model, country)
    watched = np.tensordot(shares, hour_curves(platform_model, country), axes=1).mean(axis=0)
    mean = np.average((watched / watched.mean()) ** elasticity, weights=watched)
    factor: Floats = load**elasticity / mean
    return factor


def inventory_batch(supply: CountrySupply, hours: Hours) -> pa.RecordBatch:
    """Return the supply of these hours, which may have gaps, as a batch of `inventory_hourly`, by
    hour and device."""
    devices = len(DEVICES)
    window = supply.rows(hours)
    rows = hours.size * devices
    columns = {
        "platform": pa.array([supply.platform]).take(pa.array(np.zeros(rows, dtype=np.int32))),
        "country": pa.array([supply.country]).take(pa.array(np.zeros(rows, dtype=np.int32))),
        "device": device_column(np.tile(np.arange(devices, dtype=np.int8), hours.size)),
        "hour_ts": pa.array(np.repeat(timestamps(hours), devices), type=pa.timestamp("us")),
        "ad_opportunities": pa.array(supply.opportunities[window].ravel()),
        "price_index": pa.array(supply.price_index[window].ravel()),
        "booked_share": _booked_column(supply, hours),
    }
    return pa.RecordBatch.from_pydict(columns, schema=arrow_schema(InventoryHourly))


def _booked_column(supply: CountrySupply, hours: Hours) -> pa.Array:
    """Return the part of each hour's expected ad opportunities that is booked: a column by hour and
    device, NULL on days without a market."""
    if supply.booked is None:
        return pa.nulls(hours.size * len(DEVICES), pa.float64())
    day = hours // HOURS_A_DAY - supply.booked.first_day
    shares = np.round(supply.booked.share.take(day, axis=0), 4).ravel()
    return pa.array(shares, from_pandas=True)


def device_column(codes: NDArray[np.int8]) -> pa.DictionaryArray:
    """Return device codes (positions in `DEVICES`) as the dictionary column of the raw tables."""
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([str(d) for d in DEVICES]))


def _during(event: Event, days: Int64s) -> Mask:
    if isinstance(event.start, date) and isinstance(event.end, date):
        during: Mask = (days >= day_number(event.start)) & (days <= day_number(event.end))
        return during
    of_year = _month_and_day(days)
    start, end = (int(str(day).replace("-", "")) for day in (event.start, event.end))
    if start <= end:
        return (of_year >= start) & (of_year <= end)
    return (of_year >= start) | (of_year <= end)


def _month_and_day(days: Int64s) -> Int64s:
    """Return day numbers as month x 100 + day of the month."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day_of_month = (dates - months).astype(np.int64) + 1
    return (months.astype(np.int64) % 12 + 1) * 100 + day_of_month


def _market_factor(
    platform_model: PlatformModel, country: str, hours: Hours, local_hours: Int64s, seed: int
) -> Floats:
    """Draw how supply differs from its forecast, mean 1: (hours, devices).

    Local days differ, those of all countries in part together. Hours differ in a country and, less,
    on each device.
    """
    figures = platform_model.supply
    name = platform_model.name
    scale = platform_model.life.scale("market_noise")
    logs = np.zeros((hours.size, len(DEVICES)))
    variance = 0.0
    for days, purpose in (
        (figures.market_noise, ("market", name)),
        (figures.country_day_noise, ("market", name, country)),
    ):
        shocks = noise.day_shocks(
            days.autocorrelation, figures.tail_degrees, local_hours, seed, "supply", *purpose
        )
        logs += (scale * days.log_sd * shocks)[:, None]
        variance += (scale * days.log_sd) ** 2
    hourly = figures.country_hour_noise
    stream = key(seed, "supply hours", name, country)
    logs += (scale * hourly.log_sd * noise.ar1_normals(stream, hours, hourly.autocorrelation))[
        :, None
    ]
    by_device = figures.device_hour_noise
    for position, device in enumerate(DEVICES):
        stream = key(seed, "supply hours", name, country, str(device))
        shocks = noise.ar1_normals(stream, hours, by_device.autocorrelation)
        logs[:, position] += scale * by_device.log_sd * shocks
    variance += (scale * hourly.log_sd) ** 2 + (scale * by_device.log_sd) ** 2
    factor: Floats = np.exp(logs - 0.5 * variance)
    return factor


def _price_factor(
    platform_model: PlatformModel, country: str, hours: Hours, local_hours: Int64s, seed: int
) -> Floats:
    """Draw how the price level differs from its forecast, mean 1: (hours,)."""
    figures = platform_model.price
    name = platform_model.name
    scale = platform_model.life.scale("price_noise")
    days = figures.market_noise.times(scale)
    shocks = noise.day_shocks(
        days.autocorrelation,
        platform_model.supply.tail_degrees,
        local_hours,
        seed,
        "supply",
        "price",
        name,
    )
    hourly = figures.country_hour_noise.times(scale)
    factor = noise.multiplier(hourly, hours, seed, "price hours", name, country)
    return factor * noise.log_normal(days.log_sd, shocks)


def _scarcity(platform_model: PlatformModel, booked: BookedDays, hours: Hours) -> Floats:
    """Return how much more auctions cost because of what is booked, around 1: (hours, devices)."""
    figures = platform_model.competition.times(platform_model.life.scale("competition"))
    usual = np.divide(
        booked.share, booked.usual, out=np.ones_like(booked.share), where=booked.usual > 0
    )
    demand = figures.elsewhere + (1.0 - figures.elsewhere) * usual
    return booked.by_hour(demand**figures.fill_elasticity, hours)


def _kept_of_promises(
    platform_model: PlatformModel,
    booked: BookedDays | None,
    forecast: Floats,
    opportunities: Floats,
    hours: Hours,
) -> Floats:
    """Return the part of its supply that a guaranteed line item gets: (hours, devices).

    It is less than 1 where more than `displaced_above` of the opportunities that came is booked:
    ever less of what is above that fits.
    """
    scale = platform_model.life.scale("competition")
    most = platform_model.competition.times(scale).displaced_above
    if booked is None or most >= 1.0:
        return np.ones_like(forecast)
    wanted = booked.by_hour(np.nan_to_num(booked.share), hours) * forecast
    over = np.maximum(wanted / np.maximum(opportunities, 1.0) - most, 0.0)
    fits = most - (1.0 - most) * np.expm1(-over / (1.0 - most))
    kept: Floats = (fits / (most + over)) ** scale
    return kept


def _main_clock(platform_model: PlatformModel, country: str, hours: Hours) -> Int64s:
    """Return the hours that the clocks of most viewers of a country have counted: (hours,)."""
    zones = platform_model.countries[country].zones
    clock = local_clock(max(zones, key=lambda zone: zones[zone]), hours)
    return clock.day * HOURS_A_DAY + clock.hour
