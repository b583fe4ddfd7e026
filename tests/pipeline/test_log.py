"""The log of a run: it adds up to every hourly row and every window of reach, it keeps the caps,
and a part of it is a slice of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from scipy import stats

from generator.api import tables
from generator.enums import FurthestEvent
from generator.log.deal import FUNNEL
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.logs import Logs
from generator.pipeline.parts import all_pieces
from generator.scenario.log import LogPlan
from generator.scenario.overrides import parse_override
from generator.scenario.templates import Library
from generator.schema import AdError, AdImpression, RawTable
from generator.world.build import build_world
from generator.world.world import World
from tests.support.answers import check_answers
from tests.support.project import ROOT

# Two line items in two countries, of several devices and creatives, with caps, and a gap.
CAPPED: dict[str, Any] = {
    "name": "capped",
    "description": "Two countries, two caps, two flights",
    "campaign": {
        "platform": "netflix_like",
        "objective": "AWARENESS",
        "buy_type": "DIRECT_IO",
        "target_cpm": 25.0,
        "currency": "USD",
        "flights": [
            {"start_date": date(2025, 10, 6), "end_date": date(2025, 10, 12)},
            {"start_date": date(2025, 10, 15), "end_date": date(2025, 10, 19)},
        ],
        "budget": {"amount": 900, "type": "LIFETIME"},
        "frequency_caps": [
            {"max_impressions": 1, "time_unit": "DAY"},
            {"max_impressions": 2, "time_unit": "WEEK"},
        ],
    },
    "line_items": [
        {
            "bid_cpm": 25.0,
            "budget_share": share,
            "targeting": {"GEO_COUNTRY": [country], "AGE_RANGE": ages},
            "creatives": [
                {"duration_seconds": 15, "placement": "PRE_ROLL"},
                {"duration_seconds": 30, "placement": "MID_ROLL", "is_skippable": True},
            ],
        }
        for country, share, ages in (("US", 0.6, ["18-24", "25-34"]), ("GB", 0.4, ["35-44"]))
    ],
}
HOURS = {"DAY": 24, "WEEK": 168}
FLAGS = {
    "skips": "is_skipped",
    "clicks": "is_clicked",
    "qr_scans": "is_scanned",
    "interactive_engagements": "is_engaged",
    "measurable_impressions": "is_measurable",
    "viewable_impressions": "is_viewable",
    "audible_impressions": "is_audible",
}
ROW = ("campaign_id", "line_item_id", "creative_id", "device", "hour_ts", "loaded_at")


def world_of(source: str | dict[str, Any], share: float = 1.0) -> World:
    library = Library()
    data = (
        library.dataset(source) if isinstance(source, str) else library.dataset_of_mapping(source)
    )
    return build_world(data.with_log(share))


def tables_of(world: World) -> dict[str, pa.Table]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for table, batch in all_pieces(world):
        batches.setdefault(table.table_name, []).append(batch)
    return {name: pa.Table.from_batches(made) for name, made in batches.items()}


WORLDS = {"smoke": world_of("smoke"), "capped": world_of(CAPPED)}


@pytest.fixture(scope="module", params=WORLDS)
def log(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of a run with its whole log; enums are text."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw; use raw")
        for name, table in tables_of(WORLDS[request.param]).items():
            connection.register(f"{name}_arrow", table)
            connection.execute(f"create table raw.{name} as from {name}_arrow")
        yield connection


def number(log: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = log.execute(query).fetchone()
    assert found is not None
    return found[0] if len(found) == 1 else found


def test_the_log_adds_up_to_every_hourly_row(log) -> None:
    """Every count of every row, its spend, and the moment at which it landed."""
    reached = {name: f"furthest_event in {had}" for name, had in events_from().items()}
    sums = {name: f"count(*) filter ({condition})" for name, condition in reached.items()}
    sums |= {name: f"count(*) filter ({flag})" for name, flag in FLAGS.items()}
    sums |= {"impressions": "count(*)", "spend_micros": "sum(spend_micros)"}
    counted = ", ".join(f"{sql}::bigint as {name}" for name, sql in sums.items())
    columns = ", ".join((*ROW, *(f"{name}::bigint as {name}" for name in sums)))
    rows = f"select {columns} from performance_hourly where impressions > 0"
    counts = f"select {', '.join(ROW)}, {counted} from ad_impressions group by all"
    assert number(log, f"select count(*) from ({rows})") > 100
    for one, other in ((rows, counts), (counts, rows)):
        assert log.execute(f"{one} except ({other})").fetchall() == []


def events_from() -> dict[str, tuple[str, ...]]:
    """For each count of the funnel, what an impression that is in it had at last."""
    events = [str(event) for event in FurthestEvent]
    return {name: (*events[depth:], "") for depth, name in enumerate(FUNNEL, start=1)}


def test_errors_are_those_of_the_hourly_rows(log) -> None:
    rows = f"select {', '.join(ROW)}, error_count::bigint from performance_hourly"
    counts = f"select {', '.join(ROW)}, count(*) from ad_errors group by all"
    assert log.execute(f"{rows} where error_count > 0 except ({counts})").fetchall() == []
    assert log.execute(f"{counts} except ({rows})").fetchall() == []


def test_reach_is_the_number_of_households_in_the_log(log) -> None:
    """In every hour, day, week and up to every day, and so are all tiers."""
    tiers = {tier: "reach" if tier == 1 else f"reach_{tier}plus" for tier in (1, 2, 3, 5, 10)}
    at_least = ", ".join(
        f"count(*) filter (seen >= {tier})::bigint as {name}" for tier, name in tiers.items()
    )
    windows = {
        "HOUR": "i.hour_ts = r.window_start",
        "DAY": "date_trunc('day', i.hour_ts) = r.window_start",
        "WEEK": "date_trunc('week', i.hour_ts) = r.window_start",
        "FLIGHT_TO_DATE": "i.hour_ts < r.window_start + interval 1 day",
    }
    for window, inside in windows.items():
        mine = f"from campaign_reach where reach_window = '{window}' and impressions > 0"
        names = ", ".join(f"{name}::bigint as {name}" for name in ("impressions", *tiers.values()))
        counted = f"""
            select window_start, sum(seen)::bigint as impressions, {at_least} from (
                select r.window_start, i.household_id, count(*) as seen
                from ad_impressions i join (select window_start {mine}) r on {inside}
                group by all
            ) group by all"""
        reached = f"select window_start, {names} {mine}"
        assert log.execute(f"{reached} except ({counted})").fetchall() == [], window
        assert number(log, f"select count(*) from ({reached})") > 1


def test_caps_hold_in_any_hours_or_days(log) -> None:
    caps = log.execute("from frequency_caps").fetchall() if has(log, "frequency_caps") else []
    for *_, most, unit, units, _ in [cap[:6] for cap in caps]:
        hours = HOURS[unit] * units
        step = "hour" if hours < 24 else "day"
        closest = number(
            log,
            f"""
            select min(date_diff('{step}', hour_ts, later)) from (
                select hour_ts, lead(hour_ts, {most}) over (
                    partition by campaign_id, household_id order by hour_ts
                ) as later from ad_impressions
            )""",
        )
        assert closest is None or closest >= (hours if hours < 24 else -(-hours // 24))


def has(log: duckdb.DuckDBPyConnection, table: str) -> bool:
    return number(log, f"select count(*) from duckdb_tables() where table_name = '{table}'") > 0


def test_a_household_sees_a_campaign_in_order_and_never_twice_in_a_slot(log) -> None:
    assert (
        number(
            log,
            """
            select count(*) from (
                select exposure_number <> row_number() over (
                    partition by campaign_id, household_id order by event_ts
                ) as is_wrong from ad_impressions
            ) where is_wrong""",
        )
        == 0
    )
    slots = "campaign_id, session_id, break_number, slot_in_pod"
    assert number(log, f"select count(*) = count(distinct ({slots})) from ad_impressions")
    assert number(log, "select count(*) = count(distinct impression_id) from ad_impressions")
    for table in ("ad_errors", "ad_impressions"):
        inside = "bool_and(date_trunc('hour', event_ts) = hour_ts)"
        assert number(log, f"select {inside} from {table}")


def test_a_video_played_as_long_as_its_last_event_says(log) -> None:
    events = {str(event): depth - 1 for depth, event in enumerate(FurthestEvent)}
    quarter = "case furthest_event " + " ".join(
        f"when '{event}' then {depth}" for event, depth in events.items()
    )
    assert number(
        log,
        f"""
        select bool_and(case
            when furthest_event = 'NOT_STARTED' then milliseconds_watched = 0
            when furthest_event = 'COMPLETE' then milliseconds_watched = 1000 * duration_seconds
            else milliseconds_watched >= 250 * duration_seconds * ({quarter} end)
                and milliseconds_watched <= 250 * duration_seconds * (1 + {quarter} end)
        end) from ad_impressions join creatives using (creative_id)""",
    )


def test_all_people_of_the_log_are_in_its_tables_and_no_others(log) -> None:
    for table, key in (("households", "household_id"), ("profiles", "profile_id")):
        unknown = f"from ad_impressions i anti join {table} using ({key})"
        assert number(log, f"select count(*) {unknown}") == 0
    device = "d.device_id = i.device_id and d.device = i.device"
    profile = "p.profile_id = i.profile_id and p.household_id = i.household_id"
    joined = f"ad_impressions i join devices d on {device} join profiles p on {profile}"
    assert number(log, f"select count(*) from {joined}") == number(
        log, "select count(*) from ad_impressions"
    )
    for table, of in (
        ("households", "ad_impressions"),
        ("profiles", "households"),
        ("devices", "households"),
    ):
        unknown = f"from {table} anti join {of} using (household_id)"
        assert number(log, f"select count(*) {unknown}") == 0


def test_countries_and_local_hours_are_those_of_the_audience(log) -> None:
    """Each day, by the clocks of the households."""
    logged = """
        select campaign_id, hour_ts::date as activity_date, country,
            strftime(timezone(time_zone, timezone('UTC', hour_ts)), '%H') as local_hour
        from ad_impressions
        inner join households using (household_id)
    """
    for dimension, column in (("COUNTRY", "country"), ("LOCAL_HOUR", "local_hour")):
        published = f"""
            select campaign_id, activity_date, segment::varchar, impressions::bigint
            from audience_daily
            where dimension::varchar = '{dimension}' and impressions > 0
        """
        counted = (
            f"select campaign_id, activity_date, {column}, count(*) from ({logged}) group by all"
        )
        assert number(log, f"select count(*) from ({published})") > 10
        for one, other in ((published, counted), (counted, published)):
            assert number(log, f"select count(*) from ({one} except {other})") == 0


def test_without_bends_the_people_of_the_log_are_the_audience_within_chance() -> None:
    """Over five seeds, in each dimension of `audience_daily`: the chances of so large a
    chi-square of the two are anywhere between 0 and 1."""
    columns = {
        "AGE_RANGE": "age_range",
        "GENDER": "gender",
        "INTEREST_CATEGORY": "interest_category",
        "LIFE_STAGE": "life_stage",
        "CONTENT_GENRE": "content_genre",
    }
    chances = []
    for seed in range(1, 6):
        data = Library().dataset("smoke", [parse_override("life.audience=0")])
        platforms = {
            name: model.model_copy(
                update={"audience": model.audience.model_copy(update={"affinity_log_sd": 0.0})}
            )
            for name, model in data.platforms.items()
        }
        unbent = replace(data.with_log(0.1).with_seed(seed), platforms=platforms)
        with duckdb.connect() as connection:
            for name, table in tables_of(build_world(unbent)).items():
                connection.register(name, table)
            for dimension, column in columns.items():
                counts = connection.execute(
                    f"""
                    with logged as (
                        select {column}::varchar as segment, count(*) as logged
                        from ad_impressions
                        inner join profiles using (profile_id)
                        inner join households
                            on households.household_id = ad_impressions.household_id
                        group by {column}
                    )
                    select sum(impressions)::bigint, any_value(coalesce(logged, 0))
                    from audience_daily
                    left join logged using (segment)
                    where dimension::varchar = '{dimension}'
                    group by segment
                    having sum(impressions) > 0
                    """
                ).fetchall()
                assert sum(logged for _, logged in counts) > 10_000
                chances.append(stats.chi2_contingency(list(zip(*counts, strict=True))).pvalue)
    assert stats.kstest(chances, "uniform").pvalue > 0.001
    assert min(chances) > 1e-4


@pytest.mark.parametrize("log", ["smoke"], indirect=True)
def test_the_page_on_the_log_has_the_answers_of_its_queries(log) -> None:
    asked, _ = (ROOT / "docs/log.md").read_text().split("## In dbt")
    assert check_answers(asked, log) == 5


def batches(world: World, parts: Sequence[tuple[int, int]]) -> dict[type[RawTable], pa.Table]:
    """The log of the first campaign, made in these parts by processes that know no other."""
    found: dict[type[RawTable], list[pa.RecordBatch]] = {AdImpression: [], AdError: []}
    for part, count in parts:
        for table, batch in Logs(world, CountrySupplies(world)).pieces(0, None, part, count):
            found[table].append(batch)
    return {table: pa.Table.from_batches(made).combine_chunks() for table, made in found.items()}


@pytest.mark.parametrize("name", WORLDS)
def test_a_part_is_a_slice_of_the_log_and_a_panel_is_its_rows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made alone and in any size, row for row."""
    monkeypatch.setattr("generator.log.rows.IMPRESSIONS_AT_ONCE", 7_000)
    whole = batches(WORLDS[name], [(0, 1)])
    assert whole[AdImpression].num_rows > 10_000
    for table, rows in batches(WORLDS[name], [(0, 3), (1, 3), (2, 3)]).items():
        assert rows == whole[table], table.table_name
    panel = replace(WORLDS[name], log=LogPlan(households=0.05))
    for table, rows in batches(panel, [(0, 2), (1, 2)]).items():
        key = table.grain[0]
        kept = whole[table].filter(pa.compute.is_in(whole[table][key], rows[key]))
        assert rows == kept, table.table_name
        assert 0.03 < rows.num_rows / whole[table].num_rows < 0.07


