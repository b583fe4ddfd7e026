"""Files of another owner in a folder that a run writes to: none is lost, changed or joined, and
none is believed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from generator.engines import local
from generator.pipeline.parts import Part
from generator.pipeline.run import Job, Maker, PackedPart, land
from generator.scenario.templates import dataset
from generator.schema import TABLES
from generator.sinks.dataset import RECEIPTS, STAGING
from generator.sinks.errors import DestinationError
from generator.sinks.manifest import Manifest
from generator.sinks.target import sink_of
from generator.world.build import build_world
from tests.conftest import made_once

FORMS = ("parquet", "csv")
IDENTITY = "0123456789abcdef0123456789abcdef"
OUTSIDE = "outside"


def everything(folder: Path) -> dict[str, tuple[object, ...]]:
    """All entries of a folder: kind, permissions, and bytes or the target of a link."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        held: object = None
        if stat.S_ISLNK(mode):
            held = os.readlink(path)
        elif stat.S_ISREG(mode):
            held = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = (mode, held)
    return found


@dataclass(frozen=True)
class Plant:
    """Something of a user's at a path."""

    path: str
    make: Callable[[Path], object]

    def into(self, folder: Path) -> None:
        """Put it there, in the place of what a run has left."""
        place = folder / self.path
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        self.make(place)


def file(path: str, content: bytes = b"mine") -> Plant:
    """A user's file."""
    return Plant(path, lambda place: place.write_bytes(content))


def folder_of(path: str) -> Plant:
    """A user's folder, with a file in it."""

    def make(place: Path) -> None:
        place.mkdir()
        (place / "notes.txt").write_text("mine")

    return Plant(path, make)


def link(path: str, to: str) -> Plant:
    """A link to a user's file or folder, or to nothing."""

    def make(place: Path) -> None:
        outside = Path.cwd() / OUTSIDE
        (outside / "folder").mkdir(parents=True, exist_ok=True)
        (outside / "folder" / "notes.parquet").write_bytes(b"mine")
        (outside / "file").write_bytes(b"mine")
        place.symlink_to(outside / to)

    return Plant(path, make)


def pipe(path: str) -> Plant:
    """A pipe, from which nothing ever comes."""
    return Plant(path, os.mkfifo)


def sparse(path: str) -> Plant:
    """A file of a terabyte, nearly all of it holes."""

    def make(place: Path) -> None:
        with place.open("wb") as opened:
            opened.truncate(1 << 40)

    return Plant(path, make)


IN_THE_WAY_OF_ALL = {
    "a manifest": file("manifest.json", b'{"mine": 1}'),
    "a manifest cut off": file("manifest.json", b'{"identity": '),
    "a deep manifest": file("manifest.json", b"[" * 100_000),
    "a deep object": file("manifest.json", b'{"run":' * 100_000),
    "a manifest of bytes": file("manifest.json", b"\xff\xfe\x00"),
    "an endless number": file("manifest.json", b'{"identity": ' + b"9" * 100_000 + b"}"),
    "a folder as manifest": folder_of("manifest.json"),
    "a pipe as manifest": pipe("manifest.json"),
    "a link as manifest": link("manifest.json", "file"),
    "a link to nothing as manifest": link("manifest.json", "nothing"),
    "a file in the staging": file(f"{STAGING}/notes.txt"),
    "a folder in the staging": folder_of(f"{STAGING}/notes"),
    "a run's folder without its mark": file(f"{STAGING}/{IDENTITY}/manifest.json"),
    "a run's folder with another mark": file(f"{STAGING}/{IDENTITY}/_run"),
    "a link in the staging": link(f"{STAGING}/{IDENTITY}", "folder"),
    "a link as staging": link(STAGING, "folder"),
    "a file as staging": file(STAGING),
}
IN_THE_WAY = {
    "parquet": {
        **IN_THE_WAY_OF_ALL,
        "a table's file by its ending": file("campaigns/export-20251101.parquet"),
        "a table's file by its name": file("campaigns/mine.parquet"),
        "a file in a month": file("performance_hourly/month=2025-09/accounts-01234567.parquet"),
        "a file of another engine": file("campaigns/part.parquet/part-00000.snappy.parquet"),
        "a folder that ends like a file": folder_of("campaigns/mine.parquet"),
        "a link as file": link("campaigns/accounts-01234567.parquet", "file"),
        "a link as table": link("campaigns", "folder"),
        "a link as month": link("performance_hourly/month=2025-09", "folder"),
        "a link to nothing as table": link("budgets", "nothing"),
        "a file as table": file("campaigns"),
        "a pipe as table": pipe("campaigns"),
    },
    "csv": {
        **IN_THE_WAY_OF_ALL,
        "a table's file": file("campaigns.csv"),
        "a table's file with our header": file("campaigns.csv", b'"campaign_id","mine"\n'),
        "an empty file": file("budgets.csv", b""),
        "a folder as file": folder_of("campaigns.csv"),
        "a pipe as file": pipe("campaigns.csv"),
        "a link as file": link("campaigns.csv", "file"),
        "a link to nothing as file": link("performance_hourly.csv", "nothing"),
    },
}
CASES = [
    pytest.param(form, plant, id=f"{form}: {name}")
    for form, plants in IN_THE_WAY.items()
    for name, plant in plants.items()
]


