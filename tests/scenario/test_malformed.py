"""Three hundred inputs that cannot be used: each is one message and exit code 2, and the database
stays byte for byte what it was.

Every bundled scenario, workflow and platform is broken key by key in the ways that people and
programs break files; the command line is broken beside it. The choice is fixed by a hash.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.app import main
from generator.scenario.templates import BUNDLED
from generator.scenario.yaml_file import KeyPath, path_text
from tests.scenario.test_legacy_format import OLDER

FILES = sorted(BUNDLED.rglob("*.yml"))
HOW_MANY = 300

# What a value is replaced by. None of these is right anywhere in a template.
WRONG: dict[str, Any] = {
    "a mapping": {"surprise": 1},
    "a deep list": [[[]]],
    "text": "\u202enonsense\u202c",
    "a negative number": -1.5e9,
    "a huge number": 10**400,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "a date that is none": "2025-02-30",
    "a path": "../../../../etc/passwd",
    "SQL": "x'; DROP TABLE raw.campaigns; --",
}


def leaves(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))
    else:
        yield path


def at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step]
    return data


def replaced(data: Any, path: KeyPath, value: Any) -> Any:
    data = copy.deepcopy(data)
    at(data, path[:-1])[path[-1]] = value
    return data


def renamed(data: Any, path: KeyPath) -> Any:
    data = copy.deepcopy(data)
    holder = at(data, path[:-1])
    holder[f"{path[-1]}x"] = holder.pop(path[-1])
    return data


def mutations() -> Iterator[tuple[str, Callable[[], Any], str]]:
    """Name, broken data, and the key that the message must name, of every way to break a file."""
    free = {"name", "description", "external_ref", "brand", "agency_name", "title"}
    free |= {"overlay_cta_text", "iab_content_id"}
    for file in FILES:
        whole = yaml.safe_load(file.read_text())
        for path in leaves(whole):
            is_platform = file.parent.name == "platforms"
            if path[0] == "extends" or (is_platform and len(path) < 3):
                continue
            keys = [str(step) for step in path if isinstance(step, str)]
            for kind, value in WRONG.items():
                # A platform leaves out what an audience has beyond its segments.
                is_free = keys[-1] in free or "segments" in keys
                takes_text = is_free and isinstance(value, str)
                if not takes_text:
                    made = partial(replaced, whole, path, value)
                    yield f"{file.stem} {path_text(path)} = {kind}", made, keys[-1]
            if isinstance(path[-1], str) and not path[-1].isdigit():
                # A segment of an audience may be called anything; then its share is one too many.
                named = keys[-2] if path[0] == "audience" and len(path) > 2 else f"{keys[-1]}x"
                is_possible = path[0] != "audience" or "extends" in whole
                if is_possible:
                    made = partial(renamed, whole, path)
                    yield f"{file.stem} {path_text(path)} misspelt", made, named


def dumped(data: Any) -> str:
    return yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


SMALL = (BUNDLED / "profiles/small_two_weeks.yml").read_text()
BROKEN = {
    "a bomb of aliases": "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    ),
    "an alias that contains itself": "campaign: &a\n  campaign: *a\n",
    "an alias of nothing": "campaign: *unknown\n",
    "a tag that makes an object": "campaign: !!python/object/apply:os.system [ls]\n",
    "a custom tag": "campaign: !money 3\n",
    "a list": "- campaign\n",
    "a word": "campaign\n",
    "nothing at all": "",
    "two documents": "a: 1\n---\nb: 2\n",
    "a tab": "campaign:\n\tname: x\n",
    "an open bracket": SMALL + "more: [1, 2\n",
    "an open quote": SMALL + "more: 'x\n",
    "a key twice": SMALL + "name: again\n",
    "a key that is a list": "? [1]\n: 2\n",
    "a null byte": "name: a\x00b\n",
    "a control character in text": SMALL.replace("small campaign", "weird").replace(
        "name: Television and mobile", 'name: "a\\0b"'
    ),
    "half a character": SMALL.replace("Television and mobile", '"\\ud83d"'),
    "a date out of range": SMALL.replace("2025-09-14", "9999-12-31"),
    "a day that does not exist": SMALL.replace("2025-09-14", "2025-02-30"),
    "a number of 5,000 digits": SMALL.replace("3_000", "9" * 5_000),
    "nesting without end": "a: " + "[" * 500 + "]" * 500 + "\n",
    "a file that extends itself": "extends: broken.yml\nname: broken\n",
    "a file that extends an unknown one": "extends: unknown\nname: broken\n",
    "a file that extends a path": "extends: ../../etc/passwd\nname: broken\n",
    "a file that extends a path with a suffix": "extends: ../up.yml\nname: broken\n",
    "a file that extends a list": "extends: [a]\nname: broken\n",
    "an item past the end": "extends: small_two_weeks\nline_items: {7: {bid_cpm: 3}}\n",
    "an item before the start": "extends: small_two_weeks\nline_items: {-1: {bid_cpm: 3}}\n",
    "a workflow of a path": (
        "name: w\ndescription: d\nseed: 1\nas_of: 2026-01-01\nprofiles: [../../etc/passwd]\n"
    ),
    "a workflow without scenarios": "name: w\ndescription: d\nseed: 1\nas_of: 2026-01-01\n",
    "a name of SQL": SMALL.replace("name: small_two_weeks", "name: \"x'; drop table y\""),
    "older: an unknown key": OLDER.replace("bid_cpm", "bid_cmp"),
    "older: targeting that is not JSON": OLDER.replace("'[\"TV\"]'", "'[TV'"),
    "older: a circle": OLDER.replace("television:", "television:\n    base_template: television"),
    "older: an entry that is a number": "examples: {a: {campaign: 3}}\n",
    "older: no entries": "examples: {}\nbase_templates: {}\n",
}  # fmt: skip
ARGUMENTS = [
    ("create-campaign", "--advertiser-id", "1; drop table x", "--auto"),
    ("create-campaign", "--advertiser-id", "-1", "--auto"),
    ("create-campaign", "--advertiser-id", "9" * 400, "--auto"),
    ("create-campaign", "--advertiser-id", "1", "--profile", "../../etc/passwd"),
    ("create-campaign", "--advertiser-id", "1", "--profile", "small_two_weeks\x00"),
    ("create-campaign", "--advertiser-id", "1", "--profile", "'; drop table x; --"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--objective", "FAME"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "campaign.budget.amount=-5"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "campaign.budget.amount=1e999"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "campaign[0]=5"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "a" * 500 + "=5"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "campaign={{{"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "campaign.flights=*x"),
    ("create-campaign", "--advertiser-id", "1", "--auto", "--set", "campaign=!!python/name:os.a"),
    ("create-profile", "--name", "Small_Two_Weeks"),
    ("create-profile", "--name", "small_two_weeks", "--template", "/dev/null"),
    ("create-profile", "--name", "small_two_weeks", "--template", "."),
    ("create-example", "--example", "%00"),
    ("create-advertiser", "--name", "x" * 256),
    ("create-advertiser", "--name", "a\nb"),
    ("create-advertiser", "--name", "x", "--email", "x@y.com"),
    ("create-advertiser", "--auto", "--industry", "ALCHEMY"),
    ("create-advertiser", "--auto", "--currency", "BTC"),
    ("remove", "--campaign-id", "0"),
    ("remove", "--campaign-id", "1e3"),
    ("remove", "--campaign-id", "9" * 30),
    ("generate", "smoke", "--seed", str(2**63)),
    ("generate", "smoke", "--seed", "NaN"),
    ("generate", "smoke", "--as-of", "2025-13-01"),
    ("generate", "smoke", "--as-of", "1800-01-01"),
    ("generate", "smoke", "--select", "unknown"),
    ("generate", "smoke", "--to", ""),
    ("generate", "smoke", "--to", "."),
    ("generate", "smoke", "--templates", "/dev/null"),
    ("generate", "../smoke"),
    ("generate", "smoke.yml"),
    ("describe", "raw.campaigns; --"),
    ("status", "--to", "/dev/null/x.duckdb"),
]


@cache
def chosen() -> list[tuple[str, Callable[[], Any], str]]:
    """As many mutations as make three hundred inputs, the same ones every time."""
    by_hash = sorted(
        mutations(), key=lambda mutation: hashlib.sha256(mutation[0].encode()).digest()
    )
    return by_hash[: HOW_MANY - len(BROKEN) - len(ARGUMENTS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in it."""
    folder = tmp_path_factory.mktemp("malformed")
    with pytest.raises(SystemExit):
        main(["generate", "smoke", "--quiet", "--to", str(folder / "ads.duckdb")])
    return folder


