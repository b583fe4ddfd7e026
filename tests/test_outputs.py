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
    with pytest.raises(
        OutputError, match="is not as this command wrote it; move it, or give another"
    ):
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


SEEDS = ["platform_population.csv", "platform_calendar.csv", "platform_markets.csv"]


@pytest.mark.parametrize("name", [*SEEDS, "_platform_seeds.sha256"])
@pytest.mark.parametrize("change", ["another file", "a figure", "a row", "not UTF-8"])
def test_dbt_seeds_replaces_no_seed_that_somebody_changed(run, cwd, name, change) -> None:
    assert run("dbt-seeds", ".").code == 0
    file = cwd / name
    text = file.read_bytes()
    changes = {
        "another file": b"mine,too\n1,2\n",
        "a figure": text[:-2] + b"x\n",
        "a row": text + b"cinema,a,b,c\n",
        "not UTF-8": text + b"\xff\n",
    }
    file.write_bytes(changes[change])
    before = {path: path.read_bytes() for path in cwd.iterdir()}
    (cwd / "ours" / "platforms").mkdir(parents=True)
    (cwd / "ours" / "platforms" / "cinema.yml").write_text("extends: netflix_like\n")
    answer = run("dbt-seeds", ".", "--templates", "ours")
    assert answer.code == 2
    assert "exists, and is not as this command wrote it; move it" in answer.err
    assert name in answer.err or name not in SEEDS
    assert {path: path.read_bytes() for path in cwd.iterdir() if path.is_file()} == before


def test_dbt_seeds_replaces_what_it_wrote_of_other_platforms(run, cwd) -> None:
    (cwd / "ours" / "platforms").mkdir(parents=True)
    (cwd / "ours" / "platforms" / "cinema.yml").write_text("extends: netflix_like\n")
    assert run("dbt-seeds", ".").code == 0
    bundled = {name: (cwd / name).read_text() for name in SEEDS}
    (cwd / SEEDS[0]).write_bytes(bundled[SEEDS[0]].replace("\n", "\r\n").encode())
    assert run("dbt-seeds", ".", "--templates", "ours").code == 0
    assert all("cinema" in (cwd / name).read_text() for name in SEEDS)
    subprocess.run(["sha256sum", "--check", "--quiet", "_platform_seeds.sha256"], check=True)
    assert run("dbt-seeds", ".").code == 0
    assert {name: (cwd / name).read_text() for name in SEEDS} == bundled


def test_dbt_sources_checks_all_files_before_it_writes_one(run, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "dbt_project", tmp_path / "dbt")
    sources = tmp_path / "dbt" / "models" / "staging" / "ads" / "_ads__sources.yml"
    docs = sources.with_name("_ads__docs.md")
    older = sources.read_text() + "# older\n"
    sources.write_text(older)
    docs.write_text("mine\n")
    assert run("dbt-sources", str(tmp_path / "dbt")).code == 2
    assert sources.read_text() == older
    docs.unlink()
    assert run("dbt-sources", str(tmp_path / "dbt")).code == 0
    assert sources.read_text() != older


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile alone, with an environment in which each program does nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


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
