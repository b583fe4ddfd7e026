"""What changes during a campaign holds from the right hour on, and the past stays what it was."""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa
import pytest
import yaml

from generator.api import tables
from generator.scenario.errors import InputError

FLIGHT = {"start_date": date(2025, 9, 1), "end_date": date(2025, 9, 14)}
BOOKED, RAISED = 20_000.0, 30_000.0


def scenario(folder, changes: list[dict], **campaign) -> str:
    """A file of a campaign of two weeks with these changes."""
    plan = {
        "name": "changing",
        "description": "A campaign that is changed",
        "campaign": {
            "platform": "netflix_like",
            "objective": "AWARENESS",
            "buy_type": "DIRECT_IO",
            "target_cpm": 30.0,
            "currency": "USD",
            "flights": [FLIGHT],
            "budget": {"amount": BOOKED},
            "changes": changes,
            **campaign,
        },
        "line_items": [{"creatives": [{"placement": "MID_ROLL", "duration_seconds": 30}]}],
    }
    if plan["campaign"]["buy_type"] == "PRIVATE_AUCTION":
        plan["line_items"][0] |= {"bid_cpm": 40.0, "targeting": {"GEO_COUNTRY": ["US"]}}
    file = folder / "changing.yml"
    file.write_text(yaml.safe_dump(plan))
    return str(file)


def daily(data: dict[str, pa.Table]) -> dict[int, float]:
    """What is spent on each day of September, in dollars."""
    performance = data["performance_hourly"]
    assert performance.num_rows
    query = "SELECT day(hour_ts), sum(spend_micros) / 1e6 FROM performance GROUP BY ALL"
    return dict(duckdb.sql(query).fetchall())


def made(file: str, as_of: str = "2025-10-01") -> dict[str, pa.Table]:
    return tables(file, as_of=as_of, sets=["life.preset=calm"])


def test_a_paused_campaign_delivers_nothing_and_makes_up_for_it(tmp_path) -> None:
    changes = [{"on": date(2025, 9, 5), "pause_until": date(2025, 9, 7), "reason": "BRAND_SAFETY"}]
    data = made(scenario(tmp_path, changes))
    spend = daily(data)
    assert (spend[5], spend[6]) == (0, 0)
    assert min(spend[4], spend[7], spend[14]) > 0
    assert spend[8] > spend[1]
    log = data["campaign_changes"].to_pylist()
    assert [(row["old_value"], row["new_value"], row["reason"]) for row in log] == [
        ("ACTIVE", "PAUSED", "BRAND_SAFETY"),
        ("PAUSED", "ACTIVE", "BRAND_SAFETY"),
    ]


def test_a_stopped_campaign_is_over(tmp_path) -> None:
    data = made(scenario(tmp_path, [{"on": date(2025, 9, 10), "stop": True}]), "2025-09-12")
    spend = daily(data)
    assert sum(spend[day] for day in range(10, 12)) == 0
    assert 0.5 < sum(spend.values()) / BOOKED < 0.8
    assert data["campaigns"]["status"].to_pylist() == ["COMPLETED"]


def test_a_budget_holds_from_its_day_on_and_a_later_run_leaves_the_past_alone(tmp_path) -> None:
    changes = [{"on": date(2025, 9, 8), "budget": RAISED}]
    booked = daily(made(scenario(tmp_path, [])))
    before = made(scenario(tmp_path, changes), "2025-09-08")
    after = made(scenario(tmp_path, changes))
    assert {day: booked[day] for day in range(1, 8)} == daily(before)
    assert {day: daily(after)[day] for day in range(1, 8)} == daily(before)
    assert [data["budgets"]["amount_micros"][0].as_py() for data in (before, after)] == [
        BOOKED * 1e6,
        RAISED * 1e6,
    ]
    assert (before["campaign_changes"].num_rows, after["campaign_changes"].num_rows) == (0, 1)
    assert RAISED * 0.97 < sum(daily(after).values()) <= RAISED


@pytest.mark.parametrize("pacing", ["EVEN", "ASAP"])
def test_a_cut_budget_is_never_overspent(tmp_path, pacing: str) -> None:
    changes = [{"on": date(2025, 9, 8), "budget": 6_000.0}]
    file = scenario(tmp_path, changes)
    sets = ["life.preset=calm", f"line_items[0].pacing={pacing}"]
    assert sum(daily(tables(file, as_of="2025-10-01", sets=sets)).values()) <= 6_000


def test_a_raised_bid_pays_more(tmp_path) -> None:
    changes = [{"on": date(2025, 9, 8), "bid_cpm": 80.0}]
    data = made(scenario(tmp_path, changes, buy_type="PRIVATE_AUCTION"))
    performance = data["performance_hourly"]
    assert performance.num_rows
    query = "SELECT sum(spend_micros) / sum(impressions) FROM performance WHERE day(hour_ts)"
    ((before,),) = duckdb.sql(f"{query} < 8").fetchall()
    ((after,),) = duckdb.sql(f"{query} >= 8").fetchall()
    assert after > 1.1 * before
    assert data["line_items"]["bid_cpm_micros"].to_pylist() == [80_000_000]


@pytest.mark.parametrize(
    ("change", "campaign", "complaint"),
    [
        ({"budget": 1.0, "stop": True}, {}, "give one of pause_until, stop, budget and bid_cpm"),
        ({"pause_until": date(2025, 9, 8)}, {}, "does not lie after 2025-09-08"),
        ({"bid_cpm": 50.0}, {}, "only a PRIVATE_AUCTION has bids"),
        ({"bid_cpm": 39.0}, {"buy_type": "PRIVATE_AUCTION"}, "can be raised, not cut"),
        (
            {"budget": 1.0},
            {"budget": {"amount": 10.0, "type": "DAILY"}},
            "only a LIFETIME budget of one flight",
        ),
    ],
)
def test_a_change_that_cannot_be_is_a_sentence(tmp_path, change, campaign, complaint) -> None:
    file = scenario(tmp_path, [{"on": date(2025, 9, 8), **change}], **campaign)
    with pytest.raises(InputError, match=complaint):
        made(file)
