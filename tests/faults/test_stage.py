"""Faults touch what they were aimed at, the same rows every time, and the log says which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.engines import local
from generator.enums import FaultType
from generator.faults.changed_columns import landing_table, landing_tables
from generator.faults.effects import FAULT_KINDS
from generator.faults.stage import inject_faults
from generator.pipeline.country_supplies import CountrySupplies
from generator.pipeline.logs import Logs
from generator.pipeline.parts import all_pieces
from generator.platform.incidents import Incidents
from generator.scenario.faults import Faults
from generator.scenario.templates import dataset
from generator.schema import (
    TABLES,
    AdImpression,
    Conversion,
    ConversionCauses,
    FaultLog,
    PerformanceHourly,
)
from generator.schema.ddl import create_table
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.fingerprint import Fingerprint
from generator.sinks.sink import Piece
from generator.sinks.target import sink_of
from generator.world.build import build_world
from tests.engines.test_local import Basket

COMPLETE = build_world(dataset("complete"))
PIECES = list(all_pieces(COMPLETE, (PerformanceHourly, AdImpression)))
CLEAN = [batch for table, batch in PIECES if table is PerformanceHourly]
LOGGED = [batch for table, batch in PIECES if table is AdImpression]
COUNTS = "requests", "responses", "impressions", "video_q100", "clicks", "spend_micros"
DAY = date(2025, 10, 8)
WINDOW: dict[str, Any] = {"start_date": DAY, "end_date": DAY + timedelta(days=1), "campaigns": [3]}
# One fault of each kind: its figures, and the condition (after) that a touched row satisfies.
EACH: dict[str, dict[str, Any]] = {
    "outage": WINDOW | {"hours": [5, 6]},
    "tracking_loss": WINDOW,
    "bot_spike": WINDOW | {"times": 7, "click_rate": 0.3},
    "runaway_spend": WINDOW | {"times": 10},
    "vast_401": WINDOW | {"creatives": [30101]},
    "restated_days": WINDOW | {"days": 2, "counted_at_first": 0.7},
    "late_rows": WINDOW | {"days": 2, "rate": 0.2},
    "missing_hours": WINDOW | {"hours": [3]},
    "duplicates": WINDOW | {"rate": 0.2},
    "null_ids": WINDOW | {"column": "creative_id", "rate": 0.2},
    "time_zone_shift": WINDOW | {"hours_ahead": 9},
    "schema_drift": {"start_date": DAY, "column": "clicks", "renamed_to": "click_throughs"},
}


def one(kind: str, **changes: Any) -> Faults:
    return Faults.model_validate({kind: [EACH[kind] | changes]})


def apply_faults(
    faults: Faults, batches: list[pa.RecordBatch] = CLEAN, run: Any = COMPLETE.run
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Performance with the faults, and the log."""
    made: list[Piece] = list(
        inject_faults([(PerformanceHourly, batch) for batch in batches], faults, run)
    )
    rows = [batch for table, batch in made if issubclass(table, PerformanceHourly)]
    log = [row for table, batch in made if table is FaultLog for row in batch.to_pylist()]
    return pa.Table.from_batches(rows), log


def ask(query: str, **tables: pa.Table) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query).fetchall()


def fingerprint(table: pa.Table) -> str:
    prints = Fingerprint()
    for batch in table.combine_chunks().to_batches():
        prints.add(batch)
    return prints.hexdigest


def test_without_faults_nothing_is_touched() -> None:
    pieces = [(PerformanceHourly, batch) for batch in CLEAN]
    made = list(inject_faults(pieces, Faults(), COMPLETE.run))
    assert [batch for _, batch in made] == CLEAN
    assert all(batch is clean for (_, batch), clean in zip(made, CLEAN, strict=True))
    assert landing_tables(Faults()) == TABLES


@pytest.mark.parametrize("kind", EACH)
def test_the_log_has_the_rows_that_changed(kind: str) -> None:
    """By campaign and day: as many as are otherwise than they were, and no others."""
    table, log = apply_faults(one(kind))
    clean = pa.Table.from_batches(CLEAN)
    shared = ", ".join(clean.column_names)
    more, less = (
        ask(
            f"SELECT {shared} FROM {first} EXCEPT ALL SELECT {shared} FROM {second}",
            after=table,
            before=clean,
        )
        for first, second in (("after", "before"), ("before", "after"))
    )
    select_rows = sum(row["rows_touched"] for row in log)
    changed = len(less) if kind not in ("duplicates",) else len(more)
    assert select_rows == changed > 0
    assert {row["fault_type"] for row in log} == {kind.upper()}
    assert {row["fault"] for row in log} == {f"{kind}_1"}
    if kind != "schema_drift":
        assert {row["campaign_id"] for row in log} == {3}
        assert {row["activity_date"] for row in log} == {DAY, DAY + timedelta(days=1)}
        for row in log:
            start = datetime.combine(row["activity_date"], datetime.min.time())
            assert start <= row["from_ts"] < row["to_ts"] <= start + timedelta(days=1)


