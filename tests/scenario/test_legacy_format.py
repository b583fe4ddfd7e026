"""The older shape of templates: what its keys become, what is reported, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from generator.scenario.errors import InputError
from generator.scenario.templates import Library
from generator.world.build import build_world

OLDER = """\
base_templates:
  television:
    advertiser: {name: Harbour Motors, contact_email: media@harbour-motors.com,
                 brand: Harbour, agency_name: Northlight, industry: Automotive}
    campaign:
      name: Harbour launch
      objective: AWARENESS
      status: ACTIVE
      target_cpm: 38
      dsp_partner: GOOGLE_DV360
      currency: USD
      budget_type: LIFETIME
      flight: {start_date: "2025-09-01", end_date: 2025-09-14}
      budget: 12000
    line_items:
      - name: Television
        ad_format: VIDEO
        bid_cpm: 40
        pacing_pct: 100.0
        targeting_json: '{"CONTENT_GENRE": ["DRAMA", "BUSINESS", "TECH", "SCIENCE_FICTION"]}'
        device_targets_json: '["TV"]'
        geo_tier: COUNTRY
        duration_seconds: 30
        ad_server_type: VAST
        pixel_vendor: DV
examples:
  harbour:
    base_template: television
    description: A launch
    strategy: {why: television}
    results: [many]
    focus: reach
    faker_auto: [advertiser.agency_name, campaign.name, creatives]
    test_values: {campaign: {budget: {amount: 5000, type: DAILY, currency: USD}}}
    performance: {generate: true, type: both, seed: 3, hours: 24, replace: true}
  direct:
    base_template: television
    campaign: {dsp_partner: DIRECT, budget_type: DAILY}
    creatives:
      - {name: One, duration_seconds: 15, placement: PREROLL, is_skippable: true}
      - {name: Two, duration_seconds: 60, mime_type: video/mp4}
