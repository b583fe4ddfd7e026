"""A market: any range can be made alone, and together its campaigns fit into what there is."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.engines import local
from generator.enums import BuyType, Device, Industry, Objective
from generator.market.build import build_market
from generator.market.order import Draw, scenario_of
from generator.market.outline import market_outline
from generator.market.shares import Claims, opportunities, platform_supply, shares_of, uses_of
from generator.scenario.models import platform_problems
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Dataset, Library, platform
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from tests.support.invariants import violations
from tests.support.project import ROOT

PLATFORMS = ("netflix_like", "fast_channel", "live_sports")
FILL = (0.40, 0.70)  # platform_fill of the benchmarks


def market(**plan: object) -> Dataset:
    sets = [parse_override(f"market.{key}={value}") for key, value in plan.items()]
    return Library().dataset("market", sets)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Four weeks of one platform with as many campaigns as a year of 10,000 on three has then."""
    file = tmp_path_factory.mktemp("market") / "ads.duckdb"
    data = market(
        platforms="[netflix_like]", campaigns=450, start_date="2025-10-06", end_date="2025-11-02"
    )
    local.run(build_market(data), DuckdbSink(file, TABLES), jobs=2)
    return duckdb.connect(file, read_only=True)


def test_campaigns_together_never_win_more_than_there_is(month) -> None:
    oversold, cells = month.execute(
        """
        with sold as (
            select c.platform, li.targeting ->> '$.GEO_COUNTRY[0]' as country, p.device, p.hour_ts,
                sum(p.auctions_won) as won
            from raw.performance_hourly p
            join raw.line_items li using (line_item_id)
            join raw.campaigns c on c.campaign_id = p.campaign_id
            group by all
        )
        select count(*) filter (won > ad_opportunities), count(*)
        from sold join raw.inventory_hourly using (platform, country, device, hour_ts)
        """
    ).fetchone()
    assert oversold == 0
    assert cells == 28 * 24 * 4 * 12


def test_campaigns_together_sell_the_fill(month) -> None:
    (fill,) = month.execute(
        "select (select sum(impressions) from raw.performance_hourly)"
        " / (select sum(ad_opportunities) from raw.inventory_hourly)"
    ).fetchone()
    assert FILL[0] < fill < FILL[1]


def test_every_invariant_holds_in_a_market(month) -> None:
    assert violations(month) == {}


def test_budgets_can_be_spent(month) -> None:
    """Nine in ten campaigns spend nine tenths of what they planned, and none more than all."""
    spent = month.execute(
        """
        select sum(p.spend_micros) / any_value(b.amount_micros
            * case b.budget_type when 'DAILY' then f.days else 1 end)
        from raw.performance_hourly p join raw.budgets b using (campaign_id)
        join (
            select campaign_id, sum(end_date - start_date + 1) as days
            from raw.flights group by campaign_id
        ) f using (campaign_id)
        group by campaign_id
        """
    ).fetchnumpy()
    (parts,) = spent.values()
    assert parts.max() <= 1
    assert np.quantile(parts, 0.1) > 0.8
    assert np.quantile(parts, 0.5) > 0.97


def test_a_range_made_alone_is_what_it_is_in_the_whole() -> None:
    world = build_market(market(campaigns=2000))
    alone = build_market(market(campaigns=2000, made=400))
    sent = pickle.loads(pickle.dumps(world))
    assert len(alone.bookings) == 400
    assert alone.bookings[100:105] == world.bookings[500:525][::5] == sent.bookings[500:525][::5]
    assert alone.bookings[399] == world.bookings[1995]
    assert world.advertisers[100:120] == alone.advertisers[100:120]
    assert alone.outline.rows.tolist() == world.outline.rows[::5].tolist()


def test_a_process_that_is_sent_a_market_loads_no_faker(tmp_path: Path) -> None:
    """It takes longer than all else that a worker loads."""
    (tmp_path / "world").write_bytes(pickle.dumps(build_market(market(campaigns=50))))
    script = """if True:
        import pickle, sys
        from pathlib import Path
        world = pickle.loads(Path(sys.argv[1]).read_bytes())
        assert world.bookings[7].line_items and world.advertisers[3].brand
        assert "faker" not in sys.modules
    """
    command = [sys.executable, "-c", script, str(tmp_path / "world")]
    subprocess.run(command, check=True, cwd=ROOT)


