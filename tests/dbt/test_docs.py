"""The documentation as a reader sees it: one file, opened in a browser without a network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.project import ROOT, dbt

MODELS = ROOT / "dbt_project" / "models"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def documentation(built_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `make docs` writes."""
    folder = tmp_path_factory.mktemp("docs")
    file = folder / "ads.duckdb"
    shutil.copy(built_database, file)
    result = dbt("docs generate --static", file, folder, DBT_WRITE_JSON="true")
    assert result.returncode == 0, result.stdout[-2000:]
    return folder


def opened(file: Path, route: str) -> str:
    """The body of a page of the documentation, after its scripts have run."""
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    shown = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={file.parent / 'browser'}",
            "--virtual-time-budget=8000",
            "--dump-dom",
            f"file://{file}#!/{route}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    return shown[shown.index("<body") :]


def page(documentation: Path, route: str) -> str:
    """The text of a page."""
    body = opened(documentation / "target" / "static_index.html", route)
    body = re.sub(r"<(script|style).*?</\1>", "", body, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", body)).split())


def test_the_overview_has_the_title_the_layers_and_every_model(documentation: Path) -> None:
    text = page(documentation, "overview")
    assert "make sources" not in text
    manifest = json.loads((documentation / "target" / "manifest.json").read_text())
    models = [
        node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"
    ]
    assert sorted(models) == sorted(file.stem for file in MODELS.rglob("*.sql"))
    without_spaces = text.replace(" ", "")  # the tree breaks long names in two
    assert [name for name in models if name not in without_spaces] == []
    for words in (
        "Streaming-ad delivery",
        "generator ─► raw ─► staging ─► intermediate ─► marts ─► metrics, reports",
        "What always holds",
        "video_q100 / video_starts DV360 and The Trade Desk",
    ):
        assert words in text


# Writes what the lineage shows into the page: its nodes and edges.
READ_LINEAGE = """<script>setTimeout(() => {
    const app = angular.element(document.querySelector("[ng-app]") || document.documentElement);
    const shown = app.injector().get("graph").graph.elements
        .filter(node => node.data.display === "element" && !node.data.hidden)
        .map(({data}) => data.source ? [data.source, data.target] : [data.id]);
    const text = document.createElement("pre");
    text.id = "lineage";
    text.textContent = JSON.stringify(shown);
    document.body.append(text);
}, 4000)</script>"""


def lineage(documentation: Path, route: str) -> set[tuple[str, ...]]:
    """The nodes, (id,), and edges, (parent, child), of the lineage that a route shows."""
    original = (documentation / "target" / "static_index.html").read_text()
    head, tail = original.rsplit("</body>", 1)
    file = documentation / "target" / "lineage.html"
    file.write_text(f"{head}{READ_LINEAGE}</body>{tail}")
    body = opened(file, route)
    assert "<canvas" in body
    found = re.search(r'<pre id="lineage">(.*?)</pre>', body, re.DOTALL)
    assert found
    return {tuple(pair) for pair in json.loads(html.unescape(found[1]))}


def test_the_lineage_shows_every_model_and_what_it_reads(documentation: Path) -> None:
    """The graph is drawn on a canvas, so it is read off the page's own state."""
    shown = lineage(documentation, "overview?g_v=1")
    manifest = json.loads((documentation / "target" / "manifest.json").read_text())
    built = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed", "snapshot"}
    }
    reads = {
        (parent, key)
        for key, node in (built | manifest["exposures"]).items()
        for parent in node["depends_on"].get("nodes", [])
    }
    assert {(key,) for key in (*built, *manifest["sources"], *manifest["exposures"])} <= shown
    assert len(reads) > len(built)
    assert reads <= shown


def test_the_overview_links_to_parts_of_the_lineage(documentation: Path) -> None:
    """Each link selects models; one of them is followed, and shows what it selects and its parents,
    and no metric."""
    overview = (MODELS / "overview.md").read_text()
    routes = re.findall(r"\(#!/(overview\?g_v=1&g_i=([^)]+))\)", overview)
    names = {file.stem for file in MODELS.rglob("*.sql")}
    folders = {folder.name for folder in MODELS.rglob("*") if folder.is_dir()}
    chosen = [selected.removeprefix("%2B").rsplit(".")[-1] for _, selected in routes]
    assert len(chosen) == 9
    assert set(chosen) <= names | folders
    ((route, _),) = [found for found in routes if found[1].endswith("ad_reporting")]
    shown = {node[0] for node in lineage(documentation, route)}
    assert {
        f"model.streaming_ads.{name}" for name in ("dim_campaigns", "stg_ads__campaigns")
    } <= shown
    assert {name for name in shown if "ad_reporting" in name} == {
        f"model.streaming_ads.{file.stem}" for file in MODELS.rglob("ad_reporting__*.sql")
    }
    assert not [name for name in shown if name.startswith(("metric.", "test."))]


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
