"""The conversions of the households of a log: alike in any part of it, and their truth adds up."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from generator.arrays import Floats, Mask
from generator.clock import offset_minutes
from generator.delivery.demand import relative_demand, weekly_prices, weeks_of
from generator.delivery.supply import holidays
from generator.engines import local
from generator.enums import ConversionType
from generator.outcomes.baseline import Baseline
from generator.pipeline.addition import remove_campaign
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.logs import Logs
from generator.pipeline.parts import all_pieces
from generator.scenario.log import LogPlan
from generator.scenario.templates import Library, platform
from generator.schema import TABLES, Conversion, ConversionCauses, RawTable
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from generator.world.world import World

# Young people in Los Angeles, who buy often.
BUYERS: dict[str, Any] = {
    "name": "buyers",
    "description": "One city, three weeks, and people who buy often",
    "campaign": {
        "platform": "netflix_like",
        "objective": "CONVERSION",
        "buy_type": "DIRECT_IO",
        "target_cpm": 25.0,
        "currency": "USD",
        "flights": [{"start_date": date(2025, 10, 6), "end_date": date(2025, 10, 26)}],
        "budget": {"amount": 7500, "type": "LIFETIME"},
        "conversions": {
            "types": {"PURCHASE": {"monthly_rate": 0.2, "click_rate": 0.5, "value": 40}}
        },
    },
    "line_items": [
        {
            "bid_cpm": 25.0,
            "targeting": {"GEO_COUNTRY": ["US"], "GEO_DMA": ["803"], "AGE_RANGE": ["18-24"]},
            "creatives": [
                {"duration_seconds": 15, "placement": "PRE_ROLL"},
                {"duration_seconds": 30, "placement": "MID_ROLL"},
            ],
        }
    ],
}


def world_of(share: float) -> World:
    return build_world(Library().dataset_of_mapping(BUYERS).with_seed(10).with_log(share))


WORLD = world_of(1.0)


def tables_of(world: World) -> dict[str, pa.Table]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for table, batch in all_pieces(world):
        batches.setdefault(table.table_name, []).append(batch)
    return {name: pa.Table.from_batches(made) for name, made in batches.items()}


@pytest.fixture(scope="module")
def log() -> Iterator[duckdb.DuckDBPyConnection]:
    """A whole log; enums are text."""
    with duckdb.connect() as connection:
        for name, table in tables_of(WORLD).items():
            connection.register(f"{name}_arrow", table)
            connection.execute(f"create table {name} as from {name}_arrow")
        yield connection


def numbers(log: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = log.execute(query).fetchall()
    return row


def outcomes_of(world: World, position: int = 0) -> dict[type[RawTable], pa.Table]:
    """The conversions and their causes of one campaign, made by a process that knows no other."""
    found: dict[type[RawTable], list[pa.RecordBatch]] = {}
    for table, batch in Logs(world, CountrySupplies(world)).pieces(position, None, 0, 1):
        found.setdefault(table, []).append(batch)
    return {
        table: pa.Table.from_batches(found[table]).combine_chunks()
        for table in (Conversion, ConversionCauses)
    }


def test_each_conversion_has_one_cause_and_a_household_of_the_log(log) -> None:
    assert numbers(
        log,
        """
        select count(*) > 50_000, count(distinct conversion_id) = count(*),
            count(*) = (select count(*) from conversion_causes),
            count(*) = count(*) filter (
                conversion_id in (select conversion_id from conversion_causes)
                and household_id in (select household_id from households)
            )
        from conversions""",
    ) == (True, True, True, True)


def test_an_ad_acts_on_the_household_that_saw_it_and_after_it_was_seen(log) -> None:
    query = """
        select count(*) > 20, bool_and(c.household_id = i.household_id),
            bool_and(c.event_ts >= i.event_ts),
            bool_and(c.event_ts <= i.event_ts + interval 30 day),
            bool_and(coalesce(c.event_ts < x.without_ads_ts, true))
        from conversions as c
        join conversion_causes as x using (conversion_id)
        join ad_impressions as i on x.impression_id = i.impression_id
        where x.cause = '{}'"""
    assert numbers(log, query.format("CAUSED")) == (True, True, True, True, True)
    assert numbers(log, query.format("DISPLACED")) == (True, True, True, True, True)
    clicked = numbers(
        log,
        """
        select count(*) > 20, bool_and(i.is_clicked), bool_and(c.household_id = i.household_id),
            bool_and(c.event_ts >= i.event_ts)
        from conversions as c join ad_impressions as i on c.click_id = i.impression_id""",
    )
    assert clicked == (True, True, True, True)


def test_what_households_do_with_ads_is_what_they_do_without_and_what_is_caused(log) -> None:
    reported, with_ads, without_ads, caused, of_lift = numbers(
        log,
        """
        select (select count(*) from conversions), sum(conversions_with_ads)::bigint,
            sum(conversions_without_ads)::bigint,
            (select count(*) from conversion_causes where cause = 'CAUSED'),
            (select max(caused_conversions) from campaign_lift)
        from household_outcomes""",
    )
    assert reported == with_ads == without_ads + caused
    assert caused == of_lift


def test_what_is_caused_is_about_what_the_parameters_expect(log) -> None:
    found = log.execute(
        "select caused_conversions, expected_conversions, marginal_conversions from campaign_lift"
    ).fetchall()
    for caused, expected, more in found:
        assert expected > 200
        assert abs(caused - expected) < 4.0 * expected**0.5
        # Households that more spend meets have seen more.
        assert 0.007 < more / expected < 0.01


def test_what_is_caused_is_about_what_is_expected_where_the_ads_are_seen(log) -> None:
    """A campaign is the sum of its devices and regions, and more spend on each causes less."""
    assert numbers(
        log,
        """
        select abs(sum(m.expected_conversions) - any_value(l.expected_conversions)) < 1e-6,
            sum(m.impressions)::bigint = any_value(l.impressions),
            sum(m.spend_micros)::bigint = any_value(l.spend_micros), count(*),
            bool_and(m.marginal_conversions between 0.006 and 0.0102 * m.expected_conversions
                or m.impressions < 1000),
            abs(sum(m.marginal_conversions) / any_value(l.marginal_conversions) - 1) < 0.03,
            (select bool_and(m.impressions = i.impressions) from media_returns as m join (
                select device::varchar as device, coalesce(region, '') as region_code,
                    count(*) as impressions
                from ad_impressions join households using (household_id) group by all
            ) as i on m.device::varchar = i.device and m.region_code = i.region_code)
        from media_returns as m, campaign_lift as l where l.window_days = 30""",
    ) == (True, True, True, 4, True, True, True)


def test_purchases_follow_the_price_and_the_holidays(log) -> None:
    """Of 14 months of one advertiser, without ads; the platform counts by the same demand."""
    figures = platform("netflix_like")
    (claim,) = (Logs(WORLD, CountrySupplies(WORLD))._claim(WORLD.bookings[0]),)
    assert claim is not None
    assert figures.conversions is not None
    prices = figures.conversions.prices
    assert prices is not None
    longer = replace(claim, begin=20_000 * 86_400_000_000, end=20_420 * 86_400_000_000)
    population = Logs(WORLD, CountrySupplies(WORLD))._audience("netflix_like").people.population
    events = Baseline(population, 1, ConversionType.PURCHASE).events(longer, None)
    days = np.arange(20_010, 20_410)
    demand = relative_demand(figures, WORLD.run.seed, 1, "US", ConversionType.PURCHASE, days)
    assert demand is not None
    hour, of_event = np.unique(events.moment // 3_600_000_000, return_inverse=True)
    ahead = np.array([offset_minutes("America/Los_Angeles", one) for one in hour.tolist()])
    day = (hour + ahead // 60) // 24 - days[0]
    of_days = day[of_event][(day[of_event] >= 0) & (day[of_event] < days.size)]
    done = np.bincount(of_days, minlength=days.size)
    price, discount = weekly_prices(prices, WORLD.run.seed, 1, weeks_of(days))
    for name, some in (
        ("usual", discount == 0),
        ("promoted", discount > 0),
        ("holiday", holidays(figures, "US", days)),
    ):
        expected = demand[some].sum() * done.sum() / demand.sum()
        assert some.any(), name
        assert abs(done[some].sum() - expected) < 5.0 * expected**0.5, name
    usual = demand[(discount == 0) & ~holidays(figures, "US", days)]
    assert demand[discount > 0].mean() > 1.3 * usual.mean()
    assert price[discount > 0].max() < 0.95
    assert relative_demand(figures, 1, 1, "US", ConversionType.VISIT, days) is None


def test_demand_is_the_usual_one_on_average() -> None:
    figures = platform("netflix_like")
    days = np.arange(0, 7 * 20_000)
    demand = relative_demand(figures, 3, 1, "ZZ", ConversionType.PURCHASE, days)
    assert demand is not None
    assert demand.mean() == pytest.approx(1.0, abs=0.02)


@pytest.fixture(scope="module")
def visits_first() -> Iterator[duckdb.DuckDBPyConnection]:
    """One in three households of a campaign that counts visits and purchases."""
    spec = copy.deepcopy(BUYERS)
    spec["campaign"]["conversions"]["types"] = {
        "VISIT": {"monthly_rate": 0.05, "click_rate": 0.5, "lift": 0.3},
        "PURCHASE": {"monthly_rate": 0.2, "click_rate": 0.5, "value": 40, "lift": 0.6},
    }
    world = build_world(Library().dataset_of_mapping(spec).with_seed(10).with_log(0.35))
    with duckdb.connect() as connection:
        for name, table in tables_of(world).items():
            connection.register(f"{name}_arrow", table)
            connection.execute(f"create table {name} as from {name}_arrow")
        yield connection


def test_an_ad_causes_a_visit_first_and_the_purchase_later(visits_first) -> None:
    """Visits that ads cause are those on their way to a purchase, too, and all are expected."""
    found = visits_first.execute(
        """
        select conversion_type::varchar, caused_conversions, expected_conversions
        from campaign_lift where window_days in (1, 30)"""
    ).fetchall()
    assert len(found) == 4
    for kind, caused, expected in found:
        assert abs(caused - expected) < 4.5 * expected**0.5, kind
    purchases, with_visit, before = numbers(
        visits_first,
        """
        with caused as (
            select conversion_type::varchar as kind, impression_id, event_ts
            from conversions join conversion_causes using (conversion_id) where cause = 'CAUSED'
        )
        select count(*), count(*) filter (v.event_ts is not null),
            count(*) filter (v.event_ts <= p.event_ts)
        from caused as p left join caused as v
            on v.kind = 'VISIT' and p.impression_id = v.impression_id
        where p.kind = 'PURCHASE'""",
    )
    assert purchases > 150
    assert with_visit / purchases == pytest.approx(0.6, abs=0.15)
    assert before > 0.9 * with_visit
    assert numbers(
        visits_first,
        """
        select sum(m.expected_conversions)
            between 0.999999 * any_value(l.expected_conversions)
            and 1.000001 * any_value(l.expected_conversions)
        from media_returns as m join campaign_lift as l using (conversion_type)
        where window_days = 30 and conversion_type = 'VISIT'""",
    ) == (True,)


def test_visits_before_purchases_are_those_that_the_platform_counts(visits_first) -> None:
    for kind in ("VISIT", "PURCHASE"):
        found, published = numbers(
            visits_first,
            f"""
            select (
                select count(*) from conversions as c where conversion_type = '{kind}' and exists (
                    select 1 from ad_impressions as i where c.household_id = i.household_id
                    and i.event_ts between c.event_ts - interval 14 day and c.event_ts)
            ), (
                select 0.35 * sum(conversions)::double from conversions_daily
                where conversion_type = '{kind}'
            )""",
        )
        assert found == pytest.approx(published, rel=0.1), kind


def test_last_touch_over_the_log_agrees_with_the_count_of_the_platform(log) -> None:
    """Both are drawn from the same rates: they differ by sampling error alone."""
    found = dict(
        log.execute(
            """
            with touched as (
                select c.conversion_id,
                    bool_or(i.is_clicked and i.event_ts >= c.event_ts - interval 30 day) as clicked,
                    bool_or(i.event_ts >= c.event_ts - interval 14 day) as viewed
                from conversions as c
                join ad_impressions as i
                    on c.household_id = i.household_id and i.event_ts <= c.event_ts
                group by c.conversion_id
            )
            select if(clicked, 'POST_CLICK', 'POST_VIEW'), count(*)
            from touched where clicked or viewed group by all"""
        ).fetchall()
    )
    published = dict(
        log.execute(
            "select touch_type::varchar, sum(conversions)::bigint from conversions_daily group by 1"
        ).fetchall()
    )
    assert sum(found.values()) == pytest.approx(sum(published.values()), rel=0.05)
    # The platform's model does not count baseline conversions of clickers for their click.
    assert 0.8 < found["POST_CLICK"] / published["POST_CLICK"] < 2.0


def test_exposed_households_buy_more_anyway_by_two_to_four_times_a_median_lift(log) -> None:
    """So comparing them with others overstates a lift of 3 % three to five times."""
    (claim,) = (Logs(WORLD, CountrySupplies(WORLD))._claim(WORLD.bookings[0]),)
    assert claim is not None
    addressed = sum(part.addressed for part in claim.parts)
    exposed, of_exposed, of_all = numbers(
        log,
        """
        with seen as (select distinct household_id from ad_impressions)
        select (select count(*) from seen),
            sum(conversions_without_ads) filter (household_id in (select household_id from seen)),
            sum(conversions_without_ads)
        from household_outcomes""",
    )
    others = (of_all - of_exposed) / (addressed - exposed)
    assert 1.0 + 2 * 0.03 < of_exposed / exposed / others < 1.0 + 4 * 0.03


def test_no_column_of_a_conversion_gives_its_cause_away(log) -> None:
    """Source, value, device, customer and the delay of the report are alike for all causes."""
    measures = "conversion_source = 'APP'; device_id is null; is_new_customer; value_micros > 30e6"
    measures += "; received_at - event_ts > interval 2 minute; conversion_id < '8'"
    for measure in measures.split("; "):
        shares = log.execute(
            f"""
            select avg(({measure})::int), count(*)
            from conversions join conversion_causes using (conversion_id)
            where click_id is null group by cause = 'CAUSED'"""
        ).fetchall()
        (one, few), (other, many) = sorted(shares, key=lambda row: row[1])
        assert abs(one - other) < 4.0 * (other * (1 - other) * (1 / few + 1 / many)) ** 0.5


def skill_of(columns: Floats, caused: Mask) -> float:
    """How often a logistic regression on one half of the rows ranks a caused conversion of the
    other half above one that comes anyway (AUC)."""
    scaled = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    train, test = np.arange(len(design)) % 2 == 0, np.arange(len(design)) % 2 == 1
    weights = np.zeros(design.shape[1])
    for _ in range(15):
        chance = 1.0 / (1.0 + np.exp(-design[train] @ weights))
        slope = design[train].T @ (caused[train] - chance)
        curve = (design[train] * (chance * (1.0 - chance))[:, None]).T @ design[train]
        weights += np.linalg.solve(curve + 1e-3 * np.eye(weights.size), slope)
    rank = np.empty(test.sum())
    rank[np.argsort(design[test] @ weights)] = np.arange(1, rank.size + 1)
    of_caused = caused[test]
    mean = rank[of_caused].mean() - (of_caused.sum() + 1) / 2
    return float(mean / (~of_caused).sum())


def test_only_timing_helps_a_classifier_to_tell_what_ads_cause(log) -> None:
    """Of conversions without a click by households that saw an ad."""
    table = log.execute(
        """
        with seen as (
            select c.conversion_id, max(i.event_ts) as last_ad, count(*) as ads
            from conversions as c
            join ad_impressions as i
                on c.household_id = i.household_id and i.event_ts <= c.event_ts
            where c.event_ts <= i.event_ts + interval 30 day
            group by c.conversion_id
        )
        select cause = 'CAUSED' as caused,
            ln(epoch(c.event_ts - last_ad) + 60) as since,
            sqrt(epoch(c.event_ts - last_ad)) as root, ads,
            (conversion_source = 'APP')::int as app,
            (conversion_source = 'PHYSICAL_STORE')::int as store,
            (device_id is null)::int as unknown,
            is_new_customer::int as new, ln(value_micros + 1) as value,
            epoch(received_at - c.event_ts) as delay, hour(c.event_ts) as hour,
            dayofweek(c.event_ts) as weekday, ('0x' || left(conversion_id, 4))::int as id,
            (household_id % 1000)::int as household
        from conversions as c
        join seen using (conversion_id)
        join conversion_causes using (conversion_id)
        where click_id is null
        order by conversion_id"""
    ).fetchnumpy()
    caused = table.pop("caused").astype(bool)
    timing = np.column_stack([table.pop(name) for name in ("since", "root", "ads")]).astype(float)
    others = np.column_stack(list(table.values())).astype(float)
    assert caused.sum() > 200
    of_timing = skill_of(timing, caused)
    assert of_timing > 0.6
    assert abs(skill_of(others, caused) - 0.5) < 0.06
    assert skill_of(np.column_stack([timing, others]), caused) < of_timing + 0.03


def test_a_panel_has_rows_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = outcomes_of(WORLD)
    monkeypatch.setattr("generator.log.rows.IMPRESSIONS_AT_ONCE", 7_000)
    panel = outcomes_of(replace(WORLD, log=LogPlan(households=0.05)))
    for table, rows in panel.items():
        ids = whole[table]["conversion_id"]
        kept = whole[table].filter(pa.compute.is_in(ids, rows["conversion_id"]))
        assert rows == kept, table.table_name
        assert 0.04 < rows.num_rows / whole[table].num_rows < 0.06


def test_campaigns_of_an_advertiser_share_what_their_households_do_anyway() -> None:
    """Each conversion is reported once, also where two campaigns address its household, and a
    campaign has the same ones alone."""
    world = build_world(Library().dataset("complete").with_log(0.004))
    first, second = (
        replace(booking, campaign=booking.campaign.model_copy(update={"advertiser_id": 6}))
        for booking in world.bookings[5:7]
    )
    both = replace(world, bookings=[first, second])
    alone = [outcomes_of(replace(world, bookings=[booking])) for booking in (first, second)]
    made = [outcomes_of(both, position) for position in (0, 1)]
    ids = [np.array(found[Conversion]["conversion_id"]) for found in made]
    assert np.intersect1d(*ids).size == 0
    of_alone = [np.array(found[Conversion]["conversion_id"]) for found in alone]
    assert np.array_equal(ids[0], of_alone[0])
    shared = np.intersect1d(*of_alone)
    assert shared.size > 20
    assert np.array_equal(np.union1d(ids[1], shared), np.unique(of_alone[1]))


def test_a_region_may_have_any_code(tmp_path: Path) -> None:
    """Such as that of a custom platform, with a space in it."""
    (tmp_path / "platforms").mkdir()
    (tmp_path / "platforms" / "mine.yml").write_text(
        "extends: netflix_like\n"
        "countries: {US: {regions: {'803': {name: LA, share: 0.02, zone: America/Los_Angeles},\n"
        "  The Bay: {name: The Bay, share: 0.02, zone: America/Los_Angeles}}}}\n"
    )
    plan = copy.deepcopy(BUYERS)
    plan["campaign"] |= {"platform": "mine"}
    plan["line_items"][0]["targeting"] |= {"GEO_DMA": ["803", "The Bay"]}
    data = Library(tmp_path).dataset_of_mapping(plan).with_seed(10).with_log(0.02)
    returns = tables_of(build_world(data))["media_returns"]
    assert set(returns.column("region_code").to_pylist()) == {"803", "The Bay"}


def test_nothing_is_reported_without_a_log_or_of_campaigns_that_count_nothing() -> None:
    without = tables_of(replace(WORLD, log=LogPlan()))
    names = {"conversions", "conversion_causes", "campaign_lift", "household_outcomes"}
    assert names.isdisjoint(without)
    counting_nothing = tables_of(build_world(Library().dataset("smoke").with_log(0.01)))
    assert names.isdisjoint(counting_nothing)


def test_a_removed_campaign_takes_what_it_caused_and_leaves_the_baseline(tmp_path: Path) -> None:
    file = tmp_path / "ads.duckdb"
    local.run(replace(WORLD, log=LogPlan(households=0.1)), DuckdbSink(file, TABLES))
    query = """
        select count(*) filter (cause = 'BASELINE'), count(*) filter (cause <> 'BASELINE'),
            count(*) = (select count(*) from raw.conversions),
            bool_and(household_id in (select household_id from raw.households))
        from raw.conversions join truth.conversion_causes using (conversion_id)"""
    with duckdb.connect(str(file), read_only=True) as connection:
        baseline, caused, *_ = numbers(connection, query)
    assert caused > 0
    removed = remove_campaign(file, 1)
    assert removed["conversions"] == removed["conversion_causes"] == caused
    with duckdb.connect(str(file), read_only=True) as connection:
        assert numbers(connection, query) == (baseline, 0, True, True)
