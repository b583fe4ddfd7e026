"""Text of every shape that YAML allows and people seldom write, addresses piece by piece, mixes of
options, and environments of other programs: each is used, or refused in a sentence, in time, and
nothing beside it changes.

The grammars: YAML built from its own productions (tags, anchors that hold themselves, merges,
complex keys, block scalars, numbers without end, directives, several documents, NUL, every UTF) in
the place of a value of a bundled template, alone, and as `ads.yml`; addresses of user, password,
host, port, path and query; commands with any of their options and any value; variables that
locales, terminals, drivers and shells set. Other grammars are in test_random_grammars.py.
"""

from __future__ import annotations

import io
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import typer
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from generator.cli.app import app, main
from generator.scenario.templates import BUNDLED
from tests.scenario.test_random_grammars import (
    EXAMPLES,
    IS_FUZZ,
    SECONDS,
    SECONDS_OF_WORK,
    WORDS,
    files,
    is_said_well,
    refusal,
    time_limit,
)
from tests.support.project import ROOT

SEEDS = st.integers(0, 2**48)
DEEP = 3
SECRET = "SECRET"
TEMPLATES = [file.read_text() for file in sorted(BUNDLED.rglob("*.yml"))]
CODES = (0, 1, 2, 130, 143)


def scalar(dice: random.Random) -> str:
    """Return a scalar, plain, quoted or tagged, that stays on its line."""
    plain = dice.choice(
        [
            *WORDS,
            "9" * dice.choice([20, 400, 5000]),
            f"{dice.randrange(100)}e{dice.randrange(10**6)}",
            f"-0.{'0' * 400}1",
            "190:20:30.15",
            "1_000_000",
            "0b1" + "01" * 70,
            "2025-02-30",
            "9999-12-31T23:59:60+99:99",
            "NaN",
            "\u2028",
            "\x85",
            "\x7f",
            "%",
            "@x",
            "`x`",
            "? x",
            "x" * 2000,
            '"\\x00"',
            '"\\ud800"',
            '"\\U0010ffff"',
            "'it''s'",
        ]
    )
    tag = dice.choice(
        [
            "", "", "", "", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ",
            "!!timestamp ", "!!set ", "!!omap ", "!!pairs ", "!!merge ", "!!value ", "!other ",
            "!!python/object/apply:os.system ", "!!python/name:os.system ", "!<tag:x.example,1:x> ",
            "!h!x ", "! ",
        ]
    )  # fmt: skip
    return dice.choice(["", "", "", "&a ", "&b "]) + tag + plain


def flow(dice: random.Random, depth: int = 0) -> str:
    """Return a value in flow style."""
    choice = dice.randrange(9 if depth < DEEP else 3)
    if choice < 3:
        return scalar(dice)
    if choice == 3:
        return dice.choice(["*a", "*b", "*nothing", "&a [*a]", "&a {x: *a}", "&b {<<: *b}"])
    if choice == 4:
        depths = dice.choice([2, 50, 3000])
        return "[" * depths + "]" * dice.choice([depths, depths, depths - 1])
    parts = [flow(dice, depth + 1) for _ in range(dice.randrange(4))]
    if choice < 7:
        return f"[{', '.join(parts)}]"
    keys = ["<<", "? x", "? [a]", "{a: b}", "name", "market", "1", "=", "''", "!!str y"]
    return "{" + ", ".join(f"{dice.choice(keys)}: {part}" for part in parts) + "}"


def block(dice: random.Random) -> str:
    """Return a value that begins on the next line."""
    head = dice.choice(["|", ">", "|+", ">-", "|9", "|0", ">1-", "| # c"])
    return dice.choice(
        [
            f"{head}\n      a\n\n     \tb\n",
            f"\n  - {flow(dice)}\n  - <<: {flow(dice)}\n",
            f"\n  ? {flow(dice)}\n  : {flow(dice)}\n",
            f"\n  <<: [{flow(dice)}, {flow(dice)}]\n  a: {flow(dice)}\n  a: {flow(dice)}\n",
            f"\n\t- {flow(dice)}\n",
        ]
    )


