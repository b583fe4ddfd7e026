"""Output on terminals of 80 and 120 columns: nothing is cut, no word is broken, colours can go."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import typer.rich_utils  # noqa: F401  # reads FORCE_COLOR when it is imported
from rich.console import Console
from rich.text import Text

from generator.cli.app import EXAMPLES
from generator.cli.catalogue import Catalogue
from generator.cli.layout import Column, print_part, table
from generator.cli.results import Judgement, Scorecard
from generator.cli.views import figure, parts
from generator.scenario.templates import BUNDLED
from generator.watch.server import Server

WIDTHS = (80, 120)
WITHOUT_LIMIT = 1000
LINES = re.compile("[─━╭╮╰╯│┃]+")
COLOURS = re.compile(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])m")
KINDS = [("list", kind) for kind in Catalogue().kinds()]
NAMES = [("describe", name) for members in Catalogue().kinds().values() for name in members]
OTHERS = [("status",), ("status", "--config"), ("generate", "complete"), ("validate", "mine.yml")]
HELP = [(name, "--help") for name in EXAMPLES] + [("--help",)]
REFUSED = [("generate", "smoke"), ("generate", "complet"), ("status", "--to", "x" * 70)]


@pytest.fixture
def on_terminal(run, monkeypatch):
    """Runs a command as on a terminal of a width: its lines, without styles."""

    def on_terminal(width: int, *command: str) -> list[str]:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(width))
        answer = run(*command)
        return Text.from_ansi(answer.out + answer.err).plain.split("\n")

    return on_terminal


@pytest.fixture
def folder(cwd: Path, complete_database: Path) -> Path:
    """A folder with the default database and a scenario."""
    (cwd / "data").mkdir()
    shutil.copy(complete_database, cwd / "data/ads.duckdb")
    (cwd / "mine.yml").write_text("extends: nexbank_conversion\nname: mine\n")
    return cwd


def words(lines: list[str]) -> set[str]:
    """The words and numbers in lines, without the lines that are drawn."""
    return set(LINES.sub(" ", " ".join(lines)).split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "commands", [KINDS, NAMES, OTHERS, HELP, REFUSED], ids=lambda one: one[0][0]
)
def test_no_line_is_too_long_and_no_word_or_number_is_cut(
    folder: Path, on_terminal, width: int, commands: list[tuple[str, ...]]
) -> None:
    for command in commands:
        # How long a run took is another number each time.
        wide = words(on_terminal(WITHOUT_LIMIT, *command))
        narrow = on_terminal(width, *command)
        copied = [line for line in narrow if "python -m generator" in line]
        assert max(len(line) for line in narrow if line not in copied) <= width, command
        long = " ".join(word for word in wide if "_" in word and len(word) > 24)
        lost = {word for word in words(narrow) - wide if not re.fullmatch(r"[\d.:,]+", word)}
        assert not {word for word in lost if word not in long}, command
        assert "…" not in re.sub(r"\w+://…", "", " ".join(narrow))


def test_the_summary_comes_first(folder: Path, on_terminal) -> None:
    status = on_terminal(80, "status")
    assert status[:2] == [
        "data/ads.duckdb: complete, seed 2025, as of 2026-02-01",
        "7 campaigns (7 completed), on netflix_like",
    ]
    assert re.fullmatch(
        r"2025-08-10 to 2025-12-31 UTC: 5\d,\d{3},\d{3} impressions, 1,5\d\d,\d{3}\.\d\d USD spent",
        status[2],
    )
    generated = on_terminal(80, "generate", "complete")
    assert generated[0] == "complete, seed 2025, as of 2026-02-01 → data/ads.duckdb"
    assert re.match(r"7 campaigns, 2\d\d,\d{3} rows in 2\d tables, [\d.]+ MB, in ", generated[1])


def judgement(name: str, status: str, value: float) -> Judgement:
    return Judgement(
        name=name, what=f"{name}: all of it", unit="ratio", status=status, is_binding=True,
        measured_value=value, low=0.1, high=0.5, impressions=66_785_465_355,
    )  # fmt: skip


def drawn(result: Scorecard, width: int) -> str:
    """A result as a terminal of a width gets it, with its colours."""
    console = Console(force_terminal=True, width=width, color_system="standard", highlight=False)
    with console.capture() as capture:
        for part in parts(result, width, True):
            print_part(console, part)
    return capture.get()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_scorecard_begins_with_its_verdict_and_shows_in_red_what_is_outside(width: int) -> None:
    long = "leaving_in_first_over_second_half"
    result = Scorecard(
        database="x", workflow="complete", platform="netflix_like", shapes=[],
        benchmarks=[judgement(long, "INSIDE", 0.00009475), judgement("rate", "OUTSIDE", 1234567.8)],
    )  # fmt: skip
    lines = drawn(result, width).split("\n")
    plain = [Text.from_ansi(line).plain for line in lines]
    assert plain[1] == "1 of 2 benchmarks inside"
    head = next(number for number, line in enumerate(plain) if line.startswith("outside"))
    assert head <= 6
    rate = head + 2
    assert plain[rate].split()[0] == "rate"
    assert "1,234,568" in plain[rate]
    assert all(COLOURS.search(lines[index]) for index in (1, rate))
    (inside,) = (line for line in plain if long in line)
    assert "0.00009475" in inside
    assert "0.1 to 0.5" in inside
    assert "66,785,465,355" in inside
    assert max(map(len, plain)) <= width


@pytest.mark.parametrize("width", range(12, 100, 4))
def test_a_table_of_any_width_keeps_every_word(width: int) -> None:
    """Where the columns do not fit side by side, a row is a few lines."""
    columns = [Column("id"), Column("what", is_text=True), Column("spend", is_number=True)]
    rows = [("17", "autumn sale on all devices", "12,403,098"), ("8", "one more", "1.00")]
    console = Console(force_terminal=True, color_system=None, width=width)
    with console.capture() as capture:
        print_part(console, table(columns, rows, width))
    printed = capture.get()
    assert {word for row in rows for cell in row for word in cell.split()} <= words([printed])
    assert max(map(len, printed.splitlines())) <= width


def test_numbers_have_one_notation() -> None:
    figures = [figure(value) for value in (0.00004, 9.475e-05, 0.5, 27.3, 1234.5, 6.6e10)]
    assert figures == ["0.00004", "0.00009475", "0.5", "27.3", "1,234", "66,000,000,000"]


def test_colours_can_be_switched_off(folder: Path, run, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOURS.search(run("generate", "complet").err)
    assert COLOURS.search(run("validate", "mine.yml").out)
    monkeypatch.setenv("NO_COLOR", "1")
    for command in (("generate", "complet"), ("validate", "mine.yml"), ("status", "--help")):
        answer = run(*command)
        assert not COLOURS.search(answer.out + answer.err), command


def test_every_example_of_the_help_works(
    cwd: Path, run, built_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but those of `build`, which the tests of dbt run. A page is asked once."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(Server, "serve_forever", lambda server: server.readings.now())
    (cwd / "dbt_project/seeds").mkdir(parents=True)
    (cwd / "ours").mkdir()
    shutil.copy(BUNDLED / "examples/nexbank_conversion.yml", cwd / "autumn.yml")
    for name, examples in EXAMPLES.items():
        assert examples, name
        shown = Text.from_ansi(run(name, "--help").out).plain
        assert all(f"$ python -m generator {example}" in shown for example in examples)
        if name in ("report", "scorecard"):
            for file in ("ads", "market"):
                shutil.copy(built_database, cwd / f"data/{file}.duckdb")
        for example in examples if name != "build" else ():
            answer = run(*example.split())
            assert answer.code == 0, (example, answer.err)
