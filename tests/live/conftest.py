"""What the tests of live runs share: a small world, its batch, and how to compare with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pytest

from generator.faults.changed_columns import landing_tables
from generator.live.stream import Plan
from generator.live.timeline import Timeline
from generator.market.dataset import world_of
from generator.pipeline.parts import all_pieces
from generator.scenario.templates import Library
from generator.schema import RawTable
from generator.schema.live import AdEvent
from generator.world.world import World
from tests.support.project import ROOT

WORKFLOW = Path(__file__).parent / "workflow" / "short.yml"
MODEL = ROOT / "dbt_project/models/marts/log/fct_ad_events.sql"
Tables = Mapping[str, pa.Table]


@pytest.fixture(scope="session")
def world() -> World:
    """Three days of a campaign, with conversions, late rows and repeated ones."""
    return world_of(Library().dataset(str(WORKFLOW)))


@pytest.fixture
def timeline(world: World) -> Timeline:
    return Timeline(world)


def plan_of(timeline: Timeline, world: World, **changes: Any) -> Plan:
    """The plan of a whole live run at once, but for some changes."""
    whole = {"first": timeline.first, "until": timeline.end, "speed": None}
    return Plan("short", world.identity, **(whole | changes))


def together(pieces: Sequence[tuple[type[RawTable], Any]]) -> dict[str, pa.Table]:
    """Batches by the name of their table, as one table each."""
    found: dict[str, list[pa.RecordBatch]] = {}
    for table, rows in pieces:
        batches = rows.to_batches() if isinstance(rows, pa.Table) else [rows]
        found.setdefault(table.table_name, []).extend(batches)
    return {name: pa.Table.from_batches(batches) for name, batches in found.items()}


@pytest.fixture(scope="session")
def batch(world: World) -> dict[str, pa.Table]:
    """All tables as `generate` lands them, and the events of ads as dbt derives them."""
    tables = together(list(all_pieces(world)))
    connection = duckdb.connect()
    for name, rows in tables.items():
        connection.register(name, rows)
    model = jinja2.Template(MODEL.read_text()).render(
        ref=lambda name: {"fct_ad_impressions": "ads", "stg_ads__ad_errors": "ad_errors"}.get(
            name, "campaigns"
        ),
        dbt=_Dbt,
        none=None,
    )
    connection.execute(
        "create view ads as select i.*, duration_seconds, advertiser_id, cast(hour_ts as date) "
        "as activity_date from ad_impressions i join creatives using (creative_id) "
        "join campaigns on campaigns.campaign_id = i.campaign_id"
    )
    columns = ", ".join(column.name for column in AdEvent.columns())
    events = connection.sql(
        f"select {columns} from (select ad_id || ':' || event_name as event_id, * from ({model}))"
    )
    return tables | {"ad_events": events.to_arrow_table()}


class _Dbt:
    @staticmethod
    def dateadd(unit: str, number: str, moment: str) -> str:
        assert unit == "millisecond"
        return f"({moment} + to_milliseconds({number}))"


def columns_of(world: World, name: str) -> dict[str, str]:
    """The columns of a table as they land, and their types in DuckDB."""
    landing = (*landing_tables(world.faults), AdEvent)
    (table,) = (table for table in landing if table.table_name == name)
    return {column.name: column.storage.duckdb for column in table.columns()}


def assert_equal(found: Tables, batch: Tables) -> None:
    """Tables have the same rows, as often, in any order."""
    assert set(found) == set(batch)
    connection = duckdb.connect()
    for name, rows in batch.items():
        connection.register("batch", rows)
        connection.register("live", found[name])
        for one, other in (("batch", "live"), ("live", "batch")):
            columns = ", ".join(rows.column_names)
            left = connection.sql(
                f"select * from (select {columns} from {one} except all "
                f"select {columns} from {other}) limit 1"
            ).fetchall()
            assert left == [], f"{name}: {one} has what {other} has not"
        assert found[name].num_rows == rows.num_rows
