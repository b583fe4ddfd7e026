"""What a live run has worked out, kept in files of the user's cache folder: which impressions a
panel sees, and what its households buy. A run that goes on reads it instead of working it out
again, which takes longer the larger the panel is.

It is a cache and no more. Each file begins with a mark of the project and a digest of the identity
of the world, its own name and the rest of it. Without a file that has the right digest, or a folder
that can be written, it is worked out again. Runs of the same world at once write the same files,
aside and renamed. A file without the mark belongs to the user, and stays.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

# Variables that name a folder, and what is below it.
_FOLDERS = (
    ("ADS_CACHE", ""),
    ("XDG_CACHE_HOME", "streaming-ads"),
    ("LOCALAPPDATA", "streaming-ads"),
    ("HOME", ".cache/streaming-ads"),
)
_MARK = b"kept by streaming-ads live\n"
_DIGEST_BYTES = 16
_IDENTITY = re.compile("[0-9a-f]{32}")
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

    def __call__(self, name: str, make: Callable[[], pa.RecordBatch]) -> pa.RecordBatch:
        """Return what is kept under a name, made if it is not."""
        if self._folder is None:
            return make()
        file = self._folder / f"{name}.arrow"
        with suppress(OSError):
            head, content = _split(memoryview(file.read_bytes()))
            if head == self._head(name, content):
                return pa.ipc.open_stream(content).read_next_batch()
        made = make()
        with suppress(OSError):
            if not file.exists() or _is_own(file):
                self._write(file, self._head(name, content := _content(made)), content)
        return made

    def _head(self, name: str, content: memoryview) -> bytes:
        key = f"{self._identity} {name}".encode()
        return _MARK + blake2b(content, digest_size=_DIGEST_BYTES, key=key).digest()

    def _write(self, file: Path, head: bytes, content: memoryview) -> None:
        aside = file.with_suffix(f".{os.getpid()}")
        try:
            with aside.open("wb") as opened:
                opened.write(head)
                opened.write(content)
            os.replace(aside, file)
        finally:
            aside.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what is kept for this world: its run is complete."""
        if self._folder is not None:
            with suppress(OSError):
                _forget(self._folder)


def _split(whole: memoryview) -> tuple[bytes, memoryview]:
    place = len(_MARK) + _DIGEST_BYTES
    return bytes(whole[:place]), whole[place:]


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
    """Tell whether a file was written here: it has the mark, or it was stopped before there was
    anything in it."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(_MARK)) in (_MARK, b"")
