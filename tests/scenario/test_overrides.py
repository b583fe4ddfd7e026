"""`--set` lays typed values over a template by the rule that `extends:` merges by."""

from __future__ import annotations

import pytest

from generator.scenario.errors import InputError
from generator.scenario.kinds import TemplateKind
from generator.scenario.models import Scenario
from generator.scenario.overrides import parse_override, paths, with_overrides
from generator.scenario.templates import Library
from generator.scenario.yaml_file import Document, merge, path_text, read

LIBRARY = Library()


def changed(*sets: str, profile: str = "multi_device_advanced") -> Scenario:
    return LIBRARY.scenario(
        TemplateKind.PROFILES, profile, [parse_override(text) for text in sets]
    ).scenario


def test_values_are_typed_by_the_model() -> None:
    scenario = changed(
        "campaign.target_cpm=50",
        "campaign.name=123",
        "campaign.external_ref='a: b'",
        "campaign.brand_lift_enabled=true",
        "campaign.flights[0]={weeks: null, start_between: null, start_date: 2025-09-01, "
        "end_date: 2025-09-02}",
        "line_items[0].targeting.GEO_DMA=[501, 803]",
        "line_items.1.bid_cpm=33.5",
        "campaign.budget={type: DAILY}",
    )
    campaign = scenario.campaign
    assert (campaign.target_cpm, campaign.name, campaign.external_ref) == (50, "123", "a: b")
    assert campaign.brand_lift_enabled is True
    assert str(campaign.flights[0].end_date) == "2025-09-02"
    assert scenario.line_items[0].targeting.GEO_DMA == ["501", "803"]
    assert scenario.line_items[1].bid_cpm == 33.5
    assert (campaign.budget.amount, campaign.budget.type) == (700_000, "DAILY")


def test_an_item_one_past_the_end_is_added_and_further_ones_are_refused() -> None:
    cap = "campaign.frequency_caps[0]={max_impressions: 3, time_unit: DAY}"
    assert changed(cap).campaign.frequency_caps[0].max_impressions == 3
    third = changed("line_items[0].creatives[2]={placement: MID_ROLL, duration_seconds: 20}")
    assert [creative.duration_seconds for creative in third.line_items[0].creatives] == [30, 15, 20]
    with pytest.raises(InputError, match=r"line_items\[5\].*there is no item 5, only 2"):
        changed("line_items[5].bid_cpm=3")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("campaign.target_cmp=4", "there is no campaign.target_cmp; near it: campaign.target_cpm"),
        ("target_cpm=4", "near it: campaign.target_cpm"),
        ("line_items[0].biding=4", "line_items[0].bid_cpm"),
        ("line_items.name=x", "line_items[0].name"),
        ("campaign.target_cpm=cheap", "--set campaign.target_cpm=cheap: campaign.target_cpm: "),
        ("campaign.budget.amount=-1", "greater than or equal to 0, not -1"),
        ("campaign.objective=FAME", "'FAME' is not known"),
        ("campaign.flights=[", "is not a value"),
        ("campaign", "is written path=value"),
        ("=4", "is written path=value"),
        ("campaign..name=4", "is written path=value"),
        ("campaign[x]=4", "is written path=value"),
        ("campaign.name=" + "x" * 300, "at most 255 characters"),
    ],
)
def test_a_wrong_override_names_itself_and_what_is_near(source: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        changed(source)
    assert sentence in str(error.value)
    assert str(error.value).startswith("--set ")


def test_every_path_of_the_model_can_be_set() -> None:
    known = {path_text(path) for path in paths(Scenario)}
    assert {"campaign.flights[0].weeks", "line_items[0].creatives[0].placement"} <= known
    assert len(known) > 60


def test_the_documented_example_of_the_merge_rule(tmp_path) -> None:
    """docs/scenarios.md shows this example."""
    (tmp_path / "base.yml").write_text(
        "campaign: {target_cpm: 30, budget: {amount: 1000, type: LIFETIME}}\n"
        "line_items:\n  - {name: first, bid_cpm: 30}\n  - {name: second, bid_cpm: 35}\n"
        "tags: [a, b]\n"
    )
    (tmp_path / "over.yml").write_text(
        "campaign: {budget: {amount: 2000}}\nline_items: {1: {bid_cpm: 40}}\ntags: [c]\n"
    )
    over = read(tmp_path / "over.yml")
    result = merge(read(tmp_path / "base.yml"), over)
    assert result.data == {
        "campaign": {"target_cpm": 30, "budget": {"amount": 2000, "type": "LIFETIME"}},
        "line_items": [{"name": "first", "bid_cpm": 30}, {"name": "second", "bid_cpm": 40}],
        "tags": ["c"],
    }
    assert result.where(("line_items", 1, "bid_cpm")).startswith(f"{tmp_path / 'over.yml'}:2")
    assert result.where(("line_items", 1, "name")).startswith(f"{tmp_path / 'base.yml'}:4")


def test_an_override_leaves_its_document_as_it_was() -> None:
    document = LIBRARY.document(TemplateKind.PROFILES, "small_two_weeks")
    before = Document(document.data, dict(document.marks))
    with_overrides(
        document, [parse_override("line_items[0].creatives[0].duration_seconds=30")], Scenario
    )
    assert document.data["line_items"][0]["creatives"][0]["duration_seconds"] == 15
    assert document.marks == before.marks
