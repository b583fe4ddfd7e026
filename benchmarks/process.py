"""What a command costs: time, processor time and memory of its process and all below it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.25
MEGABYTE = 1_000_000
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, seconds of all processors, the most memory in MB
    that its processes had at one time, with what they share counted once; and what it printed."""

    wall: float
    cpu: float
    memory: float
    printed: str


def cost(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end. Raises CalledProcessError if it fails."""
    most = used = 0.0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err)
        ended = threading.Event()

        def watch() -> None:
            nonlocal most, used
            while not ended.wait(EVERY):
                most, used = max(most, memory(process.pid)), max(used, processor(process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        ended.set()
        watching.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise subprocess.CalledProcessError(
                process.returncode, process.args, out.read(), err.read()
            )
        # Samples see children that were never waited for, the system's account sees the last ones.
        return Cost(wall, max(used, usage.ru_utime + usage.ru_stime), most, out.read())


def tree(root: int) -> list[int]:
    """Return a process and all below it that are alive."""
    try:
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    except OSError:
        return []
    return [root, *(below for child in children for below in tree(int(child)))]


def memory(root: int) -> float:
    """Memory in MB of a process and all below it: what they share counts once (PSS)."""
    return sum(_bytes(process) for process in tree(root)) / MEGABYTE


def processor(root: int) -> float:
    """Processor seconds of a process and all below it, those that have ended included."""
    return sum(_ticks(process) for process in tree(root)) / TICKS


def _bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _ticks(process: int) -> int:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15]))
