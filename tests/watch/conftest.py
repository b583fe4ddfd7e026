"""A live database as `live` leaves one in the middle of its run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from generator.schema.ddl import create_table
from generator.schema.live import LIVE

EVENT_TIME = "2025-09-14 12:31"
# What the stream has sent so far, and what it keeps beside the data.
STREAM = f"""
    INSERT INTO live.state BY NAME SELECT
        'a run' AS run_identity, 'smoke' AS workflow, '60' AS speed,
        TIMESTAMP '2025-09-07' AS event_time_from, TIMESTAMP '2025-09-21' AS event_time_until,
        TIMESTAMP '{EVENT_TIME}' AS next_slice, false AS is_complete,
        now_utc - INTERVAL 200 SECOND AS started_at, now_utc AS updated_at
        FROM (SELECT now()::TIMESTAMPTZ AT TIME ZONE 'UTC' AS now_utc);
    INSERT INTO live.slices BY NAME SELECT
        TIMESTAMP '{EVENT_TIME}' - INTERVAL 1 MINUTE * (i + 1) AS slice_start,
        TIMESTAMP '{EVENT_TIME}' - INTERVAL 1 MINUTE * i AS slice_end,
        (now()::TIMESTAMPTZ AT TIME ZONE 'UTC') - INTERVAL 1 SECOND * i AS sent_at,
        120 AS events, 3 AS late_events, 1 AS duplicate_events, 0 AS hourly_rows,
        0.25 AS lag_seconds
        FROM range(200) AS slices (i);
    INSERT INTO live.errors BY NAME SELECT
        TIMESTAMP '2026-01-01 10:00:00' AS "at", 'kafka://user:secret@broker.example' AS target,
        'The broker went away, so 214 events wait.' AS sentence;
    DELETE FROM raw.performance_hourly WHERE hour_ts >= '2025-09-14 12:00';
    DELETE FROM raw.ad_errors WHERE event_ts >= '{EVENT_TIME}'
"""


def change(file: Path, *statements: str) -> None:
    """Run statements on a file of any name."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS changed")
        connection.execute("USE changed")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def live_database(smoke_database: Path, tmp_path: Path) -> Path:
    """A file with half of `smoke`, and a stream that runs. It has the name of a schema in it."""
    file = tmp_path / "stream.duckdb"
    shutil.copy(smoke_database, file)
    change(file, "CREATE SCHEMA live", *map(create_table, LIVE), STREAM)
    return file


@pytest.fixture
def changed(live_database: Path) -> Callable[..., Path]:
    """That file after some statements."""

    def changed(*statements: str) -> Path:
        change(live_database, *statements)
        return live_database

    return changed