@pytest.fixture
def refused(folder, monkeypatch, capsys):
    """Runs a command that must be refused; its message."""

    def refused(*arguments: str) -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("ADS_DATABASE", "ads.duckdb")
        before = (folder / "ads.duckdb").read_bytes()
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        printed = capsys.readouterr()
        assert left.value.code == 2, printed.err
        assert printed.out == ""
        assert "Traceback" not in printed.err
        assert (folder / "ads.duckdb").read_bytes() == before
        assert len(printed.err) < 4_000
        return printed.err

    return refused


def test_there_are_three_hundred() -> None:
    assert len(chosen()) + len(BROKEN) + len(ARGUMENTS) == HOW_MANY
    assert len({name for name, _, _ in chosen()}) == len(chosen())


@pytest.mark.parametrize(("make", "key"), [mutation[1:] for mutation in chosen()],
                         ids=[mutation[0] for mutation in chosen()])  # fmt: skip
def test_a_broken_template_names_file_line_and_key(
    folder, refused, make: Callable[[], Any], key: str
) -> None:
    text = dumped(make())
    (folder / "broken.yml").write_text(text)
    message = refused("validate", "broken.yml")
    places = re.findall(r"^(?:error: )?broken\.yml:(\d+)(?:: (\S+))?", message, re.MULTILINE)
    assert places, message
    assert all(1 <= int(line) <= text.count("\n") + 1 for line, _ in places)
    assert key in message, message


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_message(folder, refused, name: str) -> None:
    (folder / "broken.yml").write_bytes(BROKEN[name].encode("utf-8", "surrogatepass"))
    message = refused("generate", "broken.yml")
    assert "broken.yml" in message


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda words: " ".join(words)[:80])
def test_a_broken_command_is_one_message(refused, arguments: tuple[str, ...]) -> None:
    assert refused(*arguments).strip()
