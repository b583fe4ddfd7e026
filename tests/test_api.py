"""The door for Python: the rows that the command line lands, without a file."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pyarrow as pa
import pytest

import generator
from generator import catalogue, generate, tables
from generator.scenario.errors import InputError
from generator.schema import TABLES, PerformanceHourly
from generator.schema.arrow import arrow_schema
from generator.sinks.fingerprint import Fingerprint
from tests.support.project import ROOT

MAPPING = {"extends": "small_two_weeks", "campaign": {"budget": {"amount": 500}}}


def fingerprint(table: pa.Table) -> str:
    counted = Fingerprint()
    for batch in table.to_batches():
        counted.add(batch)
    return counted.tally.hexdigest


def test_tables_have_the_rows_and_columns_that_the_command_line_lands(cwd, run) -> None:
    landed = run("generate", "smoke", "--json").json["tables"]
    data = tables("smoke")
    relations = {table.table_name: table.relation() for table in TABLES}
    assert {relations[name]: fingerprint(table) for name, table in data.items()} == {
        row["table"]: row["hash"] for row in landed
    }
    assert {name: table.schema for name, table in data.items()} == {
        table.table_name: arrow_schema(table) for table in TABLES
    }


@pytest.mark.parametrize(("only", "share"), [(["runs"], None), (["runs", "ad_errors"], 0.01)])
def test_a_run_without_the_tables_of_the_log_records_none(only, share) -> None:
    assert tables("smoke", only=only)["runs"]["log_share"].to_pylist() == [share]


def test_batches_are_the_rows_of_the_tables() -> None:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in generate("smoke"):
        batches.setdefault(name, []).append(batch)
    for name, table in tables("smoke", only=["campaigns", "campaign_reach"]).items():
        assert pa.Table.from_batches(batches[name]).equals(table)


def test_a_mapping_is_read_like_the_file_of_it(cwd) -> None:
    (cwd / "mine.yml").write_text(
        "name: mine\nextends: small_two_weeks\ncampaign: {budget: {amount: 500}}\n"
    )
    assert tables({**MAPPING, "name": "mine"}) == tables("mine.yml") == tables(cwd / "mine.yml")


def test_seed_day_overrides_and_templates_are_those_of_the_command_line(cwd) -> None:
    (cwd / "mine/workflows").mkdir(parents=True)
    (cwd / "mine/workflows/lobby.yml").write_text("name: lobby\nextends: smoke\n")
    data = tables(
        "lobby",
        seed=9,
        as_of=date(2025, 9, 12),
        sets=["campaign.budget.amount=50"],
        templates="mine",
    )
    assert data["runs"].column("seed").to_pylist() == [9]
    assert data["budgets"].column("amount_micros").to_pylist() == [50_000_000]
    days = data["performance_hourly"].column("hour_ts").cast(pa.date32()).to_pylist()
    assert max(days) < date(2025, 9, 12)


def test_faults_come_with_their_columns() -> None:
    data = tables("faulty", only=["performance_hourly", "fault_log"])
    assert data["fault_log"].num_rows
    plain = arrow_schema(PerformanceHourly).names
    assert set(plain) < set(data["performance_hourly"].schema.names)


def test_progress_counts_campaigns() -> None:
    seen: list[tuple[int, int]] = []
    for _ in generate("smoke", progress=lambda done, total: seen.append((done, total))):
        pass
    assert seen[-1] == (1, 1)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: tables("smok"), "did you mean 'smoke'"),
        (lambda: tables("smoke", only=["campaign"]), "there is no table 'campaign'"),
        (lambda: tables({"extends": "small_two_weeks", "campain": {}}), "campain"),
        (lambda: next(generate("smoke", sets=["x"])), "is written path=value"),
        (lambda: tables({"name": 3}), "name"),
        (lambda: tables("smoke", seed=-1), "seed"),
    ],
)
def test_bad_input_is_an_input_error_with_a_sentence(call, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        call()


def test_the_catalogue_is_at_the_door() -> None:
    assert "smoke" in catalogue.workflows
    assert set(dir(generator)) >= {"catalogue", "generate", "tables"}
    with pytest.raises(AttributeError, match="no attribute 'table'"):
        _ = generator.table  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_of_it() -> None:
    script = "import sys, generator; print([n for n in sys.modules if n.startswith('generator.')])"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert loaded.stdout == "[]\n"
