"""What dbt has to know of platforms and raw does not say: their population, calendar and clocks.

All are derived from the platform files and committed as seeds: `platform_population`, the share of
each audience segment in the platform's viewing, `platform_calendar`, how much viewing every day of
the week of every month is expected to have, and how a front-loaded plan falls over a flight, and
`platform_markets`, how far the clocks of a market are from UTC.
`python -m generator dbt-seeds` writes them; a test fails when the committed files are out of step.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

from generator.enums import AudienceDimension, Device
from generator.platform.model import PlatformModel

_SATURDAY = 5
_SEASONS = (1, 7)
_DECIMALS = 12


def seeds(platforms: Iterable[PlatformModel]) -> dict[str, str]:
    """The text of each seed file by its name."""
    known = list(platforms)
    return {
        "platform_population.csv": _csv(
            ("platform", "dimension", "segment", "population_share"),
            (row for each in known for row in population(each)),
        ),
        "platform_calendar.csv": _csv(
            (
                "platform",
                "month_of_year",
                "day_of_week",
                "viewing_weight",
                "frontload_decay_per_flight",
            ),
            (row for each in known for row in calendar(each)),
        ),
        "platform_markets.csv": _csv(
            ("platform", "country", "utc_offset_hours"),
            (row for each in known for row in markets(each)),
        ),
    }


def population(platform_model: PlatformModel) -> Iterator[tuple[str, str, str, float]]:
    """Each segment's share of the platform's viewing, all markets and devices: ratios that add up
    to 1 over a dimension."""
    for dimension in AudienceDimension:
        for segment, share in _shares(platform_model, dimension).items():
            yield platform_model.name, dimension.value, segment, round(share, _DECIMALS)


def calendar(platform_model: PlatformModel) -> Iterator[tuple[str, int, int, float, float]]:
    """Expected viewing of a day of the week (ISO, 1-7) in a month, relative to the mean day, raised
    to the exponent with which plans follow it. Events are not in it."""
    supply, pacing = platform_model.supply, platform_model.pacing
    for month, of_month in enumerate(_relative(supply.month), start=1):
        for weekday, of_weekday in enumerate(_relative(supply.weekday), start=1):
            weight = (of_month * of_weekday) ** pacing.supply_exponent
            decay = pacing.frontload_decay_per_flight
            yield platform_model.name, month, weekday, round(weight, _DECIMALS), decay


def markets(platform_model: PlatformModel) -> Iterator[tuple[str, str, int]]:
    """How many whole hours each market's clocks are ahead of UTC: the mean of its time zones,
    weighed by their viewers, over a year of winter and summer time."""
    for code, country in platform_model.countries.items():
        ahead = sum(
            share * _hours_ahead(zone, month) / len(_SEASONS)
            for zone, share in country.zones.items()
            for month in _SEASONS
        )
        yield platform_model.name, code, round(ahead)


def _hours_ahead(zone: str, month: int) -> float:
    offset = datetime(2025, month, 1, 12, tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()
    return offset / timedelta(hours=1)


def _shares(platform_model: PlatformModel, dimension: AudienceDimension) -> dict[str, float]:
    match dimension:
        case AudienceDimension.CONTENT_GENRE:
            return {name: genre.share for name, genre in platform_model.genres.items()}
        case AudienceDimension.COUNTRY:
            return _country_shares(platform_model)
        case AudienceDimension.REGION:
            return _region_shares(platform_model)
        case AudienceDimension.LOCAL_HOUR:
            return _hour_shares(platform_model)
    shares: dict[str, float] = getattr(platform_model.audience, dimension)
    return shares


def _country_shares(platform_model: PlatformModel) -> dict[str, float]:
    households = sum(country.households for country in platform_model.countries.values())
    return {code: each.households / households for code, each in platform_model.countries.items()}


def _region_shares(platform_model: PlatformModel) -> dict[str, float]:
    """Regions of every market, the rest of a market as `CC-OTHER`."""
    shares = {}
    for code, of_country in _country_shares(platform_model).items():
        regions = platform_model.countries[code].regions
        for region, figures in regions.items():
            shares[f"{code}-{region}"] = of_country * figures.share
        rest = 1.0 - sum(figures.share for figures in regions.values())
        shares[f"{code}-OTHER"] = of_country * max(0.0, rest)
    return shares


def _hour_shares(platform_model: PlatformModel) -> dict[str, float]:
    """Viewing by local hour over a week, the devices weighed by their share."""
    supply = platform_model.supply
    totals = [0.0] * 24
    for device in Device:
        curve = getattr(supply.hour_curve, device)
        for weekday, level in enumerate(_relative(supply.weekday)):
            hours = _relative(curve.weekend if weekday >= _SATURDAY else curve.weekday)
            for hour, viewing in enumerate(hours):
                totals[hour] += getattr(supply.device_share, device) * level * viewing
    return {f"{hour:02d}": total / sum(totals) for hour, total in enumerate(totals)}


def _relative(figures: list[float]) -> list[float]:
    mean = sum(figures) / len(figures)
    return [figure / mean for figure in figures]


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
