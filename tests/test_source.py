"""The identity of a run depends on the code that makes it, and not on where that code lies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.source import source_digest
from generator.world.world import identity_of
from tests.support.project import ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package."""
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "generator", tmp_path / "generator", ignore=left_out)
    return tmp_path


def identity(path: Path) -> str:
    """The identity of one input, as the code in a folder or a zip works it out."""
    return subprocess.run(
        [sys.executable, "-c", "from generator.world.world import identity_of as i; print(i(1))"],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_the_same_code_elsewhere_gives_the_same_identity(copy: Path) -> None:
    assert identity(copy) == identity_of(1)


def test_a_zip_of_the_code_gives_the_same_identity(copy: Path) -> None:
    """Spark sends the generator to its executors as a zip."""
    archive = shutil.make_archive(str(copy / "package"), "zip", copy, "generator")
    assert identity(Path(archive)) == identity_of(1)


@pytest.mark.parametrize(
    "file", ["generator/delivery/price.py", "generator/templates/platforms/live_sports.yml"]
)
def test_other_code_gives_another_identity(copy: Path, file: str) -> None:
    """So an interrupted Parquet run is not resumed by code that would make other rows."""
    with (copy / file).open("a") as changed:
        changed.write("\n# A change.\n")
    assert identity(copy) != identity_of(1)


def test_a_file_under_another_name_is_other_code(copy: Path) -> None:
    (copy / "generator/clock.py").with_name("unused.py").write_text("")
    assert identity(copy) != identity_of(1)
    assert len(source_digest()) == 32
