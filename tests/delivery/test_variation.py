"""Rates differ between those who buy and between days, around the platform's figures."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from generator.clock import day_number, hours_of
from generator.delivery.odds import centre, chances, odds_table
from generator.delivery.supply import click_habit, country_supply
from generator.delivery.variation import (
    RATES,
    Booked,
    effects_in_time,
    entity_effects,
    reasons,
    steps_of,
)
from generator.enums import AdFormat, Industry, Objective, TargetingKey
from generator.platform.life import Life, Preset
from generator.scenario.templates import dataset, platform
from generator.world.build import build_world

PLATFORM = platform("netflix_like")
CALM = PLATFORM.with_life(Life(preset=Preset.CALM))
BOOKING = build_world(dataset("complete")).bookings[3]
ITEM = BOOKING.line_items[0]
ONE = Booked(BOOKING.campaign, BOOKING.industry, ITEM.line_item, ITEM.creatives[0])
YEAR = hours_of(day_number(date(2025, 1, 1)), day_number(date(2025, 12, 31)))
STEPS = steps_of(YEAR)
COMPLETION, CLICK, VIEWABLE = (RATES.index(rate) for rate in ("completion", "click", "viewable"))


def many(count: int) -> list[Booked]:
    """As many creatives, each with a separate advertiser and campaign."""
    return [
        Booked(
            ONE.campaign.model_copy(update={"campaign_id": number, "advertiser_id": number}),
            ONE.industry,
            ONE.line_item,
            ONE.creative.model_copy(update={"creative_id": number}),
        )
        for number in range(1, count + 1)
    ]


def test_the_spread_between_creatives_is_that_of_the_levels() -> None:
    random, variance = entity_effects(PLATFORM, many(3000), seed=1)
    for rate, name in enumerate(RATES):
        spread = getattr(PLATFORM.variation, name)
        levels = ("advertiser", "campaign", "creative", "creative_by_device")
        expected = np.sqrt(sum(getattr(spread, level) ** 2 for level in levels))
        assert random[rate].std() == pytest.approx(expected, rel=0.06), name
        in_all = expected**2 + spread.vendor**2 + spread.day**2
        assert variance[rate] == pytest.approx(in_all)


def test_rates_are_correlated_within_a_device_and_across_devices() -> None:
    random, _ = entity_effects(PLATFORM, many(3000), seed=1)
    within = np.corrcoef([random[COMPLETION, :, 1], random[CLICK, :, 1], random[VIEWABLE, :, 1]])
    assert -0.35 < within[0, 1] < -0.08
    assert 0.2 < within[0, 2] < 0.5
    across = np.corrcoef(random[COMPLETION, :, 0], random[COMPLETION, :, 1])[0, 1]
    assert 0.3 < across < 0.9


def test_the_platforms_rates_stay_the_means() -> None:
    random, variance = entity_effects(PLATFORM, many(4000), seed=2)
    moves = effects_in_time(PLATFORM, 7, STEPS, seed=2)
    for rate, of_platform in ((VIEWABLE, 0.935), (COMPLETION, 0.8), (RATES.index("invalid"), 0.05)):
        log_odds = centre(np.full(4000, of_platform), float(variance[rate])) + random[rate, :, 0]
        moving = moves[rate, np.arange(4000) % STEPS.size, 0]
        assert chances(log_odds + moving).mean() == pytest.approx(of_platform, rel=0.03)


def test_any_steps_of_a_campaign_are_a_slice_of_all() -> None:
    whole = effects_in_time(PLATFORM, 7, STEPS, seed=3)
    part = effects_in_time(PLATFORM, 7, STEPS[500:900], seed=3)
    assert (whole[:, 500:900] == part).all()


def test_days_remember_and_campaigns_share_a_part_of_them() -> None:
    day = PLATFORM.variation.viewable.day
    one = effects_in_time(PLATFORM, 7, STEPS, seed=4)[VIEWABLE, :, 0]
    other = effects_in_time(PLATFORM, 8, STEPS, seed=4)[VIEWABLE, :, 0]
    assert one.std() == pytest.approx(day, rel=0.15)
    assert np.corrcoef(one[4:], one[:-4])[0, 1] == pytest.approx(0.9**4, abs=0.12)
    shared = PLATFORM.variation.shared_by_platform
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(shared, abs=0.15)


def test_a_day_begins_without_a_seam() -> None:
    one = effects_in_time(PLATFORM, 7, STEPS, seed=5)[VIEWABLE, :, 0]
    steps = np.abs(np.diff(one)).reshape(-1)[: 4 * 364].reshape(-1, 4).mean(axis=0)
    assert steps.max() < 1.25 * steps.min()


def test_a_calm_platform_has_its_rates_and_nothing_else() -> None:
    table = odds_table(CALM, [ONE], seed=1)
    assert not effects_in_time(CALM, 7, STEPS, seed=1).any()
    odds, _ = table.in_time(np.arange(4), np.zeros((len(RATES), 1, 4)))
    assert odds.viewable == pytest.approx(PLATFORM.quality.viewability_rate.in_order())
    assert odds.click == pytest.approx(table.odds.click)
    assert (click_habit(CALM, "US", YEAR) == 1.0).all()


def test_files_that_render_less_lose_no_more_to_invalid_traffic_and_machines_do() -> None:
    table = odds_table(PLATFORM, [ONE], seed=1)
    moves = np.zeros((len(RATES), 2, 4))
    moves[RATES.index("render"), 1] = 2.0
    broken, _ = table.in_time(np.arange(4), moves)
    watched, _ = table.in_time(np.arange(4), moves, machines=moves[RATES.index("render")])
    for odds, times in ((broken, 1.0), (watched, 4.0)):
        before, after = (odds.lost_render * odds.invalid_of_render_loss).reshape(2, 4)
        assert (after > 0.99 * times * before).all()
        assert (after < 1.6 * times * before).all()
    lost = broken.lost_render.reshape(2, 4)
    assert (lost[1] > 3 * lost[0]).all()
    calm = odds_table(CALM, [ONE], seed=1)
    odds, _ = calm.in_time(np.arange(4), np.zeros((len(RATES), 1, 4)))
    assert odds.invalid_of_render_loss == pytest.approx(calm.odds.invalid_of_render_loss)


def test_what_was_booked_explains_clicks() -> None:
    asked = Booked(
        ONE.campaign.model_copy(update={"objective": Objective.CONVERSION}),
        Industry.RETAIL,
        ONE.line_item.model_copy(update={"ad_format": AdFormat.INTERACTIVE_OVERLAY}),
        ONE.creative.model_copy(update={"duration_seconds": 15, "qr_code_url": None}),
    )
    longer = Booked(
        asked.campaign,
        asked.industry,
        asked.line_item.model_copy(update={"targeting": '{"CONTENT_GENRE": ["HORROR"]}'}),
        asked.creative.model_copy(update={"duration_seconds": 30}),
    )
    figures = PLATFORM.effects.click
    plain = asked.line_item.model_copy(update={"targeting": "{}"})
    untargeted = Booked(asked.campaign, asked.industry, plain, asked.creative)
    effects = reasons(PLATFORM, [untargeted, longer], seed=1)
    expected = figures.industry[Industry.RETAIL] + figures.objective[Objective.CONVERSION]
    expected += figures.ad_format[AdFormat.INTERACTIVE_OVERLAY]
    assert effects[CLICK, 0] == pytest.approx(expected)
    genre = effects[CLICK, 1] - effects[CLICK, 0] - figures.per_doubling_of_duration
    assert 0 < abs(genre) < 4 * figures.genre_sd
    assert not reasons(CALM, [asked, longer], seed=1).any()


def test_an_audience_that_is_named_clicks_and_completes_as_it_does() -> None:
    def of(targeting: str) -> Booked:
        line_item = ONE.line_item.model_copy(update={"targeting": targeting})
        return Booked(ONE.campaign, ONE.industry, line_item, ONE.creative)

    everyone, cars, old, young = reasons(
        PLATFORM,
        [
            of("{}"),
            of('{"INTEREST_CATEGORY": ["AUTO"]}'),
            of('{"AGE_RANGE": ["65+"]}'),
            of('{"AGE_RANGE": ["18-24"]}'),
        ],
        seed=1,
    )[[CLICK, COMPLETION]].T
    added = PLATFORM.effects.click.targeted[TargetingKey.INTEREST_CATEGORY]
    assert cars - everyone == pytest.approx([added, 0])
    factors = PLATFORM.audience.factors
    for position, by_age in enumerate((factors.click_by_age, factors.completion_by_age)):
        apart = by_age["65+"] - by_age["18-24"]
        assert old[position] - young[position] == pytest.approx(apart)
        assert old[position] > everyone[position] > young[position]


@pytest.mark.parametrize("feature", ["industry", "objective", "ad_format"])
def test_what_features_explain_leaves_the_means_of_the_market(feature: str) -> None:
    assert PLATFORM.booking_mix is not None
    mix: dict[str, float] = getattr(PLATFORM.booking_mix, feature)
    clicks = getattr(PLATFORM.effects.click, feature)
    completion = getattr(PLATFORM.effects.completion, feature)
    times = sum(share * np.exp(clicks[on]) for on, share in mix.items())
    assert times == pytest.approx(1, abs=0.02)
    log_odds = sum(share * completion.get(on, 0.0) for on, share in mix.items())
    assert log_odds == pytest.approx(0, abs=0.01)


def test_people_click_at_midday_and_not_in_the_evening() -> None:
    supply = country_supply(PLATFORM, "GB", YEAR[: 24 * 28], seed=1)
    by_hour = supply.click_habit.reshape(-1, 24).mean(axis=0)
    assert by_hour[12] > 1.1 * by_hour[21]
    watched = supply.forecast.sum(axis=1)
    assert np.average(supply.click_habit, weights=watched) == pytest.approx(1, abs=0.01)
