"""A folder of Parquet files holds a run whole or not at all, by its manifest, and a run
continues from the parts that exist; here and on S3."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pytest
from pyarrow import fs, parquet

from generator.engines import local
from generator.pipeline.parts import Part
from generator.pipeline.run import Job, Maker, PackedPart, TableTotal, land
from generator.scenario.templates import dataset
from generator.schema import (
    TABLES,
    AudienceDaily,
    Campaign,
    CampaignReach,
    ConversionsDaily,
    PerformanceHourly,
    Run,
)
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.errors import DestinationError
from generator.sinks.folder import UNFINISHED, Folder, HashedFile
from generator.sinks.manifest import (
    LARGEST_RECORD,
    File,
    Manifest,
    TableTotals,
    as_json,
)
from generator.sinks.parquet import ParquetSink
from generator.sinks.sink import Packer
from generator.world.build import build_world
from tests.reliability.test_killed_in_parquet import digest
from tests.support import s3

SMOKE = build_world(dataset("smoke"))
OTHER = build_world(dataset("smoke").with_seed(8))
COMPLETE = build_world(dataset("complete"))
FEW = (Run, Campaign, PerformanceHourly)
ROWS = 5_000
PARTITIONED = {
    "prices_weekly",
    "holidays",
    "performance_hourly",
    "campaign_reach",
    "audience_daily",
    "conversions",
    "conversions_daily",
    "inventory_hourly",
    "ad_impressions",
    "ad_errors",
}


class Recorder:
    """The engine of one process, which notes what it was asked for and may stop halfway."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.made: list[str] = []
        self._stop_after = stop_after

    def __call__(self, job: Job, parts: Sequence[Part]) -> Iterable[PackedPart]:
        make = Maker(job)
        for part in parts:
            if len(self.made) == self._stop_after:
                raise KeyboardInterrupt
            self.made.append(part.name)
            yield make(part)


def landed(
    world, place: Path | str, engine: Recorder | None = None, tables=TABLES
) -> list[TableTotal]:
    with ParquetSink(str(place), tables, ROWS) as sink:
        return land(world, sink, engine or Recorder(), tables)


def manifest(folder: Path) -> Manifest:
    return Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def content(folder: Path) -> dict[str, int]:
    """The rows of each table by the manifest, which must name whole files."""
    found = {}
    with duckdb.connect() as connection:
        files = manifest(folder).files
        for file in files:
            whole = (folder / file.path).read_bytes()
            assert (len(whole), digest(whole)) == (file.bytes, file.hash)
        for table in sorted({file.table for file in files}):
            paths = [str(folder / file.path) for file in files if file.table == table]
            rows = "read_parquet(?, hive_partitioning = false)"
            query = f"select hash(list(t order by t)) from {rows} t"
            ((found[table],),) = connection.execute(query, [paths]).fetchall()
    return found


def in_place(folder: Path) -> set[str]:
    """Every file that a pattern of a table finds."""
    return {
        str(file.relative_to(folder))
        for table in TABLES
        for file in (folder / table.table_name).rglob("*")
        if file.is_file()
    }