@pytest.mark.parametrize(("form", "plant"), CASES)
def test_what_is_in_the_way_stays_and_is_named(run, cwd: Path, form: str, plant: Plant) -> None:
    plant.into(cwd / "lake")
    before = everything(cwd)
    answer = run("generate", "smoke", "--to", f"{form}:lake")
    assert everything(cwd) == before
    assert answer.code == 2, answer.err
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert "which no run has written; move it away, or choose another --to" in answer.err


@pytest.mark.parametrize(("form", "plant"), CASES)
@pytest.mark.parametrize("workflow", ["the same run", "another run"])
def test_so_it_is_where_a_run_has_been(
    run, cwd: Path, form: str, plant: Plant, workflow: str
) -> None:
    options = ["--seed", "8"] if workflow == "another run" else []
    shutil.copytree(a_run_of("smoke", form), cwd / "lake")
    plant.into(cwd / "lake")
    before = everything(cwd)
    answer = run("generate", "smoke", *options, "--to", f"{form}:lake")
    assert everything(cwd) == before
    assert answer.code == 2, answer.err
    assert answer.err.count("\n") == 1
    assert f"holds {plant.path}" in answer.err or plant.path.endswith(("parquet", ".csv"))


def a_run_of(workflow: str, form: str) -> Path:
    """A folder that a run has filled, for all tests."""

    def make(folder: Path) -> None:
        world = build_world(dataset(workflow))
        local.run(world, sink_of(f"{form}:{folder}", TABLES), jobs=1)

    return made_once(f"{workflow}-{form}", make)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "plant",
    [
        file("README.md"),
        file("mine.parquet"),
        file("mine.csv"),
        file("campaigns/notes.txt"),
        file("campaigns/export.csv"),
        file(".campaigns.csv.new"),
        file("campaigns.csv.unfinished"),
        file("manifest.json.unfinished"),
        file("exports/campaigns/part-01234567.parquet"),
        folder_of("_receipts"),
        link("mine", "folder"),
        link("notes", "file"),
    ],
    ids=lambda plant: plant.path,
)
def test_what_is_not_in_the_way_stays(run, cwd: Path, form: str, plant: Plant) -> None:
    plant.into(cwd / "lake")
    before = everything(cwd)
    for seed in ("7", "8", "7"):
        assert (
            run("generate", "smoke", "--seed", seed, "--replace", "--to", f"{form}:lake").code == 0
        )
        assert before.items() <= everything(cwd).items()
    assert os.path.lexists(cwd / "lake" / plant.path)


