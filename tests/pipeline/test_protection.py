"""Nothing is replaced unasked: what a destination holds beyond the same dataset stays."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

TARGETS = ["ads.duckdb", "parquet:lake", "csv:lake"]
SMOKE = ("generate", "smoke", "--quiet")


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder: Path) -> dict[str, str]:
    """The hash of each file in a folder."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_dataset_is_made_again_without_a_question(run, cwd: Path, target: str) -> None:
    later = ("--as-of", "2025-10-05")
    for options in ((), (), later, later):
        answer = run(*SMOKE, "--to", target, *options)
        assert (answer.code, answer.out, answer.err) == (0, "", "")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("other", "why"),
    [
        (("generate", "smoke", "--seed", "8"), "hourly rows); --replace puts smoke, seed 8,"),
        (("generate", "complete"), "hourly rows); --replace puts complete, seed 2025,"),
        (("generate", "smoke", "--as-of", "2025-09-20"), "this run ends before 2025-09-20"),
        (("generate", "smoke", "--tables", "campaigns"), "this run does not make tables raw."),
    ],
    ids=["seed", "workflow", "earlier day", "fewer tables"],
)
def test_another_dataset_stays_and_is_named(
    run, cwd: Path, target: str, other: tuple[str, ...], why: str
) -> None:
    assert run(*SMOKE, "--to", target).code == 0
    before = everything(cwd)
    refused = run(*other, "--quiet", "--to", target)
    assert refused.code == 2
    assert f"error: {target}: holds smoke, seed 7, as of 2025-10-01 (1 campaign, 672" in refused.err
    assert why in refused.err
    assert everything(cwd) == before
    assert run(*other, "--quiet", "--replace", "--to", target).code == 0
    assert everything(cwd) != before


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_dataset_with_other_options_stays(run, cwd: Path, target: str) -> None:
    """Changed by --set or --faults, the life of its platforms too; each again is the same."""
    Path("faults.yml").write_text("missing_hours: [{start_date: 2025-09-03, hours: [1, 2]}]")
    ways = (
        (),
        ("--set", "campaign.budget.amount=500"),
        ("--set", "campaign.budget.amount=501"),
        ("--set", "life.preset=realistic"),
        ("--faults", "faults.yml"),
    )
    for options in ways:
        if options:
            before = everything(cwd)
            refused = run(*SMOKE, "--to", target, *options)
            assert (refused.code, everything(cwd)) == (2, before), options
            assert "rows), made with other --set, --faults or --log; --replace" in refused.err
        assert run(*SMOKE, "--to", target, *options, "--replace").code == 0, options
        assert run(*SMOKE, "--to", target, *options).code == 0, options


@pytest.mark.parametrize("target", TARGETS)
def test_campaigns_that_are_not_selected_stay(run, cwd: Path, target: str) -> None:
    """Also where as many are selected: others."""
    names = ("nexbank_conversion", "luxury_auto_awareness")
    first, second = (
        ("generate", "complete", "--quiet", "--to", target, "--select", name) for name in names
    )
    assert run(*first).code == 0
    before = everything(cwd)
    refused = run(*second)
    assert (refused.code, everything(cwd)) == (2, before)
    assert "this run does not make campaign 3;" in refused.err
    assert run("generate", "complete", "--quiet", "--to", target).code == 0


@pytest.mark.parametrize("target", TARGETS)
def test_a_smaller_market_does_not_replace_a_larger_one(run, cwd: Path, target: str) -> None:
    market = ("generate", "market", "--from", "2025-09-01", "--until", "2025-09-07", "--quiet")
    assert run(*market, "--campaigns", "4", "--to", target).code == 0
    before = everything(cwd)
    refused = run(*market, "--campaigns", "3", "--to", target)
    assert (refused.code, everything(cwd)) == (2, before)
    assert "this run does not make campaign 4;" in refused.err
    assert run(*market, "--campaigns", "5", "--to", target).code == 0


@pytest.mark.parametrize(
    ("addition", "why"),
    [
        (("create-profile", "--name", "mobile_consideration"), "campaign 2"),
        (("create-advertiser", "--auto"), "advertiser 2"),
    ],
)
def test_additions_stay(run, cwd: Path, addition: tuple[str, ...], why: str) -> None:
    assert run(*SMOKE, "--to", "ads.duckdb").code == 0
    assert run(*addition, "--quiet", "--database", "ads.duckdb").code == 0
    before = everything(cwd)
    refused = run(*SMOKE, "--to", "ads.duckdb")
    assert (refused.code, everything(cwd)) == (2, before)
    assert f"this run does not make {why};" in refused.err


def test_additions_to_an_empty_database_stay(run, cwd: Path) -> None:
    assert run("init-db", "--quiet", "--database", "ads.duckdb").code == 0
    assert run("create-advertiser", "--auto", "--quiet", "--database", "ads.duckdb").code == 0
    before = everything(cwd)
    assert run(*SMOKE, "--to", "ads.duckdb").code == 2
    assert everything(cwd) == before


def test_empty_tables_are_filled_without_a_question(run, cwd: Path) -> None:
    assert run("init-db", "--quiet", "--database", "ads.duckdb").code == 0
    assert run(*SMOKE, "--to", "ads.duckdb").code == 0


def test_tables_of_another_version_stay(run, cwd: Path) -> None:
    assert run(*SMOKE, "--to", "ads.duckdb").code == 0
    with duckdb.connect("ads.duckdb") as connection:
        connection.execute("CREATE TABLE older AS SELECT * EXCLUDE (seed) FROM raw.runs")
        connection.execute("DROP TABLE raw.runs")
    before = everything(cwd)
    refused = run(*SMOKE, "--to", "ads.duckdb")
    assert (refused.code, everything(cwd)) == (2, before)
    assert "holds rows of no run (1 campaign, 672 hourly rows); --replace" in refused.err
