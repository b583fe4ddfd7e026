"""The wheel and the source distribution hold the whole package, and the wheel installs and runs in
an empty environment, away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from generator import __version__
from tests.support.project import ROOT, generate

MOST_PACKAGES = 25
NO_PACKAGE = shutil.ignore_patterns("__pycache__")
PACKAGE = {
    file.relative_to(ROOT).as_posix()
    for file in (ROOT / "generator").rglob("*")
    if file.is_file() and file.suffix != ".pyc"
}
PROJECT = {
    f"generator/project/{file.relative_to(ROOT).as_posix()}"
    for top in ("dbt_project", "profiles")
    for file in (ROOT / top).rglob("*")
    if file.is_file() and file.suffix != ".pyc"
} | {"generator/project/dbt_project.yml"}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("distributions")
    checkout = folder / "checkout"
    for name in ("generator", "dbt_project", "profiles"):
        shutil.copytree(ROOT / name, checkout / name, ignore=NO_PACKAGE)
    for name in ("pyproject.toml", "dbt_project.yml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    process(sys.executable, "-m", "build", "--outdir", str(folder), str(checkout), cwd=folder)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


@pytest.fixture(scope="module")
def installed(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has the wheel and what it asks for, with the oldest
    DuckDB that it accepts; the checkout runs on the newest."""
    folder = tmp_path_factory.mktemp("installed")
    process(sys.executable, "-m", "venv", "--without-pip", "environment", cwd=folder)
    programs = folder / "environment" / "bin"
    pip = (sys.executable, "-m", "pip", "--python", str(programs / "python"))
    options = ("--quiet", "--disable-pip-version-check", "--no-compile")
    process(*pip, "install", *options, str(distributions[1]), "duckdb<2", cwd=folder)
    return programs


def process(*command: str, cwd: Path) -> str:
    """What a command prints, without the variables of this checkout. It has to succeed."""
    answer = attempt(*command, cwd=cwd)
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    return answer.stdout


def attempt(*command: str, cwd: Path) -> subprocess.CompletedProcess:
    """Run a command without the variables of this checkout."""
    ours = ("ADS_", "PYTHON", "VIRTUAL_ENV", "LOG_LEVEL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_the_package_and_nothing_else(distributions: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(distributions[1]).namelist())
    assert {name for name in names if ".dist-info/" not in name} == PACKAGE | PROJECT


def test_the_source_distribution_holds_what_builds_the_wheel(
    distributions: tuple[Path, Path],
) -> None:
    with tarfile.open(distributions[0]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", *PACKAGE} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_the_metadata_is_valid_and_names_the_extras(distributions: tuple[Path, Path]) -> None:
    wheel = zipfile.ZipFile(distributions[1])
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Metadata.from_email(wheel.read(name), validate=True)
    assert (metadata.name, str(metadata.version)) == ("streaming-ads", __version__)
    assert metadata.provides_extra == ["dbt", "kafka", "postgres", "report", "s3", "spark"]
    assert metadata.license_files == ["LICENSE"]
    assert metadata.description == (ROOT / "README.md").read_text()


def test_an_empty_environment_gets_at_most_25_packages(installed: Path, tmp_path: Path) -> None:
    count = "import importlib.metadata as m; print(len(list(m.distributions())))"
    packages = int(process(str(installed / "python"), "-I", "-c", count, cwd=tmp_path))
    assert 10 < packages <= MOST_PACKAGES


def test_an_installed_command_makes_what_the_checkout_makes(
    installed: Path, tmp_path: Path
) -> None:
    arguments = ("generate", "smoke", "--to", "x.duckdb", "--json")
    made = process(str(installed / "streaming-ads"), *arguments, cwd=tmp_path)
    assert (tmp_path / "x.duckdb").stat().st_size > 100_000
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    assert json.loads(made) == json.loads(generate(*arguments, cwd=checkout).stdout)
    assert process(str(installed / "streaming-ads"), "list", "sinks", cwd=tmp_path)


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("report", ("report", "--database", "x.duckdb")),
        ("kafka", ("live", "smoke", "--to", "kafka://localhost/ads")),
        ("postgres", ("generate", "smoke", "--to", "postgresql://localhost/ads")),
        ("spark", ("generate", "smoke", "--to", "parquet:folder", "--engine", "spark")),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    installed: Path, tmp_path: Path, extra: str, arguments: tuple[str, ...]
) -> None:
    answer = attempt(str(installed / "streaming-ads"), *arguments, cwd=tmp_path)
    assert answer.returncode == 1, answer.stderr
    (sentence,) = answer.stderr.splitlines()
    assert sentence.endswith(f'is not installed; run: pip install "streaming-ads[{extra}]"')


def test_an_installed_copy_builds_the_marts_and_writes_the_report(
    installed: Path, distributions: tuple[Path, Path], tmp_path: Path
) -> None:
    pip = (sys.executable, "-m", "pip", "--python", str(installed / "python"), "install")
    extras = f"{distributions[1]}[dbt,report]"
    process(*pip, "--quiet", "--no-compile", extras, "duckdb<2", cwd=tmp_path)
    ads = str(installed / "streaming-ads")
    process(ads, "generate", "smoke", cwd=tmp_path)
    built = json.loads(process(ads, "build", "--no-tests", "--json", cwd=tmp_path))
    assert built["models"] > 50
    process(ads, "report", cwd=tmp_path)
    assert "<html" in (tmp_path / "data" / "report.html").read_text()
    assert {file.name for file in tmp_path.iterdir()} <= {"data", "target", "logs", ".user.yml"}
