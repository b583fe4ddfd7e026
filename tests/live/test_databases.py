"""A DuckDB file as the target of a live run, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from generator.engines import local
from generator.faults.changed_columns import landing_tables
from generator.live.clock import moment_of
from generator.live.stream import Ending, stream
from generator.live.targets.duckdb import DuckdbTarget
from generator.live.targets.named import FORMS, target_of
from generator.live.targets.target import Target
from generator.live.timeline import Timeline
from generator.pipeline.parts import all_pieces
from generator.scenario.faults import Faults
from generator.schema import AdImpression, PerformanceHourly
from generator.schema.live import LiveState
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.errors import DestinationError
from generator.world.world import World
from tests.live.conftest import Tables, assert_equal, plan_of, together


def send(world: World, target: Target, **changes: Any) -> Ending:
    timeline = Timeline(world)
    return stream(timeline, target, plan_of(timeline, world, **changes), lambda _: None)


def tables_in(file: Path, names: Tables) -> dict[str, pa.Table]:
    """The rows of raw and truth tables of a DuckDB file, by table."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as held (read_only)").fetchall()
        found = connection.sql(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'held' and schema_name <> 'live'"
        ).fetchall()
        rows = {
            name: connection.sql(f"select * from held.{schema}.{name}").to_arrow_table()
            for schema, name in found
        }
    return {name: held for name, held in rows.items() if name in names or held.num_rows}


