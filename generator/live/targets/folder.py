"""A folder of files: one per slice and table, which appears whole.

`DIR/TABLE/DAY/TIME.ndjson` has the rows of a table in the slice that begins then; `start` and `end`
have what is sent before the first and after the last slice. `DIR/_live/state.ndjson` says how far
the run is, and `DIR/_live/slices` has a row for each slice. Files of a slice that was not finished
are removed when the run goes on.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from generator.live.clock import datetime_of_moment
from generator.live.json_lines import document
from generator.live.targets.target import MINUTE, Target
from generator.live.timeline import Slice
from generator.schema import RawTable
from generator.schema.arrow import to_arrow
from generator.schema.live import LiveError, LiveSlice, LiveState
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.lock import Lock
from generator.sinks.sink import Piece

_LIVE, _SLICES, _START, _END = "_live", "slices", "start", "end"
_STATE, _ERRORS = "state.ndjson", "errors.ndjson"
_DAY, _TIME = "%Y-%m-%d", "%H%M%S"
_ROWS_A_FILE = 500_000


class FolderTarget(Target):
    """A folder of files of one format."""

    least_slice = MINUTE
    has_all = True
    ending: str

    def __init__(self, folder: Path) -> None:
        self.label = str(folder)
        self._folder = folder

    def open(self, tables: Iterable[type[RawTable]]) -> LiveState | None:  # noqa: ARG002
        """Lock the folder, and remove what an earlier run did not finish."""
        try:
            self._lock = Lock(self._folder)
        except DestinationFailedError as error:
            raise DestinationError(str(error)) from error
        try:
            state = self._state()
            self._remove_unfinished(state)
        except OSError as error:
            raise self._failure(error) from error
        return state

    def _state(self) -> LiveState | None:
        held = self._folder / _LIVE / _STATE
        if held.is_file():
            return LiveState.model_validate_json(held.read_text().replace('Z"', '"'))
        begun = (self._folder / _LIVE).is_dir()
        strange = next((path.name for path in self._folder.iterdir()), None)
        if strange is not None and not begun:
            raise DestinationError(
                f"{self.label}: holds {strange}, which no live run wrote; choose another --to"
            )
        (self._folder / _LIVE).mkdir(exist_ok=True)
        return None

    def _remove_unfinished(self, state: LiveState | None) -> None:
        """Remove the files of slices from the next one on, and of a start or an end that was not
        finished."""
        tables = [path for path in self._folder.iterdir() if path.is_dir() and path.name != _LIVE]
        next_slice = state.next_slice if state else None
        for folder in (*tables, self._folder / _LIVE / _SLICES):
            for day in folder.iterdir() if folder.is_dir() else ():
                if day.name == _END:
                    is_begun = state is None or not state.is_complete
                elif day.name == _START:
                    is_begun = state is None
                else:
                    is_begun = next_slice is None or day.name >= f"{next_slice:{_DAY}}"
                for file in day.iterdir() if is_begun else ():
                    name = f"{day.name} {file.name.split('.')[0]}"
                    if (
                        next_slice is None
                        or day.name in (_START, _END)
                        or (name >= f"{next_slice:{_DAY} {_TIME}}")
                    ):
                        file.unlink()

    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        """Write the files of the start or of the end."""
        name = _END if state.is_complete else _START
        waiting: dict[type[RawTable], list[pa.RecordBatch]] = {}
        files: dict[type[RawTable], int] = {}

        def write(table: type[RawTable]) -> None:
            number = files[table] = files.get(table, 0) + 1
            rows = pa.Table.from_batches(waiting.pop(table)).unify_dictionaries()
            self._write(self._folder / table.table_name, f"{name}/{number:05}", rows)

        try:
            for table, batch in pieces:
                batches = waiting.setdefault(table, [])
                batches.append(batch)
                if sum(some.num_rows for some in batches) >= _ROWS_A_FILE:
                    write(table)
            for table in list(waiting):
                write(table)
            self._keep(state)
        except OSError as error:
            raise self._failure(error) from error

    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:
        """Write the files of a slice, and then how far the run is."""
        name = f"{datetime_of_moment(piece.begin):{_DAY}/{_TIME}}"
        try:
            for part in piece.rows:
                self._write(self._folder / part.table.table_name, name, part.rows)
            if piece.rows:
                text = document(to_arrow(LiveSlice, [row]))
                self._replace(self._folder / _LIVE / _SLICES / f"{name}.ndjson", text)
            self._keep(state)
        except OSError as error:
            raise self._failure(error) from error

    def note(self, error: LiveError) -> None:
        """Add a failure to `_live/errors.ndjson`."""
        with open(self._folder / _LIVE / _ERRORS, "ab") as file:
            file.write(document(to_arrow(LiveError, [error])))

    def close(self) -> None:
        """Release the folder."""
        self._lock.release()

    def _keep(self, state: LiveState) -> None:
        self._replace(self._folder / _LIVE / _STATE, document(to_arrow(LiveState, [state])))

    def _write(self, folder: Path, name: str, rows: pa.Table) -> None:
        """Write rows to a file of a folder."""
        self._replace(folder / f"{name}.{self.ending}", self._contents(rows))

    @abstractmethod
    def _contents(self, rows: pa.Table) -> memoryview:
        """Return the contents of a file with these rows."""

    def _replace(self, file: Path, contents: memoryview) -> None:
        """Write a file aside, and let it take its place."""
        aside = file.with_name(f"{file.name}.part")
        file.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(contents)
        os.replace(aside, file)

    def _failure(self, error: OSError) -> DestinationFailedError:
        return DestinationFailedError(
            f"{self.label}: cannot be written: {error.strerror}; make room or let it be written, "
            "and run the same command again: it goes on at the next slice"
        )


class NdjsonTarget(FolderTarget):
    """A folder of NDJSON files."""

    ending = "ndjson"

    def _contents(self, rows: pa.Table) -> memoryview:
        return document(rows)


class ParquetTarget(FolderTarget):
    """A folder of Parquet files."""

    ending = "parquet"

    def _contents(self, rows: pa.Table) -> memoryview:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd")
        return memoryview(sink.getvalue())
