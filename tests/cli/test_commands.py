"""What the commands around `generate` promise: additions that leave the rest alone, and JSON."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import jsonschema
import numpy as np
import pytest

from generator.cli.catalogue import Catalogue
from generator.clock import day_number, hours_of
from generator.delivery.supply import country_supply
from generator.engines import local
from generator.market.shares import recorded_days
from generator.platform.life import Life
from generator.scenario.kinds import TemplateKind
from generator.scenario.templates import BUNDLED, Library, dataset, platform
from generator.schema import TABLES
from generator.schema.ddl import create_table
from generator.sinks.duckdb import DuckdbAddition, DuckdbSink
from generator.world.build import build_world
from tests.support.invariants import violations

DATABASE = "data/ads.duckdb"
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}
ROWS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
DAY = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}


def shape(**properties) -> dict:
    """A JSON schema of an object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def items(**properties) -> dict:
    return {"type": "array", "items": shape(**properties)}


CAMPAIGN = shape(
    database=TEXT, campaign_id=WHOLE, name=TEXT, advertiser_id=WHOLE, advertiser=TEXT,
    scenario=TEXT, platform=TEXT, start_date=DAY, end_date=DAY, status=TEXT, rows=ROWS,
    notices=TEXTS,
)  # fmt: skip
LISTING = shape(kind=TEXT, entries=items(name=TEXT, description=TEXT))
DESCRIPTION = shape(
    kind=TEXT,
    name=TEXT,
    description=TEXT,
    file={"type": ["string", "null"]},
    grain={"type": ["array", "null"], "items": TEXT},
    columns=items(
        name=TEXT,
        type=TEXT,
        unit={"type": ["string", "null"]},
        nullable={"type": "boolean"},
        references={"type": ["string", "null"]},
        description=TEXT,
    )
    | {"type": ["array", "null"]},
    members={"type": ["array", "null"], "items": TEXT},
    content={"type": ["object", "null"]},
)
SCHEMAS = {
    "generate smoke": shape(
        workflow=TEXT, seed=WHOLE, as_of=DAY, database=TEXT, notices=TEXTS,
        next={"type": ["string", "null"]},
        tables=items(table=TEXT, rows=WHOLE, hash={"type": "string", "pattern": "^[0-9a-f]{16}$"}),
    ),
    "live smoke --to ndjson:live --speed max --until 2025-09-08": shape(
        workflow=TEXT, target=TEXT, event_time=TEXT, is_complete={"type": "boolean"},
        events=WHOLE, late_events=WHOLE, duplicate_events=WHOLE, hourly_rows=WHOLE, slices=WHOLE,
        errors=WHOLE, notices=TEXTS,
    ),
    "dbt-seeds .": shape(files=TEXTS),
    "init project": shape(folder=TEXT, files=WHOLE),
    "init-db": shape(
        database=TEXT,
        tables={
            "type": "object",
            "additionalProperties": {"enum": ["created", "migrated", "kept"]},
            "minProperties": len(TABLES),
        },
    ),
    "create-advertiser --auto": shape(database=TEXT, advertiser={"type": "object"}),
    "create-campaign --advertiser-id 1 --auto --set campaign.budget.amount=9": CAMPAIGN,
    "create-profile --name small_two_weeks": CAMPAIGN,
    "create-example --example nexbank_conversion --set campaign.budget.amount=9": CAMPAIGN,
    "remove --campaign-id 2": shape(database=TEXT, campaign_id=WHOLE, rows=ROWS),
    "status": shape(
        database=TEXT,
        run=shape(workflow=TEXT, seed=WHOLE, as_of_date=DAY, generator_version=TEXT),
        first_hour=TEXT,
        last_hour=TEXT,
        tables=items(table=TEXT, rows=WHOLE),
        campaigns=items(
            campaign_id=WHOLE, name=TEXT, advertiser=TEXT, platform=TEXT, scenario=TEXT,
            status=TEXT, start_date=DAY, end_date=DAY, budget_type=TEXT, budget_micros=WHOLE,
            spend_micros=WHOLE, impressions=WHOLE, currency_code=TEXT,
        ),
    ),
    "status --config": shape(
        settings=items(
            name=TEXT,
            value={"type": ["string", "integer", "null"]},
            source=TEXT,
            environment=TEXT,
        )
    ),
    "list profiles": LISTING,
    "list enums": LISTING,
    "describe campaigns": DESCRIPTION,
    "describe BudgetType": DESCRIPTION,
    "describe netflix_like": DESCRIPTION,
    "validate mine.yml": shape(file=TEXT, kind=TEXT, name=TEXT, scenarios=TEXTS, notices=TEXTS),
}  # fmt: skip

