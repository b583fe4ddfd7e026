"""The bundled dataset from end to end: generated, built by dbt, and judged by figures."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.platform.test_model import BENCHMARKS

CTR = {"CTV": "ctr_ctv", "MOBILE": "ctr_mobile", "TABLET": "ctr_tablet", "DESKTOP": "ctr_desktop"}


@pytest.fixture(scope="module")
def marts(built_database: Path):
    with duckdb.connect(str(built_database), read_only=True) as connection:
        yield connection


def test_every_budget_is_kept_to_the_micro_and_95_percent_used(marts) -> None:
    rows = marts.execute(
        """
        select scenario, sum(spend_micros), any_value(amount_micros)
        from raw.performance_hourly join raw.campaigns using (campaign_id)
            join raw.budgets using (campaign_id)
        group by scenario
        """
    ).fetchall()
    assert len(rows) == 7
    for scenario, spend, budget in rows:
        assert 0.95 * budget <= spend <= budget, scenario


def test_television_completes_and_devices_click_as_published(marts) -> None:
    rows = marts.execute(
        """
        select device, sum(video_q100) / sum(video_starts), sum(clicks) / sum(impressions)
        from marts.fct_performance_hourly group by device
        """
    ).fetchall()
    completion = {device: rate for device, rate, _ in rows}
    assert 0.95 <= completion["CTV"] <= 0.985
    assert (
        completion["CTV"] > completion["TABLET"] > max(completion["MOBILE"], completion["DESKTOP"])
    )
    for device, _, ctr in rows:
        benchmark = BENCHMARKS[CTR[device]]
        assert float(benchmark["low"]) <= ctr <= float(benchmark["high"]), device


def test_a_fifth_to_a_quarter_of_the_day_is_prime_time(marts) -> None:
    share = marts.execute(
        """
        select sum(impressions) filter (segment in ('20', '21', '22')) / sum(impressions)
        from raw.audience_daily where dimension = 'LOCAL_HOUR'
        """
    ).fetchone()[0]
    assert 0.20 <= share <= 0.27


def test_raw_and_marts_agree_on_every_total(marts) -> None:
    columns = "sum(impressions), sum(clicks), sum(video_q100), sum(requests)"
    raw = marts.execute(f"select {columns} from raw.performance_hourly").fetchone()
    for mart in (
        "fct_performance_hourly",
        "fct_campaign_performance_hourly",
        "fct_campaign_performance_daily",
    ):
        assert marts.execute(f"select {columns} from marts.{mart}").fetchone() == raw, mart
