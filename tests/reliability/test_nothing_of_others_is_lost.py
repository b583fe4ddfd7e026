"""Destinations full of things of other owners: every command is run with each, and everything of
theirs stays unchanged.

A destination is a folder of Parquet files, one of CSV files, a prefix on S3, a DuckDB file, or a
PostgreSQL database. The commands are those of the application, so a new one without a call here
fails. `dbt` and `build` are called so that they build nothing: dbt has its own schemas, and a build
takes minutes.

Every target of the Makefile runs, too, in a copy of the checkout that holds things of others. What
they call of the generator and of dbt runs for real, on a small dataset and without dbt's tests.
Commands that install, check, test or measure are only recorded, by programs in their place: they
take minutes or a network, and none is there to write into a folder of data. The scorecard is
recorded, too, as its models are built in the same way as those of `make build`.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from adbc_driver_postgresql import dbapi

from generator.cli.app import app
from generator.watch.server import Server
from tests.e2e.test_makefile import checkout, make
from tests.sinks.test_foreign_files import everything
from tests.sinks.test_foreign_objects import Bucket
from tests.support import postgresql, s3
from tests.support.project import ROOT, Answer, generate, parsed, programs

DUCKDB, POSTGRESQL = "theirs.duckdb", "postgresql"
FOLDERS = ("parquet:lake", "csv:sheets")
# What each command is called with, beside the destination.
CALLS: dict[str, list[str]] = {
    "generate": ["smoke"],
    "init-db": [],
    "create-advertiser": ["--auto"],
    "create-campaign": ["--advertiser-id", "1", "--auto"],
    "create-profile": ["--name", "mobile_consideration"],
    "create-example": ["--example", "nexbank_conversion"],
    "remove": ["--campaign-id", "1"],
    "status": [],
    "build": ["--select", "no_such_model"],
    "report": ["--output", "notes.html"],
    "scorecard": [],
    "watch": ["--port", "0"],
    "live": ["smoke", "--speed", "max", "--until", "2025-09-07T01"],
    "list": ["profiles"],
    "describe": ["smoke"],
    "validate": ["theirs.yml"],
    "init": ["theirs"],
    "dbt": ["--version"],
    "dbt-sources": ["theirs"],
    "dbt-seeds": ["theirs"],
}
WITHOUT_DESTINATION = {
    "list", "describe", "validate", "init", "dbt", "dbt-sources", "dbt-seeds",
}  # fmt: skip
OBJECTS = (
    "CREATE SCHEMA raw",
    "CREATE SCHEMA own",
    "CREATE TABLE raw.notes AS SELECT 1 AS mine",
    "CREATE TABLE own.campaigns AS SELECT 'theirs' AS name",
    "CREATE VIEW own.names AS SELECT name FROM own.campaigns",
    "CREATE INDEX by_note ON raw.notes (mine)",
    "CREATE SEQUENCE own.numbers",
)
IN_DUCKDB = (
    "SELECT 'view', schema_name, view_name, sql FROM duckdb_views() WHERE schema_name = 'own'",
    "SELECT 'index', schema_name, index_name, sql FROM duckdb_indexes() WHERE schema_name = 'raw' "
    "AND table_name = 'notes'",
    "SELECT 'sequence', schema_name, sequence_name FROM duckdb_sequences()",
    "SELECT 'row', mine FROM raw.notes",
    "SELECT 'row', name FROM own.campaigns",
)
IN_POSTGRESQL = (
    "SELECT viewname::text, definition FROM pg_views WHERE schemaname = 'own'",
    "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'notes'",
    "SELECT sequencename::text FROM pg_sequences WHERE schemaname = 'own'",
    "SELECT mine FROM raw.notes",
    "SELECT name FROM own.campaigns",
)


def fill_folder(folder: Path, outside: Path) -> None:
    """Files, folders and links that no run has made."""
    for name in ("README.md", "campaigns/notes.txt", "mine/campaigns.csv", "_receipts/a.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("theirs")
    (folder / "link").symlink_to(outside)


def in_duckdb(file: Path) -> list[tuple[object, ...]]:
    """Return the things of the other owner in a file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return [row for query in IN_DUCKDB for row in connection.execute(query).fetchall()]


def in_postgresql(server: postgresql.Server) -> list[tuple[object, ...]]:
    """Return the things of the other owner in a database."""
    with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
        found = []
        for query in IN_POSTGRESQL:
            cursor.execute(query)
            found += cursor.fetchall()
        return found


