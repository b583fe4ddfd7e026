"""What the generator accepts, dbt builds: random campaigns, and rotations with days on which
nothing is shown, pass every test of the project. They are campaigns of one run in one file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generator.engines import local
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from tests.support.project import WITHOUT_UNIT_TESTS, dbt
from tests.support.strategies import Plans, scenarios

# `make fuzz` draws others each time, and more.
CAMPAIGNS = 12 if settings.default.derandomize else 60
FIRST_DAY = date(2025, 10, 27)
AS_OF = FIRST_DAY + timedelta(days=15)
# The days of a flight from FIRST_DAY on which a second creative rotates, first and last.
ROTATIONS = {
    "ends before the flight": [(None, 3)],
    "begins after the flight": [(2, None)],
    "a day between two": [(None, 2), (4, None)],
    "two at a time then none then one": [(None, 2), (1, 2), (5, 6)],
    "a week without any": [(None, 0), (8, None)],
    "over before the second flight": [(None, 9)],
    "never within a flight": [(30, None)],
    "a second one that is yet to come": [(None, 9), (14, None)],
}


def drawn(count: int) -> list[dict[str, Any]]:
    """Random scenarios that begin on about the same day."""
    plans: list[dict[str, Any]] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.integers(0, 9).flatmap(lambda day: scenarios(FIRST_DAY + timedelta(days=day))))
    def draw(plan: dict[str, Any]) -> None:
        plans.append(plan)

    draw()
    return plans


def rotating(name: str, days: list[tuple[int | None, int | None]]) -> dict[str, Any]:
    """A scenario of two flights, one with creatives that rotate on these days."""
    creatives = []
    for first, last in days:
        creative: dict[str, Any] = {"placement": "PRE_ROLL", "duration_seconds": 15}
        if first is not None:
            creative["rotation_start_date"] = FIRST_DAY + timedelta(days=first)
        if last is not None:
            creative["rotation_end_date"] = FIRST_DAY + timedelta(days=last)
        creatives.append(creative)
    return {
        "name": name.replace(" ", "_"),
        "description": "days without a creative",
        "campaign": {
            "platform": "netflix_like",
            "objective": "AWARENESS",
            "buy_type": "DIRECT_IO",
            "target_cpm": 20,
            "currency": "USD",
            "flights": [
                {"start_date": FIRST_DAY, "end_date": FIRST_DAY + timedelta(days=9)},
                {
                    "start_date": FIRST_DAY + timedelta(days=12),
                    "end_date": FIRST_DAY + timedelta(days=20),
                },
            ],
            "budget": {"amount": 50_000.0, "type": "LIFETIME"},
        },
        "line_items": [
            {"bid_cpm": 25, "targeting": {"GEO_COUNTRY": ["US"]}, "creatives": creatives}
        ],
    }


def test_every_test_of_the_project_passes(tmp_path: Path) -> None:
    plans = [rotating(name, days) for name, days in ROTATIONS.items()] + drawn(CAMPAIGNS)
    data = Plans(plans, seed=20, as_of=AS_OF).dataset
    file = tmp_path / "ads.duckdb"
    local.run(build_world(data), DuckdbSink(file, TABLES))
    result = dbt(f"build {WITHOUT_UNIT_TESTS}", file, tmp_path)
    failures = [line for line in result.stdout.splitlines() if "FAIL" in line or "ERROR" in line]
    assert result.returncode == 0, "\n".join(failures)
    with duckdb.connect(str(file), read_only=True) as connection:
        counted = connection.execute("SELECT count(*) FROM marts.dim_campaigns").fetchall()
        silent = connection.execute(
            "SELECT count(*) FROM marts.fct_campaign_reach WHERE impressions = 0 AND reach = 0"
        ).fetchall()
    assert counted == [(len(plans),)]
    assert silent > [(0,)]
