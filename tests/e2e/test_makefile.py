"""The Makefile in checkouts and environments as people have them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support.project import ROOT

FOREIGN = {
    "WORKFLOW": "deploy.yml",
    "SEED": "42x",
    "REPLACE": "true",
    "HOST": "a.example",
    "PORT": "no",
    "PARALLEL": "x",
}


def checkout(folder: Path) -> Path:
    """A checkout that needs no packages but those of this environment."""
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for file in (*ROOT.glob("requirements*.txt"), *ROOT.glob("dashboards/*/requirements.txt")):
        empty = folder / file.relative_to(ROOT)
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.touch()
    (folder / "generator").symlink_to(ROOT / "generator")
    return folder


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make without an active environment."""
    without = {"VIRTUAL_ENV", "PYTHONPATH", "ADS_DATABASE", "MAKEFLAGS", "MAKELEVEL"}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_checkout_whose_path_has_spaces_is_set_up_in_itself(tmp_path) -> None:
    folder = checkout(tmp_path / "my streaming project")
    made = make(folder, "deps")
    assert made.returncode == 0, made.stderr
    assert [file.name for file in tmp_path.iterdir()] == [folder.name]
    (packages,) = folder.glob(".venv/lib/python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_paths()["purelib"])
    generated = make(folder, "generate", "WORKFLOW=smoke")
    assert generated.returncode == 0, generated.stderr
    assert "venv" not in generated.stdout
    assert (folder / "data/ads.duckdb").exists()
    assert [file.name for file in tmp_path.iterdir()] == [folder.name]


def test_an_active_environment_whose_path_has_spaces_is_used(tmp_path) -> None:
    folder = checkout(tmp_path / "project")
    planned = make(folder, "-n", "test-spark", VIRTUAL_ENV=str(tmp_path / "my environment"))
    assert planned.returncode == 0, planned.stderr
    for name in (".requirements-installed", ".requirements-spark-installed"):
        assert f'touch "{tmp_path}/my environment/{name}"' in planned.stdout


@pytest.mark.parametrize("name", ["a:b", "100%", "$HOME", "a;b", 'say "x"'])
def test_a_path_that_make_cannot_use_is_a_sentence_before_anything_is_made(tmp_path, name) -> None:
    folder = checkout(tmp_path / name)
    before = sorted(folder.iterdir())
    refused = make(folder, "build")
    assert refused.returncode == 2
    assert "make cannot work with" in refused.stderr
    assert "move the checkout" in refused.stderr
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("target", ["build", "test", "serve-docs"])
def test_variables_of_other_programs_change_no_target(tmp_path, target) -> None:
    folder = checkout(tmp_path / "project")
    assert make(folder, "-n", target, **FOREIGN).stdout == make(folder, "-n", target).stdout
    assert "--seed 7" in make(folder, "-n", "generate", "SEED=7", **FOREIGN).stdout


def test_a_build_says_how_to_activate_an_environment_that_is_not_active(tmp_path) -> None:
    folder = checkout(tmp_path / "my project")
    (last,) = make(folder, "-n", "build").stdout.splitlines()[-1:]
    assert last.endswith("""'Activate the environment first: source ".venv/bin/activate"'""")
    active = make(folder, "-n", "build", VIRTUAL_ENV=str(tmp_path / "environment"))
    assert "Activate" not in active.stdout


def test_clean_leaves_databases_and_files_that_no_command_made(tmp_path) -> None:
    folder = checkout(tmp_path / "project")
    (folder / "data").mkdir()
    (folder / "target").mkdir()
    kept = [folder / "data" / name for name in ("ads.duckdb", "calibration.duckdb", "notes.txt")]
    for file in kept:
        file.write_text("mine")
    report = folder / "data/report.html"
    report.write_text("my own page")
    cleaned = make(folder, "clean")
    assert (cleaned.returncode, cleaned.stderr) == (0, "")
    assert "data/ads.duckdb stays; it can hold data of yours" in cleaned.stdout
    assert [file.read_text() for file in kept] == ["mine"] * 3
    assert report.read_text() == "my own page"
    assert not (folder / "target").exists()
    report.write_text('<meta name="generator" content="streaming-ads report">')
    assert make(folder, "clean").returncode == 0
    assert not report.exists()


def test_data_is_replaced_only_on_request(tmp_path) -> None:
    folder = checkout(tmp_path / "project")
    for target in ("generate", "build", "report", "pictures", "scorecard"):
        assert "--replace" not in make(folder, "-n", target).stdout
    assert "--replace" in make(folder, "-n", "generate", "REPLACE=yes").stdout
    for target in ("report", "pictures"):
        assert "generator generate" not in make(folder, "-n", target).stdout
