"""Bookings carry the marks of people: dates, money, customers, seasons, plans; and in a calm world
they carry none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import correlation
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.clock import date_of, day_number, month_of
from generator.enums import BudgetType, Currency, Objective, Status
from generator.market.build import build_market
from generator.market.money import card_price, even_shares, round_budget
from generator.market.outline import MarketOutline, market_outline
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Dataset, Library, platform
from generator.schema.booking import Booking
from generator.world.world import World

CAMPAIGNS = 1500
SEGMENTS = ("CONTENT_GENRE", "INTEREST_CATEGORY")


def world_of(*sets: str) -> World:
    changes = [parse_override(change) for change in (f"market.campaigns={CAMPAIGNS}", *sets)]
    return build_market(Library().dataset("market", changes))


@pytest.fixture(scope="module")
def world() -> World:
    return world_of()


@pytest.fixture(scope="module")
def bookings(world: World) -> Sequence[Booking]:
    return world.bookings[:]


@pytest.fixture(scope="module")
def calm() -> Sequence[Booking]:
    return world_of("life.preset=calm").bookings[:]


def share(answers: Sequence[bool]) -> float:
    return sum(answers) / len(answers)


def starts_on(bookings: Sequence[Booking], weekday: int) -> float:
    return share([booking.flights[0].start_date.weekday() == weekday for booking in bookings])


def test_flights_begin_on_mondays_and_first_days_of_months(bookings, calm) -> None:
    assert 0.30 < starts_on(bookings, 0) < 0.50
    assert starts_on(bookings, 6) < 0.09
    assert share([booking.flights[0].start_date.day == 1 for booking in bookings]) > 0.12
    assert starts_on(calm, 0) < 0.2


def test_budgets_are_round_and_paid_in_whole_units(bookings, calm) -> None:
    def whole_thousands(of: Sequence[Booking]) -> float:
        return share([booking.budget.amount_micros % 1_000_000_000 == 0 for booking in of])

    assert 0.5 < whole_thousands(bookings) < 0.9
    assert whole_thousands(calm) < 0.05
    for booking in (*bookings, *calm):
        unit = booking.campaign.currency_code.smallest_unit
        assert booking.budget.amount_micros % round(unit * 1_000_000) == 0


def test_prices_are_on_a_rate_card(bookings, calm) -> None:
    def in_quarters(of: Sequence[Booking]) -> float:
        in_usd = [one.campaign for one in of if one.campaign.currency_code is Currency.USD]
        return share([campaign.target_cpm_micros % 250_000 == 0 for campaign in in_usd])

    assert in_quarters(bookings) > 0.8
    assert in_quarters(calm) < 0.15


def test_orders_are_placed_in_office_hours_of_the_advertiser(world, bookings) -> None:
    zones = [ZoneInfo(advertiser.time_zone) for advertiser in world.advertisers]
    moments = [
        booking.campaign.created_at.replace(tzinfo=ZoneInfo("UTC")).astimezone(
            zones[booking.campaign.advertiser_id - 1]
        )
        for booking in bookings
    ]
    assert {moment.hour for moment in moments} == set(range(9, 18))
    assert share([moment.weekday() >= 5 for moment in moments]) < 0.05


def test_ids_follow_the_order_of_creation(world, bookings) -> None:
    for rows in ([booking.campaign for booking in bookings], world.advertisers[:]):
        assert all(one.created_at <= other.created_at for one, other in pairwise(rows))


def test_an_advertiser_exists_before_it_orders_and_has_a_brand_of_its_own(world, bookings) -> None:
    advertisers = world.advertisers[:]
    for booking in bookings:
        buyer = advertisers[booking.campaign.advertiser_id - 1]
        assert buyer.created_at < booking.campaign.created_at
        assert booking.campaign.created_at.date() < booking.flights[0].start_date
    assert len({advertiser.brand for advertiser in advertisers}) == len(advertisers)
    assert all(advertiser.created_at <= advertiser.updated_at for advertiser in advertisers)


def test_customers_come_and_go(world, bookings) -> None:
    advertisers = world.advertisers[:]
    opens = day_number(bookings[0].flights[0].start_date)
    is_new = [day_number(advertiser.created_at.date()) >= opens for advertiser in advertisers]
    assert 0.1 < share(is_new) < 0.35
    last_start: dict[int, object] = {}
    for booking in bookings:
        last_start[booking.campaign.advertiser_id] = booking.flights[0].start_date
    lost = [one for one in advertisers if one.status is Status.PAUSED]
    assert 0.02 < len(lost) / len(advertisers) < 0.25
    as_of = world.run.as_of_date
    assert all(last_start[one.advertiser_id] < as_of - timedelta(days=90) for one in lost)


def gini(amounts: np.ndarray) -> float:
    ranks = 2 * np.arange(1, amounts.size + 1) - amounts.size - 1
    return float((ranks * np.sort(amounts)).sum() / (amounts.size * amounts.sum()))


def booked_money(data: Dataset, outline: MarketOutline) -> np.ndarray:
    """Return what each campaign of an outline costs at the price level of its country, in USD."""
    in_usd = {"JPY": 150.0, "KRW": 1350.0, "MXN": 18.0, "BRL": 5.5}
    prices = np.zeros((len(data.market.platforms), len(outline.countries)))
    for position, name in enumerate(data.market.platforms):
        for code, country in data.platforms[name].countries.items():
            price = country.cpm_level / in_usd.get(country.currency, 1.0)
            prices[position, outline.countries.index(code)] = price
    sizes = outline.share * outline.use * outline.opportunities
    return sizes * prices[outline.platform, outline.country]


@pytest.mark.parametrize(("preset", "low", "high"), [("realistic", 0.75, 0.92), ("calm", 0, 0.72)])
def test_a_few_advertisers_spend_most(preset: str, low: float, high: float) -> None:
    data = Library().dataset(
        "market",
        [parse_override("market.campaigns=10000"), parse_override(f"life.preset={preset}")],
    )
    outline = market_outline(data.market, data.platforms, data.seed)
    spend = booked_money(data, outline)
    assert low < gini(np.bincount(outline.advertiser - 1, spend)) < high


def test_a_global_advertiser_books_in_several_countries(world, bookings) -> None:
    countries: dict[int, set[str]] = {}
    for booking in bookings:
        (country,) = booking.line_items[0].line_item.targeting_lists()["GEO_COUNTRY"]
        countries.setdefault(booking.campaign.advertiser_id, set()).add(country)
    abroad = [advertiser for advertiser, found in countries.items() if len(found) > 1]
    assert 0.01 < len(abroad) / len(world.advertisers) < 0.06
    assert max(len(found) for found in countries.values()) >= 4


def booked_by_quarter(*sets: str) -> np.ndarray:
    """Return the money booked for the days of each quarter of the year."""
    changes = [parse_override(change) for change in ("market.campaigns=10000", *sets)]
    data = Library().dataset("market", changes)
    outline = market_outline(data.market, data.platforms, data.seed)
    money = booked_money(data, outline)
    days = outline.last_day - outline.first_day + 1
    total = np.zeros(4)
    for first, length, spend in zip(outline.first_day, days, money, strict=True):
        quarters = month_of(np.arange(first, first + length)) // 3
        total += np.bincount(quarters, minlength=4) * spend / length
    return total


def test_demand_has_seasons_and_grows() -> None:
    first, _, _, fourth = booked_by_quarter()
    assert 1.15 < fourth / first < 1.45
    first, _, _, fourth = booked_by_quarter("life.demand=0")
    assert fourth / first < 1.12


def test_industries_have_seasons_of_their_own() -> None:
    data = Library().dataset("market", [parse_override("market.campaigns=10000")])
    outline = market_outline(data.market, data.platforms, data.seed)
    industries = list(platform("netflix_like").booking_mix.industry)
    industry = outline.customers.industry[outline.advertiser - 1]
    month = month_of(outline.first_day) + 1

    def part(name: str, *months: int) -> float:
        here = industry == industries.index(name)
        return float(np.isin(month[here], months).mean())

    everyone = float(np.isin(month, [11, 12]).mean())
    assert part("RETAIL", 11, 12) > 1.2 * everyone
    assert part("TRAVEL", 1, 2) > part("RETAIL", 1, 2)


def test_no_one_targets_so_few_households_that_they_meet_a_campaign_too_often(bookings) -> None:
    for booking in bookings:
        model = platform(booking.campaign.platform)
        days = sum((one.end_date - one.start_date).days + 1 for one in booking.flights)
        daily = booking.budget.budget_type is BudgetType.DAILY
        spend = booking.budget.amount_micros * (days if daily else 1)
        impressions = 1000 * spend / booking.campaign.target_cpm_micros
        for item in booking.line_items:
            lists = dict(item.line_item.targeting_lists())
            (country,) = lists.pop("GEO_COUNTRY")
            lists.pop("DEVICE", None)
            addressed = float(model.countries[country].households)
            for key, named in lists.items():
                shares = model.segment_shares(key, country)
                addressed *= sum(shares[segment] for segment in named)
            most = 1.25 * model.booking_mix.most_per_household * addressed
            assert impressions < most or not lists.keys() - {"GEO_DMA"}


def contiguous(bookings: Sequence[Booking]) -> float:
    """Return how many lists of two or more genres or interests are slices of the platform file."""
    figures = platform("netflix_like")
    slices = []
    for booking in bookings:
        for item in booking.line_items:
            for key in SEGMENTS:
                named = item.line_item.targeting_lists().get(key, [])
                places = [list(figures.segment_shares(key)).index(one) for one in named]
                if len(places) > 1:
                    slices.append(max(places) - min(places) == len(places) - 1)
    return share(slices)


def test_targeting_is_what_planners_want_and_no_slice_of_a_file(bookings) -> None:
    assert contiguous(bookings) < 0.15


def test_an_industry_names_the_interests_that_suit_it(world, bookings) -> None:
    industry = {one.advertiser_id: one.industry for one in world.advertisers}
    named: dict[bool, list[bool]] = {True: [], False: []}
    for booking in bookings:
        is_car = industry[booking.campaign.advertiser_id] == "AUTOMOTIVE"
        for item in booking.line_items:
            interests = item.line_item.targeting_lists().get("INTEREST_CATEGORY")
            if interests:
                named[is_car].append("AUTO" in interests)
    assert share(named[True]) > 3 * share(named[False])


def test_the_objective_depends_on_the_industry(world, bookings, calm) -> None:
    def conversions(of: Sequence[Booking], among: World, industries: set[str]) -> float:
        industry = {one.advertiser_id: one.industry for one in among.advertisers}
        return share(
            [
                one.campaign.objective is Objective.CONVERSION
                for one in of
                if industry[one.campaign.advertiser_id] in industries
            ]
        )

    direct = {"FINANCE", "RETAIL", "TELECOM"}
    brands = {"CONSUMER_GOODS", "FOOD_BEVERAGE"}
    assert conversions(bookings, world, direct) > 2.5 * conversions(bookings, world, brands)
    quiet = world_of("life.preset=calm")
    assert conversions(calm, quiet, direct) < 2 * conversions(calm, quiet, brands)


def test_line_items_share_the_budget_unevenly_in_even_steps(bookings) -> None:
    several = [one for one in bookings if len(one.line_items) > 1]
    shares = [[item.line_item.budget_share for item in one.line_items] for one in several]
    assert share([max(of) - min(of) > 0.01 for of in shares]) > 0.7
    for of in shares:
        assert sum(of) == pytest.approx(1, abs=1e-9)
        assert all(round(part / 0.05, 6) == round(part / 0.05) for part in of)


def test_frequency_caps_are_of_many_kinds(bookings) -> None:
    caps = Counter(
        (cap.max_impressions, cap.time_unit, cap.time_units)
        for booking in bookings
        for cap in booking.frequency_caps
    )
    assert len(caps) >= 8


def test_what_is_optional_is_filled_in_by_most(bookings) -> None:
    numbers = [booking.campaign.external_ref for booking in bookings]
    assert 0.05 < share([number is None for number in numbers]) < 0.2
    given = [
        (booking.campaign.advertiser_id, number)
        for booking, number in zip(bookings, numbers, strict=True)
        if number is not None
    ]
    assert len(set(given)) == len(given), "an advertiser numbers its orders"
    tiers = Counter(item.line_item.geo_tier for one in bookings for item in one.line_items)
    assert len(tiers) == 3


def test_buying_platforms_are_not_equally_large(bookings) -> None:
    dsps = Counter(one.campaign.dsp_partner for one in bookings if one.campaign.dsp_partner)
    (_, most), *_, (_, least) = dsps.most_common()
    assert most > 2.5 * least


def test_names_tell_campaigns_apart_in_the_style_of_their_buyers(world, bookings) -> None:
    names = [booking.campaign.name for booking in bookings]
    assert len(set(names)) > 0.93 * len(names)
    separators = Counter(
        next((one for one in (" | ", " - ", "_", "-") if one in name), "") for name in names
    )
    assert len(separators) >= 4
    brands = {one.advertiser_id: one.brand.upper() for one in world.advertisers}
    with_brand = [
        brands[one.campaign.advertiser_id] in one.campaign.name.upper() for one in bookings
    ]
    assert 0.97 < share(with_brand) < 1


def test_the_frame_rate_is_that_of_the_country(bookings) -> None:
    def of_25(countries: set[str]) -> float:
        return share(
            [
                creative.frame_rate == 25.0
                for booking in bookings
                for item in booking.line_items
                if set(item.line_item.targeting_lists()["GEO_COUNTRY"]) <= countries
                for creative in item.creatives
                if creative.frame_rate is not None
            ]
        )

    assert of_25({"GB", "DE", "FR", "ES", "IT", "AU"}) > 0.75
    assert of_25({"US", "CA", "MX", "BR", "JP", "KR"}) < 0.12


def test_larger_advertisers_pay_less_and_longer_films_cost_more(bookings) -> None:
    """Log price in its country on the length of the first film, of what is booked directly."""
    lengths, prices = [], []
    for booking in bookings:
        first = booking.line_items[0]
        if booking.campaign.buy_type != "DIRECT_IO" or first.creatives[0].duration_seconds is None:
            continue
        (country,) = first.line_item.targeting_lists()["GEO_COUNTRY"]
        level = platform(booking.campaign.platform).countries[country].cpm_level
        lengths.append(np.log(first.creatives[0].duration_seconds))
        prices.append(np.log(booking.campaign.target_cpm_micros / 1e6 / level))
    assert correlation(lengths, prices) > 0.2


@given(
    amount=st.floats(0.001, 1e11),
    digits=st.integers(1, 15),
    currency=st.sampled_from(list(Currency)),
    room=st.floats(1.0, 2.0),
)
def test_a_round_budget_is_near_and_can_be_paid(
    amount: float, digits: int, currency: Currency, room: float
) -> None:
    rounded = round_budget(amount, digits, currency, most=amount * room)
    unit = currency.smallest_unit
    assert rounded >= unit
    assert round(rounded * 100) % round(unit * 100) == 0
    if amount >= 100 * unit:
        assert 0.75 * amount <= rounded <= amount * room + unit
        assert rounded < 1.25 * amount + unit


@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9))
def test_even_shares_add_up_to_one(weights: list[float]) -> None:
    shares = even_shares(weights, step=0.05)
    assert sum(shares) == pytest.approx(1, abs=1e-9)
    assert min(shares) >= 0.05


@given(cpm=st.floats(0.01, 1e5), step=st.sampled_from([0.01, 0.25, 0.5, 1.0]))
def test_a_card_price_is_a_price_of_whole_micros(cpm: float, step: float) -> None:
    price = card_price(cpm, step, level=cpm)
    assert price > 0
    assert abs(price * 1000 - round(price * 1000)) < 1e-6


def test_a_daily_budget_is_round_by_the_day(bookings) -> None:
    daily = [one.budget for one in bookings if one.budget.budget_type is BudgetType.DAILY]
    assert share([budget.amount_micros % 100_000_000 == 0 for budget in daily]) > 0.4


def test_no_flight_leaves_the_market(world, bookings) -> None:
    first, last = (date_of(int(day)) for day in world.outline.days[[0, -1]])
    for booking in bookings:
        assert first <= booking.flights[0].start_date <= booking.flights[-1].end_date <= last
