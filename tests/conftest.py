"""Fixtures shared by all tests, and the rule that in CI nothing may be skipped."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from generator.cli.app import main
from generator.engines import local
from generator.faults.changed_columns import landing_tables
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from tests.support.processes import OWNER, SHARED
from tests.support.project import MODELS_ONLY, ROOT, Answer, dbt, made_once

# Where the longest tests are.
LONGEST = (
    "tests/dbt/test_spark.py",
    "tests/dbt/test_portability.py",
    "tests/test_lint.py",
    "tests/e2e/test_docs.py",
    "tests/report/test_in_browser.py",
    "tests/reliability/",
    "tests/dbt/test_restatement.py",
    "tests/dbt/test_faults.py",
    "tests/pipeline/test_invariants.py",
    "tests/dbt/",
    "tests/engines/",
    "tests/packaging/",
    "tests/cli/test_commands.py",
    "tests/sinks/",
    "tests/scenario/test_random",
    "tests/outcomes/",
    "tests/e2e/",
)
# What `make test` leaves to `make test-all`: servers, browsers, kills, worker processes, files of
# others, copies of the checkout, builds of other datasets than the one that all tests share, and
# types on other systems.
SLOW = (
    "tests/cli/test_dbt_project.py",
    "tests/cli/test_failures.py",
    "tests/cli/test_streams.py",
    "tests/dbt/test_docs.py",
    "tests/dbt/test_empty_tables.py",
    "tests/dbt/test_evaluator_rules.py",
    "tests/dbt/test_faults.py",
    "tests/dbt/test_golden_campaign.py",
    "tests/dbt/test_habits.py",
    "tests/dbt/test_live.py",
    "tests/dbt/test_names.py",
    "tests/dbt/test_portability.py",
    "tests/dbt/test_random_scenarios.py",
    "tests/dbt/test_realism.py",
    "tests/dbt/test_restatement.py",
    "tests/dbt/test_settings.py",
    "tests/e2e/",
    "tests/engines/test_local.py",
    "tests/live/test_kafka.py",
    "tests/live/test_postgresql.py",
    "tests/outcomes/test_experiments.py",
    "tests/packaging/",
    "tests/pipeline/",
    "tests/reliability/",
    "tests/report/test_in_browser.py",
    "tests/scenario/test_random",
    "tests/sinks/test_csv.py",
    "tests/sinks/test_duckdb.py::test_a_killed_run",
    "tests/sinks/test_foreign_",
    "tests/sinks/test_parquet.py",
    "tests/sinks/test_postgresql.py",
    "tests/sinks/test_replacement.py",
    "tests/test_interruption.py",
    "tests/test_lint.py::test_lint_finds_nothing[mypy --platform",
    "tests/watch/test_in_browser.py",
)
SLOW_FIXTURES = {"faulty_database", "s3_server"}
OF_THE_SHOWCASE = "+fct_performance_hourly +fct_campaign_pacing_daily +dim_campaigns"
# What has no fixtures in common with the rest of its file, and takes long.
APART = (
    "tests/e2e/test_docs.py",
    "tests/engines/test_spark.py",
    "tests/dbt/test_spark.py::test_without_raw_data",
)
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
settings.load_profile(os.environ.get("ADS_TEST_PROFILE", "project"))


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that the processes share, unless one is named."""
    if hasattr(config, "workerinput"):
        return
    os.environ[OWNER] = str(os.getpid())
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="ads-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED)))
    # What live runs keep is removed with the folder.
    os.environ["ADS_CACHE"] = str(Path(os.environ[SHARED]) / "cache")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow. What takes longest comes first, lest all wait for it in the end."""
    for item in items:
        wanted = set(getattr(item, "fixturenames", ()))
        is_apart = any(item.get_closest_marker(name) for name in ("container", "spark"))
        if (item.nodeid.startswith(SLOW) or wanted & SLOW_FIXTURES) and not is_apart:
            item.add_marker(pytest.mark.slow)

    def rank(item: pytest.Item) -> int:
        matches = [i for i, start in enumerate(LONGEST) if item.nodeid.startswith(start)]
        return min(matches, default=len(LONGEST))

    items.sort(key=rank)


class Scheduling(LoadScopeScheduling):
    """The tests of a file, which have fixtures in common, stay in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(APART) else nodeid.split("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return Scheduling(config, log)


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


def raw(workflow: str) -> Path:
    """A DuckDB file with the raw tables of a workflow."""

    def generate(folder: Path) -> None:
        local.run(build_world(dataset(workflow)), DuckdbSink(folder / "ads.duckdb", TABLES))

    return made_once(workflow, generate) / "ads.duckdb"


@pytest.fixture(scope="session")
def complete_database() -> Path:
    """A DuckDB file with the raw tables of `complete`. Read it; copy it before changing it."""
    return raw("complete")


@pytest.fixture(scope="session")
def smoke_database() -> Path:
    """A DuckDB file with the raw tables of `smoke`. Read it; copy it before changing it."""
    return raw("smoke")


@pytest.fixture(scope="session")
def built_database(complete_database: Path) -> Path:
    """A DuckDB file with `complete` and a finished `dbt build`. Copy it before changing it, or
    opening it with what could: no other process can read it meanwhile."""

    def build(folder: Path) -> None:
        file = folder / "ads.duckdb"
        shutil.copy(complete_database, file)
        result = dbt("build", file, folder, DBT_WRITE_JSON="true")
        assert result.returncode == 0, result.stdout[-4000:]

    return made_once("built", build) / "ads.duckdb"


@pytest.fixture(scope="session")
def showcase_database() -> Path:
    """A DuckDB file with `showcase` and its marts of delivery and pacing. Copy it before changing
    it."""

    def build(folder: Path) -> None:
        file = folder / "ads.duckdb"
        local.run(build_world(dataset("showcase")), DuckdbSink(file, TABLES))
        result = dbt(f"build --select {OF_THE_SHOWCASE} {MODELS_ONLY}", file, folder)
        assert result.returncode == 0, result.stdout[-4000:]

    return made_once("showcase", build) / "ads.duckdb"


@pytest.fixture(scope="session")
def faulty_database() -> Path:
    """A DuckDB file with `faulty` and the models of it. Copy it before changing it."""

    def build(folder: Path) -> None:
        file, world = folder / "ads.duckdb", build_world(dataset("faulty"))
        local.run(world, DuckdbSink(file, landing_tables(world.faults)))
        result = dbt(f"build {MODELS_ONLY}", file, folder)
        assert result.returncode == 0, result.stdout[-4000:]

    return made_once("faulty", build) / "ads.duckdb"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Answer]]:
    """The command line in this process: a tenth of the time of a new process. What it logs by
    `--verbose` is not logged by the tests that follow."""

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        printed = capsys.readouterr()
        return Answer(int(left.value.code or 0), printed.out, printed.err)

    log = logging.getLogger("generator")
    level = log.level
    yield run
    log.setLevel(level)


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
