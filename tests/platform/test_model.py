"""Platform files are complete, add up, and agree with the published figures they name."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from generator.platform.model import PlatformModel
from generator.scenario.kinds import TemplateKind
from generator.scenario.templates import BUNDLED, names, platform
from tests.support.project import ROOT

PLATFORM = platform("netflix_like")
SEED = ROOT / "dbt_project/seeds/industry_benchmarks.csv"


def benchmarks(file: Path = SEED) -> dict[str, dict[str, str]]:
    with file.open() as rows:
        return {row["benchmark_id"]: row for row in csv.DictReader(rows)}


BENCHMARKS = benchmarks()

PLATFORMS = names(TemplateKind.PLATFORMS)


def figures(of: PlatformModel) -> dict[str, float]:
    """Benchmark id → the figure of a platform that it speaks about."""
    video, interaction, quality, supply = of.video, of.interaction, of.quality, of.supply
    return {
        "vcr_ctv": video.completion_rate.CTV,
        "vcr_tablet": video.completion_rate.TABLET,
        "vcr_mobile": video.completion_rate.MOBILE,
        "vcr_desktop": video.completion_rate.DESKTOP,
        "abandon_by_q25": video.abandoned_by_quartile[0],
        "abandon_by_q50": video.abandoned_by_quartile[1],
        "abandon_by_q75": video.abandoned_by_quartile[2],
        "ctr_ctv": interaction.ctr.CTV,
        "ctr_mobile": interaction.ctr.MOBILE,
        "ctr_tablet": interaction.ctr.TABLET,
        "ctr_desktop": interaction.ctr.DESKTOP,
        "ctr_campaign_log_sd": campaign_spread_of_clicks(of),
        "ctr_wearout_5": interaction.wear_out[5],
        "qr_scan_rate": interaction.qr_scan_rate.CTV,
        "interactive_ctv": interaction.interactive_rate.CTV,
        "interactive_other": interaction.interactive_rate.MOBILE,
        "viewability_ctv": quality.viewability_rate.CTV,
        "viewability_mobile": quality.viewability_rate.MOBILE,
        "viewability_desktop": quality.viewability_rate.DESKTOP,
        "audibility_ctv": quality.audibility_rate.CTV,
        "invalid_traffic_first_party": of.funnel.invalid_traffic_rate,
        "win_rate_bounds": of.funnel.win_rate["PREFERRED_DEAL"],
        "device_mix_ctv": supply.device_share.CTV,
        "device_mix_desktop": supply.device_share.DESKTOP,
        "device_mix_mobile": supply.device_share.MOBILE,
        "device_mix_tablet": supply.device_share.TABLET,
        "ad_load": supply.ad_minutes_per_hour,
        "hours_per_member_month": supply.hours_per_household_day * 365.25 / 12,
        "cpm_netflix": of.countries["US"].cpm_level,
        "nbd_k_platform": of.reach.shape_k,
        "month_amplitude": (max(supply.month) - min(supply.month)) / 2,
        "weekend_over_weekday": (sum(supply.weekday[5:]) / 2) / (sum(supply.weekday[:5]) / 5),
    }


def campaign_spread_of_clicks(of: PlatformModel) -> float:
    """The standard deviation of a campaign's log CTR: chance and what features explain."""
    assert of.booking_mix is not None
    variance = of.interaction.campaign_log_sd**2 + of.variation.click.advertiser**2
    for feature in ("industry", "objective", "ad_format"):
        mix = getattr(of.booking_mix, feature)
        explained = getattr(of.effects.click, feature)
        variance += sum(share * explained[on] ** 2 for on, share in mix.items())
    return float(variance**0.5)


FIGURES = figures(PLATFORM)


def named_benchmarks(name: str) -> list[str]:
    """The benchmark ids that a platform file names as its evidence."""
    text = (BUNDLED / f"platforms/{name}.yml").read_text()
    patterns = [
        name.strip(" ,")
        for part in text.split("[B ")[1:]
        for name in part.split("]")[0].split(",")
        if name.strip() != "id"
    ]
    found = []
    for pattern in patterns:
        stem = pattern.rstrip("*")
        matches = [
            benchmark
            for benchmark in BENCHMARKS
            if benchmark == stem
            or (pattern.endswith("*") and benchmark.startswith(stem))
            or (stem.startswith("_") and benchmark.endswith(stem))
        ]
        assert matches, f"{name}: there is no benchmark {pattern}"
        found += matches
    return found


@pytest.mark.parametrize("benchmark_id", FIGURES)
def test_a_figure_lies_in_its_published_range(benchmark_id: str) -> None:
    row = BENCHMARKS[benchmark_id]
    assert float(row["low"]) <= FIGURES[benchmark_id] <= float(row["high"])


@pytest.mark.parametrize("name", PLATFORMS)
def test_figures_lie_in_the_ranges_that_their_file_names(name: str) -> None:
    own = figures(platform(name))
    named = [benchmark for benchmark in named_benchmarks(name) if benchmark in own]
    assert len(named) > 10
    for benchmark in named:
        row = BENCHMARKS[benchmark]
        assert float(row["low"]) <= own[benchmark] <= float(row["high"]), benchmark


@pytest.mark.parametrize("name", PLATFORMS)
def test_no_platform_rests_on_a_benchmark_of_another(name: str) -> None:
    for benchmark in named_benchmarks(name):
        segment = BENCHMARKS[benchmark]["segment"]
        assert "platform=" not in segment or f"platform={name}" in segment, benchmark


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_section_of_figures_says_what_it_rests_on(name: str) -> None:
    """Beside its figures, or in the comment above them: [B …], [R …], [K] or [M]."""
    text = (BUNDLED / f"platforms/{name}.yml").read_text()
    section, comment = "", ""
    for line in [*text.splitlines(), "end:"]:
        if line.startswith("#"):
            comment += line
        elif line.startswith(" "):
            section += line
        elif line:
            is_prose = "description:" in section
            figures_in_it = not is_prose and any(
                letter.isdigit() for letter in section.partition(":")[2]
            )
            assert not figures_in_it or re.search(r"\[([BR] |[RKM])", section), section
            section, comment = comment + line, ""


def test_what_the_other_platforms_are_known_for() -> None:
    free, live = platform("fast_channel"), platform("live_sports")
    assert free.supply.ad_minutes_per_hour == 9
    assert 15 <= free.supply.mean_ad_seconds <= 30
    us = [model.countries["US"].cpm_level for model in (free, PLATFORM, live)]
    assert us == sorted(us)
    assert (
        free.funnel.win_rate["PRIVATE_AUCTION"] < 0.5 < PLATFORM.funnel.win_rate["PRIVATE_AUCTION"]
    )
    assert max(event.multiplier for event in live.supply.events) >= 4
    assert live.genres["SPORTS"].share > 0.8


@pytest.mark.parametrize("name", names(TemplateKind.PLATFORMS))
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
        (("people", "profiles"), {6: 1.0}),
        (("people", "profiles"), {1: 0.5, 2: 0.4}),
        (("people", "age_spread"), 0.0),
        (("people", "devices", "CTV"), {0: 1.0}),
        (("people", "ifa_types", "MOBILE"), {"PHONE_BOOK": 1.0}),
        (("people", "breaks_per_hour"), 5),
        (("people", "sitting_hours"), 2),
        (("unknown",), 1),
    ],
    ids=str,
)  # fmt: skip
def test_a_platform_that_does_not_add_up_is_refused(path, value) -> None:
    data = PLATFORM.model_dump()
    PlatformModel.model_validate(data)
    inside = data
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    with pytest.raises(ValidationError):
        PlatformModel.model_validate(data)
