"""A stream in PostgreSQL looks as it does in DuckDB."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from generator.watch import queries
from generator.watch.database import LiveDatabase
from tests.support.postgresql import server
from tests.support.project import generate

pytestmark = pytest.mark.slow
# What the wall clock says differs from run to run.
OF_THE_CLOCK = {"lag_seconds", "seconds_since_sent", "events_per_second"}


def state_of_stream(target: str) -> dict[str, Any]:
    """What the page shows of a stream up to a minute, without what the wall clock says."""
    sent = generate(
        *("live", "smoke", "--to", target, "--speed", "max", "--until", "2025-09-10T15:37")
    )
    assert sent.returncode == 0, sent.stderr
    with LiveDatabase(target).reading() as query:
        found = queries.read(query, datetime.now(UTC), queries.Delivery())
    assert sum(row["events_per_second"] for row in found.pop("rates")) > 0
    found["stream"] = {k: v for k, v in found["stream"].items() if k not in OF_THE_CLOCK}
    return found


def test_a_stream_in_postgresql_looks_as_it_does_in_duckdb(tmp_path: Path) -> None:
    with server() as postgresql:
        found = state_of_stream(postgresql.uri)
    expected = state_of_stream(str(tmp_path / "stream.duckdb"))
    assert found["campaigns"][0]["impressions"] > 0
    assert found["stream"]["events"] > 0
    assert found == expected