@pytest.mark.parametrize("kind", EACH)
def test_batches_and_their_order_change_nothing(kind: str) -> None:
    """The same rows and the same log, whether a batch is large or small, first or last."""
    faults = one(kind, **({} if kind == "schema_drift" else {"rate": 0.5}))
    whole = pa.Table.from_batches(CLEAN).combine_chunks()
    table, log = apply_faults(faults, whole.to_batches())
    small = whole.to_batches(max_chunksize=997)[::-1]
    other, other_log = apply_faults(faults, small)
    assert fingerprint(table) == fingerprint(other)
    assert log == other_log


REPORTS = Faults.model_validate(
    {
        "sparse_rows": True,
        "restated_days": [{"days": 3, "counted_at_first": 0.985}],
        "late_rows": [{"rate": 0.02, "days": 1}],
    }
)


def test_reports_are_sparse_and_settle_after_three_days() -> None:
    """Rows without requests are left out, and a day is not final until three days later."""
    as_of = DAY + timedelta(days=3)
    table, _ = apply_faults(REPORTS, run=COMPLETE.run.model_copy(update={"as_of_date": as_of}))
    latest = ask(
        """
        select before.hour_ts::date as day, count(after.requests), count(*),
            sum(after.impressions) / sum(before.impressions), min(after.requests)
        from before left join (
            from after qualify row_number() over (
                partition by creative_id, device, hour_ts order by loaded_at desc
            ) = 1
        ) as after using (creative_id, device, hour_ts)
        where before.hour_ts < $as_of group by all order by 1 desc limit 7
        """.replace("$as_of", f"timestamp '{as_of}'"),
        before=pa.Table.from_batches(CLEAN),
        after=table,
    )
    assert sum(there for _, there, *_ in latest) < sum(due for _, _, due, *_ in latest)
    assert min(fewest for *_, fewest in latest) > 0
    counted = {day: part for day, _, _, part, _ in latest}
    assert [part for day, part in counted.items() if day < DAY] == [1.0] * 4
    unsettled = [part for day, part in counted.items() if day >= DAY]
    assert len(unsettled) == 3
    assert all(0.9 < part < 0.99 for part in unsettled)


def test_sparse_rows_alone_leave_out_what_has_no_requests_and_nothing_of_the_log() -> None:
    faults = Faults(sparse_rows=True)
    made = list(inject_faults(PIECES, faults, COMPLETE.run))
    rows = pa.Table.from_batches([rows for table, rows in made if table is PerformanceHourly])
    clean = pa.Table.from_batches(CLEAN)
    assert rows.equals(clean.filter(pc.greater(clean["requests"], 0)))
    assert rows.num_rows < clean.num_rows
    assert [rows for table, rows in made if table is AdImpression] == LOGGED


def test_another_seed_touches_other_rows() -> None:
    faults = one("duplicates")
    first, _ = apply_faults(faults)
    again, _ = apply_faults(faults, run=COMPLETE.run.model_copy(update={"seed": 1}))
    assert fingerprint(first) != fingerprint(again)
    assert fingerprint(first) == fingerprint(apply_faults(faults)[0])


def test_a_rate_is_a_share_of_what_lies_in_the_window() -> None:
    for rate in (0.1, 0.5):
        faults = Faults.model_validate({"duplicates": [{"rate": rate}]})
        table, _ = apply_faults(faults)
        clean = sum(batch.num_rows for batch in CLEAN)
        assert abs(table.num_rows / clean - 1 - rate) < 0.01


def landed(faults: Faults, as_of: date = COMPLETE.run.as_of_date) -> duckdb.DuckDBPyConnection:
    """The spoilt rows in the table that the sink would make for them, with its constraints."""
    table, _ = apply_faults(faults, run=COMPLETE.run.model_copy(update={"as_of_date": as_of}))
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA raw")
    connection.execute(create_table(landing_table(faults)))
    connection.register("landing", table)
    connection.execute("INSERT INTO raw.performance_hourly SELECT * FROM landing")
    connection.register("clean", pa.Table.from_batches(CLEAN))
    return connection


