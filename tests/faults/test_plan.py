"""A file of faults is used unchanged, or refused with a sentence for each mistake."""

from __future__ import annotations

import pytest

from tests.support.project import generate

MISTAKES = {
    "outages: []": "outages: unknown key; did you mean 'outage'?",
    "late_rows: [{}]": "late_rows[0]: rows of performance_hourly are late by days; give days",
    "late_rows: [{days: 0}]": "late_rows[0].days: should be greater than or equal to 1",
    "late_rows: [{days: 2, rate: 2}]": "late_rows[0].rate: should be less than or equal to 1",
    "late_rows: [{days: 2, hour: [1]}]": "late_rows[0].hour: unknown key; did you mean 'hours'?",
    "restated_days: [{days: 2, counted_at_first: 1.0}]": "counted_at_first: should be less",
    "outage: [{devices: [FRIDGE]}]": "outage[0].devices[0]: 'FRIDGE' is not known; there is CTV",
    "outage: [{hours: [24]}]": "outage[0].hours[0]: should be less than or equal to 23",
    "outage: [{campaigns: [1, 1]}]": "outage[0].campaigns: 1 is listed twice",
    "outage: [{start_date: 2025-02-02, end_date: 2025-02-01}]": "end_date 2025-02-01 lies before",
    "null_ids: [{column: name}]": "null_ids[0].column: should be 'campaign_id', 'line_item",
    "null_ids: [{table: ad_impressions, column: creative_id}]": "belongs to no campaign; empty",
    "null_ids: [{column: household_id}]": "does not empty household_id in perf",
    "null_ids: [{table: conversions, column: creative_id}]": "not empty creative_id in conversions",
    "null_ids: [{table: conversions, column: household_id, devices: [CTV]}]": "leave devices out",
    "duplicates: [{table: ad_errors}]": "duplicates[0].table: should be 'ad_impressions'",
    "time_zone_shift: [{hours_ahead: 0}]": "hours_ahead is 0, which is UTC itself",
    "schema_drift: [{start_date: 2025-01-01}]": "give column and renamed_to, or added and value",
    "schema_drift: [{start_date: 2025-01-01, column: clacks, renamed_to: x}]": "mean 'clicks'?",
    "schema_drift: [{start_date: 2025-01-01, added: clicks, value: x}]": "'clicks' is a column",
    "schema_drift: [{start_date: 2025-01-01, added: a, value: x}, "
    "{start_date: 2025-01-02, added: a, value: x}]": "schema_drift has the same column twice",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_a_sentence(text: str, cwd, run) -> None:
    (cwd / "faults.yml").write_text(text)
    answer = run("generate", "smoke", "--faults", "faults.yml")
    assert answer.code == 2
    assert "faults.yml" in answer.err
    assert MISTAKES[text] in " ".join(answer.err.split())
    assert not (cwd / "data").exists()


@pytest.mark.parametrize(
    ("target", "name"), [("parquet:data", "month"), ("postgresql://h/d", "ctid")]
)
def test_a_column_that_the_destination_has_itself_is_a_sentence(target, name, cwd, run) -> None:
    drift = f"schema_drift: [{{start_date: 2025-09-03, added: {name}, value: x}}]"
    (cwd / "faults.yml").write_text(drift)
    answer = run("generate", "smoke", "--faults", "faults.yml", "--to", target)
    assert answer.code == 2
    assert f"performance_hourly: a column cannot be called '{name}', which" in answer.err
    assert answer.err.strip().endswith("give it another name")
    assert not (cwd / "data").exists()


def test_a_file_stands_in_for_the_faults_of_a_workflow(cwd, run) -> None:
    (cwd / "faults.yml").write_text("duplicates: [{campaigns: [3]}]")
    answer = run("generate", "faulty", "--faults", "faults.yml", "--json")
    rows = {table["table"]: table["rows"] for table in answer.json["tables"]}
    clean = run("generate", "complete", "--replace", "--json").json
    before = {table["table"]: table["rows"] for table in clean["tables"]}
    of_the_campaign = 92 * 24 * 2 * 2
    assert rows["raw.performance_hourly"] == before["raw.performance_hourly"] + of_the_campaign
    assert rows["raw.fault_log"] == 92
    assert before["raw.fault_log"] == 0


def test_faults_that_are_not_there_are_a_sentence(cwd) -> None:
    result = generate("generate", "smoke", "--faults", "none.yml", cwd=cwd)
    assert result.returncode == 2
    assert "none.yml: cannot be read" in result.stderr