"""


def read(tmp_path, text: str = OLDER, entry: str | None = "harbour"):
    file = tmp_path / "older.yml"
    file.write_text(text)
    return Library().scenario_of_file(file, entry)


def test_an_entry_becomes_a_scenario(tmp_path) -> None:
    scenario = read(tmp_path).scenario
    campaign, (item,) = scenario.campaign, scenario.line_items
    assert scenario.name == "harbour"
    assert scenario.advertiser.contact_email == "media@harbour-motors.example"
    assert scenario.advertiser.industry == "AUTOMOTIVE"
    assert (campaign.buy_type, campaign.dsp_partner) == ("PROGRAMMATIC_GUARANTEED", "DV360")
    assert (campaign.budget.amount, campaign.budget.type) == (5000, "DAILY")
    assert (campaign.flights[0].start_date, campaign.flights[0].end_date) == (
        date(2025, 9, 1), date(2025, 9, 14),
    )  # fmt: skip
    assert item.targeting.lists() == {
        "DEVICE": ["CTV"], "CONTENT_GENRE": ["DRAMA", "DOCUMENTARY", "SCI_FI"],
    }  # fmt: skip
    assert (item.ad_format, item.bid_cpm, item.pacing_pct) == ("STANDARD_VIDEO", 40, 100)
    assert (item.ad_server_type, item.verification_vendor) == ("VAST_TAG", "DOUBLEVERIFY")
    assert [(c.duration_seconds, c.placement) for c in item.creatives] == [(30, "PRE_ROLL")]


def test_a_direct_order_and_creatives_beside_the_line_items(tmp_path) -> None:
    scenario = read(tmp_path, entry="direct").scenario
    assert (scenario.campaign.buy_type, scenario.campaign.dsp_partner) == ("DIRECT_IO", None)
    assert (scenario.campaign.budget.amount, scenario.campaign.budget.type) == (12_000, "DAILY")
    creatives = scenario.line_items[0].creatives
    assert [(c.name, c.placement, c.is_skippable) for c in creatives] == [
        ("One", "PRE_ROLL", True), ("Two", "MID_ROLL", False),
    ]  # fmt: skip


def test_what_is_read_differently_or_not_used_is_reported(tmp_path) -> None:
    notices = "\n".join(read(tmp_path).notices)
    for notice in (
        ":3: base_templates.television.advertiser.contact_email: addresses end in .example",
        "GOOGLE_DV360 is read as DV360",
        "BUSINESS is read as DOCUMENTARY",
        "SCIENCE_FICTION is read as SCI_FI",
        "TV is read as CTV",
        "campaign.status: the status follows from the dates",
        "performance.hours: the hours are those of the flight",
        "performance.seed: the seed is that of the run",
    ):
        assert notice in notices
    assert "mime_type: the file of a creative is made up" in "\n".join(
        read(tmp_path, entry="direct").notices
    )


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        (("target_cpm", "target_cmp"), ":9: base_templates.television.campaign.target_cmp",
         "did you mean 'target_cpm'?"),
        (("    strategy", "    strategie"), ":30: examples.harbour.strategie", "did you mean"),
        (("    strategy", "    campain: {}\n    strategy"), ":30", "did you mean 'campaign'?"),
        (('"DRAMA"', '"DRAMMA"'), ":20: base_templates.television.line_items[0].targeting_json",
         "did you mean 'DRAMA'?"),
        (("CONTENT_GENRE", "CONTENT_GENRRE"), ":20", "did you mean 'CONTENT_GENRE'?"),
        (("'[\"TV\"]'", "'[TV]'"), ":21", "is not JSON"),
        (("'[\"TV\"]'", "'{}'"), ":21", "must be a JSON string with a list"),
        (("base_template: television", "base_template: televison"), ":28: ",
         "did you mean 'television'?"),
        (("currency: USD}", "currency: EUR}"), ":34", "is not the currency of the campaign"),
        (("agency_name, campaign", "agency, campaign"), ":33", "cannot be made up"),
        (("dsp_partner: GOOGLE_DV360", "dsp_partner: ACME"), ":10", "'ACME' is not known"),
        (('"CONTENT_GENRE": [', '"CONTENT_GENRE": [], "CONTENT_GENRE": ['), ":20",
         "a key is given twice"),
        (("duration_seconds: 30", "duration_seconds: 0"), ":", "duration_seconds of a"),
        (("duration_seconds: 30", "duration_seconds: true"), ":", "whole number, not true"),
        (('"2025-09-01"', "1756684800"), ":13", "not 1756684800"),
        (("hours: 24", "hours: 17473"), ":35", "less than or equal to 17472"),
        (("bid_cpm: 40", "bid_cpm: cheap"), ":18", "number, not 'cheap'"),
        (('"2025-09-01"', "soon"), ":13", "is not a date"),
        (("hours: 24", "hours: -1"), ":35", "greater than or equal to 1"),
        (("    base_template: television\n    desc", "    desc"), ":33: ", "is missing"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_names_the_line_and_the_key_of_the_file(tmp_path, change, place, sentence):
    with pytest.raises(InputError) as error:
        read(tmp_path, OLDER.replace(*change, 1))
    assert f"older.yml{place}" in str(error.value)
    assert sentence in str(error.value)


def test_a_circle_of_base_templates_is_refused(tmp_path) -> None:
    circle = OLDER.replace("  television:\n", "  television:\n    base_template: television\n", 1)
    with pytest.raises(InputError, match="in a circle: television → television"):
        read(tmp_path, circle)


def test_profiles_as_a_list_and_an_unknown_entry(tmp_path) -> None:
    data = yaml.safe_load(OLDER)
    entries = [{"name": name, **entry} for name, entry in data.pop("examples").items()]
    text = yaml.safe_dump({**data, "profiles": entries})
    assert read(tmp_path, text).scenario.name == "harbour"
    with pytest.raises(InputError, match="no entry 'harbor'; did you mean 'harbour'"):
        read(tmp_path, text, "harbor")
    with pytest.raises(InputError, match="has several entries: harbour, direct"):
        read(tmp_path, text, None)


def test_a_file_of_the_older_shape_is_a_dataset_too(tmp_path) -> None:
    file = tmp_path / "older.yml"
    file.write_text(OLDER)
    assert [scenario.name for scenario in Library().dataset(str(file)).scenarios] == [
        "harbour",
        "direct",
    ]


def entry(**changes) -> str:
    """A file of one entry, without a flight."""
    whole = {
        "campaign": {"objective": "AWARENESS", "target_cpm": 38, "budget": 12000},
        "line_items": [{"name": "Television"}],
    }
    return yaml.safe_dump({"examples": {changes.pop("called", "only"): whole | changes}})


@pytest.mark.parametrize(
    ("hours", "weeks", "is_reported"), [(None, 4, False), (168, 1, False), (170, 2, True)]
)
def test_a_flight_without_dates_lasts_whole_weeks(tmp_path, hours, weeks, is_reported) -> None:
    performance = {} if hours is None else {"performance": {"type": "both", "hours": hours}}
    found = read(tmp_path, entry(**performance), None)
    assert found.scenario.campaign.flights[0].weeks == weeks
    reported = [notice for notice in found.notices if "lasts whole weeks" in notice]
    assert len(reported) == is_reported


def test_a_description_of_many_lines_becomes_one(tmp_path) -> None:
    found = read(tmp_path, entry(description="Line one\n  line two\n" + "x" * 400), None)
    assert found.scenario.description.startswith("Line one line two xxx")
    assert len(found.scenario.description) == 255


@pytest.mark.parametrize(
    ("called", "name"),
    [("Autumn & Winter!", "autumn_winter"), ("2025 launch", "entry_2025_launch"), ("秋", "entry")],
)
def test_any_name_of_an_entry_becomes_one_of_a_template(tmp_path, called, name) -> None:
    assert read(tmp_path, entry(called=called), called).scenario.name == name


def test_what_a_creative_has_and_cannot_have_is_reported(tmp_path) -> None:
    creative = {"qr_code_url": "https://shop.example/qr", "duration_seconds": 20}
    item = {"ad_format": "PAUSE", "creatives": [creative]}
    found = read(tmp_path, entry(line_items=[item]), None)
    (made,) = found.scenario.line_items[0].creatives
    assert (made.placement, made.duration_seconds, made.has_qr_code) == ("PAUSE", None, True)
    notices = "\n".join(found.notices)
    assert "creatives[0].qr_code_url: the address of a QR code is made up" in notices
    assert "creatives[0].duration_seconds: a pause ad is a still image; not used" in notices


PROFILES = """\
profiles:
  evening_television:
    description: "Television at a high price"
    base_template: "awareness_campaign"
    focus: "campaign.target_cpm, line_items.targeting_json"
    test_values:
      advertiser: {name: "Harbour Motors", brand: "Harbour", industry: "automotive"}
      campaign:
        target_cpm: 20.00
        budget: 600000.00
        objective: "AWARENESS"
      line_items:
        - targeting_json: '{"DEVICE": ["TV"], "GEO_COUNTRY": ["US"]}'
          ad_format: "STANDARD_VIDEO"
          bid_cpm: 20.00
    faker_auto:
      - "campaign.flight_dates"
      - "campaign.external_ref"
      - "line_items.pixel_vendor"
      - "creatives.video_specs"
      - "creatives.audio_specs"
      - "creatives.file_properties"
    performance: {generate: true, type: "both", seed: 42, hours: 168}
    constraints: {supply_funnel: true}
  phones:
    base_template: "consideration_campaign"
    test_values:
      campaign: {target_cpm: 12.75, budget: 60000}
      line_items:
        - targeting_json: '{"DEVICE": ["MOBILE"], "CONTENT_GENRE": ["COMEDY"]}'
          device_targets_json: '{"PLATFORM": ["IOS"], "BROWSER": ["CHROME"]}'
      creatives:
        - duration_seconds: 20
          placement: "MID_ROLL"
  scan_and_buy:
    base_template: conversion_campaign
    test_values:
      campaign: {objective: CONVERSION}
      line_items: [{ad_format: STANDARD_VIDEO}]
      creatives:
        - is_interactive: 1
          interactive_meta_json: '{"type": "overlay"}'
          qr_code_url: "https://harbour.example/app"