@pytest.mark.parametrize("name", ["live.duckdb", "Raw.db"])
def test_a_file_called_like_its_schema_is_refused(tmp_path: Path, world: World, name: str) -> None:
    with pytest.raises(DestinationError, match=r"called like a schema in it.*another --to"):
        send(world, DuckdbTarget(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_generate_takes_the_place_of_a_stream(tmp_path: Path, world: World, batch: Tables) -> None:
    """It waits for the end of a live run, and none goes on with its rows."""
    file = tmp_path / "ads.duckdb"
    target = DuckdbTarget(file)
    assert not send(world, target, until=moment_of(datetime(2025, 10, 2))).is_complete
    target.open(Timeline(world).landing_tables)
    tables = landing_tables(world.faults)
    with pytest.raises(DestinationError, match="a live run writes to it"):
        local.run(world, DuckdbSink(file, tables))
    target.close()
    local.run(world, DuckdbSink(file, tables))
    landed = {name: rows for name, rows in batch.items() if name != "ad_events"}
    assert_equal(tables_in(file, landed), landed)
    with pytest.raises(DestinationError, match=r"has a table raw\.runs, which no live run made"):
        send(world, DuckdbTarget(file))


def test_a_duckdb_file_is_the_batch(tmp_path: Path, world: World, batch: Tables) -> None:
    """In two runs."""
    file = tmp_path / "new" / "stream.duckdb"
    middle = moment_of(datetime(2025, 10, 2, 20, 17))
    assert not send(world, DuckdbTarget(file), until=middle).is_complete
    ending = send(world, DuckdbTarget(file))
    assert (ending.is_complete, ending.went_on) == (True, True)
    assert_equal(tables_in(file, batch), batch)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as held").fetchall()
        (state,) = connection.sql(
            "select workflow, speed, next_slice, is_complete from held.live.state"
        ).fetchall()
        assert state == ("short", "max", datetime(2025, 10, 7), True)
        ((hourly_rows, events),) = connection.sql(
            "select sum(hourly_rows), sum(events) from held.live.slices"
        ).fetchall()
    assert hourly_rows == batch["performance_hourly"].num_rows
    assert events == batch["ad_events"].num_rows + batch["conversions"].num_rows


def test_a_start_that_was_committed_is_not_sent_again(
    tmp_path: Path, world: World, batch: Tables
) -> None:
    """The answer of a commit may be lost with the connection."""
    target, timeline = DuckdbTarget(tmp_path / "ads.duckdb"), Timeline(world)
    target.open(timeline.landing_tables)
    when = datetime(2025, 10, 1)
    state = LiveState(
        run_identity="one",
        workflow="short",
        speed="max",
        event_time_from=when,
        event_time_until=when,
        next_slice=when,
        is_complete=False,
        started_at=when,
        updated_at=when,
    )
    for _ in range(2):
        target.land(timeline.start(), state)
        target.rest()
    for _ in range(2):
        target.land(timeline.rest(), state.model_copy(update={"is_complete": True}))
        target.rest()
    target.close()
    found = tables_in(tmp_path / "ads.duckdb", {})
    assert found["runs"].num_rows == 1
    assert found["campaign_lift"].num_rows == batch["campaign_lift"].num_rows > 0


def test_faults_that_change_columns_land(tmp_path: Path, world: World) -> None:
    """Ids that are missing, and a column with another name from a day on."""
    faults = Faults.model_validate(
        {
            "null_ids": [
                {"column": "campaign_id", "rate": 0.2},
                {"column": "line_item_id", "rate": 0.2, "table": "ad_impressions"},
            ],
            "schema_drift": [
                {"start_date": date(2025, 10, 2), "column": "clicks", "renamed_to": "taps"}
            ],
        }
    )
    spoilt, file = replace(world, faults=faults), tmp_path / "ads.duckdb"
    names = (PerformanceHourly, AdImpression)
    timeline = Timeline(spoilt, names)
    stream(timeline, DuckdbTarget(file), plan_of(timeline, spoilt), lambda _: None)
    batch = together([piece for piece in all_pieces(spoilt) if issubclass(piece[0], names)])
    assert "taps" in batch["performance_hourly"].column_names
    assert_equal(tables_in(file, batch), batch)


def test_what_is_no_database_is_a_sentence(tmp_path: Path, world: World) -> None:
    file = tmp_path / "ads.duckdb"
    file.write_text("a letter" * 1000)
    with pytest.raises(DestinationError, match="is not a DuckDB database; choose another --to"):
        send(world, DuckdbTarget(file))
    assert file.read_text().startswith("a letter")


def test_others_read_the_file_between_slices(tmp_path: Path, world: World) -> None:
    """It is closed while the next slice is waited for, and a reader delays a slice for a moment."""
    file = tmp_path / "ads.duckdb"
    timeline, target = Timeline(world), DuckdbTarget(file)
    target.open(timeline.tables)
    with pytest.raises(DestinationError, match="another live run writes to it"):
        send(world, DuckdbTarget(file))
    target.rest()
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.sql("select count(*) from raw.ad_events").fetchall() == [(0,)]
    with pytest.raises(DestinationError, match="another live run writes to it"):
        send(world, DuckdbTarget(file))
    target.close()
    assert send(world, DuckdbTarget(file)).is_complete


def test_a_dataset_of_generate_is_kept(tmp_path: Path, world: World) -> None:
    file = tmp_path / "ads.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema raw").fetchall()
        connection.execute("create table raw.campaigns as select 1 as campaign_id").fetchall()
    with pytest.raises(DestinationError, match=r"has a table raw\.campaigns, which no live run"):
        send(world, DuckdbTarget(file))
    with duckdb.connect(str(file)) as connection:
        assert connection.sql("from raw.campaigns").fetchall() == [(1,)]


@pytest.mark.parametrize("address", ["csv:data", "redis://queue.example", "ndjson:", "kafka:x"])
def test_what_is_no_target_is_a_sentence(address: str) -> None:
    with pytest.raises(DestinationError, match="is not a target of a live run; there are") as found:
        target_of(address)
    assert all(form in str(found.value) for form in FORMS)


def test_the_command_sends_and_goes_on(tmp_path: Path, run: Any) -> None:
    """Progress in JSON is a line a second on stderr; the result is on stdout."""
    arguments = ("live", "smoke", "--to", str(tmp_path / "a.duckdb"), "--json", "--tables")
    tables = ("performance_hourly", "--speed", "max")
    first = run(*arguments, *tables, "--until", "2025-09-08T12:30")
    assert first.code == 0, first.err
    assert first.json["event_time"] == "2025-09-08T12:30:00"
    assert json.loads(first.err.splitlines()[-1])["hourly_rows"] == first.json["hourly_rows"]
    second = run(*arguments, *tables)
    assert second.json["is_complete"]
    assert first.json["hourly_rows"] + second.json["hourly_rows"] == 672
    other = run(*arguments, *tables, "--from", "2025-09-10")
    assert (other.code, "holds another live run" in other.err) == (2, True)
