"""Conversions follow from a model of people: what is expected in closed form is what households
that are drawn one by one do, and what is counted is drawn around it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from generator.api import tables
from generator.arrays import CountError
from generator.clock import day_number
from generator.delivery.conversions import (
    DAYS_A_MONTH,
    CountingCampaign,
    Touches,
    after_lag,
    conversions_batch,
    counting_campaign,
    expected_conversions,
    lag_by_day,
    last_touches,
    lift,
)
from generator.enums import ConversionType, Industry, Objective, TouchType
from generator.pipeline.parts import all_pieces
from generator.scenario.models import ConversionsPlan, platform_problems
from generator.scenario.templates import dataset, platform
from generator.schema import ConversionsDaily
from generator.schema.booking import Booking, ConversionCount, ConversionGoal
from generator.world.build import build_world
from generator.world.world import World

PLATFORM = platform("netflix_like")
FIGURES = PLATFORM.conversions
assert FIGURES is not None
# New accounts of a bank, 92 days, two creatives on phones and desktops.
COMPLETE = dataset("complete")
SCENARIO = COMPLETE.scenarios[2]
BOOKING = build_world(COMPLETE).bookings[2]
GOAL = ConversionGoal(ConversionType.PURCHASE, 0.28, 0.05, 40.0)
COUNT = ConversionCount((GOAL,), click_window_days=30, view_window_days=14)
HOUSEHOLDS, A_DAY = 100_000, 1_500.0


def campaign_with(booking: Booking = BOOKING, seed: int = 1, **changes) -> CountingCampaign:
    """The campaign of the bank with these details."""
    days = sum((one.end_date - one.start_date).days + 1 for one in booking.flights)
    usual = counting_campaign(
        replace(booking, counted=COUNT), PLATFORM, HOUSEHOLDS, A_DAY * days, seed
    )
    assert usual is not None
    return replace(usual, **changes)


def touches(days: int, clicks: float = 0.0, tail: int = 30) -> Touches:
    """The same impressions on each day, watched to the end, by two creatives on two devices."""
    shown = np.zeros((2, days + tail))
    shown[0, :days], shown[1, :days] = A_DAY / 3, 2 * A_DAY / 3
    creative_ids = [creative.creative_id for creative in BOOKING.line_items[0].creatives]
    return Touches(
        first_day=day_number(date(2025, 10, 1)),
        line_item_id=np.array([301, 301]),
        creative_id=np.array(creative_ids),
        device=np.array([1, 3]),
        impressions=shown,
        seen=shown,
        clicks=shown * clicks,
    )


@pytest.mark.parametrize(
    ("lag", "within", "share"),
    [("click_lag", 7, 0.75), ("click_lag", 14, 0.89), ("view_lag", 7, 0.98), ("view_lag", 14, 1.0)],
)
def test_lags_meet_the_published_anchors(lag: str, within: int, share: float) -> None:
    by_day = lag_by_day(getattr(FIGURES, lag), FIGURES.longest_lag_days, within)
    assert by_day.sum() == pytest.approx(share, abs=0.01)


def test_all_that_is_caused_comes_within_the_longest_lag() -> None:
    for lag in (FIGURES.click_lag, FIGURES.view_lag):
        by_day = lag_by_day(lag, FIGURES.longest_lag_days, FIGURES.longest_lag_days)
        assert by_day.sum() == pytest.approx(1.0)
        assert (by_day >= 0.0).all()
        caused = after_lag(np.array([[5.0, *np.zeros(FIGURES.longest_lag_days)]]), by_day)
        assert caused.sum() == pytest.approx(5.0)


def test_lags_are_those_of_touches_drawn_one_by_one() -> None:
    draws = np.random.default_rng(1)
    size = 400_000
    hours = draws.choice(
        [part.hours for part in FIGURES.click_lag],
        size,
        p=[part.share for part in FIGURES.click_lag],
    )
    mean = hours / 24.0
    most = -np.expm1(-FIGURES.longest_lag_days / mean)
    lag = -mean * np.log1p(-draws.uniform(size=size) * most)
    counted = lag <= 14
    days = np.floor(draws.uniform(size=lag.size)[counted] + lag[counted]).astype(int)
    drawn = np.bincount(days, minlength=15) / lag.size
    by_day = lag_by_day(FIGURES.click_lag, FIGURES.longest_lag_days, 14)
    assert drawn == pytest.approx(by_day, abs=0.003)


def test_last_touches_are_those_of_households_drawn_one_by_one() -> None:
    """Households watch by a gamma law; impressions come to them at even times of each day."""
    draws = np.random.default_rng(2)
    households, days, window, shape, exponent = 60_000, 12, 5, 0.6, 0.5
    by_lane = np.array([[6_000.0] * 4 + [0.0] * 3 + [9_000.0] * 5, [3_000.0] * 8 + [0.0] * 4])
    activity = draws.gamma(shape, 1.0 / shape, households)
    weight = activity**exponent
    weight /= weight.mean()
    times, lanes, people = [], [], []
    for lane, day in np.ndindex(by_lane.shape):
        count = draws.poisson(by_lane[lane, day] * activity / activity.sum())
        who = np.repeat(np.arange(households), count)
        people.append(who)
        times.append(day + draws.uniform(size=who.size))
        lanes.append(np.full(who.size, lane))
    order = np.argsort(np.concatenate(times))
    time, lane, person = (np.concatenate(one)[order] for one in (times, lanes, people))
    found = np.zeros(by_lane.shape)
    for day in range(days):
        # A household converts at an even time of the day; one time each is enough.
        moment = day + draws.uniform(size=households)
        known = (time < moment[person]) & (time >= moment[person] - window)
        last = np.full(households, -1)
        last[person[known]] = lane[known]
        for of_lane in range(2):
            found[of_lane, day] = weight[last == of_lane].sum()
    closed = last_touches(by_lane, households, shape, exponent, window)
    assert found.sum() == pytest.approx(closed.sum(), rel=0.02)
    assert found == pytest.approx(closed, rel=0.08, abs=150)


def test_what_is_caused_is_the_lift_of_what_reached_households_do_anyway() -> None:
    days = 92
    campaign = campaign_with(seed=5)
    done = touches(days)
    more = lift(campaign, GOAL)
    caused = expected_conversions(campaign, GOAL, done).caused_view.sum()
    mean = A_DAY * days / HOUSEHOLDS
    reached = HOUSEHOLDS * -np.expm1(-campaign.shape_k * np.log1p(mean / campaign.shape_k))
    baseline = reached * GOAL.monthly_rate / DAYS_A_MONTH * days
    assert more > 0.0
    # Creatives differ, and wear out is not that of the mean exposure.
    assert caused == pytest.approx(more * baseline, rel=0.25)


def test_lifts_have_the_median_and_the_zeros_of_experiments() -> None:
    lifts = np.array([lift(campaign_with(seed=seed), GOAL) for seed in range(2000)])
    assert (lifts == 0.0).mean() == pytest.approx(FIGURES.lift.none, abs=0.02)
    some = np.log(lifts[lifts > 0.0])
    assert np.exp(np.median(some)) == pytest.approx(0.03, rel=0.08)
    assert some.std() == pytest.approx(FIGURES.lift.log_sd, rel=0.05)


@pytest.mark.parametrize("mean", [0.2, 0.5, 1.0])
def test_comparing_exposed_with_unexposed_overstates_a_median_lift_three_to_five_times(
    mean: float,
) -> None:
    shape, exponent = PLATFORM.reach.shape_k, FIGURES.activity_exponent
    impressions = np.array([[2.0 * mean * HOUSEHOLDS]])  # half of a day is before its conversions
    reached = last_touches(impressions, HOUSEHOLDS, shape, 0.0, 14).item() / HOUSEHOLDS
    weight = last_touches(impressions, HOUSEHOLDS, shape, exponent, 14).item() / HOUSEHOLDS
    exposed, unexposed = weight / reached, (1.0 - weight) / (1.0 - reached)
    true = FIGURES.lift.median[ConversionType.PURCHASE]
    naive = exposed * (1.0 + true) / unexposed - 1.0
    assert 3.0 < naive / true < 5.5


def test_counts_are_drawn_around_what_is_expected_and_each_day_alone() -> None:
    campaign = campaign_with()
    done = touches(92, clicks=0.02)
    expectation = expected_conversions(campaign, GOAL, done)
    horizon = done.first_day + done.impressions.shape[1]
    rows = conversions_batch([(campaign, done)], horizon)
    for touch in TouchType:
        drawn = rows.filter(pc.field("touch_type").cast("string") == str(touch))
        mean = expectation.of(touch).sum()
        assert mean > 100.0
        assert total(drawn, "conversions") == pytest.approx(mean, abs=4.0 * mean**0.5)
    assert total(rows, "value_micros") / 1e6 / total(rows, "conversions") == pytest.approx(
        GOAL.value, rel=0.05
    )
    early = conversions_batch([(campaign, done)], horizon - 60)
    assert early.to_pylist() == rows.slice(0, early.num_rows).to_pylist()


def total(rows: pa.RecordBatch, column: str) -> int:
    """The sum of a column."""
    return int(pc.sum(rows[column]).as_py())


def test_a_campaign_is_counted_alike_alone_and_with_others() -> None:
    world = build_world(COMPLETE)

    def rows(some: World) -> list[dict[str, Any]]:
        pieces = all_pieces(some, (ConversionsDaily,))
        batches = [batch for table, batch in pieces if table is ConversionsDaily]
        return pa.Table.from_batches(batches).to_pylist()

    alone = rows(world.only(["nexbank_conversion", "multi_device_advanced"]))
    assert len(alone) > 500
    assert alone == [row for row in rows(world) if row["campaign_id"] in (3, 7)]


def test_a_campaign_for_conversions_counts_them_and_others_do_so_less_often() -> None:
    def share(objective: Objective) -> float:
        booked = BOOKING.campaign.model_copy(update={"objective": objective})
        booking = replace(BOOKING, campaign=booked, counted=None)
        return float(
            np.mean(
                [
                    counting_campaign(booking, PLATFORM, HOUSEHOLDS, 1e6, seed) is not None
                    for seed in range(800)
                ]
            )
        )

    shares = {objective: share(objective) for objective in Objective}
    assert shares[Objective.CONVERSION] == 1.0
    for objective in (Objective.AWARENESS, Objective.CONSIDERATION):
        assert shares[objective] == pytest.approx(FIGURES.tracked[objective], abs=0.05)


@pytest.mark.parametrize("industry", Industry)
def test_what_an_industry_counts_has_a_value_in_the_currency_of_the_campaign(
    industry: Industry,
) -> None:
    campaign = BOOKING.campaign.model_copy(update={"currency_code": "JPY"})
    booking = replace(BOOKING, campaign=campaign, industry=industry, counted=None)
    counting = counting_campaign(booking, PLATFORM, HOUSEHOLDS, 1e6, seed=1)
    assert counting is not None
    (goal,) = counting.count.goals
    figures = FIGURES.industries[industry]
    assert goal.conversion_type is figures.type
    assert goal.value == pytest.approx(150 * figures.value)


def counted(types: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """The conversions of the bank, if its file says that these types are counted."""
    plan = {"types": types, "click_window_days": 3, "view_window_days": 2}
    overrides = [f"campaign.conversions={json.dumps(plan)}", "campaign.budget.amount=4000"]
    found = tables("nexbank_conversion", only=["conversions_daily"], sets=overrides)
    return found["conversions_daily"].to_pylist()


def test_a_scenario_says_what_is_counted_and_for_how_long() -> None:
    visit = {"monthly_rate": 0.5, "click_rate": 0.9}
    rows = counted({"VISIT": visit, "LEAD": {"monthly_rate": 0.02, "click_rate": 0.2, "value": 9}})
    windows = {(row["touch_type"], row["window_days"]) for row in rows}
    assert windows == {("POST_CLICK", 3), ("POST_VIEW", 2)}

    def sum_of(column: str, conversion_type: str) -> int:
        return sum(row[column] for row in rows if row["conversion_type"] == conversion_type)

    assert sum_of("conversions", "VISIT") > 5 * sum_of("conversions", "LEAD") > 0
    assert sum_of("value_micros", "VISIT") == 0 < sum_of("value_micros", "LEAD")
    assert max(row["activity_date"] for row in rows) <= date(2026, 1, 3)


def test_a_scenario_that_names_no_type_counts_nothing() -> None:
    nothing = ConversionsPlan(types={})
    plan = SCENARIO.campaign.model_copy(update={"conversions": nothing})
    scenario = SCENARIO.model_copy(update={"campaign": plan})
    world = build_world(replace(COMPLETE, scenarios=(scenario,)))
    assert world.bookings[0].campaign.objective is Objective.CONVERSION
    assert counting_campaign(world.bookings[0], PLATFORM, HOUSEHOLDS, 1e6, seed=1) is None


def test_an_amount_that_no_column_can_hold_is_refused() -> None:
    goal = replace(GOAL, value=1e12)
    campaign = campaign_with(count=replace(COUNT, goals=(goal,)))
    done = touches(92, clicks=0.02)
    with pytest.raises(CountError, match="lower their value or their rates"):
        conversions_batch([(campaign, done)], done.first_day + 60)


def test_a_platform_without_figures_of_conversions_counts_none_and_says_so() -> None:
    without = PLATFORM.model_copy(update={"conversions": None})
    assert counting_campaign(BOOKING, without, HOUSEHOLDS, 1e6, seed=1) is None
    ((path, problem),) = platform_problems(SCENARIO, without)
    assert path == ("campaign", "conversions")
    assert "netflix_like has no figures of conversions; leave the key out" in problem()