def document(dice: random.Random) -> str:
    """Return a bundled template with such values in the place of some, or none of it."""
    lines = dice.choice(TEMPLATES).splitlines()
    if dice.random() < 0.25:
        lines = [f"{dice.choice(['name', 'market', 'faults', '<<', 'x'])}: {flow(dice)}"]
    for _ in range(dice.choice([1, 1, 2, 4])):
        place = dice.randrange(len(lines))
        key, colon, _ = lines[place].partition(": ")
        value = dice.choice([flow, flow, block])(dice)
        lines[place] = f"{key}{colon or ': '}{value}"
    if dice.random() < 0.1:
        odd = ["%YAML 1.1\n---", "%YAML 9.9\n---", "%TAG ! x\n---", "---", "...", "--- !!map", "\0"]
        lines.insert(dice.choice([0, len(lines)]), dice.choice(odd))
    return "\n".join(lines) + dice.choice(["\n", "", "\n\x00", "\n\u2029"])


def encoded(text: str, dice: random.Random) -> bytes:
    """Return a text in some encoding, at times cut or damaged."""
    encoding = dice.choices(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252", "cp037"],
        [30, 2, 2, 1, 1, 1, 1, 1],
    )[0]
    data = text.encode(encoding, "replace" if encoding.startswith("cp") else "surrogatepass")
    if dice.random() < 0.05:
        place = dice.randrange(len(data))
        data = data[:place] + dice.choice([b"\0", b"\xc0\x80", b"\xff", b"\xed\xa0\x80"])
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current and the home folder of all commands, with files of others."""
    folder, before = tmp_path_factory.mktemp("text") / "deep" / "down", Path.cwd()
    (folder / "theirs").mkdir(parents=True)
    for name in ("theirs/notes.txt", "theirs.csv", "ads", "x.duckdb.wal"):
        (folder / name).write_text("theirs")
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        yield folder
    os.chdir(before)


def around(folder: Path) -> dict[str, bytes]:
    """Return the files below the temporary folder, which paths with `..` reach too."""
    return files(folder.parent.parent)


def answer(*arguments: str) -> tuple[int, str]:
    """Return the exit code of a command, and all that it printed."""
    printed = io.StringIO()
    with (
        time_limit(),
        redirect_stdout(printed),
        redirect_stderr(printed),
        pytest.raises(SystemExit) as left,
    ):
        main(list(arguments))
    code = int(left.value.code or 0)
    assert code in CODES, arguments
    assert "Traceback" not in printed.getvalue(), arguments
    return code, printed.getvalue()


def clear(folder: Path, before: dict[str, bytes]) -> None:
    """Remove what a command has made; what existed before has not changed."""
    after = around(folder)
    assert {name: after.get(name) for name in before} == before
    for name in after.keys() - before.keys():
        (folder.parent.parent / name).unlink()
    for made in sorted(folder.rglob("*"), reverse=True):
        if made.is_dir() and not any(made.iterdir()):
            made.rmdir()


@settings(max_examples=2 * EXAMPLES, phases=[Phase.generate])
@given(seed=SEEDS)
def test_any_text_of_yaml_is_read_or_refused(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    file = folder / dice.choice(["x.yml", "x.yaml", "x.json"])
    file.write_bytes(encoded(document(dice), dice))
    before = around(folder)
    said = refusal(
        *dice.choice([("validate", file.name), ("generate", f"./{file.name}", "--jobs", "0")])
    )
    if said is not None:
        is_said_well(said)
    assert around(folder) == before
    file.unlink()


@settings(max_examples=EXAMPLES, phases=[Phase.generate])
@given(seed=SEEDS)
def test_any_file_of_settings_is_used_or_refused(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    keys = ["database", "seed", "as_of", "templates", "jobs", "engine", "log_level", "<<", "x"]
    lines = [f"{dice.choice(keys)}: {dice.choice([flow, block])(dice)}" for _ in range(3)]
    file = folder / "ads.yml"
    file.write_bytes(encoded("\n".join(lines[: dice.randrange(1, 4)]) + "\n", dice))
    before = around(folder)
    said = refusal(*dice.choice([("status", "--config"), ("status",), ("list", "profiles")]))
    if said is not None:
        is_said_well(said)
    assert around(folder) == before
    file.unlink()


def address(dice: random.Random) -> str:
    """Return an address of pieces, the secret of it always a password."""
    scheme = dice.choice(
        ["postgresql", "postgres", "PostgreSQL", "s3", "S3", "postgresql+psycopg",
         "jdbc:postgresql", "parquet:s3", "csv:s3", "mysql", "https"]
    )  # fmt: skip
    user = dice.choice(["", "me", "m%40e", "mé", "%zz", "a b"])
    password = dice.choice([SECRET, f"{SECRET}%2F", f"{SECRET}#x", f"x@{SECRET}", f"{SECRET}?a=b"])
    host = dice.choice(
        ["127.0.0.1", "[::1]", "[::", "localhost", "nowhere.invalid", "xn--", "ü.invalid", "",
         "a_b", "/var/run", "%2Fvar%2Frun", "127.0.0.1,127.0.0.2", "x" * 300]
    )  # fmt: skip
    port = dice.choice(["", ":1", ":99999", ":-1", ":x", ":", ":1,2"])
    path = dice.choice(
        ["", "/", "/db", "/%00", "/a/b", "/../x", "//", "/d b", "/é", "/" + "x" * 300]
    )
    query = dice.choice(
        ["", f"?password={SECRET}", "?sslmode=no", "?x", "?connect_timeout=1", "?host=/tmp", "#f",
         f"?user=a&password={SECRET}", "?options=-c%20x"]
    )  # fmt: skip
    at = dice.choice([f"{user}:{password}@", f"{user}:{password}@", f":{password}@", ""])
    return f"{scheme}://{at}{host}{port}{path}{query}"


@settings(max_examples=EXAMPLES, phases=[Phase.generate])
@given(seed=SEEDS)
def test_no_address_of_pieces_shows_its_secret(folder: Path, seed: int) -> None:
    where = address(random.Random(seed))
    before = around(folder)
    for command in (("status", "--to", where), ("status", "--config", "--to", where)):
        _, said = answer(*command)
        assert SECRET not in said, where
    assert around(folder) == before


PLACES = [
    "theirs", "theirs/", "theirs.csv", "theirs/notes.txt", "ads", "x.duckdb", "./new.duckdb",
    "~/x.duckdb", "../up.duckdb", "a b.duckdb", "é.duckdb", "new/x.duckdb", "parquet:lake",
    "parquet:theirs", "csv:sheets", "csv:theirs/notes.txt", "csv:.", "parquet:..", "%.duckdb",
    "x" * 300, "\n.duckdb", "-x.duckdb", "raw.duckdb", "RAW.db", "temp.duckdb", "main.duckdb",
    "duckdb:x", "parquet:a/b/c", "system.duckdb", "a'b.duckdb", 'a"b.duckdb', "a;b.duckdb",
    "a\\b.duckdb", "[x].duckdb", "{x}.db",
]  # fmt: skip


@settings(max_examples=max(EXAMPLES // 4, 15), phases=[Phase.generate])
@given(seed=SEEDS)
def test_data_lands_in_any_place_or_in_none(folder: Path, seed: int) -> None:
    place = random.Random(seed).choice(PLACES)
    before = around(folder)
    code, said = answer("generate", "smoke", "--jobs", "1", f"--to={place}")
    assert bool(code) == (around(folder) == before), (place, said)
    if code:
        is_said_well(said)
    clear(folder, before)


# dbt takes the place of the process, and a build takes minutes.
WITHOUT = {"dbt", "build"}
COMMANDS: dict[str, list[str]] = {
    name: [option for parameter in command.params for option in parameter.opts]
    for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    if name not in WITHOUT
}
VALUES = [
    "", "0", "-1", "1", "2", "99999999999999999999", "1e3", "x", "theirs.csv", "theirs", "x.duckdb",
    "smoke", "small_two_weeks", "nexbank_conversion", "2025-09-20", "2025-13-01", "9999-12-31",
    "0001-01-01", "today", "--", "-", "é", "a=b", "profiles", "campaigns", "local", "spark", "USD",
    "a@b.example", "a@b.c", "[/x]", "\ud83d", "a\0b", "name=", "=", "campaign.budget.amount=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def without_waiting() -> Iterator[None]:
    """What goes on until Ctrl-C ends at once: the page of `watch`, the clock of `live`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generator.watch.server.Server.serve_forever", lambda *_: None)
        patch.setattr("generator.live.clock.Clock.seconds_until", lambda *_: 0.0)
        yield