global_performance: {default_type: "both", default_hours: 336, default_seed: 42}
faker_config: {locale: "en_US", realistic_patterns: true}
"""
FIELD_TEST = """\
test_scenario: "A higher price for television"
test_fields:
  campaign: {target_cpm: 20.00, budget: 150000.00}
  line_items:
    - targeting_json: '{"DEVICE": ["TV"], "CONTENT_GENRE": ["DRAMA", "ACTION"]}'
  creatives:
    - duration_seconds: 45
auto_generate: {advertiser: true, creative_generation: true}
smart_defaults:
  advertiser: {pattern: "harbour", industry: "automotive"}
  campaign: {objective: "AWARENESS", dsp_partner: "DV360", budget_type: "LIFETIME", status: ACTIVE}
  line_items: {ad_format: "VIDEO", pacing_pct: 100, ad_server_type: DSP_TAG, pixel_vendor: "IAS"}
  creatives: {mime_type: "VIDEO/MP4", placement: "MID_ROLL", frame_rate: "30"}
faker_config: {seed: 42, creative_specs: {audio_quality: true}}
performance: {generate: true, type: "both", hours: 336, seed: 42, replace: false}
constraint_handling: {safe_division: true}
"""
BY_ADVERTISER = """\
advertisers:
  - name: Harbour Motors
    contact_email: ads@harbour.com
    campaigns:
      - name: Launch
        advertiser_id: null
        objective: AWARENESS
        status: ACTIVE
        target_cpm: 15.5
        dsp_partner: DV360
        flight: {start_date: "2025-09-01", end_date: "2025-10-15"}
        budget: {amount: 120000, type: LIFETIME, currency: USD}
        line_items:
          - name: Films
            targeting: {DEVICE: [TV], CONTENT_GENRE: [DRAMA]}
            creatives: [{asset_url: "https://cdn.harbour.example/a.mp4", duration_seconds: 30}]
