"""Whether a long run stays constant: memory, open files, processes and temporary files over time.

`python -m benchmarks.long_run [MINUTES] [ROWS] [FOLDER]` generates a market into Parquet files in
two processes, for MINUTES (8) or until MILLIONS of rows of all tables exist (200,
which wants about 4 GB in FOLDER), and prints a line every ten seconds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.process import memory, tree

EVERY = 10
MILLION = 1_000_000
CAMPAIGNS_A_MILLION_ROWS = 105


def sample(process: int, temporary: Path) -> tuple[float, int, int, int]:
    """Memory of all processes in MB, open files, processes, and temporary files."""
    processes = tree(process)
    files = sum(len(os.listdir(f"/proc/{process}/fd")) for process in processes)
    return memory(process), files, len(processes), sum(1 for _ in temporary.rglob("*"))


def rows(folder: Path) -> int:
    """Rows of all tables in the parts that are written."""
    receipts = [folder / "manifest.json", *folder.glob("_staging/*/_receipts/*.json")]
    return sum(
        table["rows"]
        for receipt in receipts
        if receipt.exists()
        for table in json.loads(receipt.read_text())["tables"].values()
    )


def main(minutes: float = 8, millions: float = 200, place: str | None = None) -> None:
    """Print the samples and the rows made, and what is left of processes and temporary files."""
    campaigns = int(millions * CAMPAIGNS_A_MILLION_ROWS)
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder, temporary = Path(name, "folder"), Path(name, "temporary")
        temporary.mkdir()
        started = time.monotonic()
        run = subprocess.Popen(
            [
                sys.executable, "-m", "generator", "generate", "market", "--campaigns",
                str(campaigns), "--jobs", "2", "--quiet", "--to", f"parquet:{folder}",
            ],
            env={**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,
        )  # fmt: skip
        print("seconds  million rows  memory in MB  open files  processes  temporary files")
        while run.poll() is None:
            time.sleep(EVERY)
            seconds = time.monotonic() - started
            if run.poll() is None:
                megabytes, files, processes, left = sample(run.pid, temporary)
                print(
                    f"{seconds:7.0f} {rows(folder) / MILLION:13.1f} {megabytes:13.0f} {files:11} "
                    f"{processes:10} {left:16}",
                    flush=True,
                )
            if seconds > minutes * 60:
                run.send_signal(signal.SIGINT)
                break
        code = run.wait()
        left = sum(1 for _ in temporary.rglob("*"))
        print(f"exit code {code}, {rows(folder):,} rows, {left} temporary files")


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:3]), *sys.argv[3:4])
