"""The default dataset tells a story, as the marts see it: a campaign that lags, one that runs on, a
bad creative, two platforms and two currencies, in names as agencies write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from generator.scenario.kinds import DEFAULT_WORKFLOW
from tests.support.project import ROOT

LAGS, RUNS_ON, HAS_A_BAD_CREATIVE = 1, 2, 3
# A code of the season, as `2025Q4`, `Q4-25`, `Oct25` or `Autumn 2025`, is in each such name.
SEASON = re.compile(r"\d{4}Q\d|Q\d-\d\d|[A-Z][a-z]{2}\d\d|(Winter|Spring|Summer|Autumn) \d{4}")
LENGTH = re.compile(r"\b\d\ds\b|:\d\d|\d\dsec|PAUSE", re.IGNORECASE)
SEPARATOR = re.compile(r"_| \| | - |-")


@pytest.fixture(scope="module")
def marts(showcase_database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(showcase_database), read_only=True) as connection:
        yield connection


def test_it_is_what_make_build_generates() -> None:
    assert f"\nWORKFLOW := {DEFAULT_WORKFLOW}\n" in (ROOT / "Makefile").read_text()


def test_it_is_seen_in_the_middle_of_two_platforms_and_two_currencies(marts) -> None:
    kinds = "select count(distinct platform), count(distinct currency_code) from raw.campaigns"
    assert marts.execute(kinds).fetchall() == [(2, 2)]
    states = "select distinct status from raw.campaigns"
    assert {state for (state,) in marts.execute(states).fetchall()} == {"ACTIVE", "COMPLETED"}
    last = "select max(hour_ts)::date, any_value(as_of_date) from raw.performance_hourly, raw.runs"
    ((last_day, as_of),) = marts.execute(last).fetchall()
    assert (as_of - last_day).days == 1


def test_one_campaign_lags_and_one_runs_on_ahead_of_its_plan(marts) -> None:
    """No other one is behind its plan; the one that runs on is a little ahead."""
    rows = marts.execute(
        """
        select campaign_id, arg_max(pacing_status, activity_date), arg_max(pacing_index,
            activity_date)
        from marts.fct_campaign_pacing_daily group by campaign_id
        """
    ).fetchall()
    pacing = {campaign: (status, index) for campaign, status, index in rows}
    assert [campaign for campaign in sorted(pacing) if pacing[campaign][0] == "UNDER"] == [LAGS]
    assert pacing[LAGS][1] < 75
    assert [campaign for campaign in sorted(pacing) if pacing[campaign][0] == "OVER"] == [RUNS_ON]
    left = """
        select f.end_date - r.as_of_date from raw.flights f, raw.runs r where f.campaign_id = ?
    """
    ((days,),) = marts.execute(left, [RUNS_ON]).fetchall()
    assert days > 50


def test_viewers_leave_and_do_not_click_the_bad_creative(marts) -> None:
    """Half the clicks of its sibling, and fewer views to the end, on each device."""
    rows = marts.execute(
        """
        select device, duration_seconds, sum(clicks) / sum(impressions),
            sum(video_q100) / sum(video_starts)
        from marts.fct_performance_hourly join raw.creatives using (creative_id)
        where campaign_id = ? group by all order by all
        """,
        [HAS_A_BAD_CREATIVE],
    ).fetchall()
    assert len(rows) == 4
    for good, bad in zip(rows[::2], rows[1::2], strict=True):
        assert bad[0] == good[0]
        assert bad[2] < 0.6 * good[2]
        assert bad[3] < good[3]


def test_names_are_as_agencies_write_them(marts) -> None:
    """Parts with a separator between them, a code of the season, the length of a spot."""
    campaigns = [name for (name,) in marts.execute("select name from raw.campaigns").fetchall()]
    creatives = [name for (name,) in marts.execute("select name from raw.creatives").fetchall()]
    assert all(len(SEPARATOR.split(name)) >= 4 for name in campaigns)
    assert [name for name in campaigns if not SEASON.search(name)] == []
    assert [name for name in creatives if not LENGTH.search(name.replace("_", " "))] == []