@contextmanager
def full_destinations(cwd: Path) -> Iterator[tuple[list[str], Callable[[], object]]]:
    """Give the addresses of destinations with things of others, and a digest of all those."""
    (cwd / "theirs").mkdir()
    for name in ("theirs/notes.txt", "theirs.yml", "notes.html", "lake.csv", "ads.txt"):
        (cwd / name).write_text("theirs")
    for address in FOLDERS:
        fill_folder(cwd / address.partition(":")[2], cwd / "theirs")
    with duckdb.connect(DUCKDB) as connection:
        for statement in OBJECTS:
            connection.execute(statement)
    files = everything(cwd)
    del files[DUCKDB]
    with (
        postgresql.server() as server,
        s3.server() as storage,
        pytest.MonkeyPatch.context() as set_,
    ):
        for name, value in storage.environment.items():
            set_.setenv(name, value)
        with dbapi.connect(server.uri) as connection, connection.cursor() as cursor:
            for statement in OBJECTS:
                cursor.execute(statement)
            connection.commit()
        bucket = Bucket(storage)
        for key in ("notes.txt", "lake/README.md", "lake/campaigns/notes.txt", "lake/exports/"):
            bucket.put(key)
        objects = bucket.objects()

        def digest() -> object:
            now, stored = everything(cwd), bucket.objects()
            return (
                {path: now.get(path) for path in files},
                {key: stored.get(key) for key in objects},
                in_duckdb(cwd / DUCKDB),
                in_postgresql(server),
            )

        yield [*FOLDERS, f"s3://{s3.BUCKET}/lake", DUCKDB, server.uri], digest


def in_its_process(run: Callable[..., Answer], cwd: Path, command: str, *arguments: str) -> Answer:
    """Run a command in this process, but `dbt`, which takes the place of its process."""
    if command != "dbt":
        return run(command, *arguments)
    ended = generate(command, *arguments, cwd=cwd)
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def test_nothing_of_others_is_lost_by_any_command(
    run, cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A page that is asked once.
    monkeypatch.setattr(Server, "serve_forever", lambda server: server.readings.now())
    names = {command.name or "" for command in app.registered_commands}
    assert names == CALLS.keys()
    with full_destinations(cwd) as (addresses, digest):
        before = digest()
        done = set()
        for command, arguments in CALLS.items():
            targets = [None] if command in WITHOUT_DESTINATION else addresses
            for target in targets:
                named = {"watch": [], "live": ["--to"]}.get(command, ["--database"])
                option = [] if target is None else [*named, target]
                answer = in_its_process(run, cwd, command, *arguments, *option)
                assert answer.code in (0, 1, 2), (command, target, answer.err)
                assert "Traceback" not in answer.err
                assert digest() == before, (command, target)
                if answer.code == 0:
                    done.add((command, target))
        # The destinations were no obstacle: all hold a dataset beside what is theirs.
        assert {("generate", address) for address in addresses} <= done
        assert {("create-campaign", DUCKDB), ("remove", DUCKDB)} <= done


# What dbt, the site and the tests write into `target`.
MADE = (
    "compiled", "run", "assets", "site", "tests", "spark", "index.html", "static_index.html",
    "graph.gpickle", "graph_summary.json", "manifest.json", "semantic_manifest.json",
    "partial_parse.msgpack", "perf_info.json", "run_results.json", "catalog.json", "sources.json",
)  # fmt: skip
# What targets remove: caches, what dbt and the tests wrote, and a report that `report` has written.
REMOVED = {
    f"-rf {' '.join(f'target/{name}' for name in MADE)} logs/dbt.log* "
    ".pytest_cache .hypothesis .mypy_cache .ruff_cache",
    "data/report.html",
}


def test_no_target_of_the_makefile_does_more_than_the_commands(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "project")
    targets = re.findall(r"^([a-z-]+) ", make(folder, "help").stdout, re.MULTILINE)
    assert {"build", "generate", "clean", "report"} <= set(targets)
    called, removed = set(), set()
    for target in targets:
        planned = make(folder, "-n", target)
        assert planned.returncode == 0, planned.stderr
        called |= set(re.findall(r"python -m generator ([a-z-]+)", planned.stdout))
        removed |= set(re.findall(r"\brm ([^;&\n]+?) *(?:;|&|$)", planned.stdout, re.MULTILINE))
        assert "--replace" not in planned.stdout
    assert {"generate", "build", "report"} <= called <= CALLS.keys()
    assert removed == REMOVED


# Runs the small commands of the project, and records the rest. The small sample of the market is
# that of the copy.
PROGRAM = """#!/bin/sh
case "$(basename "$0") $*" in
    "python -m generator scorecard"|"python -m tests.support.pictures") ;;
    "python -m generator generate calibration"*|"python -m tests.support."*)
        exec "{python}" "$@" ;;
    "python -m generator "*)
        exec "{programs}/python" "$@" ;;
esac
echo "$(basename "$0") $*" >> "{record}"
"""
PROGRAMS = ("python", "python3", "dbt", "uv", "ruff", "mypy", "sqruff")
# The first words of each command that is recorded.
RECORDED = {
    "dbt --quiet build", "dbt docs serve", "dbt parse", "mypy", "ruff check", "ruff format",
    "sqruff --nocolor", "uv pip compile", "uv pip install", "python -m benchmarks.compare",
    "python -m benchmarks.dbt_build", "python -m benchmarks.live", "python -m generator scorecard",
    "python -m generator.live.json_schemas", "python -m pip install", "python -m pytest",
    "python -m tests.support.pictures",
}  # fmt: skip
SMALL_CALIBRATION = """
name: calibration
description: Two campaigns of a month
seed: 1
as_of: 2026-02-01
market: {platforms: [netflix_like], campaigns: 2, start_date: 2025-01-01, end_date: 2025-01-31}
"""
PROJECT = (
    "Makefile", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md",
    "benchmarks", "dashboards", "dbt_project", "dbt_project.yml", "docs", "generator",
    "mkdocs.yml", "profiles", "profiles.yml", "pyproject.toml", "tests",
)  # fmt: skip
# Folders into which some target writes, or which it removes files from.
FOLDERS_OF_TARGETS = ("data", "reports", "target", "logs", "lake")


def copy_of_the_checkout(folder: Path) -> Path:
    """Return a copy of the checkout with a small sample of the market, and beside it an environment
    in which all requirements are installed."""
    folder.mkdir()
    for name in (*PROJECT, *(file.name for file in ROOT.glob("requirements*"))):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)  # type: ignore[operator]
    templates = folder / "generator/templates/workflows"
    (templates / "calibration.yml").write_text(SMALL_CALIBRATION)
    record = folder.with_name("record.txt")
    program = PROGRAM.format(python=sys.executable, programs=programs(), record=record)
    for place in (folder.with_name("environment"), folder / ".venv-peers"):
        (place / "bin").mkdir(parents=True)
        for name in PROGRAMS:
            (place / "bin" / name).write_text(program)
            (place / "bin" / name).chmod(0o755)
    for stamp in re.findall(r"\.requirements[a-z-]*-installed", (ROOT / "Makefile").read_text()):
        (folder.with_name("environment") / stamp).touch()
    return folder


