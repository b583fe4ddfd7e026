"""The figures of platforms that dbt needs and raw does not hold: population, calendar and clocks.

They are derived from the platform files and committed as seeds. `platform_population` is the share
of each audience segment in the platform's viewing. `platform_calendar` is the viewing expected of
each day of the week in each month, and the decay of a front-loaded plan over a flight.
`platform_markets` is the distance of each country's clocks from UTC.
`python -m generator dbt-seeds` writes them; a test fails when the committed files are out of step.
Their hashes are beside them: a seed that was changed by hand is known by them and never replaced.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from io import StringIO
from zoneinfo import ZoneInfo

import numpy as np

from generator.enums import AudienceDimension
from generator.platform.figures import relative
from generator.platform.habits import device_shares, hour_curves
from generator.platform.model import PlatformModel

HASHES = "_platform_seeds.sha256"
_HASH = re.compile(r"[0-9a-f]{64}  platform_[a-z]+\.csv\n")
_SATURDAY = 5
_SEASONS = (1, 7)
_DECIMALS = 12


def seeds(platforms: Iterable[PlatformModel]) -> dict[str, str]:
    """Return the text of each seed file by its name."""
    known = list(platforms)
    return {
        "platform_population.csv": _csv(
            ("platform", "dimension", "segment", "population_share"),
            (row for model in known for row in population(model)),
        ),
        "platform_calendar.csv": _csv(
            (
                "platform",
                "month_of_year",
                "day_of_week",
                "viewing_weight",
                "frontload_decay_per_flight",
            ),
            (row for model in known for row in calendar(model)),
        ),
        "platform_markets.csv": _csv(
            ("platform", "country", "utc_offset_hours"),
            (row for model in known for row in markets(model)),
        ),
    }


def hashes_of(files: Mapping[str, str]) -> str:
    """Return a line for each seed file, as `sha256sum` writes and checks them."""
    return "".join(f"{sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items())


def is_hashes(text: str) -> bool:
    """Return whether a text has hashes of seed files and nothing else."""
    return all(_HASH.fullmatch(line) for line in text.splitlines(keepends=True))


def population(platform_model: PlatformModel) -> Iterator[tuple[str, str, str, float]]:
    """Yield each segment's share of the platform's viewing, all countries and devices: ratios that
    add up to 1 over a dimension."""
    for dimension in AudienceDimension:
        for segment, share in _shares(platform_model, dimension).items():
            yield platform_model.name, dimension.value, segment, round(share, _DECIMALS)


def calendar(platform_model: PlatformModel) -> Iterator[tuple[str, int, int, float, float]]:
    """Yield the expected viewing of a day of the week (ISO, 1-7) in a month, relative to the mean
    day, raised to the exponent with which plans follow it. Events are left out."""
    supply = platform_model.supply
    pacing = platform_model.pacing
    for month, of_month in enumerate(relative(supply.month).tolist(), start=1):
        for weekday, of_weekday in enumerate(relative(supply.weekday).tolist(), start=1):
            weight = (of_month * of_weekday) ** pacing.supply_exponent
            decay = pacing.frontload_decay_per_flight
            yield platform_model.name, month, weekday, round(weight, _DECIMALS), decay


def markets(platform_model: PlatformModel) -> Iterator[tuple[str, str, int]]:
    """Yield the whole hours that each country's clocks are ahead of UTC: the mean of its time
    zones, weighted by their viewers, over a year of winter and summer time."""
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
        case AudienceDimension.COUNTRY:
            return _country_shares(platform_model)
        case AudienceDimension.REGION:
            return _region_shares(platform_model)
        case AudienceDimension.LOCAL_HOUR:
            return _hour_shares(platform_model)
    return platform_model.segment_shares(dimension)


def _country_shares(platform_model: PlatformModel) -> dict[str, float]:
    households = sum(country.households for country in platform_model.countries.values())
    return {
        code: country.households / households for code, country in platform_model.countries.items()
    }


def _region_shares(platform_model: PlatformModel) -> dict[str, float]:
    """Return the regions of every country, the rest of a country as `CC-OTHER`."""
    shares = {}
    for code, of_country in _country_shares(platform_model).items():
        regions = platform_model.countries[code].regions
        for region, figures in regions.items():
            shares[f"{code}-{region}"] = of_country * figures.share
        rest = 1.0 - sum(figures.share for figures in regions.values())
        shares[f"{code}-OTHER"] = of_country * max(0.0, rest)
    return shares


def _hour_shares(platform_model: PlatformModel) -> dict[str, float]:
    """Return viewing by local hour over a week, the countries and devices weighted by their
    share."""
    weekdays = relative(platform_model.supply.weekday)
    of_kinds = np.array([weekdays[:_SATURDAY].sum(), weekdays[_SATURDAY:].sum()])
    totals = np.zeros(24)
    for code, of_country in _country_shares(platform_model).items():
        by_device = np.tensordot(of_kinds, hour_curves(platform_model, code), axes=(0, 1))
        totals += of_country * (device_shares(platform_model, code) @ by_device)
    shares: list[float] = (totals / totals.sum()).tolist()
    return {f"{hour:02d}": share for hour, share in enumerate(shares)}


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