"""
SCENARIOS = """\
scenarios:
  higher_price:
    description: "A higher price"
    focus: "campaign.target_cpm, campaign.budget"
    test_values: {target_cpm: 20.00, budget: 150000.00, is_interactive: 1}
    auto_generate: true
"""
ALONE = """\
campaign:
  objective: CONSIDERATION
  target_cpm: 15.5
  budget: 120000.0
  budget_type: DAILY
  flight: {start_date: 2025-09-01, end_date: 2025-09-14}
line_items:
  - {name: Films, duration_seconds: 30, targeting_json: '{"GEO_COUNTRY": ["US", "CA"]}'}
performance: {hours: 24}
"""


def test_entries_that_set_a_few_things_are_like_the_bundled_profile_of_their_objective(tmp_path):
    file = tmp_path / "campaign-profiles.yml"
    file.write_text(PROFILES)
    television, phones, scan = Library().dataset(str(file)).scenarios
    (item,) = television.line_items
    assert (television.campaign.budget.amount, television.campaign.target_cpm) == (600_000, 20)
    assert television.campaign.flights[0].weeks == 1
    assert (item.bid_cpm, item.targeting.lists()["DEVICE"]) == (20, ["CTV"])
    assert [creative.duration_seconds for creative in item.creatives] == [30, 30]
    (creative,) = phones.line_items[0].creatives
    assert (creative.duration_seconds, creative.placement) == (20, "MID_ROLL")
    assert (phones.campaign.objective, phones.campaign.flights[0].weeks) == ("CONSIDERATION", 4)
    (creative,) = scan.line_items[0].creatives
    assert (creative.is_interactive, creative.has_qr_code) == (True, True)
    assert scan.line_items[0].ad_format == "INTERACTIVE_OVERLAY"
    assert scan.campaign.target_cpm == 32.25


@pytest.mark.parametrize("text", [PROFILES, FIELD_TEST, BY_ADVERTISER, ALONE], ids=lambda t: t[:9])
def test_what_has_no_meaning_is_in_one_notice(tmp_path, text) -> None:
    file = tmp_path / "theirs.yml"
    file.write_text(text)
    notices = Library().dataset(str(file)).notices
    unused = [notice for notice in notices if "not used" in notice]
    assert len(unused) == 1, notices
    assert len(notices) <= 3
    for key in ("faker_config", "global_performance", "constraint_handling", "frame_rate",
                "interactive_meta_json", "asset_url"):  # fmt: skip
        assert (key in text) == (key in unused[0]), unused[0]


def test_a_test_of_some_fields_is_one_campaign_with_its_defaults(tmp_path) -> None:
    file = tmp_path / "field-testing-template.yml"
    file.write_text(FIELD_TEST)
    (scenario,) = Library().dataset(str(file)).scenarios
    (item,) = scenario.line_items
    (creative,) = item.creatives
    assert (scenario.name, scenario.description) == (
        "field_testing_template", "A higher price for television",
    )  # fmt: skip
    assert (scenario.campaign.target_cpm, scenario.campaign.budget.amount) == (20, 150_000)
    assert scenario.campaign.dsp_partner == "DV360"
    assert scenario.advertiser.industry == "AUTOMOTIVE"
    assert (item.pacing_pct, item.ad_server_type, item.verification_vendor) == (
        100,
        "VAST_TAG",
        "IAS",
    )
    assert item.targeting.lists() == {
        "DEVICE": ["CTV"],
        "CONTENT_GENRE": ["DRAMA", "ACTION_ADVENTURE"],
    }
    assert (creative.duration_seconds, creative.placement) == (45, "MID_ROLL")
    assert scenario.campaign.flights[0].weeks == 2
    assert build_world(Library().dataset(str(file))).bookings


def test_campaigns_below_their_advertisers_and_alone_are_read(tmp_path) -> None:
    file = tmp_path / "theirs.yml"
    file.write_text(BY_ADVERTISER)
    (scenario,) = Library().dataset(str(file)).scenarios
    assert (scenario.name, scenario.advertiser.name) == ("launch", "Harbour Motors")
    assert scenario.line_items[0].targeting.lists() == {
        "DEVICE": ["CTV"],
        "CONTENT_GENRE": ["DRAMA"],
    }
    file.write_text(ALONE)
    (scenario,) = Library().dataset(str(file)).scenarios
    assert (scenario.name, scenario.campaign.budget.type) == ("theirs", "DAILY")
    assert scenario.line_items[0].targeting.lists() == {"GEO_COUNTRY": ["US", "CA"]}
    file.write_text(SCENARIOS)
    (scenario,) = Library().dataset(str(file)).scenarios
    assert (scenario.campaign.target_cpm, scenario.campaign.budget.amount) == (20, 150_000)
    assert scenario.line_items[0].creatives[0].is_interactive


def test_the_mistakes_of_a_file_are_told_at_once(tmp_path) -> None:
    file = tmp_path / "theirs.yml"
    text = PROFILES.replace("target_cpm: 20.00", "target_cmp: 20.00").replace('["TV"]', '["TVV"]')
    file.write_text(
        text.replace("budget: 60000}", "budget: cheap}").replace("20.00\n    f", "x\n    f")
    )
    with pytest.raises(InputError) as error:
        Library().dataset(str(file))
    message = str(error.value)
    for place in (
        "theirs.yml:9: profiles.evening_television.test_values.campaign.target_cmp: unknown key",
        "theirs.yml:15: profiles.evening_television.test_values.line_items[0].bid_cpm: should be a",
        "theirs.yml:28: profiles.phones.test_values.campaign.budget: should be a",
    ):
        assert place in message, message