@given(
    rate=st.floats(0.01, 1.0),
    figures=st.tuples(st.integers(1, 50), st.floats(0.001, 0.999), st.integers(2, 50)),
    kinds=st.lists(st.sampled_from(sorted(EACH)), min_size=1, unique=True),
)
@settings(max_examples=25)
def test_faults_keep_every_constraint_that_is_left(
    rate: float, figures: tuple[int, float, int], kinds: list[str]
) -> None:
    """All faults of a run land in the tables made for it."""
    days, share, times = figures
    changes = {"days": days, "counted_at_first": share, "times": times, "click_rate": share}
    plan = {}
    for kind in kinds:
        given = EACH[kind] | {name: changes[name] for name in EACH[kind] if name in changes}
        plan[kind] = [given if kind == "schema_drift" else given | {"rate": rate}]
    with landed(Faults.model_validate(plan)) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM raw.performance_hourly").fetchone()


IN_WINDOW = f"campaign_id = 3 AND CAST(hour_ts AS DATE) BETWEEN '{DAY}' AND '{DAY}'::DATE + 1"
EFFECTS = {
    "outage": "SELECT count(*) = 0 FROM raw.performance_hourly "
    f"WHERE {IN_WINDOW} AND hour(hour_ts) IN (5, 6) AND (requests > 0 OR spend_micros > 0)",
    "tracking_loss": f"SELECT sum(video_q25 + video_q100) = 0 AND sum(video_starts) > 0 "
    f"FROM raw.performance_hourly WHERE {IN_WINDOW}",
    "bot_spike": f"SELECT sum(p.impressions) = 7 * (SELECT sum(impressions) FROM clean "
    f"WHERE {IN_WINDOW}) FROM raw.performance_hourly p WHERE {IN_WINDOW}",
    "runaway_spend": f"SELECT sum(p.spend_micros) = 10 * (SELECT sum(spend_micros) FROM clean "
    f"WHERE {IN_WINDOW}) FROM raw.performance_hourly p WHERE {IN_WINDOW}",
    "vast_401": f"SELECT sum(impressions) = 0 AND sum(error_count) = sum(auctions_won) "
    f"AND sum(error_count) > 0 FROM raw.performance_hourly WHERE {IN_WINDOW} "
    "AND creative_id = 30101",
    "restated_days": "SELECT count(*) = 2 * count(DISTINCT (creative_id, device, hour_ts)) "
    f"AND count(DISTINCT loaded_at) = 4 FROM raw.performance_hourly WHERE {IN_WINDOW}",
    "late_rows": "SELECT count(*) > 0 FROM raw.performance_hourly "
    f"WHERE {IN_WINDOW} AND loaded_at = CAST(hour_ts AS DATE) + INTERVAL 90 HOUR",
    "missing_hours": "SELECT count(*) = 0 FROM raw.performance_hourly "
    f"WHERE {IN_WINDOW} AND hour(hour_ts) = 3",
    "duplicates": "SELECT count(*) > count(DISTINCT (creative_id, device, hour_ts)) "
    f"FROM raw.performance_hourly WHERE {IN_WINDOW}",
    "null_ids": "SELECT count(*) > 0 FROM raw.performance_hourly "
    f"WHERE {IN_WINDOW} AND creative_id IS NULL AND line_item_id IS NOT NULL",
    "time_zone_shift": f"SELECT min(hour_ts) = '{DAY} 09:00' FROM raw.performance_hourly "
    f"WHERE campaign_id = 3 AND CAST(loaded_at AS DATE) = '{DAY}'::DATE + 1",
    "schema_drift": "SELECT bool_and((clicks IS NULL) = (hour_ts >= "
    f"'{DAY}')) AND sum(coalesce(clicks, click_throughs)) = (SELECT sum(clicks) FROM clean) "
    "FROM raw.performance_hourly",
}


@pytest.mark.parametrize("kind", EACH)
def test_each_fault_does_what_it_says(kind: str) -> None:
    with landed(one(kind)) as connection:
        assert connection.execute(EFFECTS[kind]).fetchall() == [(True,)]


def test_rows_that_have_not_landed_yet_are_not_there() -> None:
    """On the evening of the second day only the first version of the first day is known."""
    faults = one("restated_days")
    with landed(faults, as_of=DAY + timedelta(days=1)) as connection:
        (versions,) = connection.execute(
            "SELECT count(*) / count(DISTINCT (creative_id, device, hour_ts)) "
            f"FROM raw.performance_hourly WHERE {IN_WINDOW}"
        ).fetchall()
        assert versions == (1,)


