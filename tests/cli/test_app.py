"""The command line as a user meets it: what it prints, where, and with which exit code."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator import __version__
from generator.scenario.kinds import TemplateKind
from generator.scenario.templates import names
from generator.schema import TABLES
from tests.support.project import ROOT, generate

GOOD = """\
name: mine
description: a test
campaign:
  platform: netflix_like
  objective: AWARENESS
  buy_type: PREFERRED_DEAL
  target_cpm: 20.0
  currency: USD
  flights: [{start_date: 2025-09-01, end_date: 2025-09-02}]
  budget: {amount: 100, type: LIFETIME}
line_items:
  - targeting: {DEVICE: [CTV], GEO_COUNTRY: [US]}
    creatives: [{placement: PRE_ROLL, duration_seconds: 15}]
"""


def tables(output: str) -> dict[str, list[str]]:
    """The printed table: name → rows and hash."""
    rows = [line.split() for line in output.splitlines() if line.startswith(("raw.", "truth."))]
    return {name: cells for name, *cells in rows}


def test_generate_prints_rows_and_a_hash_per_table_and_nothing_else(cwd) -> None:
    result = generate("generate", "smoke", cwd=cwd)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    printed = tables(result.stdout)
    with duckdb.connect("data/ads.duckdb", read_only=True) as connection:
        for name, (rows, digest) in printed.items():
            assert connection.execute(f"select count(*) from {name}").fetchone() == (
                int(rows.replace(",", "")),
            )
            assert len(digest) == 16
    (last,) = re.findall(r"^without rows: (.*)$", result.stdout, re.MULTILINE)
    assert {*printed, *last.split(", ")} == {
        f"{table.schema_name}.{table.table_name}" for table in TABLES
    }


def test_the_same_seed_prints_the_same_hashes_and_another_others(cwd) -> None:
    once, again, other = (
        tables(generate("generate", "smoke", *options, cwd=cwd).stdout)
        for options in ((), ("--seed", "7"), ("--seed", "8", "--replace"))
    )
    assert once == again
    assert once["raw.performance_hourly"] != other["raw.performance_hourly"]


def test_one_scenario_of_a_workflow(cwd) -> None:
    result = generate("generate", "complete", "--select", "nexbank_conversion", cwd=cwd)
    assert tables(result.stdout)["raw.campaigns"][0] == "1"


def test_a_scenario_of_ones_own_into_a_database_of_ones_own(cwd) -> None:
    (cwd / "mine.yml").write_text(GOOD)
    result = generate("generate", "mine.yml", "--database", "deep/er/own.duckdb", cwd=cwd)
    assert result.returncode == 0, result.stderr
    assert (cwd / "deep/er/own.duckdb").exists()


def test_a_terminal_sees_progress(cwd) -> None:
    """On a terminal the bar is drawn on stderr; in a pipe (above) stderr is empty."""
    parent, child = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "generator", "generate", "smoke"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=child,
    )
    run.communicate()
    os.close(child)
    assert b"Generating" in os.read(parent, 65536)
    os.close(parent)
    assert run.returncode == 0


def snapshot(file: Path) -> bytes:
    return file.read_bytes()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("objective: AWARENESS", "objective: AWARENES"), "mine.yml:5: campaign.objective"),
        (("  currency", "  curency"), "mine.yml:8: campaign.curency"),
        (("target_cpm: 20.0", "target_cpm: [1]"), "mine.yml:7: campaign.target_cpm"),
        (("end_date: 2025-09-02", "end_date: 2025-08-02"), "mine.yml:9: campaign.flights[0]"),
        (("netflix_like", "netflix"), "mine.yml:4: campaign.platform"),
        (("name: mine", "extends: unknown\nname: mine"), "mine.yml:1: extends"),
        (("a test", "[a test"), "mine.yml:"),
    ],
    ids=str,
)
def test_bad_input_is_a_sentence_with_exit_code_2_and_changes_nothing(
    cwd, smoke_database, change, place
) -> None:
    (cwd / "data").mkdir()
    shutil.copy(smoke_database, cwd / "data")
    before = snapshot(cwd / "data/ads.duckdb")
    (cwd / "mine.yml").write_text(GOOD.replace(*change))
    result = generate("generate", "mine.yml", cwd=cwd)
    assert result.returncode == 2
    assert place in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert snapshot(cwd / "data/ads.duckdb") == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("generate", "complet"), "did you mean 'complete'?"),
        (("generate", "nowhere.yml"), "nowhere.yml: cannot be read"),
        (("generate", "smoke", "--select", "small_two_week"), "did you mean 'small_two_weeks'?"),
        (
            ("generate", "smoke", "--seed", "-1"),
            "--seed: seed: should be greater",
        ),
        (
            ("generate", "smoke", "--seed", "lucky"),
            "error: --seed: 'lucky' is not a whole number\n",
        ),
        (
            ("generate", "smoke", "--sed", "1"),
            "error: there is no option --sed; did you mean --seed?\n",
        ),
        (
            ("generate", "smoke", "--as-of", "soon"),
            "'soon' is not a day; write one as 2025-10-01, or today\n",
        ),
        (("generate", "small"), "did you mean 'small_two_weeks'?"),
        (("gnerate",), "error: there is no command 'gnerate'; did you mean 'generate'?\n"),
        (("create-advertiser", "--industry", "retial"), "'retial' is not known; did you mean 'ret"),
        (("create-campaign", "--auto"), "error: option --advertiser-id is missing; see `python -m"),
        (("remove", "--campaign-id", "x"), "error: --campaign-id: 'x' is not a whole number\n"),
        (("status", "now"), "extra argument(s) (now); see `python -m"),
        (("list",), "error: argument KIND is missing; see `python -m generator list --help`"),
        (("list", "recipes"), "recipes"),
    ],
    ids=str,
)
def test_bad_arguments_are_a_sentence_with_exit_code_2(cwd, arguments, sentence) -> None:
    result = generate(*arguments, cwd=cwd)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not (cwd / "data").exists()


def test_a_locked_database_is_a_sentence(cwd) -> None:
    assert generate("generate", "smoke", cwd=cwd).returncode == 0
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; c = duckdb.connect('data/ads.duckdb'); print('open', flush=True);"
            "sys.stdin.read()",
        ],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        result = generate("generate", "smoke", "--seed", "8", cwd=cwd)
    finally:
        holder.communicate()
    assert result.returncode == 1
    assert result.stderr == (
        "error: data/ads.duckdb: is open in another process; close it there "
        "(or choose another --database)\n"
    )


def test_the_database_is_taken_from_the_environment(cwd, monkeypatch) -> None:
    monkeypatch.setenv("ADS_DATABASE", "from_environment.duckdb")
    assert generate("generate", "smoke", cwd=cwd).returncode == 0
    assert (cwd / "from_environment.duckdb").exists()


def test_version_help_and_lists(cwd) -> None:
    assert generate("--version", cwd=cwd).stdout.strip() == __version__
    for command in ((), ("generate",), ("list",), ("dbt-sources",)):
        shown = generate(*command, "--help", cwd=cwd)
        assert shown.returncode == 0
        assert len(shown.stdout.splitlines()) <= 50
    listed = generate("list", "workflows", cwd=cwd).stdout.splitlines()
    assert [line.split()[0] for line in listed] == names(TemplateKind.WORKFLOWS)


@pytest.fixture
def in_bash(cwd):
    """Runs a script in bash, with this folder as home and its `bin` on the path.

    The last command of a script takes the place of bash, and a command asks which shell it runs in;
    so it is not the last.
    """

    def in_bash(script: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", "--norc", "-c", f"{script}\nexit $?"],
            cwd=cwd,
            env={
                "HOME": str(cwd),
                "PATH": f"{cwd / 'bin'}:/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "SHELL": "/bin/bash",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return in_bash


def test_completion_without_the_command_is_a_sentence(cwd, in_bash) -> None:
    """A shell cannot complete `python -m generator`: nothing is written to the home folder."""
    for option in ("--install-completion", "--show-completion"):
        asked = in_bash(f"{sys.executable} -m generator {option}")
        assert asked.returncode == 2
        assert asked.stderr == (
            "error: shells complete the command streaming-ads, which is not on the path; "
            "`pip install -e .` makes it\n"
        )
    assert list(cwd.iterdir()) == []


def test_completion_is_installed_for_the_command_and_completes_names(cwd, in_bash) -> None:
    (cwd / "bin").mkdir()
    command = cwd / "bin" / "streaming-ads"
    command.write_text(f"#!{sys.executable}\nfrom generator.__main__ import run\nrun()\n")
    command.chmod(0o755)
    installed = in_bash(f"{sys.executable} -m generator --install-completion")
    assert installed.returncode == 0, installed.stderr
    assert [file.name for file in (cwd / ".bash_completions").iterdir()] == ["streaming-ads.sh"]
    completed = in_bash(
        "source .bash_completions/streaming-ads.sh; COMP_WORDS=(streaming-ads generate sm); "
        'COMP_CWORD=2; _streaming_ads_completion streaming-ads; echo "${COMPREPLY[@]}"'
    )
    assert completed.stdout == "smoke small_two_weeks\n", completed.stderr


def test_the_command_line_does_not_wait_for_pandas(cwd) -> None:
    """Where it is installed, as in notebooks, pyarrow would import it."""
    (cwd / "pandas.py").touch()
    program = (
        "import sys; from generator.__main__ import run",
        "sys.argv[1:] = ['generate', 'smoke', '--quiet', '--to', 'x.duckdb']",
        "try: run()",
        "except SystemExit: print('pandas' in sys.modules)",
    )
    asked = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        env={**os.environ, "PYTHONPATH": f"{cwd}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.stdout, asked.stderr) == ("False\n", "")
    assert Path("x.duckdb").exists()
