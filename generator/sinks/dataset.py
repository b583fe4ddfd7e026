"""A folder that holds one dataset, and what in it is the project's own.

A file belongs to the project if a record names it with its hash: `manifest.json`, or what a run
that did not end has left in `_staging`. Anything else in the way of a run is foreign: the
run refuses the folder before it changes anything, and once more before it puts its files in their
places.

A run writes below `_staging/IDENTITY`. The first file there, `_run`, names the run. Then come its
data files, a receipt for each finished part, the list of the files that it will replace, and, when
all is written, the manifest to be. From then on files move to their places, the manifest last; what
it does not name is removed, and so is the staging, `_run` last. So after any end each file in the
folder is in a record, or is an unfinished one below a `_run`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from pathlib import Path

import numpy as np
import pyarrow as pa

from generator import __version__
from generator.schema import TABLES, RawTable, Run
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.folder import UNFINISHED, Entry, Folder, Kind, parents
from generator.sinks.held import KEYED, OF_A_RUN, Guard, HeldDataset, HeldRun
from generator.sinks.lock import Lock
from generator.sinks.manifest import (
    LARGEST_RECORD,
    MANIFEST,
    PARTITIONED,
    File,
    Format,
    Leftovers,
    Manifest,
    Receipt,
    Record,
    as_json,
    data_table,
    read_record,
    sums,
    table_path,
)
from generator.sinks.sink import printable

STAGING = "_staging"
RECEIPTS = "_receipts"
_RUN = "_run"
_REPLACED = "replaced.json"
# The folders in which a run puts files.
_FOLDER = re.compile(f"{STAGING}|({'|'.join(table.table_name for table in TABLES)})(/month=[^/]*)?")
_IDENTITY = re.compile("[0-9a-f]{32}")
ReadColumns = Callable[[pa.NativeFile, type[RawTable], list[str]], pa.Table]
_RECEIPT = re.compile(rf"{RECEIPTS}/(?P<part>[a-z][a-z0-9_-]*)\.json")


@dataclass
class _Staged:
    """What a run that did not end has left: every file, and the records among them."""

    files: list[str] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    intent: Manifest | None = None
    replaced: Leftovers | None = None


class DatasetFolder:
    """A folder to which one run writes a dataset. Other runs are kept out until `release`.

    Raises DestinationError for a folder with something in the way that is not the project's own.
    """

    def __init__(self, place: str, form: Format) -> None:
        self.form = form
        self._identity = ""
        self._is_moving = False
        is_local = not place.startswith("s3://")
        self._lock = Lock(Path(place)) if is_local else None
        try:
            self.folder = Folder(place)
            self._manifest = self._read_manifest()
            self._seen = self.folder.entry(MANIFEST)
            self._refuse_objects_as_folders()
            self._staged = self._read_staging()
            self._own = self._recognise()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let others write to it."""
        if self._lock:
            self._lock.release()

    def protect(self, identity: str, guard: Guard | None, read: ReadColumns) -> None:
        """Call a guard with the dataset in the folder, unless that is of the run of this identity.
        `read` returns columns of a file."""
        if guard and self._manifest and self._manifest.identity != identity:
            guard(self._held_dataset(self._manifest, read))

    def _held_dataset(self, manifest: Manifest, read: ReadColumns) -> HeldDataset:
        """Return what the files hold. Of files of another version only the rows are known."""
        rows = {name: totals.rows for name, totals in manifest.tables.items()}

        def columns(table: type[RawTable], names: list[str]) -> pa.Table:
            files = [file for file in manifest.files if file.table == table.table_name]
            parts = [read(self.folder.input(file.path), table, names) for file in files]
            return pa.concat_tables(parts).to_pydict() if parts else {name: [] for name in names}

        try:
            run = columns(Run, list(OF_A_RUN))
            keys = [columns(table, [table.primary_key or ""]).popitem()[1] for table in KEYED]
        except (KeyError, pa.ArrowException):
            return HeldDataset(None, rows)
        runs = list(zip(*run.values(), strict=True))
        platforms, *ids = keys
        advertisers, campaigns = (np.array(found, dtype=np.int64) for found in ids)
        return HeldDataset(
            HeldRun(*runs[0]) if runs else None, rows, frozenset(platforms), advertisers, campaigns
        )

    def begin(self, identity: str) -> None:
        """Say that this run writes here: its `_run`, and the list of files that it will replace."""
        self._identity = identity
        if self._mark(identity) != _mark(self.form, identity):
            self._write_mark(identity)
        replaced = Leftovers(files=[file for file, _ in self._own.values()])
        self.folder.write(staged_path(identity, _REPLACED), as_json(replaced))

    def receipts(self) -> Iterator[tuple[str, Receipt]]:
        """Give the parts of this run that are recorded, in the manifest and then in its staging."""
        if self._manifest and self._manifest.identity == self._identity:
            yield from self._manifest.receipts().items()
        if staged := self._staged.get(self._identity):
            yield from staged.receipts.items()

    def where(self, file: File) -> str | None:
        """Return the path at which a file of this run is whole: its place, or in the staging."""
        in_place = self._own.get(file.path)
        if in_place and in_place[0].hash == file.hash:
            return file.path
        staged = staged_path(self._identity, file.path)
        entry = self.folder.entry(staged)
        is_whole = (
            entry is not None
            and (entry.kind, entry.size) == (Kind.FILE, file.bytes)
            and self.folder.digest(staged) == file.hash
        )
        return staged if is_whole else None

    def forget_others(self, kept: Collection[str]) -> None:
        """Remove what other runs have left that did not end: their staging, and files in place that
        are neither in the manifest nor kept."""
        if self._manifest:
            named = {file.path for file in self._manifest.files}
            self._remove_in_place(set(self._own) - named - set(kept))
        for identity, staged in self._staged.items():
            if identity != self._identity:
                self._remove_staging(identity, staged.files)

    def publish(self, parts: Mapping[str, Receipt], staged: Iterable[str], run: Run | None) -> None:
        """Move the staged files to their places, then the manifest, and remove what it does not
        name. Raises DestinationError if a user has changed the folder meanwhile."""
        parts = dict(sorted(parts.items()))
        manifest = Manifest(
            format=self.form,
            identity=self._identity,
            generator_version=__version__,
            run=run,
            tables=sums(parts.values()),
            parts={name: receipt.tables for name, receipt in parts.items()},
            files=[file for receipt in parts.values() for file in receipt.files],
        )
        staged = sorted(staged)
        self._refuse_changes()
        self.folder.refuse_read_only([*staged, *self._own, MANIFEST])
        self._is_moving = True
        self.folder.write(staged_path(self._identity, MANIFEST), as_json(manifest), self.mode())
        for path in staged:
            self.folder.move(staged_path(self._identity, path), path)
        self.folder.move(staged_path(self._identity, MANIFEST), MANIFEST)
        self._remove_in_place(set(self._own) - {file.path for file in manifest.files})
        self._clear()

    def holds_parts(self) -> bool:
        """Return whether the staging of this run holds a whole part, from which a later run can go
        on."""
        receipts = staged_path(self._identity, RECEIPTS)
        return bool(self._identity and self.folder.below(receipts))

    def abandon(self) -> None:
        """Remove what this run has written, unless files of it have begun to move to their places:
        then the next run needs its records."""
        if self._identity and not self._is_moving:
            self._clear()

    def _clear(self) -> None:
        """Remove the staging of this run."""
        staging, mark = staged_path(self._identity), _mark(self.form, self._identity)
        self._remove_staging(
            self._identity,
            [
                entry.path
                for entry in self.folder.below(staging)
                if entry.kind is Kind.FILE
                if self._is_of_run(self._identity, mark, entry.path.removeprefix(f"{staging}/"))
            ],
        )

    def mode(self, table: type[RawTable] | None = None) -> int | None:
        """Return the permissions that all files of a table in place have in common, or those of the
        manifest; None if there is no such file, or on S3."""
        paths = [MANIFEST] if self._manifest else []
        if table is not None:
            paths = [
                path for path, (file, _) in self._own.items() if file.table == table.table_name
            ]
        modes = [mode for path in paths if (mode := self.folder.mode(path)) is not None]
        return reduce(and_, modes) if modes else None

    def _read_manifest(self) -> Manifest | None:
        entry = self.folder.entry(MANIFEST)
        if entry is None:
            return None
        manifest = self._record(entry, Manifest)
        if manifest is None:
            raise self._strange(entry)
        if manifest.format != self.form:
            raise DestinationError(
                f"{self.folder.name}: holds a dataset in {manifest.format} files; choose another "
                "--to"
            )
        return manifest

    def _refuse_objects_as_folders(self) -> None:
        """Raise DestinationError for an object on S3 that has a name like `campaigns/` and a
        content: pyarrow empties it when the last file of that folder goes."""
        if self._lock is None:
            for entry in self.folder.below(""):
                if entry.kind is Kind.FILE and _FOLDER.fullmatch(entry.path):
                    raise self._strange(entry)

    def _read_staging(self) -> dict[str, _Staged]:
        """Return what runs have left, by their identity."""
        if (entry := self.folder.entry(STAGING)) and entry.kind is not Kind.FOLDER:
            raise self._strange(entry)
        found: dict[str, _Staged] = {}
        marks: dict[str, bytes | None] = {}
        for entry in self.folder.below(STAGING):
            identity, _, path = entry.path.removeprefix(f"{STAGING}/").partition("/")
            if entry.kind is Kind.FOLDER:
                continue
            if identity not in marks:
                marks[identity] = self._mark(identity)
            if entry.kind is Kind.OTHER or not self._is_of_run(identity, marks[identity], path):
                raise self._strange(entry)
            staged = found.setdefault(identity, _Staged())
            staged.files.append(entry.path)
            self._note(staged, identity, path, entry)
        return found

    def _mark(self, identity: str) -> bytes | None:
        """Return how far a run has written its mark; None where no run has."""
        expected = _mark(self.form, identity)
        entry = self.folder.entry(staged_path(identity, _RUN))
        if not _IDENTITY.fullmatch(identity) or not entry or entry.kind is not Kind.FILE:
            return None
        if entry.size > len(expected):
            return None
        found = self.folder.read(entry.path)
        return found if expected.startswith(found) else None

    def _is_of_run(self, identity: str, mark: bytes | None, path: str) -> bool:
        """Return whether a path is one that a run writes to its staging, which it has marked."""
        if mark is None or path == _RUN:
            return mark is not None
        record = path.removesuffix(UNFINISHED)
        is_record = record in (MANIFEST, _REPLACED) or _RECEIPT.fullmatch(record) is not None
        is_data = data_table(self.form, path, identity) is not None
        return mark == _mark(self.form, identity) and (is_record or is_data)

    def _note(self, staged: _Staged, identity: str, path: str, entry: Entry) -> None:
        """Note a record of a run, if it is a whole and right one."""
        if path == MANIFEST:
            manifest = self._record(entry, Manifest)
            if manifest and (manifest.identity, manifest.format) == (identity, self.form):
                staged.intent = manifest
        elif path == _REPLACED:
            replaced = self._record(entry, Leftovers)
            if replaced and all(file.is_of(self.form, None) for file in replaced.files):
                staged.replaced = replaced
        elif match := _RECEIPT.fullmatch(path):
            receipt = self._record(entry, Receipt)
            if receipt and receipt.is_of(self.form, identity, match["part"]):
                staged.receipts[match["part"]] = receipt

    def _recognise(self) -> dict[str, tuple[File, Entry]]:
        """Return the data files in place, by path: the record of each, and the file itself.

        Raises DestinationError for a file that is not the project's own.
        """
        known: dict[str, list[File]] = {}
        for record in self._records():
            for file in record.files:
                known.setdefault(file.path, []).append(file)
        found = {}
        for entry in self._in_place():
            if entry.kind is not Kind.FILE or entry.path not in known:
                raise self._strange(entry)
            same_size = [file for file in known[entry.path] if file.bytes == entry.size]
            digest = self.folder.digest(entry.path) if same_size else ""
            recognised = [file for file in same_size if file.hash == digest]
            if not recognised:
                raise DestinationError(
                    f"{self.folder.name}: {printable(entry.path)} has changed since a run wrote "
                    "it; move it away (the run makes it again), or choose another --to"
                )
            found[entry.path] = recognised[0], entry
        return found

    def _records(self) -> Iterator[Manifest | Leftovers]:
        if self._manifest:
            yield self._manifest
        for staged in self._staged.values():
            if staged.intent:
                yield staged.intent
            if staged.replaced:
                yield staged.replaced

    def _in_place(self) -> Iterator[Entry]:
        """Yield what is in the way of data files.

        These are files that a reader would take for a table's, and files in the place of a folder.
        """
        for table in TABLES:
            if self.form != PARTITIONED:
                entry = self.folder.entry(table_path(table.table_name, self.form))
                if entry:
                    yield entry
                continue
            entry = self.folder.entry(table.table_name)
            if entry and entry.kind is not Kind.FOLDER:
                yield entry
                continue
            for entry in self.folder.below(table.table_name):
                if entry.kind is Kind.OTHER or entry.path.endswith(f".{PARTITIONED}"):
                    yield entry

    def _refuse_changes(self) -> None:
        """Raise DestinationError for what has come in the way or changed since the start."""
        if self._mark(self._identity) != _mark(self.form, self._identity):
            self._clear()
            raise DestinationFailedError(
                f"{self.folder.name}: was emptied during the run; `generate` again, or choose "
                "another --to"
            )
        now = {entry.path: entry for entry in self._in_place()}
        before = {path: entry for path, (_, entry) in self._own.items()}
        changed = [entry for path, entry in now.items() if before.get(path) != entry]
        manifest = self.folder.entry(MANIFEST)
        if manifest and manifest != self._seen:
            changed.append(manifest)
        if changed:
            raise DestinationError(
                f"{self.folder.name}: {printable(changed[0].path)} was put there during the run; "
                "move it away, and the same command completes the run"
            )

    def _record(self, entry: Entry, kind: type[Record]) -> Record | None:
        if entry.kind is not Kind.FILE or entry.size > LARGEST_RECORD:
            return None
        return read_record(self.folder.read(entry.path), kind)

    def _strange(self, entry: Entry) -> DestinationError:
        return DestinationError(
            f"{self.folder.name}: holds {printable(entry.path)}, which no run has written; move it "
            "away, or choose another --to"
        )

    def _write_mark(self, identity: str) -> None:
        file = self.folder.open_new(staged_path(identity, _RUN))
        with self.folder.translate_errors():
            file.write(_mark(self.form, identity))
            file.close()

    def _remove_in_place(self, paths: set[str]) -> None:
        """Remove files of earlier runs, and the folders of tables that this leaves empty."""
        for path in paths:
            self.folder.remove(path)
            del self._own[path]
        self.folder.remove_empty({folder for path in paths for folder in parents(path)})

    def _remove_staging(self, identity: str, files: Iterable[str]) -> None:
        """Remove the files of a run's staging: its records after its data, its `_run` last."""
        mark, replaced = staged_path(identity, _RUN), staged_path(identity, _REPLACED)
        last = {replaced: 1, mark: 2}
        for path in sorted(files, key=lambda path: (last.get(path, 0), path)):
            self.folder.remove(path)
        self.folder.prune(staged_path(identity))
        self.folder.remove_empty([STAGING])


def staged_path(identity: str, path: str = "") -> str:
    """Return where a run writes the file of a path before it is moved there; or its staging."""
    return f"{STAGING}/{identity}/{path}".rstrip("/")


def _mark(form: Format, identity: str) -> bytes:
    return f"A run of streaming-ads into {form} files: {identity}\n".encode()
