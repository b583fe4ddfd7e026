"""The bundled scenarios are the ones specified, and mistakes name their file, line and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from generator.market.dataset import world_of
from generator.platform.model import PlatformModel
from generator.scenario.errors import InputError
from generator.scenario.faults import Faults
from generator.scenario.kinds import TemplateKind
from generator.scenario.overrides import parse_override
from generator.scenario.templates import BUNDLED, Dataset, Library, dataset, names
from generator.world.build import build_world

COMPLETE = {scenario.name: scenario for scenario in dataset("complete").scenarios}

# name: objective, budget, CPM, devices, genres, durations
SPECIFIED = {
    "luxury_auto_awareness": (
        "AWARENESS", 120_000, 38.00, {"CTV"}, {"DRAMA", "DOCUMENTARY"}, [30]),
    "crunchy_snacks_consideration": (
        "CONSIDERATION", 60_000, 22.75, {"CTV", "MOBILE"}, {"COMEDY", "REALITY"}, [15]),
    "nexbank_conversion": (
        "CONVERSION", 40_000, 28.25, {"MOBILE", "DESKTOP"}, {"DOCUMENTARY", "LIFESTYLE"}, [15, 20]),
    "high_cpm_tv_awareness": (
        "AWARENESS", 150_000, 45.00, {"CTV"}, {"DRAMA", "DOCUMENTARY"}, [30, 30]),
    "mobile_consideration": (
        "CONSIDERATION", 60_000, 18.75, {"MOBILE", "TABLET"}, {"COMEDY", "REALITY"}, [15]),
    "conversion_interactive": (
        "CONVERSION", 400_000, 32.25, None, {"DOCUMENTARY"}, [20]),
    "multi_device_advanced": (
        "CONSIDERATION", 700_000, 29.50, None, {"SCI_FI", "THRILLER"}, [30, 15, None]),
}  # fmt: skip
FLIGHTS = {
    "luxury_auto_awareness": (date(2025, 9, 1), date(2025, 10, 15)),
    "crunchy_snacks_consideration": (date(2025, 8, 15), date(2025, 9, 30)),
    "nexbank_conversion": (date(2025, 10, 1), date(2025, 12, 31)),
}
WEEKS = {
    "high_cpm_tv_awareness": 6,
    "mobile_consideration": 4,
    "conversion_interactive": 8,
    "multi_device_advanced": 8,
}


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_bundled_scenario_is_as_specified(name: str) -> None:
    objective, budget, cpm, devices, genres, durations = SPECIFIED[name]
    scenario = COMPLETE[name]
    assert scenario.campaign.objective == objective
    assert scenario.campaign.budget.amount == budget
    assert scenario.campaign.budget.type == "LIFETIME"
    assert scenario.campaign.target_cpm == cpm
    for item in scenario.line_items:
        lists = item.targeting.lists()
        assert lists["GEO_COUNTRY"] == ["US"]
        assert set(lists["CONTENT_GENRE"]) == genres
        assert (set(lists["DEVICE"]) if "DEVICE" in lists else None) == devices
    creatives = [creative for item in scenario.line_items for creative in item.creatives]
    assert [creative.duration_seconds for creative in creatives] == durations
    (flight,) = scenario.campaign.flights
    if name in FLIGHTS:
        assert (flight.start_date, flight.end_date) == FLIGHTS[name]
        assert scenario.advertiser.name
    else:
        assert flight.weeks == WEEKS[name]
        assert flight.start_between == [date(2025, 7, 1), date(2025, 11, 5)]
        assert scenario.advertiser.name is None


def test_complete_is_the_seven_and_one_buys_in_auction_and_one_is_capped() -> None:
    assert set(COMPLETE) == set(SPECIFIED)
    auctions = [s.name for s in COMPLETE.values() if s.campaign.buy_type == "PRIVATE_AUCTION"]
    capped = {s.name: s.campaign.frequency_caps for s in COMPLETE.values()}
    assert auctions == ["multi_device_advanced"]
    (cap,) = capped.pop("mobile_consideration")
    assert (cap.max_impressions, cap.time_unit, cap.time_units) == (2, "DAY", 1)
    assert not any(capped.values())
    assert len(COMPLETE["multi_device_advanced"].line_items) == 2


@pytest.mark.parametrize("kind", TemplateKind)
def test_every_bundled_file_is_read_and_named_after_itself(kind: TemplateKind) -> None:
    assert names(kind)
    for name in names(kind):
        text = (BUNDLED / kind / f"{name}.yml").read_text()
        assert yaml.safe_load(text)["name"] == name


def scenario_text(**changes: str) -> str:
    parts = {
        "platform": "netflix_like", "objective": "AWARENESS", "cpm": "20.0", "more": "",
        "flight": "{start_date: 2025-09-01, end_date: 2025-09-03}",
        "amount": "1000", "targeting": "{DEVICE: [CTV]}",
        "creative": "{placement: PRE_ROLL, duration_seconds: 15}", "dates": "name: one",
    } | changes  # fmt: skip
    return """\