@pytest.mark.usefixtures("without_waiting")
@settings(max_examples=EXAMPLES, phases=[Phase.generate])
@given(seed=SEEDS)
def test_any_mix_of_options_is_used_or_refused(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    name = dice.choice(sorted(COMMANDS))
    arguments = [name]
    for _ in range(dice.randrange(6)):
        option = dice.choice([*COMMANDS[name], "--help", dice.choice(VALUES)])
        if option.startswith("--"):
            arguments += dice.choice([[option, dice.choice(VALUES)], [option]])
        else:
            arguments.append(dice.choice(VALUES))
    before = around(folder)
    code, _ = answer(*arguments)
    assert not code or around(folder) == before, arguments
    clear(folder, before)


# What other programs and people set, and odd values for it.
ENVIRONMENTS = {
    "LANG": ["C", "POSIX", "xx_YY.UTF-9", "ja_JP.eucJP", "de_DE.ISO-8859-1", ""],
    "LC_ALL": ["C", "tr_TR.UTF-8", "nonsense", ""],
    "PYTHONIOENCODING": ["ascii", "utf-16", "latin-1:strict", "cp037"],
    "PYTHONUTF8": ["0", "1"],
    "PYTHONOPTIMIZE": ["2"],
    "PYTHONWARNINGS": ["error", "nonsense"],
    "PYTHONHASHSEED": ["1"],
    "TERM": ["dumb", "", "nonsense"],
    "COLUMNS": ["0", "1", "-5", "x", "100000"],
    "LINES": ["0", "x"],
    "NO_COLOR": ["1", ""],
    "FORCE_COLOR": ["1", "x"],
    "TZ": ["Nowhere/Nothing", "America/New_York", ":", "UTC+99"],
    "HOME": ["", "/nowhere", "theirs.csv"],
    "TMPDIR": ["/nowhere", "theirs.csv", ""],
    "XDG_CONFIG_HOME": ["/nowhere"],
    "PGHOST": ["nowhere.invalid"],
    "PGCLIENTENCODING": ["LATIN1", "x"],
    "AWS_PROFILE": ["unknown"],
    "AWS_REGION": ["", "x"],
    "HTTP_PROXY": ["http://127.0.0.1:1"],
    "LOG_LEVEL": ["x"],
    "DATABASE_URL": ["postgresql://me:SECRET@nowhere.invalid/db"],
    "DBT_TARGET": ["x"],
    "DBT_PROFILES_DIR": ["/nowhere"],
    "OMP_NUM_THREADS": ["0", "x", "-1"],
    "ARROW_IO_THREADS": ["0", "x"],
    "MALLOC_ARENA_MAX": ["x"],
    "TYPER_USE_RICH": ["0", "x"],
    "_TYPER_STANDARD_TRACEBACK": ["1"],
    "_STREAMING_ADS_COMPLETE": ["x", "complete_bash"],
    "COMP_WORDS": ["a b"],
    "ADS_JOBS": ["²", "1_0", "٣"],
    "ADS_SEED": ["٣", " 7", "7.0", "0x7"],
    "ADS_AS_OF": ["20250920", "2025-W38-6", "２０２５-09-20"],
    "ADS_LOG_LEVEL": ["", " debug", "trace"],
}
# Each is a process.
ENVIRONMENT_EXAMPLES = min(EXAMPLES, 300) if IS_FUZZ else 8


def seconds_of_children() -> float:
    """The seconds that processes begun here have worked."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@settings(max_examples=ENVIRONMENT_EXAMPLES, phases=[Phase.generate])
@given(seed=SEEDS)
def test_any_environment_of_others_ends_in_an_answer_or_a_sentence(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    names = dice.sample(sorted(ENVIRONMENTS), dice.randrange(1, 7))
    variables = {name: dice.choice(ENVIRONMENTS[name]) for name in names}
    command = dice.choice(
        [["status", "--config"], ["list", "profiles"], ["describe", "smoke"], ["--help"],
         ["generate", "smoke", "--jobs", "1", "--to", "made.duckdb"]]
    )  # fmt: skip
    made = folder / "made.duckdb"
    made.unlink(missing_ok=True)
    before = around(folder)
    worked = seconds_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "generator", *command],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert seconds_of_children() - worked < SECONDS_OF_WORK, variables
    assert done.returncode in CODES, (variables, done.stderr)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Traceback" not in said, (variables, said)
    assert SECRET not in said
    assert made.exists() == (command[0] == "generate" and done.returncode == 0), variables
    made.unlink(missing_ok=True)
    assert around(folder) == before, variables
