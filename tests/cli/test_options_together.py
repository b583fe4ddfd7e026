"""Options that do not go together, and what a file says in vain: used, or refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

FAULTS = "outage: [{start_date: 2025-09-03, end_date: 2025-09-09}]\n"
MARKET = ("generate", "market", "--campaigns", "3", "--from", "2025-09-01", "--until", "2025-09-28")


def rows(table: str) -> int:
    with duckdb.connect("data/ads.duckdb", read_only=True) as database:
        return int(database.sql(f"select count(*) from raw.{table}").fetchall()[0][0])


@pytest.fixture
def smoke(cwd, run) -> Path:
    """The folder of a database with the smoke workflow."""
    assert run("generate", "smoke", "--quiet").code == 0
    return cwd


@pytest.mark.parametrize("how", ["an option", "the workflow"])
def test_a_market_has_the_faults_that_it_is_given(cwd, run, how) -> None:
    (cwd / "faults.yml").write_text(FAULTS)
    (cwd / "flow.yml").write_text(f"extends: market\nfaults: {{{FAULTS.strip()}}}\n")
    command = (*MARKET, "--faults", "faults.yml")
    if how == "the workflow":
        command = ("generate", "flow.yml", *MARKET[2:])
    answer = run(*command)
    assert answer.code == 0, answer.err
    assert rows("fault_log") > 0


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("generate market --select market", "--select: workflow market books a market"),
        ("generate smoke --campaigns 3", "--campaigns 3: workflow 'smoke' has no market"),
        ("generate mine.yml --campaigns 3", "--campaigns 3: there is no market.campaigns"),
        (
            "generate smoke --tables campaigns --faults faults.yml",
            "--faults faults.yml: faults are put into raw.performance_hourly",
        ),
        ("generate smoke --log 2", "--log: '2' is not a share of the households; write none, all"),
        ("generate smoke --log some", "--log: 'some' is not a share of the households"),
        (
            "generate smoke --tables campaigns --log 0.1",
            "--log 0.1: the log is in raw.ad_impressions and its neighbours",
        ),
        (
            "generate market --log all",
            "impressions (",
        ),
        (
            "live smoke --from 2025-10-01T18:30:00.5",
            "'2025-10-01T18:30:00.5' is not a",
        ),
        ("generate smoke --set log.households=3", "less than or equal to 1, not 3"),
        ("validate mine.yml --set campaign.target_cmp=3", "near it: campaign.target_cpm"),
        ("validate platform.yml --set supply.ad_minutes=3", "supply.ad_minutes_per_hour"),
        ("validate faults.yml --set outage[0].rate=3", "less than or equal to 1, not 3"),
    ],
)
def test_an_option_that_could_not_be_used_is_refused(cwd, run, command, sentence) -> None:
    (cwd / "faults.yml").write_text(FAULTS)
    (cwd / "mine.yml").write_text("extends: small_two_weeks\n")
    (cwd / "platform.yml").write_text("extends: netflix_like\n")
    answer = run(*command.split())
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert not (cwd / "data").exists()


def test_faults_of_a_workflow_without_the_table_that_they_spoil_are_reported(cwd, run) -> None:
    answer = run("generate", "faulty", "--tables", "campaigns", "--json")
    (notice,) = answer.json["notices"]
    assert notice == (
        "the faults are not in the data: --tables leaves out raw.performance_hourly, "
        "raw.ad_impressions, raw.conversions"
    )
    answer = run("generate", "faulty", "--tables", "performance_hourly", "--replace", "--json")
    assert answer.json["notices"] == []
    fault = "{table: ad_impressions, start_date: 2025-09-03, end_date: 2025-09-05}"
    (cwd / "mine.yml").write_text(f"extends: smoke\nfaults: {{duplicates: [{fault}]}}\n")
    answer = run("generate", "mine.yml", "--tables", "performance_hourly", "--replace", "--json")
    (notice,) = answer.json["notices"]
    assert notice == "the faults are not in the data: --tables leaves out raw.ad_impressions"
    answer = run("generate", "mine.yml", "--tables", "ad_impressions", "--replace", "--json")
    assert answer.json["notices"] == []


def test_rows_that_never_land_need_no_row_in_the_log_of_faults(cwd, run) -> None:
    (cwd / "mine.yml").write_text("extends: smoke\nfaults: {sparse_rows: true}\n")
    assert run("generate", "mine.yml", "--json").json["notices"] == []


@pytest.mark.parametrize(
    "command",
    [
        ("create-profile", "--name", "small_two_weeks", "--advertiser-id", "1"),
        ("create-campaign", "--profile", "small_two_weeks", "--advertiser-id", "1"),
        ("create-profile", "--name", "small_two_weeks", "--set", "advertiser.name=NAME"),
    ],
)
def test_what_is_set_of_an_advertiser_that_exists_is_refused(smoke, run, command) -> None:
    with duckdb.connect("data/ads.duckdb", read_only=True) as database:
        ((name,),) = database.sql("select name from raw.advertisers").fetchall()
    command = [word.replace("NAME", name) for word in command]
    before = rows("campaigns")
    refused = run(*command, "--set", "advertiser.brand=Other")
    assert refused.code == 2
    assert "--set advertiser.brand=Other: advertiser 1" in refused.err
    assert "adding a campaign does not change it" in refused.err
    assert rows("campaigns") == before
    assert run(*command).code == 0


def test_a_new_advertiser_is_what_is_set(smoke, run) -> None:
    sets = ("--set", "advertiser.name=Quay", "--set", "advertiser.brand=Pier")
    assert run("create-profile", "--name", "small_two_weeks", *sets).code == 0
    with duckdb.connect("data/ads.duckdb", read_only=True) as database:
        brands = database.sql("select brand from raw.advertisers where name = 'Quay'").fetchall()
    assert brands == [("Pier",)]


def test_a_file_that_says_other_things_of_an_advertiser_that_exists_is_reported(smoke, run) -> None:
    scenario = {"extends": "small_two_weeks", "advertiser": {"name": "Quay", "brand": "Pier"}}
    (smoke / "quay.json").write_text(json.dumps(scenario))
    command = ("create-profile", "--name", "quay", "--template", "quay.json", "--json")
    assert run(*command).json["notices"] == []
    assert run(*command).json["notices"] == []
    scenario["advertiser"] = {"name": "Quay", "brand": "Dock", "industry": None}
    (smoke / "quay.json").write_text(json.dumps(scenario))
    (notice,) = run(*command).json["notices"]
    assert notice == "advertiser 2 'Quay' exists and stays unchanged: brand Pier, not Dock"


def test_a_platform_without_a_name_has_that_of_its_file(cwd, run) -> None:
    (cwd / "ours/platforms").mkdir(parents=True)
    (cwd / "ours/platforms/mine.yml").write_text("extends: netflix_like\n")
    assert run("validate", "ours/platforms/mine.yml", "--json").json["name"] == "mine"
    ours = ("--templates", "ours")
    answer = run("generate", "smoke", *ours, "--set", "campaign.platform=mine")
    assert answer.code == 0, answer.err
    assert run("describe", "mine", *ours).code == 0
