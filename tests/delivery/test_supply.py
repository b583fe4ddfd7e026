"""Supply has the shape that was published: prime time, weekends, seasons, events."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy import stats

from generator.clock import day_number, hours_of, local_clock
from generator.delivery.noise import day_shocks, give_heavy_tails
from generator.delivery.quantiles import normal
from generator.delivery.supply import (
    DEVICES,
    country_supply,
    event_factor,
    release_factor,
    viewing,
)
from generator.enums import Device
from generator.platform.habits import device_shares, hour_curves
from generator.platform.life import Life, Preset
from generator.platform.model import Event
from generator.randomness import key, row_keys, uniforms
from generator.scenario.templates import platform

PLATFORM = platform("netflix_like")
CALM = PLATFORM.with_life(Life(preset=Preset.CALM))
YEAR = hours_of(day_number(date(2025, 1, 1)), day_number(date(2025, 12, 31)))


@pytest.fixture(scope="module")
def us_year():
    return viewing(PLATFORM, "US", YEAR)


def local_profile(watched: np.ndarray, zone: str, position: int) -> np.ndarray:
    clock = local_clock(zone, YEAR)
    by_hour = np.bincount(clock.hour, weights=watched[:, :, position].sum(axis=1), minlength=24)
    return by_hour / by_hour.sum()


def test_local_hours_follow_the_published_day(us_year) -> None:
    profile = local_profile(us_year, "America/New_York", 0)
    assert 0.20 <= profile[20:23].sum() <= 0.27  # prime_time_share
    assert 0.24 <= profile[10:17].sum() <= 0.31  # daytime_share
    assert 3 <= profile.argmin() <= 5  # night_trough


def test_television_leans_to_the_evening_and_desktop_to_office_hours() -> None:
    curves = hour_curves(PLATFORM, "US")[:, 0, :]
    prime = dict(zip(DEVICES, curves[:, 20:23].sum(axis=1), strict=True))
    office = dict(zip(DEVICES, curves[:, 9:17].sum(axis=1), strict=True))
    assert prime[Device.CTV] > prime[Device.TABLET] > prime[Device.MOBILE] > prime[Device.DESKTOP]
    assert office[Device.DESKTOP] > office[Device.MOBILE] > office[Device.CTV]


def test_weekend_days_have_more_viewing_and_sunday_most(us_year) -> None:
    clock = local_clock("America/New_York", YEAR)
    weekday = (clock.day + 3) % 7
    by_day = np.bincount(weekday, weights=us_year[:, :, 0].sum(axis=1)) / np.bincount(weekday)
    assert 1.15 <= by_day[5:].mean() / by_day[:5].mean() <= 1.35  # weekend_over_weekday
    assert by_day.argmax() == 6


def test_device_mix_is_the_platforms(us_year) -> None:
    share = us_year.sum(axis=(0, 2)) / us_year.sum()
    assert share == pytest.approx(PLATFORM.supply.device_share.in_order(), abs=0.003)


def test_a_year_of_opportunities_is_households_times_viewing_times_ad_load() -> None:
    us = country_supply(PLATFORM, "US", YEAR, seed=1)
    supply = PLATFORM.supply
    slots = supply.ad_minutes_per_hour * 60 / supply.mean_ad_seconds
    expected = PLATFORM.countries["US"].households * supply.hours_per_household_day * slots * 365
    assert us.opportunities.sum() == pytest.approx(expected, rel=0.03)


def test_any_window_of_a_market_is_a_slice_of_it() -> None:
    whole = country_supply(PLATFORM, "AU", YEAR[:2000], seed=5)
    part = country_supply(PLATFORM, "AU", YEAR[700:1300], seed=5)
    assert (whole.opportunities[700:1300] == part.opportunities).all()
    assert (whole.price_index[700:1300] == part.price_index).all()


def shocks(country: str, seed: int = 3) -> np.ndarray:
    """How a country's supply differs from its forecast: (hours, devices), logarithms."""
    supply = country_supply(PLATFORM, country, YEAR, seed)
    return np.log(supply.opportunities / supply.forecast)


def test_market_noise_has_mean_one_and_remembers_yesterday() -> None:
    noise = shocks("US")
    assert np.exp(noise).mean() == pytest.approx(1, abs=0.02)
    daily = noise.mean(axis=1).reshape(-1, 24).mean(axis=1)
    assert np.corrcoef(daily[1:], daily[:-1])[0, 1] == pytest.approx(0.7, abs=0.2)


def test_countries_and_devices_have_noise_of_their_own() -> None:
    us, gb = shocks("US"), shocks("GB")
    assert 0 < np.corrcoef(us[:, 0], gb[:, 0])[0, 1] < 0.5
    assert 0.7 < np.corrcoef(us[:, 0], us[:, 1])[0, 1] < 0.99


def test_midnight_in_utc_is_an_hour_like_others() -> None:
    """Days of noise are local ones, and one goes over into the next."""
    steps = np.diff(shocks("US").mean(axis=1), prepend=0.0).reshape(-1, 24)[1:]
    of_hours = steps.std(axis=0)
    assert of_hours[0] < 1.3 * np.median(of_hours)
    assert of_hours.max() < 1.5 * np.median(of_hours)