def fill_checkout(folder: Path) -> Callable[[], object]:
    """Put things of others where targets write and remove, and return a digest of all those."""
    (folder.with_name("outside")).mkdir()
    (folder.with_name("outside") / "notes.txt").write_text("theirs")
    for name in FOLDERS_OF_TARGETS:
        (folder / name).mkdir(exist_ok=True)
        fill_folder(folder / name, folder.with_name("outside"))
    files = {path for name in FOLDERS_OF_TARGETS for path in everything(folder / name)}
    databases = (folder / "data/ads.duckdb", folder / "data/calibration.duckdb")
    for database in databases:
        with duckdb.connect(str(database)) as connection:
            for statement in OBJECTS:
                connection.execute(statement)

    def digest() -> object:
        return (
            [
                {path: held for path, held in everything(folder / name).items() if path in files}
                for name in FOLDERS_OF_TARGETS
            ],
            everything(folder.with_name("outside")),
            [in_duckdb(database) for database in databases],
        )

    return digest


def test_nothing_of_others_is_lost_by_any_target_of_the_makefile(tmp_path: Path) -> None:
    folder = copy_of_the_checkout(tmp_path / "project")
    digest = fill_checkout(folder)
    shutil.copy(parsed(), folder / "target")
    before = digest()
    variables = {
        "VIRTUAL_ENV": str(tmp_path / "environment"),
        "PYTHONPATH": str(folder),
        "WORKFLOW": "smoke",
        "DBT_EXCLUDE_RESOURCE_TYPES": "test unit_test",
    }
    targets = re.findall(r"^([a-z-]+) ", make(folder, "help").stdout, re.MULTILINE)
    for number, target in enumerate(targets):
        # What has run for itself does not run once more for another target.
        done = [f"--old-file={name}" for name in targets[:number]]
        made = make(folder, target, "WORKFLOW=smoke", *done, **variables)
        assert made.returncode == 0, (target, made.stdout[-2000:], made.stderr[-2000:])
        assert digest() == before, target
    # The targets have done what they are for.
    with duckdb.connect(str(folder / "data/ads.duckdb"), read_only=True) as connection:
        assert connection.execute("FROM marts.dim_campaigns").fetchall()
    recorded = (tmp_path / "record.txt").read_text().splitlines()
    assert {name for name in RECORDED if any(name in line for line in recorded)} == RECORDED
    assert all(any(name in line for name in RECORDED) for line in recorded), recorded
