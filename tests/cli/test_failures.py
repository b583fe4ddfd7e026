"""Where the system says no, a command says what is missing and what to do, and exits with 1."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from generator.cli import failures
from tests.support.project import ROOT

MEGABYTE = 2**20


def limited(
    cwd: Path, limit: Callable[[], None], *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process with a limit."""
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def system_error(number: int, *place: str) -> OSError:
    return OSError(number, os.strerror(number), *place)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "not enough memory"),
        (pa.ArrowMemoryError("malloc of size 64 failed"), "not enough memory"),
        (RuntimeError("std::bad_alloc"), "not enough memory"),
        (system_error(errno.ENOMEM), "not enough memory"),
        (ImportError("x.so: failed to map segment from shared object"), "not enough memory"),
        (RuntimeError("can't start new thread"), "cannot start another thread or process"),
        (pa.ArrowException("Unknown error: Failed to launch worker thread"), "another thread"),
        (system_error(errno.EAGAIN), "cannot start another thread or process"),
        (system_error(errno.EMFILE, "x.csv"), "x.csv: too many open files: raise the limit"),
        (system_error(errno.EIO, "x.csv"), "x.csv: the system says: Input/output error"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero. This is a"),
    ],
    ids=str,
)
def test_an_error_of_the_system_is_a_sentence_with_what_to_do(error, sentence) -> None:
    assert sentence in failures.sentence(error)
    assert "\n" not in failures.sentence(error)


@pytest.mark.parametrize("megabytes", [260, 420, 520, 640])
def test_any_limit_of_memory_is_a_success_or_a_sentence_and_leaves_nothing(cwd, megabytes) -> None:
    """Unless a thread of a library in C meets the limit first, and ends the process."""
    size = megabytes * MEGABYTE
    result = limited(
        cwd,
        lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)),
        "generate", "smoke", "--quiet", "--jobs", "1",
    )  # fmt: skip
    ended_in_c = result.returncode in (127, -signal.SIGABRT, -signal.SIGSEGV)
    assert result.returncode in (0, 1) or ended_in_c
    assert "Traceback" not in result.stderr
    assert (cwd / "data/ads.duckdb").exists() == (result.returncode == 0)
    if result.returncode == 1:
        assert result.stderr.splitlines()[-1].startswith("error: ")
        assert not (cwd / "data/ads.duckdb.unfinished").exists()


@pytest.mark.parametrize(
    "command", ["generate smoke", "status", "report", "build", "scorecard", "init-db", "init mine"]
)
def test_a_current_folder_that_is_gone_is_a_sentence(cwd, command: str) -> None:
    gone = cwd / "gone"
    gone.mkdir()
    result = limited(gone, lambda: shutil.rmtree(gone), *command.split())
    assert result.returncode == 1
    assert result.stderr == "error: the current folder no longer exists: change to another one\n"


def test_few_open_files_no_home_and_no_temporary_folder_are_enough(cwd) -> None:
    result = limited(
        cwd,
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)),
        "generate", "smoke", "--quiet", "--jobs", "1",
        TMPDIR="/nowhere", HOME="",
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_python_that_takes_warnings_for_errors_is_enough(cwd) -> None:
    result = limited(cwd, lambda: None, "generate", "smoke", "--quiet", PYTHONWARNINGS="error")
    assert (result.returncode, result.stderr) == (0, "")