@pytest.mark.parametrize(("form", "other"), permutations(FORMS, 2))
def test_a_dataset_of_another_kind_stays(run, cwd: Path, form: str, other: str) -> None:
    shutil.copytree(a_run_of("smoke", form), cwd / "lake")
    before = everything(cwd)
    answer = run("generate", "smoke", "--to", f"{other}:lake")
    assert everything(cwd) == before
    assert answer.code == 2
    assert f"lake: holds a dataset in {form} files; choose another --to" in answer.err


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_somebody_has_changed_stays(run, cwd: Path, form: str) -> None:
    shutil.copytree(a_run_of("smoke", form), cwd / "lake")
    manifest = Manifest.model_validate_json((cwd / "lake/manifest.json").read_bytes())
    changed = cwd / "lake" / manifest.files[0].path
    with changed.open("ab") as opened:
        opened.write(b"mine")
    before = everything(cwd)
    for seed in ("7", "8"):
        answer = run("generate", "smoke", "--seed", seed, "--replace", "--to", f"{form}:lake")
        assert everything(cwd) == before
        assert answer.code == 2
        assert "has changed since a run wrote it; move it away" in answer.err


@pytest.mark.parametrize(
    ("form", "plant"),
    [
        ("parquet", file("campaigns/accounts-01234567.parquet")),
        ("parquet", link("campaigns", "folder")),
        ("parquet", file("manifest.json")),
        ("csv", file("campaigns.csv")),
        ("csv", link("campaigns.csv", "file")),
        ("csv", file("manifest.json")),
    ],
    ids=lambda value: getattr(value, "path", value),
)
def test_what_comes_during_the_run_stays(cwd: Path, form: str, plant: Plant) -> None:
    """The run ends before it moves a file, and completes once that is out of the way."""
    world = build_world(dataset("smoke"))

    def until_it_came() -> None:
        with sink_of(f"{form}:lake", TABLES) as sink:
            land(world, sink, local.processes(1))
            plant.into(cwd / "lake")
            before.update(everything(cwd))

    before: dict[str, tuple[object, ...]] = {}
    with pytest.raises(DestinationError, match="was put there during the run; move it away"):
        until_it_came()
    outside_staging = {path: found for path, found in before.items() if STAGING not in path}
    assert outside_staging.items() <= everything(cwd).items()
    (cwd / "lake" / plant.path).rename(cwd / "away")
    local.run(world, sink_of(f"{form}:lake", TABLES), jobs=1)


# What a forger writes, and a run that believed it would do with it.