name: mine
description: a test
campaign:
  platform: {platform}
  objective: {objective}
  buy_type: PREFERRED_DEAL
  target_cpm: {cpm}
  currency: USD
  flights: [{flight}]
  budget: {{amount: {amount}, type: LIFETIME}}
line_items:
  - targeting: {targeting}
    creatives: [{creative}]
    {dates}
{more}""".format(**parts)


@pytest.mark.parametrize(
    ("changes", "place", "sentence"),
    [
        ({"more": "budgett: 3\n"}, ":15: budgett", "unknown key"),
        ({"objective": "AWARNESS"}, ":5: campaign.objective", "did you mean 'AWARENESS'?"),
        ({"cpm": "cheap"}, ":7: campaign.target_cpm", "number, not 'cheap'"),
        ({"cpm": "'20 USD'"}, ":7: campaign.target_cpm", "digits and a point only"),
        ({"cpm": "20.00001"}, ":7: campaign.target_cpm", "steps of 0.001"),
        ({"cpm": ".nan"}, ":7: campaign.target_cpm", ""),
        ({"amount": "-1"}, ":10: campaign.budget.amount", "greater than or equal to 0, not -1"),
        ({"amount": "1.0e+300"}, ":10: campaign.budget.amount", "less than or equal to"),
        ({"amount": "true"}, ":10: campaign.budget.amount", "number, not true"),
        (
            {"flight": "{start_date: 2025-09-03, end_date: 2025-09-01}"},
            ":9: campaign.flights[0]",
            "end_date 2025-09-01 lies before start_date 2025-09-03",
        ),
        ({"flight": "{weeks: 2}"}, ":9: campaign.flights[0]", "give start_date and end_date"),
        ({"flight": "{start_date: soon, end_date: 2025-09-01}"}, ":9", "2025-09-01, not 'soon'"),
        ({"platform": "netflix_lik"}, ":4: campaign.platform", "did you mean 'netflix_like'?"),
        ({"platform": "'../../etc/passwd'"}, ":4: campaign.platform", "small letters"),
        ({"targeting": "{DEVICE: [FRIDGE]}"}, ":12: line_items[0].targeting.DEVICE[0]", "FRIDGE"),
        ({"targeting": "{CONTENT_GENRE: [DRAMMA]}"}, ":12", "did you mean 'DRAMA'?"),
        ({"targeting": "{GEO_COUNTRY: [ZZ]}"}, ":12", "has no GEO_COUNTRY 'ZZ'"),
        ({"creative": "{placement: PRE_ROLL, duration_seconds: 75}"}, ":13", "of 10, 15, 20, 30"),
        ({"creative": "{placement: PAUSE}"}, ":12: line_items[0]", "has no PAUSE creatives"),
        ({"creative": ""}, ":13: line_items[0].creatives", "at least 1 item"),
        ({"dates": "start_date: 2025-09-04"}, "", "no day in the flight from 2025-09-01"),
        (
            {
                "dates": "end_date: 2025-09-02",
                "flight": "{weeks: 2, start_between: [2025-09-01, 2025-09-01]}",
            },
            "",
            "a line item has dates, and a flight does not",
        ),
        (
            {
                "dates": "end_date: 2025-09-01",
                "creative": "{placement: PRE_ROLL, duration_seconds: 15, "
                "rotation_start_date: 2025-09-02}",
            },
            ":12: line_items[0]",
            "which are no days",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_names_file_line_and_key(tmp_path, changes, place, sentence) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(scenario_text(**changes))
    with pytest.raises(InputError) as error:
        dataset(str(file))
    assert f"{file}{place}" in str(error.value)
    assert sentence in str(error.value)


def test_a_correct_file_is_a_dataset_of_its_own(tmp_path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(scenario_text(targeting="{DEVICE: [TV]}"))
    (scenario,) = dataset(str(file)).scenarios
    assert scenario.line_items[0].targeting.lists() == {"DEVICE": ["CTV"]}


def test_a_scenario_extends_a_bundled_profile(tmp_path) -> None:
    """The DAILY-budget variant: one of the bundled profiles with another budget."""
    file = tmp_path / "daily.yml"
    file.write_text(
        "extends: mobile_consideration\nname: daily\n"
        "campaign: {budget: {amount: 2500, type: DAILY}}\n"
    )
    (scenario,) = dataset(str(file)).scenarios
    original = COMPLETE["mobile_consideration"]
    assert scenario.campaign.budget.type == "DAILY"
    assert scenario.campaign.budget.amount == 2500
    assert scenario.line_items == original.line_items
    assert scenario.campaign.frequency_caps == original.campaign.frequency_caps


def test_a_circle_of_extends_is_refused(tmp_path) -> None:
    (tmp_path / "a.yml").write_text("extends: b.yml\nname: a\nline_items: []\n")
    (tmp_path / "b.yml").write_text("extends: a.yml\nname: b\n")
    with pytest.raises(InputError, match="in a circle: a → b → a"):
        dataset(str(tmp_path / "a.yml"))


def test_a_folder_is_no_workflow(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; give the path of a YAML file in it"):
        dataset(str(tmp_path))


@pytest.mark.parametrize("name", ["complet", "../complete", "/etc/passwd", "a b", "'; drop table"])
def test_an_unknown_workflow_is_a_sentence(name: str) -> None:
    with pytest.raises(InputError, match="there is no workflow"):
        dataset(name)


def test_a_workflow_of_ones_own_lists_bundled_and_neighbouring_scenarios(tmp_path) -> None:
    (tmp_path / "mine.yml").write_text(scenario_text())
    workflow = tmp_path / "flow.yml"
    workflow.write_text(
        "name: flow\ndescription: both\nseed: 1\nas_of: 2026-01-01\n"
        "examples: [nexbank_conversion]\nprofiles: [mine.yml]\n"
    )
    assert [scenario.name for scenario in dataset(str(workflow)).scenarios] == [
        "nexbank_conversion",
        "mine",
    ]
    workflow.write_text(workflow.read_text().replace("nexbank_conversion", "nexbank_conversions"))
    with pytest.raises(InputError) as error:
        dataset(str(workflow))
    assert f"{workflow}:5: examples[0]" in str(error.value)
    assert "did you mean 'nexbank_conversion'?" in str(error.value)


def test_a_missing_file_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"nowhere.yml: cannot be read: No such file"):
        dataset(str(Path("nowhere.yml")))


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder of custom templates."""
    for kind in TemplateKind:
        (tmp_path / kind).mkdir()
    return tmp_path