def test_only_what_the_faults_break_is_lifted() -> None:
    assert landing_table(one("duplicates")) is PerformanceHourly
    for kind, emptied in (("null_ids", {"creative_id"}), ("schema_drift", {"clicks"})):
        columns = {column.name: column for column in landing_table(one(kind)).columns()}
        nullable = {name for name, column in columns.items() if column.nullable}
        assert nullable - {"click_throughs"} == emptied
        assert landing_table(one(kind)).constraints == PerformanceHourly.constraints


def test_conversions_are_late_repeated_unmatched_and_missing() -> None:
    """As many as the log of the faults says, in the hours that it says; the truth is untouched."""
    window: dict[str, Any] = {
        "table": "conversions",
        "start_date": DAY,
        "end_date": DAY + timedelta(days=60),
        "rate": 0.3,
    }
    faults = Faults.model_validate(
        {
            "late_rows": [window | {"days": 3}],
            "missing_hours": [window | {"hours": [18, 19, 20]}],
            "duplicates": [window],
            "null_ids": [window | {"column": "household_id"}],
        }
    )
    world = build_world(dataset("complete").with_log(0.02))
    logs = Logs(world, CountrySupplies(world))
    pieces = [
        piece
        for position in range(len(world.bookings))
        for piece in logs.pieces(position, None, 0, 1)
        if piece[0] in (Conversion, ConversionCauses)
    ]
    found = list(inject_faults(pieces, faults, world.run))
    (before, after), (causes, same) = (
        [
            pa.Table.from_batches([batch for table, batch in made if issubclass(table, wanted)])
            for made in (pieces, found)
        ]
        for wanted in (Conversion, ConversionCauses)
    )
    assert causes == same
    log = pa.Table.from_batches([batch for table, batch in found if table is FaultLog])
    assert set(log["affected_table"].to_pylist()) == {"conversions"}
    ((late, missing, repeated, wrong),) = ask(
        """
        with landed as (select conversion_id, count(*) as n, max(received_at) as received_at
            from after group by all)
        select count(*) filter (landed.received_at > before.event_ts + interval 3 day),
            count(*) filter (landed.n is null),
            coalesce(sum(landed.n - 1), 0)::bigint,
            count(*) filter (landed.n is null and hour(before.event_ts) not in (18, 19, 20))
        from before left join landed using (conversion_id)""",
        before=before,
        after=after,
    )
    assert wrong == 0
    assert missing > 20
    touched = dict(
        ask("select fault_type::varchar, sum(rows_touched)::bigint from log group by 1", log=log)
    )
    assert touched["MISSING_HOURS"] == missing
    assert touched["DUPLICATES"] == repeated
    # Some that are late are missing as well.
    assert touched["LATE_ROWS"] >= late > 0.7 * touched["LATE_ROWS"]
    ((unmatched, on_a_device, of_a_click),) = ask(
        "select count(*), count(device_id), count(click_id) from after where household_id is null",
        after=after,
    )
    assert touched["NULL_IDS"] == unmatched
    assert (on_a_device, of_a_click > 0) == (0, True)
    reporting = ask("select distinct campaign_id from log order by 1", log=log)
    counting = {one.campaign.campaign_id for one in map(logs._claim, world.bookings) if one}
    assert 3 < len(reporting) == len({campaign for (campaign,) in reporting} & counting)


def test_impressions_of_the_log_are_late_repeated_and_without_ids() -> None:
    """As many as the log of the faults says, the same in any batches, and no hourly row is."""
    window = {"table": "ad_impressions", "campaigns": [3], "rate": 0.2}
    faults = Faults.model_validate(
        {
            "late_rows": [window | {"days": 2}],
            "duplicates": [window],
            "null_ids": [window | {"column": "campaign_id"}],
        }
    )
    pieces = [(AdImpression, batch) for batch in LOGGED] + [(PerformanceHourly, CLEAN[0])]
    landed: dict[int, pa.Table] = {}
    for rows_a_batch in (10**6, 101):
        made = [
            (table, small)
            for table, batch in pieces
            for small in pa.Table.from_batches([batch]).to_batches(max_chunksize=rows_a_batch)
        ]
        found = list(inject_faults(made, faults, COMPLETE.run))
        landed[rows_a_batch] = pa.Table.from_batches(
            [batch for table, batch in found if issubclass(table, AdImpression)]
        )
        log = [row for table, batch in found if table is FaultLog for row in batch.to_pylist()]
        assert [batch for table, batch in found if table is PerformanceHourly] == [
            batch for table, batch in made if table is PerformanceHourly
        ]
        assert {row["affected_table"] for row in log} == {"ad_impressions"}
        touched = {
            kind: sum(row["rows_touched"] for row in log if row["fault_type"] == kind)
            for kind in ("LATE_ROWS", "DUPLICATES", "NULL_IDS")
        }
        before = pa.Table.from_batches(LOGGED)
        after = landed[rows_a_batch]
        assert touched["DUPLICATES"] == after.num_rows - before.num_rows
        assert touched["NULL_IDS"] == after["campaign_id"].null_count
        ((late,),) = ask(
            "SELECT count(DISTINCT impression_id) FROM after SEMI JOIN before USING "
            "(impression_id) ANTI JOIN before USING (impression_id, loaded_at)",
            after=after,
            before=before,
        )
        assert touched["LATE_ROWS"] == late
        of_campaign = pa.compute.sum(pa.compute.equal(before["campaign_id"], 3)).as_py()
        # Ids are lost last: the rows that landed twice are two.
        for count in touched.values():
            assert 0.16 < count / of_campaign < 0.29
    one_size, other_size = landed.values()
    assert fingerprint(one_size) == fingerprint(other_size)
    impressions = landing_table(faults, AdImpression).columns()
    assert {column.name for column in impressions if column.nullable} == {
        "campaign_id",
        "device_id",
        "ifa_type",
    }


