"""A count that its column cannot hold is refused before a row is stored, on every destination."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PLATFORM = """
extends: netflix_like
name: lossy
description: Nearly all that is asked for is lost
funnel_floor: {response: 0.1, eligible: 0.1, win: 0.05, render: 0.6}
funnel:
  response_rate: 0.1
  eligibility_rate: 0.1
  win_rate:
    DIRECT_IO: 0.05
    PROGRAMMATIC_GUARANTEED: 0.05
    PREFERRED_DEAL: 0.05
    PRIVATE_AUCTION: 0.05
"""
SETS = (
    "campaign.platform=lossy",
    "campaign.budget.amount=2000000",
    "line_items[0].pacing=ASAP",
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("target", ["parquet:lake", "csv:lake", "lake.duckdb"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_requests_beyond_their_column_are_a_sentence(
    run, cwd: Path, target: str, jobs: str
) -> None:
    (cwd / "ours" / "platforms").mkdir(parents=True)
    (cwd / "ours" / "platforms" / "lossy.yml").write_text(PLATFORM)
    sets = [word for change in SETS for word in ("--set", change)]
    before = os.listdir()
    answer = run("generate", "smoke", "--templates", "ours", "--jobs", jobs, *sets, "--to", target)
    assert answer.code == 2, answer.err
    assert "requests of an hour and device: " in answer.err
    assert "is more than 2,147,483,647, the largest number that a count can have; " in answer.err
    assert "lower the budget" in answer.err
    assert not list(cwd.rglob("manifest.json"))
    assert "lake.duckdb" not in set(os.listdir()) - set(before)


# Of a platform like this one, and of what is bought there.
LARGE = {
    "viewers of a day": (
        "countries: {US: {households: 22_000_000}}\n"
        "supply: {hours_per_household_day: 4, ad_minutes_per_hour: 10, mean_ad_seconds: 15,\n"
        "  max_share_of_voice: 1,\n"
        "  device_share: {CTV: 0.97, MOBILE: 0.01, TABLET: 0.01, DESKTOP: 0.01}}\n",
        "impressions of a day: ",
    ),
    "slots of an hour": (
        "countries: {US: {households: 1_000_000_000}}\n"
        "supply: {hours_per_household_day: 20, ad_minutes_per_hour: 30, mean_ad_seconds: 10}\n",
        "US could have more ad opportunities in an hour than a column can count (2,147,483,647)",
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", LARGE)
def test_other_counts_beyond_their_columns_are_sentences_too(run, cwd: Path, what: str) -> None:
    platform, sentence = LARGE[what]
    (cwd / "ours" / "platforms").mkdir(parents=True)
    text = f"extends: netflix_like\nname: large\n{platform}"
    (cwd / "ours" / "platforms" / "large.yml").write_text(text)
    sets = (
        "campaign.platform=large",
        "campaign.budget.amount=9000000000",
        "campaign.target_cpm=1",
        "campaign.buy_type=DIRECT_IO",
        "campaign.max_share_of_voice=1",
        "line_items[0].pacing=ASAP",
        "line_items[0].targeting.DEVICE=[CTV]",
    )
    words = [word for change in sets for word in ("--set", change)]
    command = ("generate", "smoke", "--log", "none", "--templates", "ours", "--jobs", "1")
    answer = run(*command, *words, "--to", "x.db")
    assert answer.code == 2, answer.err
    assert sentence in answer.err
    assert not Path("x.db").exists()
