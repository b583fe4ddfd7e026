"""Buyers get into each other's way: prices rise with what is booked, and bids decide who wins."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from generator import tables
from generator.clock import day_number, hours_of
from generator.delivery.supply import country_supply, inventory_batch
from generator.market.dataset import world_of
from generator.platform.booked_days import BookedDays
from generator.platform.life import Life, Preset
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library, platform

PLATFORM = platform("netflix_like")
CALM = PLATFORM.with_life(Life(preset=Preset.CALM))
FIRST = day_number(date(2025, 3, 1))
HOURS = hours_of(FIRST, FIRST + 9)


def booked(share: float, usual: float = 0.4) -> BookedDays:
    return BookedDays(FIRST, np.full((10, 4), share), np.full((10, 4), usual))


def auctions(*sets: str) -> tuple[float, float, float]:
    """Impressions, price per thousand, and win rate of an auction campaign."""
    made = tables("multi_device_advanced", only=["performance_hourly"], sets=list(sets))
    rows = made["performance_hourly"]
    names = ("impressions", "spend_micros", "auctions_won", "eligible_impressions")
    sums = [sum(rows.column(name).to_pylist()) for name in names]
    return sums[0], sums[1] / sums[0] / 1000, sums[2] / sums[3]


def test_four_times_the_budget_costs_more_per_thousand() -> None:
    impressions, cpm, _ = auctions("campaign.budget.amount=100000")
    more, dearer, _ = auctions("campaign.budget.amount=400000")
    assert 3 < more / impressions < 3.98
    assert 1.02 < dearer / cpm < 1.25


def test_a_higher_bid_wins_more_within_the_band() -> None:
    sets = "campaign.budget.amount=100000", "life.variation=0"
    bids = [24, 30, 42, 60, 84]
    rates = [auctions(*sets, f"line_items[0].bid_cpm={bid}")[2] for bid in bids]
    assert rates == sorted(rates)
    assert rates[-1] - rates[0] > 0.05
    floor = float(PLATFORM.funnel_floor.win)
    assert all(floor <= rate <= 1 for rate in rates)


def test_prices_rise_with_what_is_booked_and_not_in_a_calm_world() -> None:
    usual, full = (country_supply(PLATFORM, "US", HOURS, 1, booked(share)) for share in (0.4, 0.6))
    figures = PLATFORM.competition
    rise = np.log(full.price_forecast / usual.price_forecast) / np.log(0.6 / 0.4)
    without = country_supply(PLATFORM, "US", HOURS, 1)
    assert rise.max() == pytest.approx(figures.fill_elasticity * (1 - figures.elsewhere), rel=0.15)
    assert (usual.price_forecast == without.price_forecast).all()
    calm = [country_supply(CALM, "US", HOURS, 1, booked(share)) for share in (0.4, 0.6)]
    assert (calm[0].price_index == calm[1].price_index).all()


def test_guaranteed_delivery_shrinks_only_where_a_day_is_oversold() -> None:
    few, many = (country_supply(PLATFORM, "US", HOURS, 1, booked(share)) for share in (0.3, 0.9))
    assert (few.kept_of_promises == 1).all()
    assert (many.kept_of_promises < 1).all()
    sold = 0.9 * many.kept_of_promises * many.forecast / many.opportunities
    assert sold.max() <= 1
    calm = country_supply(CALM, "US", HOURS, 1, booked(0.9))
    assert (calm.kept_of_promises == 1).all()


def test_inventory_says_what_is_booked_and_nothing_without_a_market() -> None:
    with_market = inventory_batch(country_supply(PLATFORM, "US", HOURS, 1, booked(0.3)), HOURS)
    assert set(with_market.column("booked_share").to_pylist()) == {0.3}
    alone = inventory_batch(country_supply(PLATFORM, "US", HOURS, 1), HOURS)
    assert set(alone.column("booked_share").to_pylist()) == {None}


def test_what_a_market_books_is_at_most_its_fill_and_nowhere_more_than_all() -> None:
    changes = [parse_override(change) for change in ("market.campaigns=2000", "market.made=1")]
    world = world_of(Library().dataset("calibration", changes))
    of_countries = world.outline.booked["netflix_like"]
    assert set(of_countries) == set(PLATFORM.countries)
    for country in of_countries.values():
        assert (country.share >= 0).all()
        assert (country.share <= 1).all()
    us = of_countries["US"]
    mix = PLATFORM.scaled_booking_mix
    assert 0.2 < us.share.mean() <= mix.fill
    assert (us.usual * np.ones(4)).sum() == pytest.approx(us.share.sum(), rel=0.05)
