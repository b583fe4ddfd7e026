"""A folder of CSV files: every value can be read back, and a run replaces them when it is whole."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from generator.engines import local
from generator.scenario.templates import dataset
from generator.schema import TABLES, Advertiser
from generator.schema.arrow import arrow_schema
from generator.sinks.csv import CsvSink
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.errors import DestinationError
from generator.sinks.sink import CountingIterator
from generator.world.build import build_world

SMOKE = build_world(dataset("smoke"))
COMPLETE = build_world(dataset("complete"))


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def names() -> set[str]:
    """The names of all files of a folder that a run has filled."""
    return {"manifest.json", *(f"{table.table_name}.csv" for table in TABLES)}


def test_every_value_comes_back(tmp_path: Path) -> None:
    made = local.run(COMPLETE, CsvSink(str(tmp_path / "csv"), TABLES))
    assert made == local.run(COMPLETE, DuckdbSink(tmp_path / "ads.duckdb", TABLES))
    with duckdb.connect(str(tmp_path / "ads.duckdb")) as connection:
        for table in TABLES:
            name = table.table_name
            connection.execute(f"create temp table back as from {table.relation()} limit 0")
            options = "header, nullstr '', allow_quoted_nulls false"
            connection.execute(f"copy back from '{tmp_path}/csv/{name}.csv' ({options})")
            assert connection.execute(
                f"select count(*) from ((from back except all from {table.relation()}) union all "
                f"(from {table.relation()} except all from back))"
            ).fetchall() == [(0,)]
            connection.execute("drop table back")


def test_several_processes_write_the_same_bytes(tmp_path: Path) -> None:
    local.run(COMPLETE, CsvSink(str(tmp_path / "one"), TABLES))
    local.run(COMPLETE, CsvSink(str(tmp_path / "two"), TABLES), jobs=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert set(files(tmp_path / "one")) == names()


def test_null_differs_from_empty_text_and_quotes_are_doubled(tmp_path: Path) -> None:
    row = dict(SMOKE.advertisers[0])
    rows = [row | {"agency_name": None}, row | {"agency_name": ""}]
    rows.append(row | {"agency_name": 'a "b",\nc'})
    with CsvSink(str(tmp_path), [Advertiser]) as sink:
        batch = pa.RecordBatch.from_pylist(rows, schema=arrow_schema(Advertiser))
        pieces = CountingIterator([(Advertiser, batch)])
        assert sink.existing_parts("0" * 32, ["part"]) == {}
        sink.take("part", sink.packer("part", pieces), pieces.tallies)
    text = (tmp_path / "advertisers.csv").read_text()
    header, values = text.split("\n", maxsplit=1)
    place = header.split(",").index('"agency_name"')
    assert [line.split(",")[place] for line in values.split("\n")[:2]] == ["", '""']
    assert 'a ""b"",\nc"' in values


def test_a_run_that_fails_leaves_the_files_of_the_one_before(tmp_path: Path) -> None:
    local.run(SMOKE, CsvSink(str(tmp_path), TABLES))
    before = files(tmp_path)
    with pytest.raises(ZeroDivisionError), CsvSink(str(tmp_path), TABLES):
        raise ZeroDivisionError
    assert files(tmp_path) == before
    with pytest.raises(ZeroDivisionError), CsvSink(str(tmp_path / "new"), TABLES):
        raise ZeroDivisionError
    assert not (tmp_path / "new").exists()
    local.run(COMPLETE, CsvSink(str(tmp_path), TABLES))
    assert files(tmp_path) != before
    assert set(files(tmp_path)) == set(before)


def test_a_file_that_no_run_has_written_stays(tmp_path: Path) -> None:
    (tmp_path / "campaigns.csv").write_text("mine")
    with (
        pytest.raises(DestinationError, match=r"holds campaigns\.csv, which no run has written"),
        CsvSink(str(tmp_path), TABLES),
    ):
        pass
    assert files(tmp_path) == {"campaigns.csv": b"mine"}


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a diary")
    with (
        pytest.raises(DestinationError, match="file/csv: cannot be used: Not a directory; choose"),
        CsvSink(str(tmp_path / "file" / "csv"), TABLES),
    ):
        pass
