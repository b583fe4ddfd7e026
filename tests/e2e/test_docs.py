"""Every command block of README, CONTRIBUTING and docs/ is run, in a copy of the checkout.

A block is left out only if the line above it says so, and only for installing or serving:
`<!-- not run: installs … -->` or `<!-- not run: serves … -->`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

from generator.scenario.models import (
    AdvertiserPlan,
    BudgetPlan,
    CampaignPlan,
    ChangePlan,
    ConversionsPlan,
    CreativePlan,
    ExperimentPlan,
    FlightPlan,
    FrequencyCapPlan,
    LineItemPlan,
    Scenario,
    TargetingPlan,
)
from tests.support.answers import check_answers
from tests.support.kafka import broker
from tests.support.project import ROOT, parsed, programs

PLANS = (
    Scenario,
    AdvertiserPlan,
    CampaignPlan,
    FlightPlan,
    BudgetPlan,
    FrequencyCapPlan,
    ChangePlan,
    ConversionsPlan,
    ExperimentPlan,
    LineItemPlan,
    TargetingPlan,
    CreativePlan,
)
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "tests/reliability/README.md",
]
# Their queries ask the data that their commands make.
LESSONS = sorted({*(ROOT / "docs/lessons").glob("*.md")} - {ROOT / "docs/lessons/README.md"})
FENCE = re.compile(
    r"(?P<marker><!--[^\n]*-->\n)?^```(?P<kind>bash|console|sh|shell)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
EXCUSE = re.compile(r"<!-- not run: (installs|serves)\b.* -->\n")
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Where pages have a broker run.
PORT_OF_A_BROKER = 9092
OURS = ("ADS_", "DBT_", "PYTHONPATH")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "target", "logs", "*.duckdb", "*.wal", ".*_cache", ".hypothesis", "__pycache__"
)


def commands(page: Path) -> list[str]:
    """The commands of a page's blocks, without what is excused; a `console` block's `$` lines."""
    found = []
    for block in FENCE.finditer(page.read_text()):
        if block["marker"] and EXCUSE.fullmatch(block["marker"]):
            continue
        lines = block["text"].splitlines()
        if block["kind"] == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        found.append("\n".join(lines))
    return found


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page)], ids=lambda page: page.name
)
def test_every_command_of_a_page_works(page: Path, tmp_path: Path) -> None:
    blocks = commands(page)
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT, symlinks=True)
    (copy / "target").mkdir()
    shutil.copy(parsed(), copy / "target")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    # No page reads the debug log of dbt.
    environment["DBT_LOG_LEVEL_FILE"] = "none"
    # What formulas make of the rows of a unit test is the same on any data: `built_database` runs
    # all of them.
    environment["DBT_EXCLUDE_RESOURCE_TYPES"] = "unit_test"
    environment["VIRTUAL_ENV"] = str(Path(sys.executable).parent.parent)
    places = (programs(), Path(sys.executable).parent, environment["PATH"])
    environment["PATH"] = os.pathsep.join(map(str, places))
    text = "\n".join(blocks)
    with broker(PORT_OF_A_BROKER) if f"localhost:{PORT_OF_A_BROKER}" in text else nullcontext():
        result = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", text],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    assert result.returncode == 0, result.stderr[-3000:] + result.stdout[-1000:]
    if page in LESSONS:
        with duckdb.connect(str(copy / "data/ads.duckdb"), read_only=True) as connection:
            assert check_answers(page.read_text(), connection) >= 3
            if "fct_experiment_lift" in page.read_text():
                ghost_ads_are_a_difference_of_means(connection)


def ghost_ads_are_a_difference_of_means(connection: duckdb.DuckDBPyConnection) -> None:
    """The sums of the mart give what the formula of a textbook gives, and its coverage is counted
    in tests/outcomes/test_coverage.py."""
    rows = connection.execute(
        """
        with arms as (
            select experiment_id,
                avg(conversions) filter (experiment_arm = 'TEST') as test,
                avg(conversions) filter (experiment_arm = 'CONTROL') as control,
                var_samp(conversions) filter (experiment_arm = 'TEST')
                    / count(*) filter (experiment_arm = 'TEST')
                + var_samp(conversions) filter (experiment_arm = 'CONTROL')
                    / count(*) filter (experiment_arm = 'CONTROL') as variance
            from marts.fct_experiment_households
            where is_reached
            group by experiment_id
        )
        select effect, test - control, standard_error, sqrt(variance)
        from arms inner join marts.fct_experiment_lift using (experiment_id)
        where lift_method = 'GHOST_ADS'"""
    ).fetchall()
    assert rows
    for effect, difference, error, by_formula in rows:
        assert effect == pytest.approx(difference)
        assert error == pytest.approx(by_formula)


def test_the_pages_with_commands_are_found() -> None:
    """A mistake in the pattern of a block would leave them all out."""
    pages = {page.name for page in PAGES if commands(page)}
    assert {"README.md", "CONTRIBUTING.md", "scenarios.md", "faults.md", "scale.md"} <= pages


@pytest.mark.parametrize(
    "page", [page for page in PAGES if PYTHON.search(page.read_text())], ids=lambda page: page.name
)
def test_every_python_block_of_a_page_works(page: Path, tmp_path: Path) -> None:
    """One after the other, as in a notebook."""
    script = tmp_path / "blocks.py"
    script.write_text("\n".join(PYTHON.findall(page.read_text())))
    result = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout
    assert list(tmp_path.iterdir()) == [script]


def test_nothing_is_excused_but_installing_and_serving() -> None:
    for page in PAGES:
        for marker in re.findall(r"<!-- not run.*-->\n", page.read_text()):
            assert EXCUSE.fullmatch(marker), f"{page.name}: {marker}"


def test_every_key_of_a_scenario_is_named() -> None:
    """In the row of its mapping, bold where it is needed."""
    section = (ROOT / "docs/scenarios.md").read_text().partition("## Keys")[2]
    table = section.partition("\n\n`pacing")[0].splitlines()
    rows = [line.split(" | ", 1)[1] for line in table if line.startswith("| ")][1:]
    for model, row in zip(PLANS, rows, strict=True):
        named = re.findall(r"`([a-zA-Z_]+)`", row)
        for name, field in model.model_fields.items():
            assert name in named, f"{model.__name__}.{name}"
            assert (f"**`{name}`**" in row) == field.is_required(), f"{model.__name__}.{name}"


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
