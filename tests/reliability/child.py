"""What runs in the child of a command's server: the command, as `python -m generator` runs it.

The server imports this module, and with it the generator, its sinks and its templates, before it
forks; so it imports nothing of the tests.
"""

from __future__ import annotations

import os
import resource
from multiprocessing.connection import Connection
from pathlib import Path

from generator.cli.app import main
from generator.interruption import interruptible
from generator.market.dataset import world_of
from generator.scenario.templates import dataset
from generator.sinks import csv, parquet, postgresql

SINKS = (csv, parquet, postgresql)
SMOKE = world_of(dataset("smoke"))
SERVER = os.getpid()


def run(
    ready: Connection, output: Path, folder: Path, arguments: tuple[str, ...], size: int | None
) -> None:
    """Run a command in a folder and write all it says to a file; no file that it writes may grow
    beyond `size` bytes. Says through `ready` that it listens to signals."""
    assert os.getpid() != SERVER, "the server has not imported this"
    os.chdir(folder)
    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    written = os.open(output, os.O_WRONLY | os.O_TRUNC)
    os.dup2(written, 1)
    os.dup2(written, 2)

    def command() -> None:
        ready.send(None)
        main([*arguments, "--quiet"])

    interruptible(command)
