"""The project as tests run it: the generator and dbt in separate processes, and folders that
the processes of one test run share."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from filelock import FileLock

from generator.cli.dbt_project import PROJECT_FILE
from tests.support import processes
from tests.support.processes import OWNER, SHARED

ROOT = Path(__file__).resolve().parent.parent.parent
# Of `dbt build` the models only, as data that tests cannot pass need it.
MODELS_ONLY = "--exclude-resource-type test unit_test"
# What formulas make of rows in a unit test is the same on any data.
WITHOUT_UNIT_TESTS = "--exclude-resource-type unit_test"
# What dbt has parsed, in its folder `target`.
PARSED = "partial_parse.msgpack"
# With these dbt writes no more than tests read.
QUICK = {"DBT_WRITE_JSON": "false", "DBT_LOG_LEVEL_FILE": "none"}
# As `python -m generator` sets them before it imports anything (generator/__main__.py).
OF_SERVERS = {
    "PYTHONPATH": str(ROOT),
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
SERVE = (
    "import socket; from tests.support import processes; "
    "processes.serve('{program}', socket.socket(fileno={place}))"
)


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

    Call the file `ads.duckdb` and let it lie in `folder`: for each name dbt parses the project.
    """
    place_project(folder)
    variables["ADS_DATABASE"] = os.path.relpath(database, folder)
    return run_dbt(folder, *command.split(), *arguments, **variables)


def place_project(folder: Path) -> None:
    """Make `folder` a place from which dbt runs the project, if it is none yet."""
    if not (folder / PROJECT_FILE).exists():
        link_project(folder)


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
    for name in (PROJECT_FILE, "dbt_project", "profiles.yml", "profiles"):
        (folder / name).symlink_to(ROOT / name)


def parsed(*arguments: str, **variables: str) -> Path:
    """The file with the project as dbt parses it on a target, with vars and a database, which it
    does once in a test run. A change to a file of the project is seen all the same."""
    settings = {
        flag: value for flag, value in pairwise(arguments) if flag in ("--target", "--vars")
    }
    address = {name: value for name, value in variables.items() if name.startswith("PG")}
    address["ADS_DATABASE"] = variables.get("ADS_DATABASE", "")
    words = [word for pair in settings.items() for word in pair]

    def parse(folder: Path) -> None:
        link_project(folder)
        before = serve("dbt") / "target" / PARSED
        at_hand = {"DBT_PARTIAL_PARSE_FILE_PATH": str(before)}
        result = in_new_process(folder, "parse", *words, **address, **at_hand)
        assert result.returncode == 0, result.stdout[-4000:]
        # Where nothing is parsed again dbt writes nothing.
        if not (folder / "target" / PARSED).exists():
            shutil.copy(before, folder / "target")

    key = sha256(repr((sorted(settings.items()), sorted(address.items()))).encode()).hexdigest()
    return made_once(f"parsed-{key[:16]}", parse) / "target" / PARSED


def run_dbt(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run dbt in a new process, as a user does. The project itself is parsed already, except for
    another profile."""
    is_ours = (folder / PROJECT_FILE).resolve() == ROOT / PROJECT_FILE
    if is_ours and "--profiles-dir" not in arguments:
        variables["DBT_PARTIAL_PARSE_FILE_PATH"] = str(parsed(*arguments, **variables))
    return in_new_process(folder, *arguments, **variables)


@cache
def programs() -> Path:
    """A folder with `dbt` and `python`, which run dbt and the generator in new processes that start
    at once (tests/support/processes.py), and all else as ever."""

    def make(folder: Path) -> None:
        for name in ("dbt", "python"):
            line = shlex.join([sys.executable, "-IS", processes.__file__, name])
            (folder / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
            (folder / name).chmod(0o755)

    for program in ("dbt", "generator"):
        serve(program)
    return made_once("bin", make)


@cache
def serve(program: str) -> Path:
    """Let a server run dbt or the generator, if none does; the folder that it works in."""

    def start(folder: Path) -> None:
        link_project(folder)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(processes.address(program))
            listener.listen()
            place = listener.fileno()
            subprocess.Popen(
                [sys.executable, "-c", SERVE.format(program=program, place=place)],
                cwd=folder,
                env={**os.environ, **QUICK, **OF_SERVERS, "ADS_DATABASE": "ads.duckdb"},
                pass_fds=[place],
                stdin=subprocess.DEVNULL,
            )

    return made_once(f"{program}-{os.environ[OWNER]}", start)


def in_new_process(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run dbt in a new process that writes no more than tests read: not the debug log, and
    manifest and results only where DBT_WRITE_JSON asks for them."""
    serve("dbt")
    return run_program("dbt", arguments, folder, {**os.environ, **QUICK, **variables})


def run_program(
    program: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess:
    """Run dbt or the generator in a new process, with nothing to read."""
    with (
        open(os.devnull) as nothing,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        streams = [stream.fileno() for stream in (nothing, out, err)]
        code = processes.ask(program, arguments, str(folder), environment, streams)
        printed = [os.pread(stream, 1 << 30, 0).decode() for stream in streams[1:]]
        return subprocess.CompletedProcess([program, *arguments], code, *printed)


def generate(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Run `python -m generator` as a user does, in a new process."""
    programs()
    return run_program("generator", arguments, cwd or ROOT, os.environ)


def has_key(test: Mapping[str, Any]) -> bool:
    """Return whether a generic test, as dbt's manifest has it, is about the key of a table."""
    return test.get("name") == "unique_grain" or bool(test.get("kwargs", {}).get("unique"))