def test_a_panel_lists_its_people() -> None:
    panel = tables_of(replace(WORLDS["smoke"], log=LogPlan(households=0.05)))
    seen = panel["ad_impressions"]["household_id"].unique().to_pylist()
    assert sorted(seen) == sorted(panel["households"]["household_id"].to_pylist())


def test_a_log_of_next_to_no_impressions_lists_the_households_that_convert() -> None:
    """Its impressions are expected to be none, and most of its conversions need none."""
    log = tables("creative_test", sets=["log.households=0.01", "campaign.budget.amount=1"])
    listed = set(log["households"].column("household_id").to_pylist())
    for table in ("ad_impressions", "conversions"):
        assert log[table].num_rows
        assert set(log[table].column("household_id").to_pylist()) - {None} <= listed


def test_the_truth_without_the_log_is_that_of_the_log() -> None:
    sets = ["log.households=0.01", "campaign.budget.amount=1"]
    alone = tables("creative_test", only=["campaign_lift"], sets=sets)["campaign_lift"]
    assert alone.num_rows
    both = tables("creative_test", only=["campaign_lift", "conversions"], sets=sets)
    assert alone.equals(both["campaign_lift"])


def test_a_share_of_the_devices_has_no_id() -> None:
    world = replace(WORLDS["smoke"], log=LogPlan(households=0.2, missing_ids=0.3))
    with_all = replace(WORLDS["smoke"], log=LogPlan(households=0.2))
    ids = batches(world, [(0, 1)])[AdImpression].select(["device_id", "ifa_type"])
    assert 0.28 < ids["device_id"].null_count / ids.num_rows < 0.32
    missing = pa.compute.is_null(ids["device_id"])
    assert ids.filter(missing)["ifa_type"].null_count == ids["device_id"].null_count
    everything = batches(with_all, [(0, 1)])[AdImpression]
    assert everything["device_id"].null_count == 0
    known = everything.filter(pa.compute.invert(missing))
    assert known["device_id"] == ids["device_id"].drop_null()


def test_nothing_is_logged_unless_asked_for() -> None:
    names = set(tables_of(replace(WORLDS["capped"], log=LogPlan())))
    assert names.isdisjoint({"ad_impressions", "ad_errors", "households", "profiles", "devices"})
