"""Platform files are complete, add up, and agree with the published figures they name."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pydantic import ValidationError

from generator.scenario.templates import Kind, names, platform
from generator.schema.behaviour import Behaviour
from tests.conftest import ROOT

PLATFORM = platform("netflix_like")
SEED = ROOT / "dbt_project/seeds/industry_benchmarks.csv"


def benchmarks(file: Path = SEED) -> dict[str, dict[str, str]]:
    with file.open() as rows:
        return {row["benchmark_id"]: row for row in csv.DictReader(rows)}


BENCHMARKS = benchmarks()

# Benchmark id → the figure of the platform that it speaks about.
FIGURES = {
    "vcr_ctv": PLATFORM.video.completion_rate.CTV,
    "vcr_tablet": PLATFORM.video.completion_rate.TABLET,
    "vcr_mobile": PLATFORM.video.completion_rate.MOBILE,
    "vcr_desktop": PLATFORM.video.completion_rate.DESKTOP,
    "abandon_by_q25": PLATFORM.video.abandoned_by_quartile[0],
    "abandon_by_q50": PLATFORM.video.abandoned_by_quartile[1],
    "abandon_by_q75": PLATFORM.video.abandoned_by_quartile[2],
    "ctr_ctv": PLATFORM.interaction.ctr.CTV,
    "ctr_mobile": PLATFORM.interaction.ctr.MOBILE,
    "ctr_tablet": PLATFORM.interaction.ctr.TABLET,
    "ctr_desktop": PLATFORM.interaction.ctr.DESKTOP,
    "ctr_campaign_log_sd": PLATFORM.interaction.campaign_log_sd,
    "ctr_wearout_5": PLATFORM.interaction.wear_out[5],
    "qr_scan_rate": PLATFORM.interaction.qr_scan_rate.CTV,
    "interactive_ctv": PLATFORM.interaction.interactive_rate.CTV,
    "interactive_other": PLATFORM.interaction.interactive_rate.MOBILE,
    "viewability_ctv": PLATFORM.quality.viewability_rate.CTV,
    "viewability_mobile": PLATFORM.quality.viewability_rate.MOBILE,
    "viewability_desktop": PLATFORM.quality.viewability_rate.DESKTOP,
    "audibility_ctv": PLATFORM.quality.audibility_rate.CTV,
    "invalid_traffic_first_party": PLATFORM.funnel.invalid_traffic_rate,
    "win_rate_bounds": PLATFORM.funnel.win_rate["PREFERRED_DEAL"],
    "device_mix_ctv": PLATFORM.supply.device_share.CTV,
    "device_mix_desktop": PLATFORM.supply.device_share.DESKTOP,
    "device_mix_mobile": PLATFORM.supply.device_share.MOBILE,
    "device_mix_tablet": PLATFORM.supply.device_share.TABLET,
    "ad_load": PLATFORM.supply.ad_minutes_per_hour,
    "hours_per_member_month": PLATFORM.supply.hours_per_household_day * 365.25 / 12,
    "cpm_netflix": PLATFORM.countries["US"].cpm_level,
    "nbd_k_platform": PLATFORM.reach.shape_k,
    "month_amplitude": (max(PLATFORM.supply.month) - min(PLATFORM.supply.month)) / 2,
    "weekend_over_weekday": (sum(PLATFORM.supply.weekday[5:]) / 2)
    / (sum(PLATFORM.supply.weekday[:5]) / 5),
}


@pytest.mark.parametrize("benchmark_id", FIGURES)
def test_a_figure_lies_in_its_published_range(benchmark_id: str) -> None:
    row = BENCHMARKS[benchmark_id]
    assert float(row["low"]) <= FIGURES[benchmark_id] <= float(row["high"])


def test_every_benchmark_that_the_platform_file_names_exists() -> None:
    text = (ROOT / "generator/templates/platforms/netflix_like.yml").read_text()
    named = [
        name.strip(" ,")
        for part in text.split("[B ")[1:]
        for name in part.split("]")[0].split(",")
        if name.strip() != "id"
    ]
    assert named
    for name in named:
        stem = name.rstrip("*")
        assert any(
            each == stem
            or (name.endswith("*") and each.startswith(stem))
            or (stem.startswith("_") and each.endswith(stem))
            for each in BENCHMARKS
        ), name


@pytest.mark.parametrize("name", names(Kind.PLATFORMS))
def test_a_platform_file_is_named_after_its_platform(name: str) -> None:
    assert platform(name).name == name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("supply", "device_share", "CTV"), 0.9),
        (("supply", "hour_curve", "CTV", "weekday"), [1.0] * 23),
        (("supply", "weekday"), [1.0] * 6),
        (("audience", "GENDER", "FEMALE"), 0.9),
        (("genres", "DRAMA", "share"), 0.9),
        (("countries", "US", "zones"), {"America/Nowhere": 1.0}),
        (("countries", "US", "regions", "501", "share"), 0.9),
        (("funnel", "render_rate"), 0.5),
        (("funnel_floor", "render"), 1.5),
        (("video", "abandoned_by_quartile"), [0.6, 0.3, 0.8]),
        (("video", "completion_rate", "CTV"), 1.0),
        (("supply", "events"), [{"name": "x", "start": "02-30", "end": "03-01", "multiplier": 2}]),
        (("supply", "events"), [{"name": "x", "start": "01-02", "end": "01-03", "multiplier": -1}]),
        (("reach", "shape_k"), 0.0),
        (("unknown",), 1),
    ],
    ids=str,
)  # fmt: skip
def test_a_platform_that_does_not_add_up_is_refused(path, value) -> None:
    data = PLATFORM.model_dump()
    Behaviour.model_validate(data)
    inside = data
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    with pytest.raises(ValidationError):
        Behaviour.model_validate(data)
