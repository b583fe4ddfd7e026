"""The documentation as a reader sees it: one file, opened in a browser without a network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import dbt

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def documentation(built_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `make docs` writes."""
    folder = tmp_path_factory.mktemp("docs")
    file = folder / "ads.duckdb"
    shutil.copy(built_database, file)
    result = dbt("docs generate --static", file, folder)
    assert result.returncode == 0, result.stdout[-2000:]
    return folder


def page(documentation: Path, route: str) -> str:
    """The text of a page of the documentation, after its scripts have run."""
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    file = documentation / "target" / "static_index.html"
    shown = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={documentation / 'browser'}",
            "--virtual-time-budget=8000",
            "--dump-dom",
            f"file://{file}#!/{route}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    body = re.sub(r"<(script|style).*?</\1>", "", shown[shown.index("<body") :], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<(?!canvas)[^>]+>", "", body)).split())


def test_the_overview_has_the_title_the_layers_and_every_model(documentation: Path) -> None:
    text = page(documentation, "overview")
    manifest = json.loads((documentation / "target" / "manifest.json").read_text())
    models = [
        node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"
    ]
    assert len(models) == 35
    without_spaces = text.replace(" ", "")  # the tree breaks long names in two
    assert [name for name in models if name not in without_spaces] == []
    for words in (
        "Streaming-ad delivery",
        "generator ─► raw ─► staging ─► intermediate ─► marts ─► metrics, reports",
        "What always holds",
        "video_q100 / video_starts (DV360, TTD)",
    ):
        assert words in text


def test_the_lineage_is_drawn(documentation: Path) -> None:
    assert "<canvas" in page(documentation, "overview?g_v=1")


def test_a_metric_says_what_it_means(documentation: Path) -> None:
    text = page(documentation, "metric/metric.streaming_ads.ctr")
    assert "Click-through rate: clicks / impressions. NULL without impressions." in text
    mart = page(documentation, "model/model.streaming_ads.fct_campaign_performance_daily")
    assert "One row per campaign and UTC day: counts, money and every rate" in mart
    assert "The definition of DV360 and The Trade Desk." in mart


def test_the_overview_names_every_metric(documentation: Path) -> None:
    manifest = json.loads((documentation / "target" / "manifest.json").read_text())
    overview = manifest["docs"]["doc.streaming_ads.__overview__"]["block_contents"]
    sql = manifest["macros"]["macro.streaming_ads.metric_formulas"]["macro_sql"]
    assert [name for name in re.findall(r'"(\w+)": \(', sql) if f"`{name}`" not in overview] == []
