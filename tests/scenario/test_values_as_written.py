"""Values as people and programs write them: in quotes, as JSON, and with the traps of YAML."""

from __future__ import annotations

import copy
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from generator.platform.model import PlatformModel
from generator.scenario.errors import InputError
from generator.scenario.faults import Faults
from generator.scenario.models import Scenario, Workflow
from generator.scenario.templates import BUNDLED, Library, dataset, faults_of
from generator.scenario.validation import model_of
from generator.scenario.yaml_file import Document, KeyPath, Mark, read
from tests.scenario.test_templates import scenario_text

LIBRARY = Library()


def refusal(file: Path, text: str) -> str:
    """The message about a file with this text."""
    file.write_text(text)
    with pytest.raises(InputError) as error:
        LIBRARY.check(file)
    return str(error.value)


def test_numbers_and_days_in_quotes_are_read(tmp_path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(
        scenario_text(
            cpm="'20.5'",
            amount="'1_000.25'",
            flight='{start_date: "2025-09-01", end_date: "2025-09-03 00:00:00"}',
            creative='{placement: PRE_ROLL, duration_seconds: "15", is_skippable: "yes"}',
        )
    )
    (scenario,) = dataset(str(file)).scenarios
    (flight,), (creative,) = scenario.campaign.flights, scenario.line_items[0].creatives
    assert (scenario.campaign.target_cpm, scenario.campaign.budget.amount) == (20.5, 1000.25)
    assert (flight.start_date, flight.end_date) == (date(2025, 9, 1), date(2025, 9, 3))
    assert (creative.duration_seconds, creative.is_skippable) == (15, True)


def as_json(file: Path, **changes: Any) -> str:
    return json.dumps({**yaml.safe_load(file.read_text()), **changes}, default=str, indent="\t")


@pytest.mark.parametrize(
    "file", sorted(BUNDLED.rglob("*.yml")), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_every_bundled_template_is_read_as_json_too(tmp_path, file: Path) -> None:
    """With tabs, days in quotes, and the numbers of items and weeks in quotes as JSON has keys."""
    copy = tmp_path / f"{file.stem}.json"
    copy.write_text(as_json(file))
    found, original = LIBRARY.check(copy), LIBRARY.check(file)
    if isinstance(original, PlatformModel):
        assert found == original
    else:
        assert found == original or (found.scenarios == original.scenarios and found.scenarios)


def test_json_keeps_lines_tabs_in_text_and_characters_in_two_halves(tmp_path) -> None:
    file = tmp_path / "small.json"
    text = '{\n\t"name": "a\\ud83d\\ude00b \\u00e9 \\/",\n\t"list": [1e3,\t-2.5E-1]\n}\n'
    file.write_text(text)
    document = read(file)
    assert document.data["name"] == json.loads(text)["name"] == "a😀b é /"
    assert document.where(("list",)) == f"{file}:3: list"


def test_a_json_file_changes_the_items_that_it_numbers(tmp_path) -> None:
    file = tmp_path / "more.json"
    change = {"1": {"bid_cpm": "33.5", "creatives": {"0": {"rotation_weight": "x"}}}}
    text = json.dumps({"extends": "multi_device_advanced", "name": "more", "line_items": change})
    file.write_text(text.replace('"x"', "20"))
    (scenario,) = dataset(str(file)).scenarios
    assert scenario.line_items[1].bid_cpm == 33.5
    assert "more.json:1: line_items[1].creatives[0].rotation_weight" in refusal(file, text)


def test_a_workflow_and_faults_are_read_as_json(tmp_path) -> None:
    flow = {"name": "flow", "description": "d", "seed": "7", "as_of": "2025-10-01",
            "profiles": ["small.json"]}  # fmt: skip
    (tmp_path / "flow.json").write_text(json.dumps(flow))
    (tmp_path / "small.json").write_text(
        as_json(BUNDLED / "profiles/small_two_weeks.yml", name="small")
    )
    found = dataset(str(tmp_path / "flow.json"))
    assert (found.seed, found.as_of, found.scenarios[0].name) == (7, date(2025, 10, 1), "small")
    (tmp_path / "faults.json").write_text('{"outage": [{"start_date": "2025-09-03"}]}')
    assert faults_of(tmp_path / "faults.json").outage[0].start_date == date(2025, 9, 3)


def test_keys_that_come_from_another_mapping_are_read(tmp_path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(
        "a: &a {x: 1, y: {p: 1}}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b], y: 5}\n"
        "d:\n  <<: *a\n  x: 9\n"
    )
    document = read(file)
    assert document.data["c"] == {"x": 1, "z": 3, "y": 5}
    assert document.data["d"] == {"x": 9, "y": {"p": 1}}
    assert document.where(("d", "x")) == f"{file}:6: d.x"
    file.write_text("c: {<<: 3}\n")
    with pytest.raises(InputError, match="takes a mapping"):
        read(file)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"targeting": "{GEO_COUNTRY: [US, NO]}"},
         ':12: line_items[0].targeting.GEO_COUNTRY[1]: NO is true or false in YAML; '
         'put quotes around it: "NO"'),
        ({"targeting": "{GEO_DMA: [501]}"}, '501 is a number in YAML; put quotes around it: "501"'),
        ({"targeting": "{GEO_DMA: [0501]}"}, "has no GEO_DMA '0501'; did you mean '501'?"),
        ({"targeting": "{DEVICE: [on]}"}, "on is not known; there is CTV, DESKTOP, MOBILE, TABLET"),
        ({"targeting": "{AGE_RANGE: [2025-09-01]}"}, "2025-09-01 is a date in YAML; put quotes"),
        ({"targeting": "{GENDER: [~]}"}, "GENDER[0]: is empty; give it a value"),
        ({"more": "advertiser: {name: 12.50}\n"}, '12.50 is a number in YAML; put quotes'),
        ({"more": "advertiser: {name: 0x1F}\n"}, '0x1F is a number in YAML; put quotes'),
        ({"platform": ""}, "campaign.platform: is empty; give it a value"),
        ({"amount": "010"}, "should be a number, not '010'; write it without zeros in front"),
        ({"amount": "1:30"}, "should be a number, not '1:30'"),
        ({"amount": "'1,000.50'"}, "write digits and a point only, as in 1000.50"),
        ({"amount": "yes"}, "should be a number, not yes"),
        ({"creative": "{placement: PRE_ROLL, duration_seconds: 15.5}"}, "whole number, not 15.5"),
        ({"flight": "{start_date: 2025-09-01 12:30:00, end_date: 2025-09-03}"},
         "should be a day, written as 2025-09-01, not 2025-09-01 12:30:00"),
        ({"flight": "{start_date: 20250901, end_date: 2025-09-03}"}, "2025-09-01, not 20250901"),
        ({"flight": "3"}, "a mapping of end_date, start_between, start_date, weeks, not 3"),
    ],
    ids=str,
)  # fmt: skip
def test_a_trap_of_yaml_is_a_sentence_that_says_what_to_write(tmp_path, changes, sentence) -> None:
    assert sentence in refusal(tmp_path / "mine.yml", scenario_text(**changes))


