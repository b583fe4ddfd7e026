"""What happened is reported as well as the streams can show it. A deed is never called a failure
because its report could not be shown."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from generator.cli import results
from generator.cli.app import app
from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.duckdb import DuckdbSink
from generator.world.build import build_world
from tests.support.project import ROOT, made_once

ADD = ("create-profile", "--name", "small_two_weeks")


def in_shell(script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a script for bash comes to; `$GENERATOR` is the command."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GENERATOR": f"{sys.executable} -m generator",
            **variables,
        },
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )


@pytest.fixture
def smoke(cwd) -> Path:
    """A folder with `smoke` in its database."""

    def make(folder: Path) -> None:
        local.run(build_world(dataset("smoke")), DuckdbSink(folder / "ads.duckdb", TABLES), jobs=1)

    (cwd / "data").mkdir()
    shutil.copy(made_once("smoke", make) / "ads.duckdb", cwd / "data")
    return cwd


@pytest.fixture
def campaigns(run):
    """How many campaigns the database has."""
    return lambda: len(run("status", "--json").json["campaigns"])


@pytest.mark.parametrize("encoding", ["iso-8859-1", "shift_jis"])
def test_any_encoding_shows_a_deed_and_its_names(smoke, campaigns, encoding) -> None:
    name = "Café 名前 → 🎬"
    script = f"$GENERATOR {' '.join(ADD)} --set 'campaign.name={name}'"
    result = in_shell(script, smoke, PYTHONIOENCODING=encoding, PYTHONUTF8="1")
    assert (result.returncode, result.stderr) == (0, "")
    assert "campaign 2" in result.stdout
    assert campaigns() == 2


def test_what_ascii_lacks_is_spelled_out(smoke, run) -> None:
    assert run(*ADD, "--set", "campaign.name=Café → 🎬").code == 0
    status = in_shell("$GENERATOR status", smoke, PYTHONIOENCODING="ascii").stdout
    assert status.isascii()
    assert r"Caf\xe9 -> \U0001f3ac" in status
    assert "+--" in status


@pytest.mark.parametrize("output", [">/dev/full", "2>/dev/full >/dev/full", "<&- >&- 2>&-"])
def test_a_deed_that_cannot_be_printed_is_done_once_and_no_failure(
    smoke, campaigns, output
) -> None:
    result = in_shell(f"$GENERATOR {' '.join(ADD)} {output}", smoke)
    assert result.returncode == 0
    assert result.stdout == ""
    note = "done, but the result could not be printed: No space left on device\n"
    assert result.stderr == (note if output == ">/dev/full" else "")
    assert campaigns() == 2


@pytest.mark.parametrize("command", ["list tables --json", "--help"])
def test_a_look_that_cannot_be_printed_is_a_failure(smoke, command) -> None:
    result = in_shell(f"$GENERATOR {command} >/dev/full", smoke)
    assert (result.returncode, result.stderr) == (
        1, "error: stdout: cannot be written: No space left on device\n",
    )  # fmt: skip


@pytest.mark.parametrize("command", [" ".join(ADD), "describe complete"])
def test_a_reader_that_leaves_early_is_no_failure(smoke, command) -> None:
    result = in_shell(f"set -o pipefail; $GENERATOR {command} | true", smoke)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["--seed -1", "--sed 1"])
def test_an_exit_code_does_not_depend_on_stderr(smoke, arguments) -> None:
    assert in_shell(f"$GENERATOR generate smoke {arguments} 2>/dev/full", smoke).returncode == 2


@pytest.mark.parametrize(
    "variables",
    [
        {"TERM": "dumb", "COLUMNS": "1"}, {"TERM": "nothing-of-the-kind", "COLUMNS": "-3"},
        {"COLUMNS": "wide", "NO_COLOR": "1", "LANG": "no_SUCH"},
    ],
    ids=str,
)  # fmt: skip
def test_any_terminal_shows_status_help_and_mistakes(smoke, variables) -> None:
    parent, child = pty.openpty()
    for command, code in (("status", 0), ("generate --sed 1", 2)):
        result = subprocess.run(
            [sys.executable, "-m", "generator", *command.split()],
            cwd=smoke,
            env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
            stdout=subprocess.PIPE,
            stderr=child,
            check=False,
        )
        assert result.returncode == code
        assert bool(result.stdout) == (code == 0)
    os.close(child)
    assert b"Traceback" not in os.read(parent, 65536)
    os.close(parent)


MARKUP = [r"\[/x]", "[/]", "[bold]x[/bold]", "[link=a.example]x[/link]", r"x\\", "{x} %s :smile:"]


@pytest.mark.parametrize("name", MARKUP)
def test_text_of_the_data_is_never_markup(smoke, run, name) -> None:
    assert run(*ADD, "--set", f"campaign.name={name}").code == 0
    status = run("status")
    assert status.code == 0
    assert name in status.out


@pytest.mark.parametrize("name", [*MARKUP, "\x1b[31mred", "a\nb"])
def test_names_in_mistakes_and_notices_are_never_markup(smoke, run, name) -> None:
    for command in (
        ("describe", name),
        ("list", name),
        ("generate", "smoke", "--select", name),
        ("generate", "smoke", "--seed", name),
        ("create-campaign", "--auto", "--advertiser-id", name),
        ("status", "--to", f"{name}/x.duckdb"),
    ):
        answer = run(*command)
        assert answer.code in (1, 2)
        assert answer.err
        assert "fault of the program" not in answer.err
        assert "\x1b" not in answer.err


@pytest.mark.parametrize("error", [ValueError("odd [/x]"), KeyError("x"), AssertionError()])
def test_an_error_that_nobody_foresaw_is_one_sentence(cwd, run, monkeypatch, error) -> None:
    def fail(*_arguments, **_options) -> None:
        raise error

    monkeypatch.setattr("generator.cli.commands.databases.contents", fail)
    answer = run("status")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"error: {type(error).__name__}: ")
    assert "This is a fault of the program" in answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" in run("status", "--verbose").err


def test_only_deeds_survive_a_result_that_cannot_be_printed() -> None:
    """Every command that changes something answers with a deed, the others with none."""
    for command in app.registered_commands:
        assert command.callback
        if command.name == "dbt":  # becomes dbt, which answers itself
            continue
        answer = get_type_hints(command.callback.__wrapped__)["return"]  # type: ignore[attr-defined]
        is_deed = isinstance(answer, type) and issubclass(answer, results.Deed)
        changes = command.rich_help_panel == "Make and change data"
        assert is_deed == (changes or answer is results.Written), command.name