def forged(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change the manifest of a run."""

    def forge(lake: Path) -> None:
        manifest = json.loads((lake / "manifest.json").read_bytes())
        change(manifest)
        (lake / "manifest.json").write_text(json.dumps(manifest))

    return forge


def in_file(**values: object) -> Callable[[Path], None]:
    """Change the record of the first file."""
    return forged(lambda manifest: manifest["files"][0].update(values))


FORGED = {
    "a path above the folder": in_file(path="../outside/file"),
    "a path from the root": in_file(path="/etc/passwd"),
    "a path by a detour": in_file(path="campaigns/../../outside/file"),
    "a path of no table": in_file(path="notes/accounts-01234567.parquet"),
    "a path with a line break": in_file(path="campaigns/accounts-01234567.parquet\n"),
    "a path with a zero byte": in_file(path="campaigns/\0.parquet"),
    "a path of the staging": in_file(path="_staging/notes.txt"),
    "a part that is not in it": in_file(part="nope"),
    "a part that is a path": in_file(part="../../outside"),
    "a table that is not": in_file(table="pg_catalog"),
    "rows below none": in_file(rows=-1),
    "rows beyond counting": in_file(rows=10**30),
    "other rows": in_file(rows=12),
    "no hash": in_file(hash="x"),
    "a file twice": forged(lambda manifest: manifest["files"].append(manifest["files"][0])),
    "an identity that is a path": forged(lambda manifest: manifest.update(identity="../..")),
    "an identity of capitals": forged(lambda manifest: manifest.update(identity="A" * 32)),
    "other sums": forged(lambda manifest: manifest["tables"]["campaigns"].update(rows=99)),
    "a table too many": forged(
        lambda manifest: manifest["tables"].update(mine={"rows": 1, "fingerprint": "0" * 16})
    ),
    "a key too many": forged(lambda manifest: manifest.update(mine=1)),
    "parts that are a list": forged(lambda manifest: manifest.update(parts=[])),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_manifest_is_not_believed(run, cwd: Path, form: str, forge) -> None:
    link("a link", "file").into(cwd)
    shutil.copytree(a_run_of("smoke", form), cwd / "lake")
    forge(cwd / "lake")
    before = everything(cwd)
    answer = run("generate", "smoke", "--to", f"{form}:lake")
    assert everything(cwd) == before
    assert answer.code == 2
    assert "holds manifest.json, which no run has written" in answer.err


def stopped(lake: Path) -> tuple[Path, str]:
    """A folder with what a run leaves that ended before its last part; its staging."""

    def stop_after_two(job: Job, parts: Sequence[Part]) -> Iterator[PackedPart]:
        make = Maker(job)
        yield from map(make, parts[:2])
        raise KeyboardInterrupt

    world = build_world(dataset("smoke"))
    with pytest.raises(KeyboardInterrupt), sink_of(f"parquet:{lake}", TABLES) as sink:
        land(world, sink, stop_after_two)
    (staging,) = (lake / STAGING).iterdir()
    return staging, staging.name


def other_rows(table: pa.Table) -> pa.Table:
    return table.slice(0, table.num_rows - 1)


def other_columns(table: pa.Table) -> pa.Table:
    return table.rename_columns([f"my_{name}" for name in table.column_names])


def no_parquet(table: pa.Table) -> bytes:
    return b"PAR1 is how it begins, and it ends with PAR1"


@pytest.mark.parametrize("replaced", [other_rows, other_columns, no_parquet])
def test_a_receipt_with_the_right_hash_for_other_rows_is_not_joined(cwd: Path, replaced) -> None:
    staging, _ = stopped(cwd / "lake")
    receipt = staging / RECEIPTS / "accounts.json"
    found = json.loads(receipt.read_bytes())
    record = next(record for record in found["files"] if record["table"] == "platforms")
    path = staging / record["path"]
    held = replaced(parquet.read_table(path, partitioning=None))
    if isinstance(held, bytes):
        path.write_bytes(held)
    else:
        parquet.write_table(held, path)
    whole = path.read_bytes()
    record |= {"bytes": len(whole), "hash": hashlib.sha256(whole).hexdigest()}
    receipt.write_text(json.dumps(found))
    local.run(build_world(dataset("smoke")), sink_of("parquet:lake", TABLES), jobs=1)
    assert everything(cwd / "lake") == everything(a_run_of("smoke", "parquet"))


def test_a_part_that_the_run_does_not_have_is_not_joined(cwd: Path) -> None:
    staging, _ = stopped(cwd / "lake")
    found = json.loads((staging / RECEIPTS / "accounts.json").read_bytes())
    for record in found["files"]:
        source, record["part"] = staging / record["path"], "accounts-again"
        record["path"] = record["path"].replace("accounts-", "accounts-again-")
        shutil.copy(source, staging / record["path"])
    (staging / RECEIPTS / "accounts-again.json").write_text(json.dumps(found))
    local.run(build_world(dataset("smoke")), sink_of("parquet:lake", TABLES), jobs=1)
    assert everything(cwd / "lake") == everything(a_run_of("smoke", "parquet"))


@pytest.mark.parametrize(
    "record",
    [
        {"path": "../../.bashrc"},
        {"path": "../outside/file"},
        {"part": "nope"},
        {"table": "campaigns"},
        {"rows": 10**6},
        {"bytes": "many"},
    ],
    ids=str,
)
def test_a_forged_receipt_is_made_again(cwd: Path, record: dict[str, object]) -> None:
    link("a link", "file").into(cwd)
    outside = everything(cwd / OUTSIDE)
    staging, _ = stopped(cwd / "lake")
    receipt = staging / RECEIPTS / "accounts.json"
    found = json.loads(receipt.read_bytes())
    found["files"][0] |= record
    receipt.write_text(json.dumps(found))
    local.run(build_world(dataset("smoke")), sink_of("parquet:lake", TABLES), jobs=1)
    assert everything(cwd / "lake") == everything(a_run_of("smoke", "parquet"))
    assert everything(cwd / OUTSIDE) == outside


@pytest.mark.parametrize(
    "plant",
    [
        sparse("manifest.json"),
        sparse(f"{STAGING}/{IDENTITY}/_run"),
        sparse(f"{STAGING}/{IDENTITY}/manifest.json"),
    ],
    ids=lambda plant: plant.path,
)
def test_a_file_without_end_is_not_read(run, cwd: Path, plant: Plant) -> None:
    plant.into(cwd / "lake")
    answer = run("generate", "smoke", "--to", "parquet:lake")
    assert answer.code == 2
    assert (cwd / "lake" / plant.path).stat().st_size == 1 << 40


@pytest.mark.parametrize("name", [f"{RECEIPTS}/accounts.json", "replaced.json", "manifest.json"])
@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff", b"null", b"{}"], ids=len)
def test_a_damaged_record_of_a_stopped_run_is_made_again(
    cwd: Path, name: str, content: bytes
) -> None:
    staging, _ = stopped(cwd / "lake")
    (staging / name).write_bytes(content)
    local.run(build_world(dataset("smoke")), sink_of("parquet:lake", TABLES), jobs=1)
    assert everything(cwd / "lake") == everything(a_run_of("smoke", "parquet"))


@pytest.mark.parametrize("path", ["notes.txt", "campaigns/mine.parquet", "campaigns.csv", "x/y"])
def test_somebodys_file_in_the_staging_of_a_stopped_run_stays(run, cwd: Path, path: str) -> None:
    staging, identity = stopped(cwd / "lake")
    file(path).into(staging)
    before = everything(cwd)
    for seed in ("7", "8"):
        answer = run("generate", "smoke", "--seed", seed, "--replace", "--to", "parquet:lake")
        assert everything(cwd) == before
        assert answer.code == 2
        assert f"holds {STAGING}/{identity}/{path}, which no run has written" in answer.err


@pytest.mark.parametrize("form", FORMS)
def test_new_files_have_the_permissions_of_those_they_replace(cwd: Path, form: str) -> None:
    world, other = build_world(dataset("smoke")), build_world(dataset("smoke").with_seed(8))
    local.run(world, sink_of(f"{form}:lake", TABLES), jobs=1)
    for name, mode in permissions(cwd / "lake").items():
        for path in (cwd / "lake").rglob("*"):
            if path.is_file() and name == table_of(path, cwd / "lake"):
                path.chmod(0o600 if name in ("campaigns", "manifest.json") else mode & 0o640)
    private = permissions(cwd / "lake")
    assert {name for name, mode in private.items() if mode == 0o600} == {
        "campaigns",
        "manifest.json",
    }
    with sink_of(f"{form}:lake", TABLES) as sink:
        land(other, sink, local.processes(1))
        (staging,) = (cwd / "lake" / STAGING).iterdir()
        staged = {name: mode for name, mode in permissions(staging).items() if name in private}
        assert "campaigns" in staged
        assert staged.items() <= private.items()
    assert permissions(cwd / "lake") == private


def table_of(path: Path, folder: Path) -> str:
    return path.relative_to(folder).parts[0].removesuffix(".csv")


def permissions(folder: Path) -> dict[str, int]:
    """The permissions of the files of each table, and of the manifest."""
    return {
        table_of(path, folder): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }
