"""The project as tests run it: the generator and dbt in separate processes, and folders that
the processes of one test run share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent.parent
# Of `dbt build` the models only, as data that tests cannot pass need it.
MODELS_ONLY = "--exclude-resource-type test unit_test"
# Names the folder that the processes of one test run have in common.
SHARED = "TESTS_SHARED_FOLDER"


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` fills for all processes of the run: the first does, the others wait."""
    folder = Path(os.environ[SHARED]) / name
    with FileLock(folder.with_suffix(".lock")):
        made = folder.with_suffix(".made")
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def dbt(
    command: str, database: Path, folder: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess:
    """Run dbt on a database from `folder`, where it writes, with environment `variables`.

    The project is parsed once in a test run: dbt takes up what it parsed before where its settings
    are the same, so call the file `ads.duckdb` and let it lie in `folder`.
    """
    place_project(folder)
    variables["ADS_DATABASE"] = os.path.relpath(database, folder)
    return run_dbt(folder, *command.split(), *arguments, **variables)


def place_project(folder: Path) -> None:
    """Make `folder` a place from which dbt runs the project, parsed already, if it is none yet."""
    if not (folder / "target").exists():
        link_project(folder)
        (folder / "target").mkdir()
        parsed = made_once("parsed", parse_project) / "target" / "partial_parse.msgpack"
        shutil.copy(parsed, folder / "target")


@contextmanager
def spend_doubled(folder: Path) -> Iterator[None]:
    """For a while dbt runs a copy of the project in `folder` in which a macro doubles amounts."""
    place_project(folder)
    project = folder / "dbt_project"
    project.unlink()
    shutil.copytree(ROOT / "dbt_project", project)
    macro = project / "macros" / "micros_to_currency.sql"
    macro.write_text(macro.read_text().replace("* 0.000001 as", "* 0.000002 as"))
    yield
    shutil.rmtree(project)
    project.symlink_to(ROOT / "dbt_project")


def link_project(folder: Path) -> None:
    """Make `folder` a place from which dbt runs the project and in which it writes."""
    for name in ("dbt_project.yml", "dbt_project", "profiles.yml", "profiles"):
        (folder / name).symlink_to(ROOT / name)


def parse_project(folder: Path) -> None:
    """`dbt parse`, for a database in the folder."""
    link_project(folder)
    result = run_dbt(folder, "parse", ADS_DATABASE="ads.duckdb")
    assert result.returncode == 0, result.stdout[-4000:]


def run_dbt(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run dbt in a new process, as a user does."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def generate(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Run `python -m generator` as a user does, in a new process."""
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
