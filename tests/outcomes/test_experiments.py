"""Experiments: a share of the households is held out, delivery to the others stays exact, and what
an experiment should find is what the truth says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from generator.engines import local
from generator.log.arms import Arms
from generator.pipeline.addition import remove_campaign
from generator.scenario.errors import InputError
from generator.scenario.log import LogPlan
from generator.scenario.templates import Library
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from generator.world.world import World
from tests.outcomes.test_outcomes import BUYERS, numbers, tables_of


def world_of(share: float = 1.0, visits: float = 0.0, **experiment: Any) -> World:
    """Two cities with a cap, so that the campaign has two lines of households. `visits` is how many
    a household makes in a month, if they are counted."""
    spec = copy.deepcopy(BUYERS)
    spec["campaign"]["budget"]["amount"] = 3000
    spec["campaign"]["frequency_caps"] = [{"max_impressions": 6, "time_unit": "WEEK"}]
    spec["campaign"]["conversions"]["types"]["PURCHASE"] |= {"lift": 0.5}
    if visits:
        counted = {"monthly_rate": visits, "click_rate": 0.3}
        spec["campaign"]["conversions"]["types"]["VISIT"] = counted
    spec["campaign"]["experiment"] = {"design": "GHOST_ADS", "control_share": 0.2} | experiment
    targeting = spec["line_items"][0]["targeting"]
    targeting |= {"GEO_DMA": ["803", "602"], "HOUSEHOLD_INCOME": ["OVER_150K"]}
    return build_world(Library().dataset_of_mapping(spec).with_seed(10).with_log(share))


WORLD = world_of()


@pytest.fixture(scope="module")
def whole() -> dict[str, pa.Table]:
    return tables_of(WORLD)


@pytest.fixture(scope="module")
def panel() -> dict[str, pa.Table]:
    """The log of one in five households."""
    return tables_of(replace(WORLD, log=LogPlan(households=0.2)))


@pytest.fixture(scope="module")
def log(whole) -> Iterator[duckdb.DuckDBPyConnection]:
    """A whole log, and what each household of the experiment saw and did."""
    with duckdb.connect() as connection:
        for name, table in whole.items():
            connection.register(f"{name}_arrow", table)
            connection.execute(f"create table {name} as from {name}_arrow")
        connection.execute(
            """
            create table arms as
            select household_id, experiment_arm::varchar as arm, prior_conversions,
                prior_viewing_hours, coalesce(seen.ads, 0) as seen,
                coalesce(ghosts.ads, 0) as ghosts,
                coalesce(done.conversions, 0) as conversions
            from experiment_assignments
            left join (
                select household_id, count(*) as ads from ad_impressions group by 1
            ) as seen using (household_id)
            left join (
                select household_id, count(*) as ads from ghost_impressions group by 1
            ) as ghosts using (household_id)
            left join (
                select household_id, count(*) as conversions from conversions group by 1
            ) as done using (household_id)"""
        )
        yield connection


def test_delivery_to_the_test_arm_adds_up_to_every_aggregate(log) -> None:
    per_cell = "line_item_id, creative_id, device::varchar, hour_ts"
    sums = "count(*), count(*) filter (is_clicked), sum(spend_micros)"
    of_log = f"select {per_cell}, {sums} from ad_impressions group by all"
    of_rows = f"select {per_cell}, impressions, clicks, spend_micros from performance_hourly"
    of_rows += " where impressions > 0"
    assert numbers(log, f"select count(*) from (({of_log}) except ({of_rows}))") == (0,)
    assert numbers(log, f"select count(*) from (({of_rows}) except ({of_log}))") == (0,)
    reached, published = numbers(
        log,
        """
        select (select count(distinct household_id) from ad_impressions),
            (select max(reach) from campaign_reach where reach_window = 'FLIGHT_TO_DATE')""",
    )
    assert reached == published > 10_000


def test_a_household_that_is_held_out_sees_nothing_and_others_miss_nothing(log) -> None:
    assert numbers(
        log,
        """
        select count(*) filter (arm = 'CONTROL' and seen > 0),
            count(*) filter (arm = 'TEST' and ghosts > 0),
            count(*) = count(distinct household_id),
            sum(seen)::bigint = (select count(*) from ad_impressions),
            sum(ghosts)::bigint = (select count(*) from ghost_impressions)
        from arms""",
    ) == (0, 0, True, True, True)


def test_arms_have_the_stated_share_and_were_alike_before(log) -> None:
    (test, *of_test), (control, *of_control) = (
        numbers(
            log,
            f"""
            select count(*), avg(prior_conversions), avg(prior_viewing_hours),
                var_pop(prior_conversions) / count(*), var_pop(prior_viewing_hours) / count(*)
            from arms where arm = '{arm}'""",
        )
        for arm in ("TEST", "CONTROL")
    )
    assert control / (test + control) == pytest.approx(0.2, abs=1e-4)
    for one, other, *variances in zip(
        of_test[:2], of_control[:2], of_test[2:], of_control[2:], strict=True
    ):
        assert abs(one - other) < 4.0 * sum(variances) ** 0.5


def test_ghosts_come_as_often_as_ads_and_at_the_same_times(log) -> None:
    shares = {
        arm: numbers(
            log,
            f"""
            select avg(({column} > 0)::int), avg({column}), avg(({column} > 2)::int)
            from arms where arm = '{arm}'""",
        )
        for arm, column in (("TEST", "seen"), ("CONTROL", "ghosts"))
    }
    assert shares["CONTROL"] == pytest.approx(shares["TEST"], rel=0.05)
    late = [
        numbers(log, f"select avg((extract(hour from hour_ts) < 6)::int) from {table}")
        for table in ("ad_impressions", "ghost_impressions")
    ]
    assert late[0] == pytest.approx(late[1], abs=0.02)
    assert numbers(
        log,
        """
        select count(distinct ghost_id) = count(*),
            bool_and(event_ts between hour_ts and hour_ts + interval 1 hour),
            count(distinct (household_id, exposure_number)) = count(*)
        from ghost_impressions""",
    ) == (True, True, True)


def test_the_truth_of_an_experiment_is_counted_in_its_households(log) -> None:
    assert numbers(
        log,
        """
        select
            test_households = (select count(*) from arms where arm = 'TEST'),
            control_households = (select count(*) from arms where arm = 'CONTROL'),
            reached_households = (select count(*) from arms where seen > 0),
            conversions_without_ads + caused_conversions
                = (select sum(conversions) from arms where seen > 0),
            caused_conversions >= (select count(*) from conversion_causes where cause = 'CAUSED'),
            abs(caused_conversions - expected_conversions) < 4 * sqrt(expected_conversions),
            leaked_conversions
        from experiment_lift""",
    ) == (True, True, True, True, True, True, 0)


def test_reached_and_would_be_reached_households_differ_by_what_is_caused(log) -> None:
    """And comparing reached households with others overstates it."""
    test, control, others, error, truth = numbers(
        log,
        """
        select avg(conversions) filter (seen > 0), avg(conversions) filter (ghosts > 0),
            avg(conversions) filter (seen = 0 and ghosts = 0),
            sqrt(var_samp(conversions) filter (seen > 0) / count(*) filter (seen > 0)
                + var_samp(conversions) filter (ghosts > 0) / count(*) filter (ghosts > 0)),
            any_value(caused_conversions / reached_households)
        from arms cross join experiment_lift""",
    )
    assert abs(test - control - truth) < 3.0 * error
    assert test - others > 1.2 * truth


def test_contamination_reaches_the_control_arm_and_is_in_no_row_of_delivery(panel) -> None:
    leaking = tables_of(world_of(0.2, contamination=0.5))
    for name in ("performance_hourly", "ad_impressions", "ghost_impressions", "campaign_lift"):
        assert leaking[name] == panel[name], name
    caused = leaking["conversion_causes"].filter(pa.compute.field("cause") == "CAUSED")
    ghosts = set(leaking["ghost_impressions"]["ghost_id"].to_pylist())
    leaked = sum(ad in ghosts for ad in caused["impression_id"].to_pylist())
    (truth,) = leaking["experiment_lift"].to_pylist()
    assert leaked == truth["leaked_conversions"]
    # A quarter of the test arm's households, half of the ads.
    assert 0.06 < leaked / truth["caused_conversions"] < 0.19
    assert len(leaking["conversions"]) == len(panel["conversions"]) + leaked


def test_an_experiment_ends_with_its_last_consequence_or_the_as_of_day(panel) -> None:
    as_of = date(2025, 10, 20)
    run = WORLD.run.model_copy(update={"as_of_date": as_of})
    earlier = tables_of(replace(WORLD, log=LogPlan(households=0.02), run=run))
    ends = [tables["experiments"].column("ends_at").to_pylist() for tables in (panel, earlier)]
    assert ends == [[datetime(2025, 11, 26)], [datetime(2025, 10, 20)]]


def test_what_was_done_before_is_that_of_a_month(panel) -> None:
    """People of this campaign buy every fifth month on average, and its buyers more often."""
    prior = panel["experiment_assignments"].column("prior_conversions").to_numpy()
    assert 0.1 < prior.mean() < 0.4


def test_purchases_that_follow_a_visit_count_twice_before_an_experiment(panel) -> None:
    """Once as a visit, where the campaign counts visits, and once as a purchase."""
    world = world_of(0.2, visits=0.0001)
    figures = world.platform_models["netflix_like"].conversions
    assert figures
    both, one = (
        tables["experiment_assignments"].column("prior_conversions").to_numpy().sum()
        for tables in (tables_of(world), panel)
    )
    assert both / one == pytest.approx(1 + figures.upstream, rel=0.05)


def test_without_ghosts_the_arms_are_all_that_is_known(panel) -> None:
    blind = tables_of(world_of(0.2, design="INTENT_TO_TREAT"))
    assert "ghost_impressions" not in blind
    for name in ("experiment_assignments", "conversions", "ad_impressions", "experiment_lift"):
        assert blind[name] == panel[name], name


def test_a_panel_has_rows_of_the_whole(whole, panel) -> None:
    for name, column in (
        ("experiment_assignments", "household_id"),
        ("ghost_impressions", "ghost_id"),
        ("conversions", "conversion_id"),
    ):
        rows, ids = panel[name], panel[name][column]
        kept = whole[name].filter(pa.compute.is_in(whole[name][column], ids))
        assert rows.sort_by(column) == kept.sort_by(column), name
        assert 0.17 < rows.num_rows / whole[name].num_rows < 0.23


@pytest.mark.parametrize(("households", "control"), [(10, 1), (11, 5), (10_007, 1_501), (9, 0)])
def test_each_household_of_a_line_is_in_one_arm_and_mirrors_its_neighbours(
    households: int, control: int
) -> None:
    arms = Arms(households, control, stream=3)
    of_test = arms.places_of_test(np.arange(households - control))
    of_control = arms.places_of_control(np.arange(control))
    assert np.array_equal(np.sort(np.concatenate([of_test, of_control])), np.arange(households))
    is_control, place = arms.in_arms(of_control)
    assert is_control.all()
    assert np.array_equal(place, np.arange(control))
    is_control, place = arms.in_arms(of_test)
    assert not is_control.any()
    assert np.array_equal(place, np.arange(households - control))
    mirrored = arms.mirrored_places(np.arange(control))
    assert np.unique(mirrored).size == control
    if control:
        assert np.abs(arms.places_of_test(mirrored) - of_control).max() <= households // control


def test_a_removed_campaign_takes_its_experiment_with_it(tmp_path: Path) -> None:
    file = tmp_path / "ads.duckdb"
    local.run(world_of(0.05), DuckdbSink(file, TABLES))
    removed = remove_campaign(file, 1)
    names = {"experiments", "experiment_assignments", "ghost_impressions", "experiment_lift"}
    assert names <= set(removed)


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ({"control_share": 0.05}, "control_share"),
        ({"control_share": 0.6}, "control_share"),
        ({"design": "COIN"}, "design"),
        ({"contamination": 2.0}, "contamination"),
    ],
)
def test_an_experiment_that_is_none_is_refused(experiment: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        world_of(**experiment)


def test_an_experiment_needs_something_that_it_counts() -> None:
    spec = copy.deepcopy(BUYERS)
    spec["campaign"]["experiment"] = {"design": "PSA", "control_share": 0.2}
    spec["campaign"]["conversions"] = {"types": {}}
    with pytest.raises(InputError, match=r"say which under conversions\.types"):
        Library().dataset_of_mapping(spec)
