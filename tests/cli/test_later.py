"""A help is there at once: libraries that take long to load are loaded when a command runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.project import ROOT

# Typer loads pydantic, where it is installed.
HEAVY = "duckdb faker numpy pyarrow yaml"
SCRIPT = f"""
import sys
from generator.__main__ import run
sys.argv = ["streaming-ads", *sys.argv[1:]]
try:
    run()
except SystemExit:
    pass
print(*sorted(set("{HEAVY}".split()) & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "call", ["--help", "--version", "generate --help", "live --help", "gnerate", "list --nothing"]
)
def test_what_runs_no_command_loads_no_library_that_takes_long(call: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *call.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.splitlines()[-1] == ""
    assert result.stdout or "error: there is no" in result.stderr


def test_what_runs_a_command_loads_what_it_needs() -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, "list", "tables"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"numpy", "pyarrow"} <= set(result.stderr.split())