def test_days_of_noise_keep_their_spread_between_noons() -> None:
    noise = day_shocks(0.6, 1000.0, np.arange(24 * 4000), 1, "test").reshape(-1, 24)
    assert noise.std(axis=0) == pytest.approx(1, abs=0.05)
    assert day_shocks(0.6, 5.0, np.arange(24 * 40, 24 * 50), 1, "x").tolist() == (
        day_shocks(0.6, 5.0, np.arange(24 * 90), 1, "x")[24 * 40 : 24 * 50].tolist()
    )


def test_some_days_are_far_off() -> None:
    normals = normal(uniforms(row_keys(key("tails"), np.arange(200_000)), "test"))
    tails = give_heavy_tails(normals, 5.0)
    assert tails.std() == pytest.approx(1, abs=0.03)
    law = stats.t(5)
    for part in (0.9, 0.99, 0.999):
        assert np.quantile(tails, part) == pytest.approx(law.ppf(part) * np.sqrt(0.6), rel=0.05)


def test_events_are_local_and_may_cross_the_year() -> None:
    hours = hours_of(day_number(date(2025, 12, 30)), day_number(date(2026, 1, 2)))
    clock = local_clock("Asia/Tokyo", hours)
    yearly = Event(name="New Year", start="12-31", end="01-01", multiplier=2.0)
    factor = event_factor([yearly], "JP", clock)
    on = (clock.day == day_number(date(2025, 12, 31))) | (clock.day == day_number(date(2026, 1, 1)))
    assert (factor == np.where(on, 2.0, 1.0)).all()
    elsewhere = Event(
        name="x", start=date(2025, 12, 30), end=date(2026, 1, 2), multiplier=3.0, countries=["US"]
    )
    assert (event_factor([elsewhere], "JP", clock) == 1).all()


def evening(country: str, platform_model=PLATFORM) -> float:
    """The mean hour of television from 17 to 24 h."""
    curve = hour_curves(platform_model, country)[0, 0, 17:]
    return float(np.average(np.arange(17, 24), weights=curve))


def test_countries_watch_at_hours_and_on_devices_that_differ_and_as_much_as_before() -> None:
    assert evening("AU") < evening("US") < evening("BR") < evening("KR")
    for country in PLATFORM.countries:
        assert hour_curves(PLATFORM, country).mean(axis=2) == pytest.approx(1)
        assert device_shares(PLATFORM, country).sum() == pytest.approx(1)
    television = {country: device_shares(PLATFORM, country)[0] for country in ("US", "IT", "JP")}
    assert television["US"] == PLATFORM.supply.device_share.CTV
    assert television["JP"] < television["IT"] < television["US"]
    calm = PLATFORM.with_life(Life(preset=Preset.CALM))
    assert evening("KR", calm) == evening("US", calm)
    assert (device_shares(calm, "IT") == device_shares(calm, "US")).all()


def test_a_curve_that_is_later_by_a_part_of_an_hour_lies_between_two_hours() -> None:
    us, korea = hour_curves(PLATFORM, "US"), hour_curves(PLATFORM, "KR")
    later = PLATFORM.countries["KR"].later_hours
    assert later == 1.2
    assert korea[:, :, 21] == pytest.approx(0.8 * us[:, :, 20] + 0.2 * us[:, :, 19])


def test_a_title_lifts_its_countries_for_some_days_without_a_step() -> None:
    clock = local_clock("Europe/London", YEAR)
    lifted = release_factor(PLATFORM, "GB", clock).reshape(-1, 24)
    (title,) = (one for one in PLATFORM.supply.releases if one.title == "Dovewright")
    day = day_number(date(2025, 5, 22)) - day_number(date(2025, 1, 1))
    assert lifted[day : day + 15].max() == pytest.approx(1 + title.lift, abs=0.01)
    assert lifted[day + 10, 20] - 1 == pytest.approx(0.09 * title.lift, rel=0.2)
    assert np.abs(np.diff(np.log(lifted.ravel()))).max() < title.lift / 10
    abroad = release_factor(PLATFORM, "FR", clock).reshape(-1, 24)
    assert abroad[day + 1].max() < 1.01
    assert (release_factor(CALM, "GB", clock) == 1.0).all()


def test_the_lift_of_december_fades_in_january() -> None:
    january = hours_of(day_number(date(2026, 1, 1)), day_number(date(2026, 1, 5)))
    clock = local_clock("America/New_York", january)
    assert 1.001 < release_factor(PLATFORM, "US", clock)[30] < 1.01
    whole = release_factor(PLATFORM, "US", local_clock("America/New_York", YEAR))
    part = release_factor(PLATFORM, "US", local_clock("America/New_York", YEAR[3000:4000]))
    assert (whole[3000:4000] == part).all()


def test_requests_time_out_more_in_the_evening() -> None:
    supply = country_supply(PLATFORM, "GB", YEAR, seed=1)
    by_hour = supply.timeouts[:8736].reshape(-1, 24).mean(axis=0)
    assert by_hour[20] > 1.5 * by_hour[4]
    watched = supply.opportunities.sum(axis=1)
    assert np.average(supply.timeouts, weights=watched) == pytest.approx(1, abs=0.03)
    assert (country_supply(CALM, "GB", YEAR, seed=1).timeouts == 1.0).all()
