"""Runs dbt as often as standard input asks, each time in a new process.

Such a process is forked from this one, which has imported dbt: a new Python takes two seconds for
that. Nothing of one run is left for the next.
"""

from __future__ import annotations

import gc
import json
import os
import sys

import dbt.adapters.duckdb.impl  # noqa: F401
from dbt.cli.main import cli


def serve() -> None:
    """Answer each line of standard input, a request in JSON, with the exit code of dbt."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    for line in sys.stdin:
        process = os.fork()
        if not process:
            run(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def run(arguments: list[str], folder: str, environment: dict[str, str], printed: list[str]) -> None:
    """Become dbt in a folder, with files for standard output and standard error."""
    for descriptor, file in enumerate([os.devnull, *printed]):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["dbt", *arguments]
    cli(prog_name="dbt")


if __name__ == "__main__":
    serve()
