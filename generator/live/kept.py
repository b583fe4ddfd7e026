"""What a live run has worked out, kept in files of the user's cache folder: which impressions a
panel sees, and what its households buy. A run that goes on reads it instead of working it out
again, which takes longer the larger the panel is.

It is a cache and no more. Each file begins with a mark of the project. Stretches of rows follow, so
that a run reads those that it needs, then a table of them, and its digest. A digest is that of the
identity of the world, the name of the file and what is digested; the table has those of the
stretches. Without a file that has the right digests, or a folder that can be written, the rows are
worked out again. Runs of the same world at once write the same files, aside and renamed. A file
without the mark belongs to the user, and stays.
"""

from __future__ import annotations

import json
import os
import re
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from generator.log.rows import Rows

# Variables that name a folder, and what is below it.
_FOLDERS = (
    ("ADS_CACHE", ""),
    ("XDG_CACHE_HOME", "streaming-ads"),
    ("LOCALAPPDATA", "streaming-ads"),
    ("HOME", ".cache/streaming-ads"),
)
_MARK = b"kept by streaming-ads live\n"
# The digest of the table, and its bytes.
_TAIL = struct.Struct("<16sQ")
_ROWS_A_STRETCH = 1 << 18
_IDENTITY = re.compile("[0-9a-f]{32}")
# How the names of files end: those in use, and those that are being written by a process.
_NAME = re.compile(r"\.(arrow|\d+)")
# The files of a run that has not been gone on with for so long are removed.
_SECONDS = 30 * 86_400


def cache_folder() -> Path | None:
    """Return where the user's programs keep what they can make again; None where that is not
    known. `ADS_CACHE` names another folder."""
    for name, below in _FOLDERS:
        folder = Path(os.environ.get(name, ""))
        if folder.is_absolute():
            return folder / below
    return None


class KeptFiles:
    """What is kept for the world of an identity. Called with a name, it returns what was kept under
    it, or makes and keeps it."""

    def __init__(self, cache: Path | None, identity: str) -> None:
        self._identity = identity
        self._folder = cache / identity if cache else None
        if self._folder:
            with suppress(OSError):
                _remove_old(self._folder.parent)
                self._folder.mkdir(parents=True, exist_ok=True)
                os.utime(self._folder)

    def __call__(self, name: str, make: Callable[[], pa.RecordBatch]) -> Rows:
        """Return what is kept under a name, made if it is not."""
        if self._folder is None:
            return make()
        file = self._folder / f"{name}.arrow"
        key = f"{self._identity} {name}".encode()

        def make_and_keep() -> pa.RecordBatch:
            made = make()
            with suppress(OSError):
                if not file.exists() or _is_own(file):
                    _write(file, key, made)
            return made

        with suppress(OSError, _ChangedError):
            return _open(file, key, make_and_keep)
        return make_and_keep()

    def remove(self) -> None:
        """Remove what is kept for this world: its run is complete."""
        if self._folder is not None:
            with suppress(OSError):
                _forget(self._folder)


class _ChangedError(Exception):
    """A file has something else in it than what was written there."""


@dataclass(frozen=True)
class _KeptRows:
    """The rows of a file: how many they are, and the digest of each stretch and where it ends. They
    are made again where a stretch was changed."""

    file: Path
    key: bytes
    num_rows: int
    digests: list[str]
    ends: list[int]
    make: Callable[[], pa.RecordBatch]

    def slice(self, offset: int = 0, length: int | None = None) -> pa.RecordBatch:
        """Return as many as `length` of the rows from position `offset` on, or all that follow."""
        end = self.num_rows if length is None else min(offset + length, self.num_rows)
        first = min(offset // _ROWS_A_STRETCH, len(self.digests) - 1)
        last = max(-(-end // _ROWS_A_STRETCH), first + 1)
        with suppress(OSError, _ChangedError):
            rows = pa.concat_batches(self._stretches(first, last))
            return rows.slice(offset - first * _ROWS_A_STRETCH, end - offset)
        return self.make().slice(offset, end - offset)

    def _stretches(self, first: int, last: int) -> list[pa.RecordBatch]:
        """Return the stretches from number `first` to before `last`."""
        found = []
        with self.file.open("rb") as opened:
            opened.seek(self.ends[first])
            for number in range(first, last):
                content = opened.read(self.ends[number + 1] - self.ends[number])
                if _digest(self.key, content) != self.digests[number]:
                    raise _ChangedError
                found.append(pa.ipc.open_stream(content).read_next_batch())
        return found


def _open(file: Path, key: bytes, make: Callable[[], pa.RecordBatch]) -> _KeptRows:
    """Return the rows of a file, made again where something else was written under this key. Raises
    _ChangedError where the table of them is another one."""
    if not file.is_file():
        raise _ChangedError
    with file.open("rb") as opened:
        end = opened.seek(0, os.SEEK_END) - _TAIL.size
        opened.seek(max(end, 0))
        tail = opened.read()
        if len(tail) != _TAIL.size:
            raise _ChangedError
        digest, size = _TAIL.unpack(tail)
        opened.seek(max(end - size, 0))
        table = opened.read(min(size, end))
        if _digest(key, table) != digest.hex():
            raise _ChangedError
    rows, digests, sizes = json.loads(table)
    return _KeptRows(file, key, rows, digests, [*accumulate(sizes, initial=len(_MARK))], make)


def _write(file: Path, key: bytes, rows: pa.RecordBatch) -> None:
    digests, sizes = [], []
    aside = file.with_suffix(f".{os.getpid()}")
    try:
        with aside.open("wb") as opened:
            opened.write(_MARK)
            for begin in range(0, max(rows.num_rows, 1), _ROWS_A_STRETCH):
                content = _content(rows.slice(begin, _ROWS_A_STRETCH))
                digests.append(_digest(key, content))
                sizes.append(opened.write(content))
            table = json.dumps([rows.num_rows, digests, sizes]).encode()
            opened.write(table)
            opened.write(_TAIL.pack(bytes.fromhex(_digest(key, table)), len(table)))
        os.replace(aside, file)
    finally:
        aside.unlink(missing_ok=True)


def _digest(key: bytes, content: bytes | memoryview) -> str:
    return blake2b(content, digest_size=16, key=key).hexdigest()


def _content(batch: pa.RecordBatch) -> memoryview:
    buffer = pa.BufferOutputStream()
    with pa.ipc.new_stream(buffer, batch.schema) as writer:
        writer.write_batch(batch)
    return memoryview(buffer.getvalue())


def _remove_old(cache: Path) -> None:
    """Remove the files of runs that no one has gone on with for long."""
    for folder in cache.iterdir() if cache.is_dir() else ():
        is_of_a_run = _IDENTITY.fullmatch(folder.name) and folder.is_dir()
        if is_of_a_run and time.time() - folder.stat().st_mtime > _SECONDS:
            _forget(folder)


def _forget(folder: Path) -> None:
    """Remove the files of a run, and their folder if nothing else is in it."""
    for file in folder.iterdir():
        if _is_own(file):
            file.unlink()
    with suppress(OSError):
        folder.rmdir()


def _is_own(file: Path) -> bool:
    """Tell whether a file was written here: it has the mark, or a name of files here and nothing in
    it, since a run was stopped."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as opened:
        head = opened.read(len(_MARK))
    return head == _MARK or (not head and bool(_NAME.fullmatch(file.suffix)))
