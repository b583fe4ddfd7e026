"""`make lint` finds nothing. Its commands take a minute of one core, beside the other tests."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT

RECIPE = re.compile(r"^lint: deps.*\n((?:\t.+\n)+)", re.MULTILINE)


def commands() -> list[str]:
    """The commands of `make lint`."""
    found = RECIPE.search((ROOT / "Makefile").read_text())
    return [line.strip() for line in found[1].splitlines()] if found else []


@pytest.mark.parametrize("command", commands())
def test_lint_finds_nothing(command: str) -> None:
    program, *arguments = shlex.split(command)
    result = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=ROOT,
        env={**os.environ, "ADS_DATABASE": ":memory:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]


def test_lint_is_ruff_mypy_sqruff_and_dbt() -> None:
    assert {command.split()[0] for command in commands()} == {"ruff", "mypy", "sqruff", "dbt"}