def test_a_template_without_a_name_has_that_of_its_file(folder) -> None:
    """Names are never inherited: a platform that extends another one is another one."""
    (folder / "platforms/mine.yml").write_text("extends: netflix_like\n")
    (folder / "profiles/quay.json").write_text(
        '{"extends": "small_two_weeks", "campaign": {"platform": "mine"}}'
    )
    (folder / "workflows/flow.yaml").write_text(
        "description: d\nseed: 1\nas_of: 2026-01-01\nprofiles: [quay]\n"
    )
    library = Library(folder)
    data = library.dataset("flow")
    assert (data.name, data.scenarios[0].name, list(data.platforms)) == ("flow", "quay", ["mine"])
    assert build_world(data).platforms[0].platform == "mine"
    assert {"mine", "netflix_like"} <= set(library.names(TemplateKind.PLATFORMS))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("platforms/mine.yml", "extends: netflix_like\nname: other\n",
         ":2: name: is 'other' in a file that is called mine.yml; make them the same"),
        ("profiles/My Profile.yml", "extends: small_two_weeks\n",
         "rename the file to my_profile.yml"),
        ("profiles/2025.yml", "extends: small_two_weeks\n", "rename the file to template_2025.yml"),
        ("profiles/small_two_weeks.yaml", "", "the name of small_two_weeks.json, too"),
    ],
)  # fmt: skip
def test_two_names_of_one_template_are_refused(folder, name, text, sentence) -> None:
    (folder / "profiles/small_two_weeks.json").write_text('{"extends": "mobile_consideration"}')
    (folder / name).write_text(text)
    library, kind = Library(folder), TemplateKind(name.split("/")[0])
    with pytest.raises(InputError) as error:
        [library.document(kind, template) for template in library.names(kind)]
    assert sentence in str(error.value)


