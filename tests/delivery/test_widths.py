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