def everything(folder: Path) -> dict[str, bytes]:
    """All files of a folder, byte by byte."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_the_rows_are_those_of_a_duckdb_file(tmp_path: Path) -> None:
    made = landed(COMPLETE, tmp_path / "folder")
    in_duckdb = local.run(COMPLETE, DuckdbSink(tmp_path / "ads.duckdb", TABLES))
    assert [(totals.rows, totals.fingerprint) for totals in made] == [
        (totals.rows, totals.fingerprint) for totals in in_duckdb
    ]
    with duckdb.connect(str(tmp_path / "ads.duckdb"), read_only=True) as connection:
        for table in TABLES:
            name, relation = table.table_name, table.relation()
            files = f"'{tmp_path}/folder/{name}/**/*.parquet', hive_partitioning = false"
            connection.execute(f"create temp view files as from read_parquet({files})")
            ((different, columns),) = connection.execute(
                f"select (select count(*) from ((from files except all from {relation}) union all "
                f"(from {relation} except all from files))),"
                "(select list(column_name) from (describe files))"
            ).fetchall()
            assert different == 0
            assert columns == [column.name for column in table.columns()]
            connection.execute("drop view files")


def test_the_manifest_says_what_is_there(tmp_path: Path) -> None:
    made = landed(COMPLETE, tmp_path)
    found = manifest(tmp_path)
    assert found.run == COMPLETE.run
    assert {name: (held.rows, held.fingerprint) for name, held in found.tables.items()} == {
        totals.table.table_name: (totals.rows, totals.fingerprint) for totals in made
    }
    assert {file.path for file in found.files} == in_place(tmp_path)
    for file in found.files:
        whole = (tmp_path / file.path).read_bytes()
        assert (file.bytes, file.hash) == (len(whole), digest(whole))
        assert file.rows == parquet.ParquetFile(tmp_path / file.path).metadata.num_rows
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "manifest.json",
        *(table.table_name for table in TABLES),
    }


def test_tables_with_a_time_are_partitioned_by_its_month(tmp_path: Path) -> None:
    landed(COMPLETE, tmp_path)
    times = {PerformanceHourly: "hour_ts", CampaignReach: "window_start"}
    times |= {AudienceDaily: "activity_date", ConversionsDaily: "activity_date"}
    with duckdb.connect() as connection:
        for table, time in times.items():
            folder = tmp_path / table.table_name
            misplaced, months = connection.execute(
                f"select countif(month <> strftime({time}, '%Y-%m')), count(distinct month) "
                f"from read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
            ).fetchone()
            assert misplaced == 0
            assert months > 3
    for name in in_place(tmp_path):
        assert ("month=" in name) == (name.split("/")[0] in PARTITIONED)


def test_a_table_without_rows_can_be_read(tmp_path: Path) -> None:
    with ParquetSink(str(tmp_path), TABLES) as sink:
        land(SMOKE, sink, Recorder(), tables=[PerformanceHourly])
    for table in TABLES:
        (file,) = (tmp_path / table.table_name).rglob("*.parquet")
        read = parquet.read_table(file, partitioning=None)
        assert read.column_names == [column.name for column in table.columns()]
        assert (read.num_rows > 0) == (table is PerformanceHourly)
    again = Recorder()
    with ParquetSink(str(tmp_path), TABLES) as sink:
        land(SMOKE, sink, again, tables=[PerformanceHourly])
    assert again.made == []


def test_several_processes_write_the_same_files(tmp_path: Path) -> None:
    landed(COMPLETE, tmp_path / "one")
    local.run(COMPLETE, ParquetSink(str(tmp_path / "two"), TABLES, ROWS), jobs=2)
    assert manifest(tmp_path / "one") == manifest(tmp_path / "two")


def damaged(file: Path) -> None:
    """One bit of a file is another one."""
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(whole)


def test_a_second_run_makes_what_is_missing(tmp_path: Path) -> None:
    made = landed(COMPLETE, tmp_path)
    before = content(tmp_path)
    files = [file for file in manifest(tmp_path).files if file.rows]
    gone = files[3], files[-1]
    parts = {file.part for file in gone}
    assert len(parts) == 2
    for file in gone:
        (tmp_path / file.path).unlink()
    untouched = {
        file.path: (tmp_path / file.path).stat().st_ino for file in files if file.part not in parts
    }
    again = Recorder()
    assert landed(COMPLETE, tmp_path, again) == made
    assert set(again.made) == parts
    assert content(tmp_path) == before
    assert untouched == {path: (tmp_path / path).stat().st_ino for path in untouched}
    nothing = Recorder()
    assert landed(COMPLETE, tmp_path, nothing) == made
    assert nothing.made == []


@pytest.mark.parametrize("world", [SMOKE, OTHER], ids=["the same run", "another run"])
@pytest.mark.parametrize("change", [damaged, lambda file: file.write_bytes(file.read_bytes()[:-1])])
def test_a_file_that_has_changed_since_a_run_wrote_it_stays(tmp_path: Path, world, change) -> None:
    landed(SMOKE, tmp_path)
    file = manifest(tmp_path).files[2]
    change(tmp_path / file.path)
    before = everything(tmp_path)
    with pytest.raises(DestinationError, match=rf"{file.path} has changed since a run wrote it"):
        landed(world, tmp_path)
    assert everything(tmp_path) == before
    (tmp_path / file.path).unlink()
    landed(world, tmp_path)


def test_a_run_that_stopped_goes_on_and_readers_see_nothing_of_it(tmp_path: Path) -> None:
    landed(SMOKE, tmp_path)
    old, places = content(tmp_path), in_place(tmp_path)
    first, second = Recorder(stop_after=4), Recorder()
    with pytest.raises(KeyboardInterrupt):
        landed(COMPLETE, tmp_path, first)
    assert content(tmp_path) == old
    assert in_place(tmp_path) == places
    half_written = next((tmp_path / "_staging").rglob("performance_hourly/*/*.parquet"))
    damaged(half_written)
    landed(COMPLETE, tmp_path, second)
    again = set(first.made) & set(second.made)
    assert len(again) == 1
    assert again.pop() in half_written.name
    landed(COMPLETE, tmp_path / "whole")
    assert content(tmp_path) == content(tmp_path / "whole")
    assert not (tmp_path / "_staging").exists()


def test_another_run_replaces_all_and_clears_what_a_stopped_one_left(tmp_path: Path) -> None:
    landed(COMPLETE, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        landed(OTHER, tmp_path, Recorder(stop_after=2))
    assert (tmp_path / "_staging").exists()
    landed(SMOKE, tmp_path)
    landed(SMOKE, tmp_path / "alone")
    assert manifest(tmp_path) == manifest(tmp_path / "alone")
    assert in_place(tmp_path) == in_place(tmp_path / "alone")
    shutil.rmtree(tmp_path / "alone")
    empty = [
        folder for folder in tmp_path.rglob("*") if folder.is_dir() and not any(folder.iterdir())
    ]
    assert empty == []


class PowerCut(BaseException):
    """The end of everything, at once."""


@pytest.fixture
def cut_after(monkeypatch: pytest.MonkeyPatch):
    """Return a function that lets N changes of files happen, and half of the next."""
    left = [0]

    def counted(name: str) -> None:
        whole = getattr(Folder, name)

        def change(folder: Folder, *arguments):
            if left[0] == 0:
                if name == "write":
                    whole(folder, arguments[0] + UNFINISHED, arguments[1][:10])
                raise PowerCut
            left[0] -= 1
            return whole(folder, *arguments)

        monkeypatch.setattr(Folder, name, change)

    for name in ("open_new", "write", "move", "remove", "prune"):
        counted(name)

    def allow(changes: int) -> None:
        left[0] = changes

    return allow


def test_whenever_a_run_ends_the_manifest_names_one_whole_run(tmp_path: Path, cut_after) -> None:
    """A run over another, stopped at each of its changes to files: readers of the manifest have the
    old rows or the new, and a run after it ends with the new and no file too many."""
    cut_after(-1)
    landed(SMOKE, tmp_path / "old", tables=FEW)
    landed(OTHER, tmp_path / "new", tables=FEW)
    old, new = content(tmp_path / "old"), content(tmp_path / "new")
    places = in_place(tmp_path / "new")
    seen = []
    for changes in range(1_000):
        folder = tmp_path / str(changes)
        shutil.copytree(tmp_path / "old", folder)
        cut_after(changes)
        try:
            landed(OTHER, folder, tables=FEW)
        except PowerCut:
            seen.append(content(folder))
            assert seen[-1] in (old, new)
            cut_after(-1)
            again = OTHER if changes % 2 else SMOKE
            landed(again, folder, tables=FEW)
            assert content(folder) == (new if again is OTHER else old)
            assert again is SMOKE or in_place(folder) == places
        else:
            break
    assert seen[0] == old
    assert seen[-1] == new
    assert len(seen) > 15


def test_folders_of_any_depth_are_walked_by_name(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("f", dir_fd=place)
        below = os.open("f", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    for name in ("a", "e/x", "g/y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    paths = [entry.path for entry in Folder(str(tmp_path)).below("")]
    assert paths[:3] == ["a", "e", "e/x"]
    assert paths[-2:] == ["g", "g/y"]
    assert len(paths) == 1_505
    # pytest cannot remove so deep a folder.
    for path in sorted((path for path in paths if path.startswith("f")), reverse=True):
        (tmp_path / path).rmdir()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_disk_that_is_full_from_the_start_gets_one_sentence_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    folder = tmp_path / "lake"
    if is_there:
        folder.mkdir()
    ignored: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    write = HashedFile.write

    def until_full(file: HashedFile, content: object) -> None:
        if file.bytes > 1_000:
            raise OSError(28, "No space left on device")
        write(file, content)

    monkeypatch.setattr(HashedFile, "write", until_full)
    with pytest.raises(DestinationError, match="No space left"):
        landed(SMOKE, folder)
    gc.collect()
    assert ignored == []
    assert [path.name for path in tmp_path.rglob("*")] == ["lake"] * is_there


def test_a_folder_that_is_read_only_is_refused_before_a_file_has_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed(SMOKE, tmp_path)
    before = in_place(tmp_path), content(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "campaigns")
    with pytest.raises(DestinationError, match="campaigns: is read-only; allow"):
        landed(OTHER, tmp_path)
    assert (in_place(tmp_path), content(tmp_path)) == before


def test_files_of_others_are_not_mixed_with(tmp_path: Path) -> None:
    strange = tmp_path / "performance_hourly" / "mine.parquet"
    strange.parent.mkdir()
    strange.write_bytes(b"PAR1")
    with pytest.raises(DestinationError, match=r"holds performance_hourly/mine\.parquet, which no"):
        landed(SMOKE, tmp_path)
    assert list(tmp_path.rglob("*.*")) == [strange]


@pytest.mark.parametrize(
    "text",
    ['{"mine": 1}', '{"identity": ', "", "[" * 100_000, '{"identity": "x", "files": []}'],
    ids=["other", "cut off", "empty", "deep", "lacking"],
)
def test_a_manifest_that_no_run_has_written_stays(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DestinationError, match=r"holds manifest\.json, which no run has written"):
        landed(SMOKE, tmp_path)
    assert everything(tmp_path) == {"manifest.json": text.encode()}


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a diary")
    with pytest.raises(DestinationError, match=r"file/folder: .*choose another --to"):
        landed(SMOKE, tmp_path / "file" / "folder")


@pytest.fixture
def bucket(s3_server: s3.Server) -> str:
    return f"s3://{s3.BUCKET}"


def downloaded(address: str, folder: Path) -> Path:
    """A copy of what is on S3."""
    fs.copy_files(address, str(folder))
    return folder


def test_s3_holds_the_same_files(tmp_path: Path, bucket: str) -> None:
    with ParquetSink(str(tmp_path / "here"), TABLES, 4 * ROWS) as here:
        made = land(COMPLETE, here, Recorder())
    there = ParquetSink(f"{bucket}/the/same", TABLES, 4 * ROWS)
    assert local.run(COMPLETE, there, jobs=2) == made
    copy = downloaded(f"{bucket}/the/same", tmp_path / "copy")
    assert content(copy) == content(tmp_path / "here")
    assert in_place(copy) == in_place(tmp_path / "here")
    assert not list(copy.glob("_staging/**/*.*"))


def test_a_run_on_s3_goes_on_and_is_replaced(tmp_path: Path, bucket: str) -> None:
    place = f"{bucket}/goes-on"
    landed(SMOKE, place, tables=FEW)
    first, second = Recorder(stop_after=4), Recorder()
    with pytest.raises(KeyboardInterrupt):
        landed(COMPLETE, place, first, FEW)
    landed(SMOKE, tmp_path / "smoke", tables=FEW)
    assert content(downloaded(place, tmp_path / "before")) == content(tmp_path / "smoke")
    with pytest.raises(KeyboardInterrupt):
        landed(COMPLETE, place, Recorder(stop_after=0), FEW)
    landed(COMPLETE, place, second, FEW)
    assert not set(first.made) & set(second.made)
    copy = downloaded(place, tmp_path / "after")
    landed(COMPLETE, tmp_path / "complete", tables=FEW)
    assert content(copy) == content(tmp_path / "complete")
    assert in_place(copy) == in_place(tmp_path / "complete")


def test_a_bucket_that_is_not_there_is_a_sentence_without_the_secret(bucket: str) -> None:
    address = "s3://key:topsecret@not-there/x"
    with pytest.raises(
        DestinationError, match=r"^s3://.*not-there/x: .*choose another --to"
    ) as error:
        landed(SMOKE, address)
    assert "topsecret" not in str(error.value)


def test_the_manifest_of_a_million_campaigns_is_not_too_large_to_be_read() -> None:
    part = "campaigns-00999851-01000000"
    file = File(
        table="performance_hourly",
        part=part,
        path=f"performance_hourly/month=2025-12/{part}-01234567.parquet",
        rows=1_000_000,
        bytes=100_000_000,
        hash="0" * 64,
    )
    parts = 1_000_000 // 150
    files = parts * (3 * 12 + 6)
    totals = as_json(TableTotals(rows=1_000_000, fingerprint="0" * 16))
    size = files * len(as_json(file)) + parts * len(TABLES) * len(totals)
    assert 64 << 20 < size < LARGEST_RECORD / 2


def test_the_manifest_is_plain_json(tmp_path: Path) -> None:
    landed(SMOKE, tmp_path)
    found = json.loads((tmp_path / "manifest.json").read_text())
    assert set(found) == {
        "format",
        "identity",
        "generator_version",
        "run",
        "tables",
        "parts",
        "files",
    }
    assert set(found["files"][0]) == {"table", "part", "path", "rows", "bytes", "hash"}


def test_what_a_worker_cannot_write_is_a_sentence(tmp_path: Path) -> None:
    """The folder turns into a file when the workers start."""

    class Replaced(ParquetSink):
        @property
        def packer(self) -> Packer:
            shutil.rmtree(self.place)
            Path(self.place).write_text("a diary")
            return super().packer

    with pytest.raises(DestinationError, match=r"folder: .*choose another --to"):
        local.run(COMPLETE, Replaced(str(tmp_path / "folder"), TABLES, ROWS), jobs=2)
