"""Bounds that hold by construction, and means that are the platform's."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.clock import hours_of
from generator.delivery.funnel import funnel_odds, largest_loss, supply_side
from generator.delivery.price import auction, micros_per_impression, price_index
from generator.delivery.video import FATES, completion_rates, fates, starts_and_leaving
from generator.enums import BuyType
from generator.randomness import key, row_keys
from generator.scenario.templates import dataset, platform
from generator.world.build import build_world

PLATFORM = platform("netflix_like")
ENOUGH = np.array(np.inf)
CREATIVES = [
    creative
    for booking in build_world(dataset("complete")).bookings
    for item in booking.line_items
    for creative in item.creatives
]


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_the_largest_loss_is_the_largest_that_the_floor_allows(kept: int, thousandths: int) -> None:
    floor = Decimal(thousandths) / 1000
    loss = int(largest_loss(np.array([kept]), np.array([thousandths]))[0])
    assert kept >= floor * (kept + loss)
    if kept:
        assert kept < floor * (kept + loss + 1)


@given(st.lists(st.integers(0, 5) | st.integers(0, 10**6), min_size=1, max_size=50))
def test_every_floor_of_the_funnel_holds_at_any_count(impressions: list[int]) -> None:
    counts = np.array(impressions)
    keys = row_keys(key("funnel"), np.arange(counts.size))
    for buy_type in BuyType:
        odds = funnel_odds(PLATFORM, buy_type).take(np.zeros(counts.size, dtype=np.int64))
        more = np.full(counts.size, 1.3)
        side = supply_side(odds, counts, ENOUGH, more, more, keys)
        assert (10 * side.responses >= 9 * side.requests).all()
        assert (10 * side.eligible_impressions >= 8 * side.responses).all()
        assert (10 * side.auctions_won >= 8 * side.eligible_impressions).all()
        assert (10 * counts >= 6 * side.auctions_won).all()
        lost = side.auctions_won - counts
        assert (side.error_count + side.invalid_impressions <= lost).all()
        assert (side.timeout_count <= side.requests - side.responses).all()


def test_the_means_of_the_funnel_are_the_platforms() -> None:
    counts = np.full(20_000, 1_000)
    keys = row_keys(key("means"), np.arange(counts.size))
    odds = funnel_odds(PLATFORM, BuyType.PREFERRED_DEAL).take(np.zeros(counts.size, dtype=np.int64))
    evenly = np.ones(counts.size)
    side = supply_side(odds, counts, ENOUGH, evenly, evenly, keys)
    funnel = PLATFORM.funnel
    won, eligible = side.auctions_won.sum(), side.eligible_impressions.sum()
    invalid = side.invalid_impressions.sum()
    assert counts.sum() / won == pytest.approx(funnel.render_rate, abs=0.001)
    assert won / eligible == pytest.approx(0.92, abs=0.001)
    assert eligible / side.responses.sum() == pytest.approx(funnel.eligibility_rate, abs=0.001)
    assert side.responses.sum() / side.requests.sum() == pytest.approx(0.965, abs=0.001)
    assert invalid / (invalid + counts.sum()) == pytest.approx(0.006, abs=0.0002)


def test_only_timeouts_grow_under_load() -> None:
    counts = np.full(20_000, 1_000)
    keys = row_keys(key("means"), np.arange(counts.size))
    odds = funnel_odds(PLATFORM, BuyType.PREFERRED_DEAL).take(np.zeros(counts.size, dtype=np.int64))
    evenly = np.ones(counts.size)
    usual, busy = (
        supply_side(odds, counts, ENOUGH, evenly, load, keys) for load in (evenly, 1.5 * evenly)
    )
    assert busy.timeout_count.sum() == pytest.approx(1.5 * usual.timeout_count.sum(), rel=0.02)
    others = [(side.requests - side.responses - side.timeout_count).sum() for side in (usual, busy)]
    assert others[1] == pytest.approx(others[0], rel=0.02)


@given(st.floats(0.01, 500), st.floats(0.01, 500))
def test_an_auction_never_costs_more_than_the_bid(level: float, bid: float) -> None:
    won, paid = auction(np.array([level]), bid, PLATFORM.price)
    assert 0 <= won[0] <= 1
    assert 0 < paid[0] <= bid


def test_a_higher_bid_wins_more_and_pays_more() -> None:
    level = np.array([26.0])
    results = [auction(level, bid, PLATFORM.price) for bid in (15.0, 26.0, 40.0, 200.0)]
    won = [float(share[0]) for share, _ in results]
    paid = [float(price[0]) for _, price in results]
    assert won == sorted(won)
    assert paid == sorted(paid)
    assert won[-1] == pytest.approx(1, abs=1e-4)
    assert paid[-1] == pytest.approx(26, rel=1e-3)  # with no bid to bound it, the mean is the level


def test_december_costs_more_than_january_and_quarters_rise() -> None:
    hours = hours_of(20_089, 20_089 + 364)  # 2025
    index = price_index(PLATFORM.price, PLATFORM.countries["US"], hours).mean(axis=1)
    month = hours.astype("datetime64[h]").astype("datetime64[M]").astype(int) % 12
    by_month = np.bincount(month, weights=index) / np.bincount(month)
    assert 1.25 <= by_month[11] / by_month[0] <= 2.0  # cpm_dec_over_jan
    assert all(by_month[first] < by_month[first + 2] for first in (0, 3, 6, 9))


def test_prices_are_whole_micros_per_impression() -> None:
    assert list(micros_per_impression(np.array([38.0, 22.75, 28.25, 0.001, 0.0001]))) == [
        38_000, 22_750, 28_250, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("creative", CREATIVES, ids=lambda creative: creative.name)
def test_fates_are_a_distribution(creative) -> None:
    start, gone = starts_and_leaving(PLATFORM.video, [creative])
    completion = completion_rates(PLATFORM.video, [creative], effects=np.array([1.5]))
    probabilities = fates(start, completion.ravel(), gone)
    assert probabilities.shape == (len(FATES), 4)
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=0) == pytest.approx(1)


def test_longer_creatives_complete_less_and_mid_rolls_more() -> None:
    video = next(creative for creative in CREATIVES if creative.duration_seconds == 15)
    pre_roll = video.model_copy(update={"placement": "PRE_ROLL", "is_skippable": False})
    longer = pre_roll.model_copy(update={"duration_seconds": 30})
    mid_roll = pre_roll.model_copy(update={"placement": "MID_ROLL"})
    rates = completion_rates(PLATFORM.video, [longer, pre_roll, mid_roll], effects=np.zeros(3))
    assert (rates[0] < rates[1]).all()
    assert (rates[1] < rates[2]).all()