def test_the_outline_says_how_many_rows_a_campaign_has_at_most() -> None:
    """Days between flights and creatives that are replaced have fewer."""
    world = build_market(market(campaigns=50))
    for booking, rows in zip(world.bookings, world.outline.rows, strict=True):
        days = (booking.flights[-1].end_date - booking.flights[0].start_date).days + 1
        series = 0
        for item in booking.line_items:
            devices = 4 if "DEVICE" not in item.line_item.targeting else None
            named = sum(f'"{device}"' in item.line_item.targeting for device in Device)
            series += len(item.creatives) * (devices or named)
        assert rows == 24 * days * series


def test_a_market_of_ten_thousand_is_as_large_as_it_is_said_to_be() -> None:
    """50 to 100 million rows; a mean campaign of some 50 million impressions, as published."""
    data = market(campaigns=10_000)
    world = build_market(data)
    outline = market_outline(data.market, data.platforms, data.seed)
    sizes = outline.share * outline.use * outline.opportunities
    assert 50e6 < world.outline.rows.sum() < 100e6
    assert 30e6 < sizes.mean() < 80e6
    assert 1.0 < np.std(np.log(sizes)) < 1.8
    assert len(world.advertisers) == 2000


def test_more_campaigns_are_smaller_ones() -> None:
    """A few are no giants: none wants more than some impressions of each household."""

    def mean_size(campaigns: int) -> float:
        data = market(campaigns=campaigns)
        outline = market_outline(data.market, data.platforms, data.seed)
        return float((outline.share * outline.use * outline.opportunities).mean())

    few, *sizes = [mean_size(campaigns) for campaigns in (100, 1000, 10_000, 100_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert few == pytest.approx(sizes[0], rel=0.1)


def test_the_mix_is_that_of_the_platform() -> None:
    world = build_market(market(platforms="[netflix_like]", campaigns=1500))
    bookings = world.bookings[:]
    figures = platform("netflix_like").booking_mix
    objective = Counter(booking.campaign.objective for booking in bookings)
    buy_type = Counter(booking.campaign.buy_type for booking in bookings)
    for kind in Objective:
        assert objective[kind] / 1500 == pytest.approx(figures.objective[kind], abs=0.05)
    for kind in BuyType:
        assert buy_type[kind] / 1500 == pytest.approx(figures.buy_type[kind], abs=0.05)
    assert {advertiser.industry for advertiser in world.advertisers} == set(Industry)
    weeks = {
        (booking.flights[0].end_date - booking.flights[0].start_date).days // 7 + 1
        for booking in bookings
    }
    assert max(weeks) <= 16


def test_a_campaign_asks_for_nothing_that_its_platform_does_not_have() -> None:
    """What `book` makes of a market's order would also pass as a scenario file."""
    data = market(campaigns=300)
    world = build_market(data)
    maker = world.bookings.make.__self__
    for position in range(300):
        order = maker.order(position)
        scenario = scenario_of(order, Draw(data.seed, "market campaign", position + 1))
        assert list(platform_problems(scenario, order.platform_model)) == []


@given(
    campaigns=st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 1), st.integers(0, 4), st.integers(0, 29),
            st.integers(0, 29), st.floats(1e-4, 1e4),
        ),
        min_size=1,
        max_size=40,
    )
)  # fmt: skip
def test_shares_never_add_up_to_more_than_one(campaigns) -> None:
    platform_of, country, devices, one, other, claim = (
        np.array(values) for values in zip(*campaigns, strict=True)
    )
    booked = Claims(
        platform_of, country, devices, np.minimum(one, other), np.maximum(one, other), claim
    )
    offers = [
        platform_supply(platform(name), ("US", "DE"), date(2025, 3, 1), date(2025, 3, 30))
        for name in PLATFORMS
    ]
    shares = shares_of(booked, offers)
    there_is = opportunities(booked, offers)
    uses = uses_of(booked, offers, shares, there_is, 0.5 * there_is)
    assert (shares > 0).all()
    assert ((uses > 0) & (uses <= 1)).all()
    for position, supply in enumerate(offers):
        for where in (0, 1):
            total = np.zeros((len(Device), 30))
            for index in np.flatnonzero((platform_of == position) & (country == where)):
                days = slice(booked.first[index], booked.last[index] + 1)
                total[supply.on_device[devices[index]], days] += shares[index]
            assert total.max() <= 1
