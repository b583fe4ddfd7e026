"""Fixtures shared by all tests, and the rule that in CI nothing may be skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from generator.cli import main
from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world

ROOT = Path(__file__).resolve().parent.parent

# `project` tries the same cases every time; `random` (`make fuzz`) other ones, and more.
settings.register_profile(
    "project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "random",
    settings.get_profile("project"),
    derandomize=False,
    print_blob=True,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "2000")),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("CI: a skipped test counts as a failure", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def complete_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the raw tables of `complete`. Read it; copy it before changing it."""
    file = tmp_path_factory.mktemp("complete") / "ads.duckdb"
    local.run(build_world(dataset("complete")), DuckdbSink(file, TABLES))
    return file


@pytest.fixture(scope="session")
def built_database(complete_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with `complete` and a finished `dbt build`. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("built")
    file = folder / "ads.duckdb"
    shutil.copy(complete_database, file)
    result = dbt("build", file, folder)
    assert result.returncode == 0, result.stdout[-4000:]
    return file


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """The command line in this process: a tenth of the time of a process of its own."""

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        printed = capsys.readouterr()
        return Answer(int(left.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dbt(
    command: str, database: Path, folder: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess:
    """Run dbt on a database, with target and log files in `folder` and environment `variables`."""
    environment = {
        **os.environ,
        "ADS_DATABASE": str(database),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        **variables,
    }
    return subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *command.split(), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def generate(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Run `python -m generator` as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
