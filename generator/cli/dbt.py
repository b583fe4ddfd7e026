"""dbt on the database of the settings: which command builds it, and running that command.

dbt reads the same environment variables as the generator, but neither `ads.yml` nor an option.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from generator.cli.dbt_project import project_folder
from generator.cli.settings import Settings
from generator.extras import packages_of
from generator.masking import mask
from generator.pipeline.errors import EngineError
from generator.scenario.errors import bad_input
from generator.sinks.target import label, scheme_and_place

_DEFAULT = Settings().database
_NODE_ENDS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}
_MOST_FAILURES = 10
# dbt of this environment, which need not be on the path. What it parses stays to its end: to search
# that for garbage time and again would be a sixth of a first run, and a quarter of a second one.
DBT = (
    sys.executable,
    "-c",
    "import gc; gc.set_threshold(100_000, 50, 1_000);"
    "from dbt.cli.main import cli; cli(prog_name='dbt')",
)

Progress = Callable[[int, int], None]


@dataclass
class BuildSummary:
    """What one `dbt build` came to: nodes by outcome, the sentences of its failures, seconds."""

    models: int = 0
    tests: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DbtTarget:
    """A target of profiles.yml, and the variables that point it at a database."""

    name: str
    variables: Mapping[str, str]

    def command(self) -> str:
        """Return the command for a shell that builds it."""
        words = [
            f"{name}={shlex.quote(mask(value))}"
            for name, value in self.variables.items()
            if (os.environ.get(name) or (_DEFAULT if name == "ADS_DATABASE" else "")) != value
        ]
        target = [] if self.name == "dev" else ["--target", self.name]
        return " ".join([*words, "dbt", "build", *target])


def dbt_target(database: str) -> DbtTarget | None:
    """Return the dbt target that builds a database, or None where dbt reads none."""
    scheme, place = scheme_and_place(database)
    if scheme == "duckdb":
        return DbtTarget("dev", {"ADS_DATABASE": place})
    if scheme == "parquet":
        return DbtTarget("parquet", {"ADS_PARQUET": place})
    return DbtTarget("postgres", {}) if scheme == "postgresql" else None


def next_command(database: str) -> str | None:
    """Return the command that builds the models on a database, where there is a dbt project."""
    target = dbt_target(database) if os.path.isfile("dbt_project.yml") else None
    return target.command() if target else None


def run_dbt(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become dbt, on the database of the settings. Raises InputError and MissingExtraError."""
    environment = dbt_environment(settings.database)
    os.execve(sys.executable, [*DBT, *arguments], environment)


def dbt_environment(database: str) -> dict[str, str]:
    """Return the variables with which dbt builds the project on a database, from the current
    folder, where it writes `target` and `logs`. Raises InputError and MissingExtraError."""
    target = dbt_target(database)
    if target is None:
        raise bad_input(f"{label(database)}: dbt reads DuckDB, Parquet or PostgreSQL")
    with packages_of("dbt", "this command"):
        import_module("dbt.version")
    environment = {
        name: value for name, value in os.environ.items() if name != "ADS_DATABASE"
    } | dict(target.variables)
    if target.name != "dev":
        environment["DBT_TARGET"] = target.name
    project, here = project_folder(), Path.cwd()
    if project != here:
        # dbt works in the folder of the project, so paths that are relative here would not hold.
        for name in target.variables:
            if "://" not in environment[name]:
                environment[name] = str(Path(environment[name]).absolute())
        environment |= {
            "DBT_PROJECT_DIR": str(project),
            "DBT_PROFILES_DIR": str(project / "profiles"),
            "DBT_TARGET_PATH": str(here / "target"),
            "DBT_LOG_PATH": str(here / "logs"),
        }
    # A connection is where the PG… variables say: dbt has no setting for a whole address.
    return environment


def build_models(
    database: Path, select: Sequence[str], run_tests: bool, progress: Progress | None = None
) -> BuildSummary:
    """Build the models on a DuckDB file with dbt, and test them.

    `progress` is called with nodes done and nodes in all. Raises EngineError that says what failed,
    InputError and MissingExtraError.
    """
    environment = dbt_environment(str(database))
    arguments = [*DBT, "--log-format", "json", "build", "--target", "dev"]
    arguments += ["--select", *select] if select else []
    # Unit tests are of the formulas, which are the same on any data: `dbt build` runs them.
    arguments += ["--exclude-resource-type", "unit_test", *([] if run_tests else ["test"])]
    started = time.monotonic()
    summary = BuildSummary()
    with subprocess.Popen(
        arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout
        try:
            for event in _events(process.stdout):
                _count(event, summary, progress)
        except BaseException:
            process.terminate()
            raise
    summary.seconds = time.monotonic() - started
    if process.returncode:
        shown = summary.failures[:_MOST_FAILURES] or ["see logs/dbt.log"]
        more = len(summary.failures) - len(shown)
        rest = [f"… and {more} more: see logs/dbt.log"] if more > 0 else []
        raise EngineError("\n".join(["dbt build failed:", *shown, *rest]))
    return summary


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the events among the lines that dbt prints."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "info" in event:
            yield event


def _count(event: dict[str, Any], summary: BuildSummary, progress: Progress | None) -> None:
    name, data = event["info"]["name"], event["data"]
    if name in _NODE_ENDS:
        if name == "LogTestResult":
            summary.tests += 1
        else:
            summary.models += 1
        if progress:
            progress(int(data.get("index", 0)), int(data.get("total") or data["num_models"]))
    elif event["info"]["level"] == "error" and name not in ("RunResultFailure",):
        summary.failures.append(" ".join(event["info"]["msg"].split()))
