"""The scorecard on the market sample, and on a platform that is nothing like the real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from generator.enums import BuyType, Device, Placement
from generator.scenario.templates import BUNDLED, Library
from tests.support.project import ROOT, Answer, dbt, generate

# The two models with all their parents and the two tests that judge them, nothing else.
JUDGE = (
    "build --indirect-selection empty --exclude test_type:unit"
    " --select +realism_scorecard +realism_shapes"
    " calibration_is_inside_every_binding_benchmark calibration_has_every_shape"
)
# What no table of the data speaks about: people in front of a screen, bidders' clocks, an open
# auction, and what viewers buy later.
UNKNOWN = {
    "bid_latency",
    "co_viewing",
    "conversion_delay_post_click",
    "conversion_delay_post_view",
    "cpm_pmp_over_open",
}

# What a calm world lacks: the marks of people who book and steer.
BOOKED_BY_NO_ONE = {
    "starts_on_mondays",
    "starts_on_first_of_month",
    "budgets_of_whole_thousands",
    "orders_without_number",
    "prices_in_quarters",
    "equal_budget_shares",
    "new_advertisers",
    "delivered_past_the_goal",
    "campaigns_that_were_changed",
    "campaigns_with_several_flights",
    "worst_day_of_errors",
}

# And those of buyers who compete, and of people who differ.
NOBODY_DIFFERS = {
    "price_on_fill",
    "days_off_the_reach_curve",
    "days_beyond_chance_ages",
    "neighbouring_ages",
    "clicks_of_old_over_young",
    "clicks_that_industry_explains",
    "completion_that_films_explain",
    "timeouts_on_load",
    "late_television_of_countries",
    "television_share_of_countries",
}


def judged(file: Path, folder: Path) -> dict[str, int]:
    """On how many rows each of the two tests fails, once dbt has built what they judge."""
    result = dbt(JUDGE, file, folder, DBT_WRITE_JSON="true")
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    tests = {
        one["unique_id"].split(".")[2]: one["failures"]
        for one in results
        if one["unique_id"].startswith("test.")
    }
    assert result.returncode == any(tests.values()), result.stdout[-3000:]
    return tests


def rows(file: Path, model: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        found: list[dict[str, Any]] = (
            connection.execute(f"FROM marts.{model}").to_arrow_table().to_pylist()
        )
    return found


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("calibration") / "ads.duckdb"
    before = os.times()
    # A child of this process: its processor seconds are counted.
    command = [sys.executable, "-m", "generator", "generate", "calibration", "--quiet"]
    subprocess.run([*command, "--database", str(file)], cwd=ROOT, check=True)
    after = os.times()
    busy = after.children_user + after.children_system
    busy -= before.children_user + before.children_system
    assert 1 < busy < 2 * 30, "two cores take more than half a minute"
    assert judged(file, file.parent) == {
        "calibration_is_inside_every_binding_benchmark": 0,
        "calibration_has_every_shape": 0,
    }
    return file


def test_the_sample_has_everything_that_is_sold(calibration: Path) -> None:
    with duckdb.connect(str(calibration), read_only=True) as connection:

        def seen(query: str) -> set[Any]:
            return {value for (value,) in connection.execute(query).fetchall()}

        (campaigns,) = seen("SELECT count(*) FROM raw.campaigns")
        assert campaigns >= 300
        assert seen("SELECT DISTINCT buy_type FROM raw.campaigns") == set(BuyType)
        assert seen("SELECT DISTINCT placement FROM raw.creatives") == set(Placement)
        durations = {None, 10, 15, 20, 30, 45, 60, 75}
        assert seen("SELECT DISTINCT duration_seconds FROM raw.creatives") == durations
        assert seen(
            "SELECT DISTINCT device FROM raw.performance_hourly WHERE impressions > 0"
        ) == set(Device)
        months = "SELECT DISTINCT month(hour_ts) FROM raw.performance_hourly WHERE impressions > 0"
        assert seen(months) == set(range(1, 13))


def test_every_benchmark_that_binds_is_inside(calibration: Path) -> None:
    scorecard = rows(calibration, "realism_scorecard")
    assert {
        row["benchmark_id"] for row in scorecard if row["status"] == "NOT_APPLICABLE"
    } == UNKNOWN
    binding = [row for row in scorecard if row["is_binding"] and row["benchmark_id"] not in UNKNOWN]
    assert len(binding) == 46
    outside = {
        row["benchmark_id"]: row["measured_value"] for row in binding if row["status"] != "INSIDE"
    }
    assert outside == {}
    behind = [row["benchmark_id"] for row in binding if row["impressions"] is None]
    assert sorted(behind) == ["ad_load", "hours_per_member_month"]


def test_every_shape_is_there(calibration: Path) -> None:
    shapes = rows(calibration, "realism_shapes")
    assert len(shapes) == 51
    assert {
        row["shape_id"]: row["measured_value"] for row in shapes if row["status"] != "INSIDE"
    } == {}


def test_the_terminal_counts_them(calibration: Path, run: Callable[..., Answer]) -> None:
    answer = run("scorecard", "--database", str(calibration))
    assert "46 of 46 benchmarks inside, 5 not applicable" in answer.out
    assert "51 of 51 shapes inside" in answer.out


def unrealistic(folder: Path) -> Path:
    """A folder of templates with a platform that is watched alike at every hour, its ads left by
    every other viewer, clicked by one in ninety on any device, and sold without an end of money."""
    platform = yaml.safe_load((BUNDLED / "platforms/netflix_like.yml").read_text())
    flat = {"weekday": [1.0] * 24, "weekend": [1.0] * 24}
    for device in Device:
        platform["supply"]["hour_curve"][device] = flat
        platform["video"]["completion_rate"][device] = 0.45
        platform["interaction"]["ctr"][device] = 0.011
    platform["market"] |= {"fill": 0.9, "most_of_share": 1.0, "pacing": {"ASAP": 1.0}}
    workflow = yaml.safe_load((BUNDLED / "workflows/calibration.yml").read_text())
    workflow["market"]["made"] = 60
    workflow["life"] = {"preset": "calm"}
    for kind, name, content in (
        ("platforms", "netflix_like", platform),
        ("workflows", "calibration", workflow),
    ):
        (folder / kind).mkdir(parents=True)
        (folder / kind / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    assert Library(folder).platform("netflix_like").supply.hour_curve.CTV.weekday == [1.0] * 24
    return folder


def test_an_unrealistic_platform_fails_on_many_rows(tmp_path: Path) -> None:
    file = tmp_path / "ads.duckdb"
    templates = unrealistic(tmp_path / "templates")
    made = generate(
        "generate", "calibration", "--templates", str(templates), "--database", str(file), "--quiet"
    )
    assert made.returncode == 0, made.stderr
    failures = judged(file, tmp_path)
    scorecard = rows(file, "realism_scorecard")
    binding = [row for row in scorecard if row["is_binding"] and row["benchmark_id"] not in UNKNOWN]
    assert failures["calibration_is_inside_every_binding_benchmark"] == sum(
        row["status"] != "INSIDE" for row in binding
    )
    missed = {row["benchmark_id"] for row in binding if row["status"] == "OUTSIDE"}
    assert len(missed) >= 10
    assert missed >= {
        "vcr_ctv",
        "vcr_tablet",
        "vcr_mobile",
        "vcr_desktop",
        "vcr_mid_roll",
        "vcr_pre_roll",
        "ctr_ctv",
        "ctr_mobile",
        "ctr_tablet",
        "ctr_desktop",
        "prime_time_share",
    }
    shapes = {row["shape_id"]: row["status"] for row in rows(file, "realism_shapes")}
    assert failures["calibration_has_every_shape"] >= 1
    assert shapes["evening_ctv_over_desktop"] == "OUTSIDE"
    lacking = BOOKED_BY_NO_ONE | NOBODY_DIFFERS
    assert {shape for shape in lacking if shapes[shape] != "OUTSIDE"} == set()


def test_the_docs_name_every_benchmark_that_cannot_be_judged() -> None:
    text = (ROOT / "docs/realism.md").read_text()
    assert [name for name in UNKNOWN if f"`{name}`" not in text] == []