def test_a_platform_that_has_changed_is_read_again(folder) -> None:
    """Also in one process, as in a notebook."""
    file = folder / "platforms" / "mine.yml"
    file.parent.mkdir(exist_ok=True)
    for cpm in (9, 10):
        file.write_text(f"extends: netflix_like\ncountries: {{US: {{cpm_level: {cpm}}}}}\n")
        assert Library(folder).platform("mine").countries["US"].cpm_level == cpm


def test_a_file_that_is_named_by_its_path_may_have_another_name_or_none(tmp_path) -> None:
    file = tmp_path / "Autumn 2025.yml"
    file.write_text("extends: small_two_weeks\n")
    assert dataset(str(file)).scenarios[0].name == "autumn_2025"
    file.write_text("extends: small_two_weeks\nname: harvest\n")
    assert dataset(str(file)).scenarios[0].name == "harvest"
    flow = tmp_path / "flow.yml"
    flow.write_text(
        "description: d\nseed: 1\nas_of: 2026-01-01\n"
        "profiles: ['Autumn 2025.yml', mobile_consideration]\n"
    )
    changed = dataset_with(str(flow), "harvest.campaign.target_cpm=99")
    assert [scenario.campaign.target_cpm for scenario in changed.scenarios] == [99, 18.75]


def dataset_with(name: str, *sets: str) -> Dataset:
    return Library().dataset(name, [parse_override(source) for source in sets])


def test_a_name_that_two_kinds_of_template_have_is_that_of_the_kind_that_extends_it(folder) -> None:
    """A profile called as a workflow; a profile and an example of one name are refused."""
    (folder / "profiles/smoke.yml").write_text("extends: small_two_weeks\n")
    (folder / "flow.yml").write_text("extends: smoke\nseed: 3\n")
    (folder / "more.yml").write_text("extends: smoke\n")
    library = Library(folder)
    assert library.dataset(str(folder / "flow.yml")).seed == 3
    assert library.dataset(str(folder / "more.yml")).scenarios[0].name == "more"
    (folder / "examples/smoke.yml").write_text("extends: nexbank_conversion\n")
    with pytest.raises(InputError, match="profiles and examples called 'smoke'; rename one"):
        library.dataset(str(folder / "more.yml"))


def test_a_file_of_faults_and_overrides_of_platforms_and_faults_are_checked(tmp_path) -> None:
    platform_file, faults = tmp_path / "mine.yml", tmp_path / "faults.yml"
    platform_file.write_text("extends: netflix_like\n")
    faults.write_text("outage: [{start_date: 2025-09-03}]\n")
    library = Library()
    shorter = [
        parse_override("supply.ad_minutes_per_hour=3"),
        parse_override("countries.US.regions.501.share=0.05"),
    ]
    found = library.check(platform_file, shorter)
    assert isinstance(found, PlatformModel)
    assert (found.name, found.supply.ad_minutes_per_hour) == ("mine", 3)
    assert found.countries["US"].regions["501"].share == 0.05
    found = library.check(faults, [parse_override("outage[0].hours=[3]")])
    assert isinstance(found, Faults)
    assert found.outage[0].hours == [3]
    with pytest.raises(InputError, match=r"outage\[0\].start_date: should be a day"):
        library.check(faults, [parse_override("outage[0].start_date=3")])


def test_the_faults_of_a_workflow_with_a_market_are_in_its_dataset(tmp_path) -> None:
    flow = tmp_path / "flow.yml"
    flow.write_text("extends: market\nfaults: {outage: [{start_date: 2025-09-03}]}\n")
    assert dataset(str(flow)).faults.outage
    assert world_of(dataset(str(flow))).faults.outage


@pytest.mark.parametrize("currency", ["JPY", "KRW"])
def test_a_budget_is_whole_where_the_currency_has_no_smaller_unit(tmp_path, currency) -> None:
    file = tmp_path / "mine.yml"
    text = scenario_text(amount="1000.5").replace("USD", currency)
    file.write_text(text)
    with pytest.raises(InputError, match=r":10: campaign.budget.amount: .*write 1000"):
        dataset(str(file))
    file.write_text(text.replace("1000.5", "1000.0"))
    assert dataset(str(file)).scenarios[0].campaign.budget.amount == 1000
    file.write_text(text.replace(currency, "USD"))
    assert dataset(str(file)).scenarios[0].campaign.budget.amount == 1000.5


def test_the_dates_of_a_line_item_are_those_of_its_creatives(tmp_path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(scenario_text(dates="start_date: 2025-09-02"))
    (booking,) = build_world(dataset(str(file))).bookings
    (creative,) = booking.line_items[0].creatives
    assert creative.rotation_start_date == date(2025, 9, 2)
    assert creative.rotation_end_date is None
