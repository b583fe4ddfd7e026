"""A folder of files: one per slice and table, which appears whole.

`DIR/TABLE/DAY/TIME.ndjson` has the rows of a table in the slice that begins then; `start` and `end`
have what is sent before the first and after the last slice. `DIR/_live/state.ndjson` says how far
the run is, and `DIR/_live/slices` has a row for each slice. Files of a slice that was not finished
are removed when the run goes on; files with other names are left alone.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from generator.live.clock import datetime_of_moment
from generator.live.json_lines import document
from generator.live.targets.target import MINUTE, Target
from generator.live.timeline import SENT, Slice
from generator.schema import RawTable
from generator.schema.arrow import to_arrow
from generator.schema.live import LiveSlice, LiveState
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.lock import Lock
from generator.sinks.sink import Piece

_LIVE, _SLICES, _START, _END = "_live", "slices", "start", "end"
_STATE = "state.ndjson"
_DAY, _TIME = "%Y-%m-%d", "%H%M%S"
_ROWS_A_FILE = 500_000
# What a run writes to the folder of a table: files of a slice by day and time, and by number those
# of a start or an end. A file that is not whole has `.part` after it.
_OF_A_SLICE = re.compile(r"(\d{4}-\d\d-\d\d)/(\d{6})\.(ndjson|parquet)(\.part)?")
_OF_AN_END = re.compile(rf"({_START}|{_END})/\d{{5,}}\.(ndjson|parquet)(\.part)?")


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
            self.close()
            raise self._failure(error) from error
        except DestinationError:
            self.close()
            raise
        return state

    def _state(self) -> LiveState | None:
        held = self._folder / _LIVE / _STATE
        if held.is_file():
            return self._read(held)
        begun = (self._folder / _LIVE).is_dir()
        strange = next((path.name for path in self._folder.iterdir()), None)
        if strange is not None and not begun:
            raise DestinationError(
                f"{self.label}: holds {strange}, which no live run wrote; choose another --to"
            )
        (self._folder / _LIVE).mkdir(exist_ok=True)
        return None

    def _read(self, file: Path) -> LiveState:
        """Return the state that a file holds. Raises DestinationError."""
        try:
            return LiveState.model_validate_json(file.read_text().replace('Z"', '"'))
        except ValueError as error:
            raise DestinationError(
                f"{file}: is not the state of a live run; choose another --to"
            ) from error

    def _remove_unfinished(self, state: LiveState | None) -> None:
        """Remove the files of slices from the next one on, and of a start or an end that was not
        finished."""
        for name in (*(table.table_name for table in SENT), f"{_LIVE}/{_SLICES}"):
            for file in (self._folder / name).glob("*/*"):
                if _is_unfinished(f"{file.parent.name}/{file.name}", state):
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


def _is_unfinished(name: str, state: LiveState | None) -> bool:
    """Say whether a file, named `DAY/FILE`, is one that a run wrote and did not finish."""
    if match := _OF_A_SLICE.fullmatch(name):
        day, time = match[1], match[2]
        return state is None or f"{day} {time}" >= f"{state.next_slice:{_DAY} {_TIME}}"
    if match := _OF_AN_END.fullmatch(name):
        return state is None or (match[1] == _END and not state.is_complete)
    return False


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
