"""What a live run has worked out, kept in files of the user's cache folder: which impressions a
panel sees, and what its households buy. A run that goes on reads it instead of working it out
again, which takes longer the larger the panel is.

It is a cache and no more. Each file begins with a digest of the identity of the world, its own name
and the rest of it. Without a file that has the right digest, or a folder that can be written, it is
worked out again. Runs of the same world at once write the same files, aside and renamed.
"""

from __future__ import annotations

import os
import shutil
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
_DIGEST_BYTES = 16
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
            digest, content = _split(memoryview(file.read_bytes()))
            if digest == self._digest(name, content):
                return pa.ipc.open_stream(content).read_next_batch()
        made = make()
        with suppress(OSError):
            self._write(file, self._digest(name, content := _content(made)), content)
        return made

    def _digest(self, name: str, content: memoryview) -> bytes:
        key = f"{self._identity} {name}".encode()
        return blake2b(content, digest_size=_DIGEST_BYTES, key=key).digest()

    def _write(self, file: Path, digest: bytes, content: memoryview) -> None:
        aside = file.with_suffix(f".{os.getpid()}")
        try:
            with aside.open("wb") as opened:
                opened.write(digest)
                opened.write(content)
            os.replace(aside, file)
        finally:
            aside.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what is kept for this world: its run is complete."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _split(whole: memoryview) -> tuple[bytes, memoryview]:
    return bytes(whole[:_DIGEST_BYTES]), whole[_DIGEST_BYTES:]


def _content(batch: pa.RecordBatch) -> memoryview:
    buffer = pa.BufferOutputStream()
    with pa.ipc.new_stream(buffer, batch.schema) as writer:
        writer.write_batch(batch)
    return memoryview(buffer.getvalue())


def _remove_old(cache: Path) -> None:
    """Remove the files of runs that no one has gone on with for long."""
    for folder in cache.iterdir() if cache.is_dir() else ():
        if time.time() - folder.stat().st_mtime > _SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
