"""Documents of programs and people that are not ours, options, addresses and variables at random:
each is used, or refused in a sentence, in time, and nothing beside it changes.

The grammars: bundled templates with values swapped, retyped, doubled, dropped and renamed, and
written as YAML or JSON of every habit (byte-order marks, line ends, tabs, encodings);
`--set` with every path and value; `--to` with every scheme; `ADS_*` variables. `make fuzz` tries as
many as one likes.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import re
import signal
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from generator.cli.app import app, main
from generator.market.dataset import world_of
from generator.pipeline.errors import EngineError
from generator.scenario.errors import InputError
from generator.scenario.models import Scenario, Workflow
from generator.scenario.overrides import paths
from generator.scenario.templates import BUNDLED, Dataset, Library
from generator.scenario.yaml_file import KeyPath, path_text
from generator.sinks.errors import DestinationError, DestinationFailedError
from tests.scenario.test_legacy_format import (
    ALONE,
    BY_ADVERTISER,
    FIELD_TEST,
    OLDER,
    PROFILES,
    SCENARIOS,
)

IS_FUZZ = os.environ.get("ADS_TEST_PROFILE") == "random"
EXAMPLES = settings.default.max_examples if IS_FUZZ else 60
SECONDS_OF_WORK, SECONDS = 10, 60
FAULTS = "outage: [{start_date: 2025-09-03, hours: [1, 2], devices: [CTV], rate: 0.5}]\n"
DOCUMENTS: list[dict[str, Any]] = [
    yaml.safe_load(text)
    for text in (
        *(file.read_text() for file in sorted(BUNDLED.rglob("*.yml"))),
        *(OLDER, PROFILES, FIELD_TEST, BY_ADVERTISER, SCENARIOS, ALONE, FAULTS),
    )
]
KEYS = sorted(
    {str(key) for document in DOCUMENTS for key in document} | {"extends", "<<", "=", "~"}
)
WORDS = [
    "NO", "on", "~", "null", "010", "1:30", "1e3", "0x1F", ".inf", "-.nan", "2025-09-01", "=", "<<",
    "2025-09-01T00:00:00Z", "1,000", "$38", "ñandú", "日本", "\u202e", "\ufeff", "a\u0000b",
    "\ud83d", "[/x]", "{{ x }}", "${HOME}", "../..", "''", '"', "- a", "a: b", "#", "&a", "*a",
    "!!int x", "AWARENESS", "CTV", "US", "netflix_like", "small_two_weeks", "smoke", "",
]  # fmt: skip
NUMBERS = [
    0,
    -1,
    1,
    2**31,
    2**63,
    10**40,
    -(10**400),
    0.1,
    1e308,
    float("nan"),
    float("inf"),
    1e-300,
]
BY_THE_PARSER = "refused by the parser of options"
FORESEEN = (InputError, DestinationError, DestinationFailedError, EngineError)


class TookTooLongError(Exception):
    """A command used more time than it may."""


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """End what takes more than ten seconds of work, or a minute in all."""

    def stop(*_: object) -> None:
        raise TookTooLongError

    before = signal.signal(signal.SIGPROF, stop), signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_OF_WORK)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder of all commands, with a foreign file in it."""
    folder, before = tmp_path_factory.mktemp("grammars"), Path.cwd()
    (folder / "theirs").mkdir()
    (folder / "theirs/notes.txt").write_text("theirs")
    (folder / "theirs.csv").write_text("a,b\n")
    os.chdir(folder)
    yield folder
    os.chdir(before)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def refusal(*arguments: str) -> str | None:
    """What is said of a command that is refused, None for one that is done. Any exception that is
    not foreseen fails the test, though the command line would make a sentence of it."""
    printed = io.StringIO()
    with time_limit(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            app(list(arguments))
        except SystemExit as left:
            return BY_THE_PARSER if left.code else None
        except FORESEEN as error:
            return str(error)
    return None


def is_said_well(said: str) -> None:
    assert said.strip()
    assert len(said.splitlines()) <= 11
    assert all(len(line) < 1_000 for line in said.splitlines())
    assert said.replace("\n", "").isprintable()


def spots(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The path of everything in a document but of itself."""
    for step, inner in (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    ):
        yield (*path, step)
        yield from spots(inner, (*path, step))


def weird(dice: random.Random, depth: int = 0) -> Any:
    """A value that is seldom what is meant."""
    choice = dice.randrange(8 if depth < 3 else 5)
    if choice < 2:
        return dice.choice(WORDS)
    if choice < 4:
        return dice.choice([*NUMBERS, None, True, False])
    if choice == 4:
        return "".join(dice.choices(string.printable + "éß漢\u2028", k=dice.randrange(1, 40)))
    if choice == 5:
        return [weird(dice, depth + 1) for _ in range(dice.randrange(4))]
    if choice == 6:
        return {dice.choice([*KEYS, *WORDS, 0, 1]): weird(dice, depth + 1) for _ in range(3)}
    return copy.deepcopy(dice.choice(DOCUMENTS))


def at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step]
    return data


def retyped(value: Any, dice: random.Random) -> Any:
    """The same value as another type."""
    other = [str(value), [value], {"value": value}, json.dumps(value, default=str)]
    if isinstance(value, list):
        other += [dict(enumerate(value)), {str(n): item for n, item in enumerate(value)}, value * 2]
    if isinstance(value, dict):
        other += [list(value), list(value.values()), [dict([pair]) for pair in value.items()]]
    if isinstance(value, int | float):
        other += [-value, f"{value}", f" {value} ", f"{value}.0", bool(value)]
        with contextlib.suppress(OverflowError):
            other.append(float(value))
    return dice.choice(other)


def mutated(dice: random.Random) -> dict[Any, Any]:
    """A bundled document with one to four changes."""
    data = copy.deepcopy(dice.choice(DOCUMENTS))
    for _ in range(dice.randrange(1, 5)):
        every = list(spots(data))
        if not every:
            break
        path = dice.choice(every)
        holder, step = at(data, path[:-1]), path[-1]
        change = dice.randrange(7)
        if change == 0:
            holder[step] = weird(dice)
        elif change == 1:
            holder[step] = retyped(holder[step], dice)
        elif change == 2:
            del holder[step]
        elif change == 3 and isinstance(holder, dict):
            holder[dice.choice([*KEYS, *WORDS, 0, str(step) + "s"])] = holder.pop(step)
        elif change == 4:
            holder[step] = copy.deepcopy(at(data, dice.choice(every)))
        elif change == 5 and isinstance(holder, dict):
            holder[dice.choice(KEYS)] = weird(dice)
        elif isinstance(holder, list):
            holder.append(weird(dice))
    return data


def written(data: Any, dice: random.Random) -> tuple[str, bytes]:
    """A document as a file: its suffix and its bytes."""
    suffix = dice.choice([".yml", ".yaml", ".json", ".json", ".YML"])
    if suffix == ".json" or dice.random() < 0.2:
        indent = dice.choice([None, 2, "\t"])
        text = json.dumps(data, default=str, indent=indent, ensure_ascii=dice.random() < 0.5)
    else:
        text = yaml.dump(
            data, default_flow_style=dice.choice([None, False, True]), allow_unicode=True,
            sort_keys=dice.random() < 0.3, default_style=dice.choice([None, None, '"', "'"]),
            width=dice.choice([20, 80, 4096]),
        )  # fmt: skip
    lines = text.split("\n")
    if dice.random() < 0.15:
        lines.insert(dice.randrange(len(lines)), dice.choice(lines))
    if dice.random() < 0.1:
        odd = dice.choice(["---", "\t", "# é", "a: &a 1", "...", "]"])
        lines.insert(dice.randrange(len(lines)), odd)
    text = dice.choice(["\n", "\n", "\n", "\r\n", "\r"]).join(lines)
    start = "\ufeff" if dice.random() < 0.1 else ""
    encoding = dice.choices(["utf-8", "utf-16", "latin-1"], [20, 1, 1])[0]
    return suffix, (start + text).encode(
        encoding, "replace" if encoding == "latin-1" else "surrogatepass"
    )


SEEDS = st.integers(0, 2**48)


@settings(max_examples=3 * EXAMPLES)
@given(seed=SEEDS)
def test_a_document_of_any_habit_is_read_or_refused(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    suffix, content = written(mutated(dice), dice)
    file = folder / f"mutated{suffix}"
    file.write_bytes(content)
    before = files(folder)
    said = refusal("validate", file.name)
    if said is not None:
        is_said_well(said)
        assert said == BY_THE_PARSER or file.name in said or "scenario" in said, said
    assert files(folder) == before
    file.unlink()


GENERATED = settings.default.max_examples if IS_FUZZ else 20
TRIES, ROWS = 20, 20_000


def accepted(folder: Path, dice: random.Random) -> Path | None:
    """A file of a small dataset that `validate` takes; None if many tries find none."""
    for _ in range(TRIES):
        suffix, content = written(mutated(dice), dice)
        file = folder / f"accepted{suffix}"
        file.write_bytes(content)
        with contextlib.suppress(InputError):
            found = Library().check(file)
            if isinstance(found, Dataset) and world_of(found).outline.rows.sum() <= ROWS:
                return file
        file.unlink()
    return None


@settings(max_examples=GENERATED, phases=[Phase.generate])
@given(seed=SEEDS)
def test_a_document_that_is_read_is_generated_or_refused(folder: Path, seed: int) -> None:
    file = accepted(folder, random.Random(seed))
    if file is None:
        return
    before, printed = files(folder), io.StringIO()
    made = folder / "made.duckdb"
    with (
        time_limit(),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        pytest.raises(SystemExit) as left,
    ):
        main(["generate", file.name, "--jobs", "1", "--quiet", "--database", made.name])
    said = printed.getvalue()
    assert left.value.code in (0, 2), said
    assert made.exists() == (left.value.code == 0)
    if left.value.code:
        is_said_well(said)
    made.unlink(missing_ok=True)
    assert files(folder) == before
    file.unlink()


PATHS = [path_text(path) for model in (Scenario, Workflow) for path in paths(model)]


@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_any_override_is_used_or_refused(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    (folder / "mine.yml").write_text("extends: multi_device_advanced\n")
    sets = []
    for _ in range(dice.randrange(1, 4)):
        value = dice.choice([weird(dice), dice.choice(WORDS)])
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        path = dice.choice([*PATHS, dice.choice(WORDS), f"mine.{dice.choice(PATHS)}"])
        path = path.replace("[0]", dice.choice(["[0]", "[1]", "[9999]", ".0", "[]", "[-1]"]))
        sets += ["--set", dice.choice([f"{path}={text}", f"{path} = {text}", path, text])]
    before = files(folder)
    said = refusal("validate", "mine.yml", *(piece.replace("\0", "\\0") for piece in sets))
    if said is not None:
        is_said_well(said)
    assert files(folder) == before


PLACES = [
    "",
    "x.duckdb",
    "theirs",
    "theirs/notes.txt",
    "theirs.csv",
    ".",
    "/",
    "~",
    "~/x",
    ":memory:",
    "//",
    "///x",
    "a b",
    "é",
    "a\nb",
    "%2e%2e/x",
    "../x",
    "con:",
    "x/y/z.duckdb",
    "theirs/x.csv",
    "//me:SECRET@nowhere.invalid/db",
    "//me:SECRET@nowhere.invalid:99999/db",
    "?a=b",
    "#x",
    "-",
]
IS_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?!/)")
SCHEMES = [
    "", "duckdb:", "DUCKDB:", "parquet:", "csv:", "csv:s3://", "s3:", "file:", "file://",
    "https://", "postgres:", "postgresql:", "sqlite:", "md:", "gs://", "abfs://", ":", "::",
]  # fmt: skip


@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_any_address_is_used_or_refused_and_nothing_of_anybody_else_changes(
    folder: Path, seed: int
) -> None:
    dice = random.Random(seed)
    address = dice.choice(SCHEMES) + dice.choice(PLACES)
    before = files(folder)
    said = refusal("status", "--to", address)
    if said is not None:
        is_said_well(said)
        assert "SECRET" not in said or not IS_ADDRESS.match(address)
    refusal("status", "--config", "--to", address)
    assert files(folder) == before


VARIABLES = ["ADS_DATABASE", "ADS_SEED", "ADS_AS_OF", "ADS_TEMPLATES", "ADS_JOBS", "ADS_ENGINE",
             "ADS_LOG_LEVEL", "ADS_NOTHING"]  # fmt: skip


@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_any_variable_is_used_or_refused(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    before = files(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in dice.sample(VARIABLES, dice.randrange(1, 4)):
            value = weird(dice)
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            text = text.replace("\0", "").encode("utf-8", "ignore").decode()
            patch.setenv(name, dice.choice([text, dice.choice(PLACES), text[:3]]))
        command = dice.choice([("status", "--config"), ("list", "profiles"), ("describe", "smoke")])
        said = refusal(*command)
    if said is not None:
        is_said_well(said)
    assert files(folder) == before
