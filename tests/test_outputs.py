"""What commands write beside data replaces nothing that something else has made, and the Makefile
removes and makes only what is the project's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.outputs import OutputError, has_first_line_of, write_text
from tests.conftest import ROOT

TEXT = "a,b\n1,2\n"


@pytest.mark.parametrize("held", ["", "mine", "a,b,c\n1,2,3\n", "\0\xff"])
def test_a_file_of_something_else_stays(tmp_path: Path, held: str) -> None:
    (tmp_path / "file").write_text(held)
    with pytest.raises(OutputError, match="this command did not make it; give another name"):
        write_text(tmp_path / "file", TEXT, has_first_line_of(TEXT))
    assert (tmp_path / "file").read_text() == held


def test_a_file_of_its_own_is_replaced_in_one_step_with_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a,b\n3,4\n")
    (tmp_path / "file").chmod(0o600)
    write_text(tmp_path / "file", TEXT, has_first_line_of(TEXT))
    assert (tmp_path / "file").read_text() == TEXT
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_a_text_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a,b\n3,4\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "file", "a,b\n\ud800", has_first_line_of(TEXT))
    assert (tmp_path / "file").read_text() == "a,b\n3,4\n"
    assert os.listdir(tmp_path) == ["file"]


def test_dbt_seeds_does_not_replace_a_seed_of_somebody(run, tmp_path: Path) -> None:
    assert run("dbt-seeds", str(tmp_path)).code == 0
    (seed,) = tmp_path.rglob("platform_markets.csv")
    assert run("dbt-seeds", str(tmp_path)).code == 0
    seed.write_text("mine,too\n1,2\n")
    answer = run("dbt-seeds", str(tmp_path))
    assert answer.code == 2
    assert "did not make it; give another name" in answer.err
    assert seed.read_text() == "mine,too\n1,2\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile alone, with an environment in which each program does nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def test_make_clean_removes_what_the_project_made_and_nothing_else(checkout: Path) -> None:
    mine = {
        "mine.duckdb", "mine.duckdb.wal", "ads.duckdb.backup", "ads.duckdb.unfinished",
        "calibration.duckdb.unfinished", "report.html", "notes.txt", "lake",
    }  # fmt: skip
    for name in mine | {"ads.duckdb", "ads.duckdb.wal", "calibration.duckdb"}:
        (checkout / "data" / name).write_text("mine")
    subprocess.run(["make", "clean"], cwd=checkout, check=True, capture_output=True)
    assert set(os.listdir(checkout / "data")) == mine
    (checkout / "data" / "report.html").write_text('<meta content="streaming-ads report">')
    (checkout / "data" / "ads.duckdb.unfinished").unlink()
    (checkout / "data" / "ads.duckdb.unfinished").mkdir()
    (checkout / "data" / "ads.duckdb.unfinished" / "_run").touch()
    subprocess.run(["make", "clean"], cwd=checkout, check=True, capture_output=True)
    assert set(os.listdir(checkout / "data")) == mine - {"ads.duckdb.unfinished", "report.html"}


@pytest.mark.parametrize("target", ["report", "pictures", "docs", "serve-docs", "lint", "sources"])
def test_what_looks_at_data_never_makes_it(target: str) -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "generator generate" not in planned
    assert "dbt build" not in planned
