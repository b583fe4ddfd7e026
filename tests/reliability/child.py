"""What runs in the child of a command's server: the command, as `python -m generator` runs it.

The server imports this module, and with it the generator, its sinks and its templates, before it
forks; so it imports nothing of the tests.
"""

from __future__ import annotations

import os
import resource
from multiprocessing.connection import Connection
from pathlib import Path

from generator.cli import catalogue, commands, dbt, results, settings, views
from generator.cli.app import main
from generator.engines import local
from generator.interruption import interruptible
from generator.market.dataset import world_of
from generator.pipeline.parts import all_pieces
from generator.scenario import log, overrides
from generator.scenario.templates import dataset
from generator.sinks import csv, parquet, postgresql

SINKS = (csv, parquet, postgresql)
# A command loads these when it first asks something of them.
LOADED = [
    dir(module)
    for module in (catalogue, commands, dbt, local, log, overrides, results, settings, views)
]
# What is read and computed once in a process: templates, time zones, the supply of countries.
SMOKE = sum(batch.num_rows for _, batch in all_pieces(world_of(dataset("smoke"))))
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