def test_processes_and_parts_make_the_same() -> None:
    """The whole way of a run: two processes, many parts, the same hashes and the same log."""
    world = build_world(dataset("faulty"))
    whole = {totals.table: totals.fingerprint for totals in local.run(world, Basket(10**9))}
    parts = {totals.table: totals.fingerprint for totals in local.run(world, Basket(5_000), jobs=2)}
    assert whole == parts
    assert whole[PerformanceHourly] != fingerprint(pa.Table.from_batches(CLEAN))


def test_a_run_with_faults_lands_with_its_log(tmp_path) -> None:
    world = build_world(dataset("faulty"))
    file = tmp_path / "faulty.duckdb"
    local.run(world, DuckdbSink(file, landing_tables(world.faults)))
    with duckdb.connect(str(file), read_only=True) as connection:
        types = connection.execute("SELECT DISTINCT fault_type FROM raw.fault_log").fetchall()
        columns = connection.execute("DESCRIBE raw.performance_hourly").fetchall()
    assert {name for (name,) in types} == {str(kind) for kind in FAULT_KINDS}
    assert [name for name, *_ in columns][-2:] == ["click_throughs", "supply_path"]


@pytest.mark.parametrize(
    ("target", "reader"),
    [
        ("parquet:{}", "read_parquet('{}/performance_hourly/**/*.parquet')"),
        ("csv:{}", "read_csv('{}/performance_hourly.csv')"),
    ],
    ids=["parquet", "csv"],
)
def test_other_sinks_take_the_same_rows(tmp_path, target: str, reader: str) -> None:
    """From separate processes, with the column that is new."""
    world = build_world(dataset("faulty"))
    folder = tmp_path / "landed"
    sink = sink_of(target.format(folder), landing_tables(world.faults))
    landed = {totals.table: totals.rows for totals in local.run(world, sink, jobs=2)}
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), count(click_throughs), count(supply_path), count(creative_id), "
            f"sum(spend_micros) FROM {reader.format(folder)}"
        ).fetchall()
    rows = [batch for table, batch in all_pieces(world) if issubclass(table, PerformanceHourly)]
    table = pa.Table.from_batches(rows)
    filled = (table[name] for name in ("click_throughs", "supply_path", "creative_id"))
    spend = pa.compute.sum(table["spend_micros"]).as_py()
    assert found == [
        (table.num_rows, *(pa.compute.count(column).as_py() for column in filled), spend)
    ]
    assert landed[PerformanceHourly] == table.num_rows > 0


def test_campaigns_that_are_left_out_are_not_in_the_log() -> None:
    world = replace(build_world(dataset("faulty"))).only(["nexbank_conversion"])

    def log() -> Iterator[dict[str, Any]]:
        for table, batch in all_pieces(world):
            if table is FaultLog:
                yield from batch.to_pylist()

    assert {row["campaign_id"] for row in log()} == {3}


def test_no_fault_is_without_an_effect_and_a_type() -> None:
    assert set(FAULT_KINDS) == {FaultType(name.upper()) for name in EACH}
    incidents = {FaultType(name.upper()) for name in Incidents.model_fields}
    assert set(FAULT_KINDS) | incidents == set(FaultType)
    assert [kind.upper() for kind in Faults.model_fields if kind != "sparse_rows"] == [
        str(kind)
        for kind, *_ in Faults.model_validate(
            {kind: [figures] for kind, figures in EACH.items()}
        ).of_table(PerformanceHourly)
    ]