NUMBER = {"type": ["number", "null"]}
JUDGED = items(
    name=TEXT, what=TEXT, unit=TEXT, status=TEXT, is_binding={"type": "boolean"},
    measured_value=NUMBER, low=NUMBER, high=NUMBER, impressions=NUMBER,
    why_not_applicable={"type": ["string", "null"]},
)  # fmt: skip
SCHEMAS_OF_MARTS = {
    "scorecard": shape(
        database=TEXT, workflow=TEXT, platform=TEXT, benchmarks=JUDGED, shapes=JUDGED
    ),
    "report --output report.html": shape(files=TEXTS),
}


@pytest.fixture
def smoke(cwd, run) -> Path:
    """A database with `smoke` in it, in the current folder."""
    assert run("generate", "smoke").code == 0
    return cwd / DATABASE


def rows(file: Path) -> dict[str, list]:
    """Every row of the raw tables as text, in order."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            table.table_name: connection.execute(
                f"select t::varchar from {table.relation()} t order by 1"
            ).fetchall()
            for table in TABLES
        }


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_json_of_every_command_has_its_schema(smoke, cwd, run) -> None:
    (cwd / "mine.yml").write_text("extends: small_two_weeks\nname: mine\n")
    for command, schema in SCHEMAS.items():
        answer = run(*command.split(), "--json")
        assert answer.code == 0, answer.err
        jsonschema.validate(answer.json, schema)
    commands = {command.split()[0] for command in (*SCHEMAS, *SCHEMAS_OF_MARTS)}
    # What runs until it is stopped, or runs dbt: tests/watch, tests/cli/test_dbt_project.py.
    commands |= {"dbt", "build", "watch"}
    assert commands == set(help_names(run))


def test_json_of_the_commands_that_read_marts_has_its_schema(built_database, cwd, run) -> None:
    for command, schema in SCHEMAS_OF_MARTS.items():
        answer = run(*command.split(), "--database", str(built_database), "--json")
        assert answer.code == 0, answer.err
        jsonschema.validate(answer.json, schema)


def help_names(run) -> list[str]:
    """The commands that `--help` lists, in all its panels but that of the options."""
    lines = run("--help").out.partition("╰")[2].splitlines()
    return [line.split()[1] for line in lines if line.startswith("│ ") and line[2] != " "]


def test_the_help_of_every_command_is_one_screen(run, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = help_names(run)
    assert {"generate", "status", "list"} <= set(names)
    names.remove("dbt")  # answers with dbt's own help
    for command in ([], ["dbt-sources"], *([name] for name in names)):
        shown = run(*command, "--help").out.splitlines()
        assert len(shown) <= 50, command
        assert max(map(len, shown)) <= 80
        # No types of Python, such as <str>.
        assert not any("<" in line for line in shown)


def test_an_added_campaign_is_the_one_that_the_whole_would_have_had(cwd, run) -> None:
    """The last scenario of a workflow, added by hand to the others: the same rows."""
    data = dataset("three_platforms")
    all_but_last = replace(data, scenarios=data.scenarios[:-1])
    platforms = {scenario.campaign.platform for scenario in all_but_last.scenarios}
    all_but_last = replace(
        all_but_last, platforms={n: p for n, p in data.platforms.items() if n in platforms}
    )
    file = cwd / "part.duckdb"
    local.run(build_world(all_but_last), DuckdbSink(file, TABLES))
    before = rows(file)
    answer = run("create-profile", "--name", data.scenarios[-1].name, "--to", str(file))
    assert answer.code == 0, answer.err
    whole = cwd / "whole.duckdb"
    local.run(build_world(data), DuckdbSink(whole, TABLES))
    after, expected = rows(file), rows(whole)
    for name in before:
        assert set(before[name]) <= set(after[name]), name
        assert set(after[name]) <= set(expected[name]), name
        # Days of the earlier platforms, and earlier advertisers on its platform, are not added.
        if name not in {"inventory_hourly", "prices_weekly"}:
            assert after[name] == expected[name], name
    with duckdb.connect(str(file), read_only=True) as connection:
        assert violations(connection) == {}


def test_additions_continue_the_ids_and_leave_earlier_rows_alone(smoke, run) -> None:
    before = rows(smoke)
    for expected in (2, 3):
        answer = run(
            "create-campaign", "--advertiser-id", "1", "--auto", "--objective", "AWARENESS",
            "--set", "campaign.budget.amount=200", "--json",
        )  # fmt: skip
        assert answer.json["campaign_id"] == expected
    after = rows(smoke)
    assert all(set(before[name]) <= set(after[name]) for name in before)
    with duckdb.connect(str(smoke), read_only=True) as connection:
        assert violations(connection) == {}
        ids = connection.execute(
            "select campaign_id, line_item_id, creative_id from raw.creatives "
            "join raw.line_items using (line_item_id) order by all"
        ).fetchall()
        covered = connection.execute(
            "select count(*) from (select distinct hour_ts, device from raw.performance_hourly) "
            "anti join raw.inventory_hourly using (hour_ts, device)"
        ).fetchone()
    assert all(item // 100 == campaign and ad // 100 == item for campaign, item, ad in ids)
    assert covered == (0,)


def test_a_campaign_that_is_added_to_a_market_meets_its_prices_and_its_incidents(cwd, run) -> None:
    """On the days of the market it sees what the market's own campaigns see, and after them no
    market."""
    market = [
        f"--set={change}"
        for change in (
            "market.platforms=[netflix_like]", "market.campaigns=40", "life.incidents=3",
            "market.start_date=2025-06-01", "market.end_date=2025-06-30",
        )
    ]  # fmt: skip
    assert run("generate", "market", "--log", "none", "--quiet", *market).code == 0
    before = rows(cwd / DATABASE)
    flights = "campaign.flights=[{start_date: 2025-06-02, end_date: 2025-07-09}]"
    added = run("create-profile", "--name", "small_two_weeks", "--set", flights, "--json")
    assert added.code == 0, added.err
    after = rows(cwd / DATABASE)
    assert all(set(before[name]) <= set(after[name]) for name in before)
    with duckdb.connect(cwd / DATABASE, read_only=True) as connection:
        assert violations(connection) == {}
        incidents = """
            select fault, activity_date from raw.fault_log
            join (select distinct campaign_id, activity_date from raw.audience_daily)
                using (campaign_id, activity_date)
            where fault like '% netflix_like %' and campaign_id {} $added
                and activity_date between '2025-06-02' and '2025-06-30'"""
        of_market, met = (
            set(connection.execute(incidents.format(which), {"added": 41}).fetchall())
            for which in ("<>", "=")
        )
        assert len(met) > 5
        assert met <= of_market
        later = "select bool_and((booked_share is null) = (hour_ts >= '2025-07-01')) from "
        assert connection.execute(later + "raw.inventory_hourly").fetchone() == (True,)
        prices = connection.execute(
            "select price_index from raw.inventory_hourly where country = 'US' "
            "and hour_ts >= '2025-06-02' and hour_ts < '2025-06-30' order by rowid"
        ).fetchnumpy()["price_index"]
    with DuckdbAddition(cwd / DATABASE, TABLES) as sink:
        shares = sink.booked_shares("netflix_like")
    hours = hours_of(day_number(date(2025, 6, 2)), day_number(date(2025, 6, 29)))
    model = platform("netflix_like").with_life(Life(incidents=3))
    booked = recorded_days(model, shares, hours // 24)["US"]
    seen = country_supply(model, "US", hours, 2025, booked).price_index
    assert np.abs(seen.ravel() / prices - 1).max() < 1e-3


def test_a_removed_campaign_leaves_no_row_and_takes_no_other(smoke, run) -> None:
    before = rows(smoke)
    added = run("create-profile", "--name", "small_two_weeks", "--json").json
    removed = run("remove", "--campaign-id", str(added["campaign_id"]), "--json").json
    kept = {"advertisers", "holidays", "inventory_hourly", "prices_weekly"}
    assert removed["rows"] == {k: v for k, v in added["rows"].items() if k not in kept}
    after = rows(smoke)
    assert {k: v for k, v in after.items() if k not in kept} == {
        k: v for k, v in before.items() if k not in kept
    }
    assert run("remove", "--campaign-id", "77").code == 2


def test_an_empty_database_is_filled_by_hand(cwd, run) -> None:
    assert set(run("init-db", "--json").json["tables"].values()) == {"created"}
    assert set(run("init-db", "--json").json["tables"].values()) == {"kept"}
    assert run("status").code == 0
    made = run("create-advertiser", "--name", "Quiet Kettle", "--email", "a@kettle.example")
    assert made.code == 0, made.err
    answer = run("create-campaign", "--advertiser-id", "Quiet Kettle", "--auto", "--json")
    assert answer.json["campaign_id"] == 1
    with duckdb.connect(DATABASE, read_only=True) as connection:
        assert connection.execute("from raw.runs select workflow, seed").fetchall() == [
            ("by_hand", 2025)
        ]
        assert violations(connection) == {}


def test_a_database_of_an_older_version_is_migrated_with_its_rows(smoke, run) -> None:
    before = rows(smoke)
    with duckdb.connect(str(smoke)) as connection:
        connection.execute("alter table raw.campaigns drop column external_ref")
        connection.execute("drop table raw.frequency_caps")
    changed = digest(smoke)
    refused = run("create-profile", "--name", "small_two_weeks")
    assert refused.code == 2
    assert "`init-db` makes or migrates" in refused.err
    assert digest(smoke) == changed
    changes = run("init-db", "--json").json["tables"]
    assert changes["campaigns"] == "migrated"
    assert changes["frequency_caps"] == "created"
    assert changes["flights"] == "kept"
    assert rows(smoke) == before
    assert run("create-profile", "--name", "small_two_weeks").code == 0


def test_a_column_that_nobody_knows_is_not_thrown_away(smoke, run) -> None:
    with duckdb.connect(str(smoke)) as connection:
        connection.execute("alter table raw.campaigns add column my_note varchar")
    answer = run("init-db")
    assert answer.code == 2
    assert "columns that this version does not know (my_note)" in answer.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create-campaign", "--advertiser-id", "9", "--auto"), "no advertiser '9'; near it: 1 "),
        (("create-campaign", "--advertiser-id", "1"), "give --profile NAME, or --auto"),
        (("create-campaign", "--auto"), "--advertiser-id"),
        (
            ("create-campaign", "--advertiser-id", "1", "--profile", "small_two_week"),
            "did you mean 'small_two_weeks'?",
        ),
        (("create-advertiser",), "give --name, or --auto"),
        (("create-advertiser", "--name", "x", "--email", "x@gmail.com"), "--email: contact_email"),
        (("create-example",), "give --example NAME, --template FILE"),
        (("create-profile", "--name", "x", "--template", "no.yml"), "no.yml: cannot be read"),
        (("remove", "--campaign-id", "5"), "there is no campaign 5"),
        (("list", "recipes"), "cannot list 'recipes'"),
        (("describe", "campaign_reac"), "did you mean 'campaign_reach'?"),
        (("status", "--to", "parquet:x"), "this command works on a DuckDB file"),
        (("generate", "smoke", "--to", "mysql://h/d"), "there are FILE or duckdb:FILE"),
        (("status", "--to", "nowhere.duckdb"), "nowhere.duckdb: does not exist"),
        (("create-profile", "--name", "mobile_consideration", "--to", "no.duckdb"), "init-db"),
        (("generate", "smoke", "--as-of", "soon"), "--as-of"),
        (("generate", "market", "--campaigns", "5", "--set", "market.made=9"), "all the 5"),
        (("generate", "market", "--campaigns", "-5"), "error: --campaigns -5: market.campaigns: "),
        (
            ("generate", "market", "--from", "2025-10-19", "--until", "2025-10-06"),
            "error: --until 2025-10-06: market: end_date 2025-10-06 lies before",
        ),
        (
            ("generate", "market", "--set", "markt.made=5"),
            "--set markt.made=5: there is no markt.made in a market; there are market.platforms,",
        ),
        (
            ("generate", "smoke", "--set", "campaign.budget=9"),
            "a mapping of amount, type",
        ),
        (("create-advertiser", "--name", "x", "--email", "x@y.com"), "those end in .example"),
        (("dbt-seeds", "nowhere"), "there is no folder nowhere"),
        (("generate", "smoke", "--set", "campaign.budget"), "is written path=value"),
        (("generate", "smoke", "--templates", "nowhere"), "is not a folder of templates"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence_with_exit_code_2(smoke, run, arguments, sentence) -> None:
    before = digest(smoke)
    answer = run(*arguments)
    assert answer.code == 2
    assert sentence in " ".join(answer.err.split())
    assert answer.out == ""
    assert digest(smoke) == before


def test_today_is_a_day_and_the_data_ends_yesterday(cwd, run, monkeypatch) -> None:
    """As an option, a variable and a setting; a market can end today, too."""
    monkeypatch.setattr("generator.clock.today", lambda: date(2025, 9, 20))
    market = ("market", "--campaigns", "2", "--from", "2025-09-01", "--until", "today")
    for way in ("option", "variable", "file"):
        if way == "variable":
            monkeypatch.setenv("ADS_AS_OF", "today")
        if way == "file":
            monkeypatch.delenv("ADS_AS_OF")
            Path("ads.yml").write_text("as_of: today\n")
        option = ("--as-of", "today") if way == "option" else ()
        for source in (("smoke",), market):
            made = run("generate", *source, *option, "--to", "ads.duckdb", "--replace", "--json")
            assert made.json["as_of"] == "2025-09-20", way
            shown = run("status", "--to", "ads.duckdb", "--json").json
            assert shown["last_hour"].startswith("2025-09-19T23"), (way, source)


def test_as_of_and_set_and_select(cwd, run) -> None:
    answer = run(
        "generate", "complete", "--as-of", "2025-09-20", "--select", "luxury_auto_awareness",
        "--set", "luxury_auto_awareness.campaign.target_cpm=50",
        "--set", "campaign.name=Everybody", "--to", "duckdb:some.duckdb",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    (campaign,) = run("status", "--to", "some.duckdb", "--json").json["campaigns"]
    assert (campaign["name"], campaign["status"]) == ("Everybody", "ACTIVE")
    assert campaign["spend_micros"] == campaign["impressions"] * 50_000


def test_settings_come_from_option_environment_file_and_default(cwd, run, monkeypatch) -> None:
    def config(*options: str) -> dict[str, tuple]:
        found = run("status", "--config", "--json", *options).json["settings"]
        return {setting["name"]: (setting["value"], setting["source"]) for setting in found}

    assert config()["database"] == (DATABASE, "default")
    (cwd / "ads.yml").write_text("database: file.duckdb\nseed: 3\n")
    assert config()["database"] == ("file.duckdb", "ads.yml")
    assert config()["seed"] == (3, "ads.yml")
    monkeypatch.setenv("ADS_DATABASE", "environment.duckdb")
    monkeypatch.setenv("ADS_SEED", "4")
    assert config()["seed"] == (4, "environment ADS_SEED")
    assert config()["database"] == ("environment.duckdb", "environment ADS_DATABASE")
    assert config("--to", "option.duckdb")["database"] == ("option.duckdb", "option")
    assert run("generate", "smoke", "--json").json["seed"] == 4
    assert run("generate", "smoke", "--seed", "5", "--replace", "--json").json["seed"] == 5
    (cwd / "ads.yml").write_text("sead: 3\n")
    wrong = run("status", "--config")
    assert (wrong.code, wrong.err) == (
        2, "error: ads.yml:1: sead: unknown key; did you mean 'seed'?\n",
    )  # fmt: skip


def test_a_setting_of_null_is_not_set(cwd, run) -> None:
    (cwd / "ads.yml").write_text("engine: null\ndatabase: ~\njobs:\nlog_level: Null\n")
    settings = run("status", "--config", "--json").json["settings"]
    assert {setting["source"] for setting in settings} == {"default"}
    (cwd / "ads.yml").write_text("sead: null\n")
    assert "sead: unknown key; did you mean 'seed'?" in run("status", "--config").err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("log_level: 3", "3 is not known; there is DEBUG, ERROR, INFO, WARNING"),
        ("log_level: no", "no is not known; there is DEBUG, ERROR, INFO, WARNING"),
        ("engine: 1.5", "1.5 is not known; there is local, spark"),
        ("database: 3", '3 is a number in YAML; put quotes around it: "3"'),
    ],
)
def test_a_setting_of_the_wrong_kind_names_what_is_allowed(cwd, run, text, sentence) -> None:
    (cwd / "ads.yml").write_text(text + "\n")
    answer = run("status", "--config")
    assert (answer.code, answer.err) == (
        2, f"error: ads.yml:1: {text.partition(':')[0]}: {sentence}\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (os.mkfifo, "is not a file"),
        (os.mkdir, "is not a file"),
        (lambda file: file.symlink_to("missing"), "is a link to a file that does not exist"),
    ],
    ids=["pipe", "folder", "dangling link"],
)
def test_settings_that_are_no_file_are_refused(cwd, run, make, sentence) -> None:
    make(cwd / "ads.yml")
    answer = run("list", "tables")
    assert (answer.code, answer.err) == (2, f"error: ads.yml: {sentence}\n")


@pytest.mark.parametrize(
    "command",
    [
        "validate f.yml", "generate ./f.yml", "generate smoke --faults f.yml",
        "create-example --template f.yml", "build --database f.yml", "report --database f.yml",
        "scorecard --database f.yml",
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_no_command_waits_for_a_pipe_or_reads_a_folder(cwd, run, command: str, make) -> None:
    make(cwd / "f.yml")
    answer = run(*command.split())
    assert answer.code == 2
    assert "is not a file" in answer.err


def test_a_pipe_that_a_shell_made_is_read_to_its_end(cwd, run) -> None:
    text = (BUNDLED / "examples" / "luxury_auto_awareness.yml").read_bytes()
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write(text)
    answer = run("validate", f"/dev/fd/{reader}")
    os.close(reader)
    assert (answer.code, answer.err) == (0, "")


def test_quiet_says_nothing_and_verbose_says_what_is_read(cwd, run) -> None:
    assert run("generate", "smoke", "--quiet").out == ""
    assert "reading" in run("generate", "smoke", "--verbose").err


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("debug", "DEBUG"), ("Trace", "DEBUG"), ("notice", "INFO"), (" info ", "INFO"),
        ("warn", "WARNING"), ("WARNING", "WARNING"), ("critical", "ERROR"), ("Fatal", "ERROR"),
    ],
)  # fmt: skip
def test_levels_of_messages_have_their_usual_names(cwd, run, monkeypatch, level, kept) -> None:
    def configured() -> str:
        settings = run("status", "--config", "--json").json["settings"]
        return {setting["name"]: setting["value"] for setting in settings}["log_level"]

    monkeypatch.setenv("ADS_LOG_LEVEL", level)
    assert ("reading" in run("describe", "smoke").err) == (kept == "DEBUG")
    assert configured() == kept
    monkeypatch.delenv("ADS_LOG_LEVEL")
    (cwd / "ads.yml").write_text(f"log_level: {level!r}\n")
    assert configured() == kept


def test_an_unknown_level_of_our_own_variable_is_refused(cwd, run, monkeypatch) -> None:
    monkeypatch.setenv("ADS_LOG_LEVEL", "loud")
    answer = run("status", "--config")
    assert answer.code == 2
    assert answer.err.startswith("error: environment ADS_LOG_LEVEL: log_level: 'LOUD' is not known")


@pytest.mark.parametrize("level", ["warn", "CRITICAL", "trace", "7", "nonsense"])
def test_variables_of_other_programs_change_nothing(cwd, run, monkeypatch, level) -> None:
    expected = run("describe", "smoke")
    for name in ("LOG_LEVEL", "SEED", "JOBS", "ENGINE", "DATABASE", "TEMPLATES", "AS_OF"):
        monkeypatch.setenv(name, level)
    assert run("describe", "smoke") == expected
    assert expected.code == 0
    assert {"default"} == {
        setting["source"] for setting in run("status", "--config", "--json").json["settings"]
    }


def test_a_campaign_cannot_begin_before_its_advertiser_was_a_customer(smoke, run) -> None:
    since = run("create-advertiser", "--name", "Late", "--json").json["advertiser"]["created_at"]
    before = digest(smoke)
    early = "campaign.flights=[{start_date: 2020-03-01, end_date: 2020-03-02}]"
    refused = run(
        "create-campaign", "--advertiser-id", "Late", "--profile", "small_two_weeks", "--set", early
    )
    assert refused.code == 2
    assert f"is a customer since {since[:10]}, and a flight begins 2020-03-01" in refused.err
    assert digest(smoke) == before


def test_a_flight_after_the_as_of_day_is_reported(cwd, run) -> None:
    """A flight after the as-of day has no delivery: every command that books it gives a notice."""
    ahead = ("--set", "campaign.flights=[{start_date: 2027-03-01, end_date: 2027-03-02}]")
    (cwd / "mine.yml").write_text("extends: small_two_weeks\nname: mine\n")
    for command in (
        ("generate", "mine.yml"),
        ("validate", "mine.yml"),
        ("create-profile", "--name", "small_two_weeks"),
    ):
        answer = run(*command, *ahead)
        assert answer.code == 0
        assert "no flight begins before " in answer.err
        (notice,) = run(*command, *ahead, "--json").json["notices"]
        assert notice in answer.err
    assert run("status", "--json").json["first_hour"] is None
    assert "no flight" not in run("generate", "mine.yml", "--replace").err


def test_a_market_that_goes_on_after_it_is_seen_says_so(cwd, run) -> None:
    period = ("--from", "2025-10-06", "--until", "2025-10-12")
    for as_of, is_told in (("2025-10-08", True), ("2025-10-13", False)):
        answer = run("generate", "market", "--campaigns", "2", *period, "--as-of", as_of)
        assert answer.code == 0, answer.err
        assert ("goes on until 2025-10-12" in answer.err) == is_told


def test_a_run_that_was_there_in_part_says_how_much(cwd, run) -> None:
    few = ("--campaigns", "200", "--tables", "campaigns", "--tables", "performance_hourly")
    market = ("generate", "market", *few, "--to", "parquet:raw", "--json")
    assert run(*market).json["notices"] == []
    files = sorted((cwd / "raw").rglob("campaigns/*.parquet"))
    assert len(files) > 1
    files[-1].unlink()
    (mended,) = run(*market).json["notices"]
    there, _, rest = mended.partition(" of 200 campaigns were complete from an earlier run")
    assert rest == " and were kept"
    assert 0 < int(there) < 200
    (whole,) = run(*market).json["notices"]
    assert whole.startswith("200 of 200 campaigns were complete")


def test_faults_that_touch_nothing_are_told(cwd, run) -> None:
    for start, is_told in (("2030-01-01", True), ("2020-01-01", False)):
        (cwd / "faults.yml").write_text(f"duplicates:\n  - start_date: {start}\n")
        answer = run("generate", "smoke", "--faults", "faults.yml", "--replace")
        assert answer.code == 0, answer.err
        assert ("no row matched these faults" in answer.err) == is_told


NAMES = [
    'O\'Brien & "Sons"; drop table raw.campaigns; --',
    "🎬🍿 Kino 🎞️",
    "شركة الإعلانات",
    "名前　テスト",
    "[bold]not markup[/bold] {{ jinja }} {% raw %}",
    "back\\slash, comma, %s, ?, $1",
    "x" * 255,
    "é" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_survives_the_way_into_duckdb_and_back(smoke, run, name) -> None:
    assert run("create-advertiser", "--name", name).code == 0
    answer = run(
        "create-campaign", "--advertiser-id", name, "--profile", "small_two_weeks",
        "--set", f"campaign.name={name}", "--set", "campaign.budget.amount=10",
        "--set", f"line_items[0].creatives[0].name={json.dumps(name, ensure_ascii=False)}",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    with duckdb.connect(str(smoke), read_only=True) as connection:
        assert connection.execute(
            "select a.name, c.name from raw.campaigns c join raw.advertisers a "
            "using (advertiser_id) where campaign_id = 2"
        ).fetchall() == [(name, name)]
        assert connection.execute(
            "select name from raw.creatives where creative_id // 10000 = 2"
        ).fetchall() == [(name,)]
    held = run("status", "--json").json["campaigns"][1]
    assert (held["name"], held["advertiser"]) == (name, name)
    assert run("status").code == 0


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\x00b", "line\nbreak", "\ud83d"], ids=repr)
def test_a_name_that_is_no_text_is_refused(smoke, run, name) -> None:
    before = digest(smoke)
    answer = run("create-advertiser", "--name", name)
    assert answer.code == 2
    assert answer.err.startswith("error: --name: name: ")
    assert digest(smoke) == before


def test_a_folder_of_ones_own_adds_templates(smoke, cwd, run, monkeypatch) -> None:
    for kind in ("profiles", "platforms"):
        (cwd / "mine" / kind).mkdir(parents=True)
    (cwd / "mine/platforms/cinema.yml").write_text(
        "extends: netflix_like\nname: cinema\ntitle: Cinema\nsupply: {ad_minutes_per_hour: 12}\n"
    )
    (cwd / "mine/profiles/lobby.yml").write_text(
        "extends: small_two_weeks\nname: lobby\ncampaign: {platform: cinema}\n"
    )
    assert run("create-profile", "--name", "lobby").code == 2
    answer = run("create-profile", "--name", "lobby", "--templates", "mine", "--json")
    assert answer.json["platform"] == "cinema"
    monkeypatch.setenv("ADS_TEMPLATES", "mine")
    assert "lobby" in run("list", "profiles").out
    assert (
        run("describe", "cinema", "--json").json["content"]["supply"]["ad_minutes_per_hour"] == 12
    )
    (cwd / "seeds").mkdir()
    assert run("dbt-seeds", "seeds", "--quiet").code == 0
    for name in ("population", "calendar", "markets"):
        assert "\ncinema," in (cwd / f"seeds/platform_{name}.csv").read_text()
    catalogue = Catalogue(Library(Path("mine")))
    assert catalogue.profiles["lobby"].campaign.platform == "cinema"
    assert catalogue.platforms.cinema.title == "Cinema"


def test_every_name_can_be_described(run) -> None:
    catalogue = Catalogue()
    for kind, members in catalogue.kinds().items():
        listed = run("list", kind, "--json").json["entries"]
        assert [member["name"] for member in listed] == list(members)
        assert all(member["description"] for member in listed), kind
        for name in members:
            assert catalogue.description(name).description
    for name in catalogue.library.names(TemplateKind.PROFILES):
        assert run("describe", name).code == 0
    assert create_table(catalogue.Campaign)
