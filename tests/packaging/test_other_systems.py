"""A system without the calls of POSIX, as Windows: runs go well there, with the same data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, Answer
from tests.test_golden_hashes import RECORDED, WORKFLOWS

# Every process of Python runs it first.
HIDE_POSIX = """
import os, signal, sys

for module in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[module] = None
for name in '''
    O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown copy_file_range fchmod fchown geteuid getuid
    killpg memfd_create mkfifo nice posix_fadvise posix_fallocate pread preadv pwrite pwritev readv
    sched_getaffinity sendfile setsid statvfs writev
'''.split():
    delattr(os, name)
os.supports_fd.discard(os.chmod)
for name in '''
    ITIMER_REAL SIGALRM SIGHUP SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm pthread_sigmask
    setitimer sigwait
'''.split():
    delattr(signal, name)
"""


@pytest.fixture
def elsewhere(tmp_path: Path, cwd: Path):
    """Run a command of the generator without POSIX. A file that is opened without an encoding,
    which is another one on Windows, is an error."""
    place = tmp_path / "first"
    place.mkdir()
    (place / "sitecustomize.py").write_text(HIDE_POSIX)
    path = os.pathsep.join((str(place), str(ROOT)))
    variables = {"PYTHONPATH": path, "PYTHONWARNDEFAULTENCODING": "1"}
    strict = ["-W", "error::EncodingWarning:generator"]

    def run(*arguments: str) -> Answer:
        done = subprocess.run(
            [sys.executable, *strict, *arguments],
            cwd=cwd,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


@pytest.mark.parametrize(
    ("target", "runs"), [("ads.duckdb", 2), ("parquet:files", 1), ("csv:files", 1)]
)
def test_a_run_without_posix_lands_the_same_data(elsewhere, cwd, target, runs) -> None:
    """In two worker processes; a second run into DuckDB works on a copy of the first one's data."""
    changes = [part for change in WORKFLOWS["market"] for part in ("--set", change)]
    command = ["generate", "market", *changes, "--jobs", "2", "--json", "--to", target]
    for _ in range(runs):
        answer = elsewhere("-m", "generator", *command)
        assert answer.code == 0, answer.err
        landed = {row["table"].rpartition(".")[2]: row["hash"] for row in answer.json["tables"]}
        assert RECORDED["hashes"]["market"].items() <= landed.items()
        assert {path.name for path in cwd.iterdir()} == {"first", target.rpartition(":")[2]}


def test_campaigns_are_added_without_posix(elsewhere) -> None:
    for command in (
        ["generate", "smoke", "--as-of", "2026-02-01"],
        ["create-profile", "--name", "mobile_consideration"],
        ["status"],
    ):
        answer = elsewhere("-m", "generator", *command, "--to", "ads.duckdb")
        assert answer.code == 0, answer.err


def test_one_run_at_a_time_writes_to_a_folder_without_posix(elsewhere) -> None:
    script = """
from pathlib import Path
from generator.sinks.lock import Lock, lock_folder
from generator.sinks.errors import DestinationFailedError

first = Lock(Path("files"))
try:
    Lock(Path("files"))
except DestinationFailedError as error:
    print(error)
first.release()
Lock(Path("files")).release()
print(lock_folder(Path("nothing")))
Path("file").touch()
try:
    Lock(Path("file"))
except DestinationFailedError as error:
    print(error)
"""
    answer = elsewhere("-c", script)
    assert answer.out.splitlines() == [
        "files: another run writes to it; wait for its end, or choose another --to",
        "None",
        "file: cannot be used: File exists; choose another --to",
    ], answer.err


@pytest.mark.parametrize("place", ["command()", "leave()"])
def test_an_interruption_without_posix_is_exit_code_130(elsewhere, place) -> None:
    """In the middle of the work, and on the way out of a block, where it comes a moment later."""
    script = f"""
import signal, time
from generator.interruption import interruptible

def command():
    signal.raise_signal(signal.SIGINT)

class Block:
    def __enter__(self): ...
    def __exit__(self, *_):
        signal.raise_signal(signal.SIGINT)

def leave():
    with Block():
        pass
    time.sleep(20)

interruptible(lambda: {place})
"""
    answer = elsewhere("-c", script)
    assert (answer.code, answer.err.partition(":")[0]) == (130, "interrupted")
