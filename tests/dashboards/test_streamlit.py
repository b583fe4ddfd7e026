"""The Streamlit dashboard, run without a browser: what it shows is what the marts say."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.project import MODELS_ONLY, ROOT, dbt

pytestmark = pytest.mark.dashboards
APP = ROOT / "dashboards/streamlit/app.py"


@pytest.fixture(scope="module")
def marts(complete_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the marts that the page reads, and what they are made from."""
    file = tmp_path_factory.mktemp("marts") / "ads.duckdb"
    shutil.copy(complete_database, file)
    read = sorted(set(re.findall(r"marts\.(\w+)", APP.read_text())))
    result = dbt(f"build {MODELS_ONLY} --select", file, file.parent, *(f"+{mart}" for mart in read))
    assert result.returncode == 0, result.stdout[-4000:]
    return file


@pytest.fixture
def app(marts: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr(sys, "argv", [str(APP), str(marts)])
    # AppTest leaves the page as `__main__`, which each process that a later test starts would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    return AppTest.from_file(str(APP), default_timeout=60)


def test_it_shows_the_figures_of_the_marts(app: Any, marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        impressions, campaigns, creatives = connection.execute(
            "SELECT (SELECT sum(impressions) FROM marts.fct_campaign_performance_daily),"
            " (SELECT count(*) FROM marts.dim_campaigns),"
            " (SELECT count(*) FROM marts.dim_creatives)"
        ).fetchall()[0]
    app.run()
    assert not app.exception
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Impressions"] == f"{impressions:,}"
    assert metrics["Price per 1,000 impressions"].endswith(" USD")
    assert [len(table.value) for table in app.dataframe] == [campaigns, creatives]


def test_an_advertiser_and_a_campaign_can_be_chosen(app: Any) -> None:
    app.run()
    of_all = {metric.label: metric.value for metric in app.metric}
    app.selectbox[0].select("NexBank").run()
    assert not app.exception
    assert [len(table.value) for table in app.dataframe] == [1, 2]
    assert {metric.label: metric.value for metric in app.metric} != of_all
    app.multiselect[0].select(app.multiselect[0].options[0]).run()
    assert not app.exception


def test_a_missing_database_is_a_sentence(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(APP), "data/none.duckdb"])
    app.run()
    assert not app.exception
    assert "data/none.duckdb cannot be read" in app.error[0].value
    assert "make build" in app.info[0].value


def test_the_file_can_be_written_between_two_clicks(
    app: Any, marts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open connection would refuse the second one, which writes."""
    copy = tmp_path / "ads.duckdb"
    shutil.copy(marts, copy)
    monkeypatch.setattr(sys, "argv", [str(APP), str(copy)])
    app.run()
    with duckdb.connect(str(copy)) as connection:
        connection.execute("UPDATE marts.dim_campaigns SET advertiser_name = 'Written later'")
    app.run()
    assert "Written later" in app.selectbox[0].options
