"""A run of several processes that is stopped leaves no process and no temporary file behind."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.reliability.commands import INTERRUPTED, SECONDS_TO_STOP
from tests.support.project import ROOT

MARKET = (
    "generate market --campaigns 2000 --set market.made=200 --jobs 2 --quiet --to parquet:folder"
)


def alive(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of_session = stat.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of_session) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_for(condition) -> None:
    """Until something holds, at most a minute."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def stopped(folder: Path, moment: str, number: int) -> float:
    """Start a run in a folder and send it a signal at a moment; the seconds that it took to end."""
    temporary = folder / "temporary"
    temporary.mkdir(parents=True)
    run = subprocess.Popen(
        [sys.executable, "-m", "generator", *MARKET.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # This process, two workers, and the one in which Python counts what processes share.
    wait_for(lambda: len(alive(run.pid)) == 4)
    if moment == "parts are written":
        wait_for(lambda: list(folder.glob("folder/_staging/*/_receipts/campaigns-*.json")))
    asked = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(run.pid, number)
    else:
        run.send_signal(number)
    _, said = run.communicate(timeout=60)
    took = time.monotonic() - asked
    if number == signal.SIGKILL:
        assert run.returncode == -number
    else:
        assert (run.returncode, said) == (130, INTERRUPTED)
    wait_for(lambda: not alive(run.pid))
    assert list(temporary.iterdir()) == []
    assert not (folder / "folder" / "manifest.json").exists()
    return took


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(tmp_path: Path, number: int) -> None:
    """Ctrl-C reaches every process of the terminal; SIGTERM and SIGKILL the one that was named."""
    took = [
        stopped(tmp_path / moment, moment, number)
        for moment in ("workers start", "parts are written")
    ]
    assert statistics.median_low(took) < SECONDS_TO_STOP