def test_text_that_other_readers_take_for_a_number_stays_text(tmp_path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(scenario_text(more="advertiser: {name: 12:30, brand: 007}\n"))
    (scenario,) = dataset(str(file)).scenarios
    assert (scenario.advertiser.name, scenario.advertiser.brand) == ("12:30", "007")


WRONG = [None, True, 3, -7, 2.5, float("nan"), float("inf"), 10**30, "x", "", "9" * 400, [], [[]],
         {}, {"a": 1}, date(2025, 1, 1), "2025-13-01", [1, "1"], {1: 2}]  # fmt: skip
LIBRARY_WORDS = ("input should", "valid", "instance", "keyword", " parse", "nonetype", "datetime.")


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("profiles/mobile_consideration", Scenario),
        ("workflows/faulty", Workflow),
        ("workflows/market", Workflow),
        ("platforms/live_sports", PlatformModel),
    ],
)
def test_no_message_speaks_as_the_library_does(file: str, model: type[BaseModel]) -> None:
    """Any value replaced by each of these: a part of them of a platform, which has many."""
    document = read(BUNDLED / f"{file}.yml")
    paths = [path for path in document.marks if path and path[0] not in ("extends", "description")]
    replaced = [(path, wrong) for path in paths for wrong in WRONG]
    for path, wrong in replaced[:: max(1, len(replaced) // 400)]:
        for line in messages(document, model, path, wrong):
            assert not any(word in line.lower() for word in LIBRARY_WORDS), line


def messages(document: Document, model: type[BaseModel], path: KeyPath, wrong: Any) -> list[str]:
    """What is said of a document with another value at a path, without the places."""
    data = copy.deepcopy(document.data)
    holder = data
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = wrong
    try:
        model_of(Document(data, {(): Mark("f.yml", 1)}), model)
    except InputError as error:
        return [line.partition(": ")[2] for line in str(error).splitlines()]
    return []


LONG = "x" * 400_000
COSTLY = {
    "many wrong items": "name: f\noutage: [" + "a, " * 20_000 + "a]\n",
    "many wrong items of faults": "tracking_loss: [" + "a, " * 20_000 + "a]\n",
    "many wrong windows": "outage: [" + "{a: 1}, " * 12_000 + "{a: 1}]\n",
    "many unknown keys": scenario_text(more="".join(f"k{n}: 1\n" for n in range(20_000))),
    "many unknown segments": scenario_text(
        targeting="{GEO_DMA: [" + ", ".join(f"x{n}" for n in range(20_000)) + "]}"
    ),
    "many quoted numbers": "vast_401: [{creatives: [" + '"1", ' * 20_000 + '"2"]}]\n',
    "deep": "a: " + "[" * 50_000,
    "a long key": scenario_text(more=f"{LONG}: 1\n"),
    "a long text": scenario_text(more=f"advertiser: {{name: {LONG}}}\n"),
    "a long address": scenario_text(more=f"advertiser: {{contact_email: {LONG}}}\n"),
    "a long name of a platform": scenario_text(platform=LONG),
    "a huge number": scenario_text(amount="9" * 900),
    "a list over a base": "extends: small_two_weeks\nname: a\nline_items: {"
    + ", ".join(f"{n}: 1" for n in range(20_000)) + "}\n",
    "aliases": "a: &a [" + "x, " * 9_000 + "]\nb: [" + "*a, " * 4 + "]\nname: x\n",
    "many entries of the older shape": "examples:\n" + "".join(
        f"  e{n}: {{campaign: 3}}\n" for n in range(5_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_refusing_costs_no_more_than_reading(tmp_path, name: str) -> None:
    file = tmp_path / "costly.yml"
    file.write_text(COSTLY[name])
    start = time.process_time()
    said = refusals(file)
    assert time.process_time() - start < 4, "each of the two readings may take two seconds"
    assert said
    assert sum(map(len, said)) < 8_000


def refusals(file: Path) -> list[str]:
    said = []
    for use in (LIBRARY.check, faults_of):
        try:
            use(file)
        except InputError as error:
            said.append(str(error))
    return said


def test_a_large_file_over_a_large_file_is_merged_soon(tmp_path) -> None:
    text = "".join(f"k{n}: {{a: [1]}}\n" for n in range(9_000))
    (tmp_path / "base.yml").write_text(text)
    (tmp_path / "over.yml").write_text("extends: base.yml\n" + text.replace("[1]", "2"))
    start = time.process_time()
    assert "unknown key" in str(refusals(tmp_path / "over.yml"))
    # Some 2 s here; each file against each key was minutes.
    assert time.process_time() - start < 15


def test_faults_say_which_value_is_listed_twice() -> None:
    document = Document({"outage": [{"campaigns": [7, 8, 7]}]}, {(): Mark("f.yml", 1)})
    with pytest.raises(InputError, match="7 is listed twice"):
        model_of(document, Faults)
