"""Commands in separate processes that start at once, so that they can be killed by the hundred.

Starting Python takes longer than a small run. A server has the generator imported and forks a child
for each command, which does what `python -m generator` does.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from pathlib import Path

import pytest

from tests.reliability import child
from tests.support.project import ROOT

INTERRUPTED = "interrupted: no partial run is visible; rerun the same command to complete it\n"
# What is promised to a user who asks a run to stop. Tests ask it of the median of their trials: a
# machine that others use as well can pause for longer.
SECONDS_TO_STOP = 2
# Signals, and how many of their trials must strike; ADS_TEST_KILLS=100 holds more of them.
_KILLS = int(os.environ.get("ADS_TEST_KILLS", "40"))
KILLS = (
    (signal.SIGKILL, _KILLS),
    (signal.SIGINT, -(-_KILLS // 4)),
    (signal.SIGTERM, -(-_KILLS // 4)),
)
_GOLDEN_RATIO = 0.618034
_forked = multiprocessing.get_context("forkserver")


def start_server() -> None:
    """Start the server, for all commands of this process."""
    _forked.set_forkserver_preload(["tests.reliability.child"])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(ROOT))
        environment.setenv("OPENBLAS_NUM_THREADS", "1")
        forkserver.ensure_running()


class Command:
    """A command that runs in a folder, from the moment that it listens to signals; no file may grow
    beyond `file_size` bytes."""

    def __init__(self, folder: Path, *arguments: str, file_size: int | None = None) -> None:
        handle, name = tempfile.mkstemp()
        os.close(handle)
        self._output = Path(name)
        here, there = _forked.Pipe(duplex=False)
        self._process = _forked.Process(
            target=child.run, args=(there, self._output, folder, arguments, file_size)
        )
        self._process.start()
        there.close()
        here.recv()
        self.started = time.monotonic()

    def send(self, number: int) -> None:
        """Send it a signal, if it still exists."""
        assert self._process.pid
        with contextlib.suppress(ProcessLookupError):
            if self._process.exitcode is None:
                os.kill(self._process.pid, number)

    def end(self) -> tuple[int, str]:
        """Wait for its exit code, or minus the signal that ended it, and what it wrote."""
        self._process.join(60)
        code = self._process.exitcode
        assert code is not None, "does not end"
        written = self._output.read_text()
        self._output.unlink()
        return code, written


def done(folder: Path, *arguments: str) -> float:
    """Run a command that must succeed; the seconds it took."""
    command = Command(folder, *arguments)
    assert command.end() == (0, "")
    return time.monotonic() - command.started


def struck(
    folder: Path,
    arguments: Sequence[str],
    number: int,
    moment: float,
    *last_lines: str,
) -> bool:
    """Start a command and send it a signal some seconds later; whether that was before its end.

    SIGKILL leaves no word, the others leave one line, the usual one or one of `last_lines`,
    and exit code 130.
    """
    command = Command(folder, *arguments)
    time.sleep(moment)
    command.send(number)
    code, written = command.end()
    if number == signal.SIGKILL:
        assert (code, written) in [(-number, ""), (0, "")], (code, written)
    else:
        ends = [(130, line) for line in (INTERRUPTED, *last_lines)]
        assert (code, written) in [*ends, (0, "")], (code, written)
    return code != 0


def strike(times: int, seconds: float, trial: Callable[[float], bool]) -> None:
    """Hold trials at moments of the seconds that a command takes, until `times` have struck it
    before its end. Each moment lies in one of the widest gaps between those before it. A command
    that has ended before its moment takes less than was thought."""
    struck_so_far = 0
    for number in range(4 * times):
        moment = seconds * (number * _GOLDEN_RATIO % 1)
        if trial(moment):
            struck_so_far += 1
        else:
            seconds = (seconds + moment) / 2
        if struck_so_far == times:
            return
    pytest.fail(f"only {struck_so_far} of {4 * times} trials struck: {seconds:.2f} s is too long")
