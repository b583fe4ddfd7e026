"""A destination as people write it: which sink it stands for, and what is said of it."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from generator.schema import TABLES
from generator.sinks.csv import CsvSink
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.errors import DestinationError
from generator.sinks.parquet import ParquetSink
from generator.sinks.postgresql import PostgresqlSink
from generator.sinks.target import SCHEMES, label, sink_class, sink_of

ADDRESS = "postgresql://ads:s3cr%40t@db.example:5432/ads"


@pytest.mark.parametrize(
    ("target", "sink"),
    [
        ("data/ads.duckdb", DuckdbSink),
        ("duckdb:data/ads.duckdb", DuckdbSink),
        ("DuckDB:data/ads.duckdb", DuckdbSink),
        ("parquet:data/parquet", ParquetSink),
        ("parquet:s3://bucket/prefix", ParquetSink),
        ("s3://bucket/prefix", ParquetSink),
        ("csv:data/csv", CsvSink),
        (ADDRESS, PostgresqlSink),
        ("postgres://db.example/ads", PostgresqlSink),
    ],
)
def test_a_target_stands_for_a_sink(target: str, sink: type) -> None:
    assert type(sink_of(target, TABLES)) is sink
    assert sink in map(sink_class, SCHEMES)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("mysql://u:secret@h.example/ads", r"mysql://u:\*\*\*@h.example/ads: is not a dest"),
        ("x://y", "x://y: is not a destination"),
        ("papyrus:roll", "papyrus:roll: is not a destination; there are FILE or duckdb:FILE"),
        ("s3:bucket", "s3:bucket: is not a destination"),
        ("s3://", "s3://: names no bucket"),
        ("parquet:s3:///prefix", "names no bucket"),
        ("data/all.csv", "would be a DuckDB file; for csv files give csv:DIR"),
        ("all.Parquet", "would be a DuckDB file; for parquet files give parquet:DIR"),
        ("postgresql:ads", "postgresql:ads: is not a destination"),
        ("parquet:", "is not a folder"),
        ("parquet:gs://bucket", "is not a folder"),
        ("parquet:{file}", "is not a folder"),
        ("csv:{file}", "is not a folder"),
        ("csv:s3://bucket/x", "only Parquet files are written to S3"),
        ("duckdb: ", "is not a file"),
        (":memory:", "a database in memory ends with the command; give the path of a file"),
        ("duckdb::memory:", "a database in memory ends with the command"),
        (":MEMORY:shared", "a database in memory ends with the command"),
        ("duckdb:", "is not a file"),
        ("", "is not a file"),
        ("~no-such-user/x.duckdb", "there is no user with this home folder; for a file of"),
        ("parquet:~no-such-user", "there is no user with this home folder"),
        ("{folder}", "is not a file"),
        ("duckdb:{folder}", "is not a file"),
        ("{pipe}", "is not a file"),
        ("/dev/null", "is not a file"),
        ("parquet:{pipe}", "is not a folder"),
        ("csv:/dev/null", "is not a folder"),
    ],
)  # fmt: skip
def test_what_is_not_a_target_is_a_sentence(target: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    target = target.format(file=tmp_path / "file", folder=tmp_path, pipe=tmp_path / "pipe")
    with pytest.raises(DestinationError, match=sentence) as error:
        sink_of(target, TABLES)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("target", "printed"),
    [
        ("duckdb:data/ads.duckdb", "data/ads.duckdb"),
        (ADDRESS, "postgresql://ads:***@db.example:5432/ads"),
        ("postgresql://ads:a:b@c/d@db.example/ads", "postgresql://ads:***@db.example/ads"),
        ("postgresql:///ads?host=/tmp&password=x&user=ads", "postgresql:///ads?host=/tmp&password=***&user=ads"),
        ("s3://key:se/cret@bucket/prefix", "s3://key:***@bucket/prefix"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("parquet:data/parquet", "parquet:data/parquet"),
    ],
)  # fmt: skip
def test_a_password_is_not_printed(target: str, printed: str) -> None:
    assert label(target) == printed


COMMANDS = [
    ("generate", "smoke"),
    ("init-db",),
    ("create-advertiser", "--auto"),
    ("create-campaign", "--auto", "--advertiser-id", "1"),
    ("create-example", "--example", "nexbank_conversion"),
    ("remove", "--campaign-id", "1"),
    ("status",),
    ("report",),
    ("scorecard",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    "target", [":memory:", "duckdb:", ".", "~no-such-user/x", "x.csv", "/dev/null"]
)
def test_every_command_reads_a_target_alike(run, cwd: Path, target: str, command) -> None:
    answer = run(*command, "--database", target)
    expected = run("generate", "smoke", "--to", target)
    assert (answer.code, answer.err) == (expected.code, expected.err)
    assert answer.code == 2
    assert os.listdir() == []


def test_home_is_the_same_folder_for_every_command(
    run, cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(cwd / "home"))
    for command in COMMANDS[:7]:
        answer = run(*command, "--to", "duckdb:~/x.duckdb")
        assert answer.code == 0, answer.err
    assert run("generate", "smoke", "--to", "csv:~/lake").code == 0
    assert run("generate", "smoke", "--to", "parquet:~/lake/p").code == 0
    assert os.listdir() == ["home"]
    assert set(os.listdir("home")) == {"x.duckdb", "lake"}


@pytest.mark.parametrize("target", ["parquet:p", "s3://bucket/p", "csv:c", ADDRESS])
@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["init-db"],
        ["create-campaign", "--auto", "--advertiser-id", "1"],
        ["create-example", "--example", "nexbank_conversion"],
        ["create-advertiser", "--auto"],
        ["remove", "--campaign-id", "1"],
    ],
    ids=lambda command: command[0],
)
def test_what_needs_a_duckdb_file_says_so(run, cwd: Path, command: list[str], target: str) -> None:
    answer = run(*command, "--to", target)
    assert answer.code == 2
    assert answer.err == (
        f"error: {label(target)}: this command works on a DuckDB file; name one with --to FILE\n"
    )
    assert list(cwd.iterdir()) == []


def test_the_flag_is_before_the_environment_and_that_before_the_file(
    run, cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*options: str) -> str:
        return run("generate", "smoke", "--json", *options).json["database"]

    (cwd / "ads.yml").write_text("database: csv:file\n")
    assert answer() == "csv:file"
    monkeypatch.setenv("ADS_DATABASE", "parquet:variable")
    assert answer() == "parquet:variable"
    assert answer("--to", "duckdb:flag.duckdb") == "flag.duckdb"
    assert {entry.name for entry in cwd.iterdir()} == {"ads.yml", "file", "variable", "flag.duckdb"}


def test_the_settings_in_force_are_shown_without_the_password(run, cwd: Path) -> None:
    answer = run("status", "--config", "--to", ADDRESS)
    assert "db.example" in answer.out
    assert "s3cr" not in answer.out


def test_all_sinks_report_the_same_rows_and_hashes(run, cwd: Path) -> None:
    targets = ["ads.duckdb", "parquet:p", "csv:c"]
    tables = [
        run("generate", "smoke", "--json", "--to", target).json["tables"] for target in targets
    ]
    assert tables[0] == tables[1] == tables[2]
    with duckdb.connect() as connection:
        for table in tables[0]:
            name = table["table"].rpartition(".")[2]
            for files in (f"p/{name}/**/*.parquet", f"c/{name}.csv"):
                assert connection.execute(f"select count(*) from '{files}'").fetchall() == [
                    (table["rows"],)
                ]
    assert set(os.listdir()) == {"ads.duckdb", "p", "c"}


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ads:s3cr@t@db.example/ads",
        "postgresql://ads:s3cr/t@db.example/ads",
        "postgresql://ads:s3cr t@db.example/ads",
        "postgresql://ads:s3cr%t@db.example/ads",
        "postgresql://ads:s3crt@[::1/ads",
        "postgresql:///ads?host=/tmp&password=s3cr%t",
        "postgresql://ads:s3crt@127.0.0.1:1/ads",
        "postgresql://ads:s3crt@127.0.0.1:port/ads",
        "postgresql://ads:s3crt@127.0.0.1:1/ads?unknown=1",
    ],
)
def test_an_address_that_cannot_be_used_is_a_sentence_without_its_password(
    run, address: str
) -> None:
    answer = run("generate", "smoke", "--to", address)
    assert answer.code == (2 if "cannot be read; it is" in answer.err else 1)
    assert answer.err.startswith("error: PostgreSQL: ")
    assert answer.err.count("\n") == 1
    assert "3cr" not in answer.out + answer.err
