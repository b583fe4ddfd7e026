"""A folder, on this machine or on S3, through one file system of pyarrow.

A place is a path or an address `s3://bucket/prefix`. Credentials, region and endpoint come from the
usual environment (`AWS_…`), or are part of the address as pyarrow reads it. Below the place no link
is followed: a link is a third kind of entry, neither file nor folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from generator.masking import mask, without_secrets_of
from generator.outputs import set_mode
from generator.sinks.errors import DestinationFailedError, first_line

CHUNK = 1 << 20
# A file on its way to its name, when it is written in one step.
UNFINISHED = ".unfinished"


class Kind(StrEnum):
    """What an entry of a folder is; a link, a pipe or a device is `other`."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True)
class Entry:
    """One entry below a folder: its path, its size in bytes, and when it changed, in nanoseconds.
    Two equal entries are the same file, unchanged."""

    path: str
    kind: Kind
    size: int
    changed: int


class Folder:
    """The files of a place, by their paths below it. What fails is a DestinationFailedError."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.name = mask(place)
        self._root: Path | None = None
        with self.translate_errors():
            if place.startswith("s3://"):
                system, path = fs.FileSystem.from_uri(place)
            else:
                system, path = fs.LocalFileSystem(), str(Path(place).absolute())
                self._root = Path(path)
            self._files = fs.SubTreeFileSystem(path, system)

    def entry(self, path: str) -> Entry | None:
        """Return the entry at a path, or None. A link on the way to it is returned in its place."""
        with self.translate_errors():
            if self._root is None:
                info = self._files.get_file_info(path)
                return None if info.type == fs.FileType.NotFound else _of_info(info)
            names = path.split("/")
            for depth in range(1, len(names) + 1):
                found = _of_file(self._root, "/".join(names[:depth]))
                if found is None or found.kind is Kind.OTHER:
                    return found
            return found

    def below(self, path: str) -> list[Entry]:
        """Return all entries below a folder, at every depth; none if there is no such folder."""
        entry = self.entry(path)
        if entry is None and self._root is not None:
            return []
        if entry is not None and entry.kind is not Kind.FOLDER:
            return []
        with self.translate_errors():
            if self._root is None:
                selector = fs.FileSelector(path, recursive=True, allow_not_found=True)
                return [_of_info(info) for info in self._files.get_file_info(selector)]
            return list(_walk(self._root, path))

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        with self.translate_errors(), self._files.open_input_stream(path) as stream:
            return bytes(stream.read())

    def input(self, path: str) -> pa.NativeFile:
        """Return a file, open for reading at any position."""
        with self.translate_errors():
            return self._files.open_input_file(path)

    def digest(self, path: str) -> str:
        """Return the SHA-256 hash of a file, as `sha256sum` prints it."""
        found = hashlib.sha256()
        with self.translate_errors(), self._files.open_input_stream(path) as stream:
            while chunk := stream.read(CHUNK):
                found.update(chunk)
        return found.hexdigest()

    def mode(self, path: str) -> int | None:
        """Return a file's permissions; None if it is not on this machine, or not there."""
        if self._root is None:
            return None
        try:
            return stat.S_IMODE(os.lstat(self._root / path).st_mode)
        except OSError:
            return None

    def write(self, path: str, content: bytes, mode: int | None = None) -> None:
        """Write a file in one step, in new folders where there are none."""
        unfinished = path + UNFINISHED
        with self.translate_errors():
            file = self.open_new(unfinished, mode)
            try:
                file.write(content)
            finally:
                file.close()
            self._files.move(unfinished, path)

    def open_new(self, path: str, mode: int | None = None) -> HashedFile:
        """Return a new file to be written, in new folders where there are none, with these
        permissions or the usual ones. One with the same name goes, and is not written to."""
        with self.translate_errors():
            self._make_folder_of(path)
            if self._root is None:
                return HashedFile(self._files.open_output_stream(path))
            file = self._root / path
            file.unlink(missing_ok=True)
            first = 0o666 if mode is None else 0o600
            opened = open(  # noqa: SIM115
                file, "xb", buffering=0, opener=partial(os.open, mode=first)
            )
            if mode is not None:
                set_mode(opened.fileno(), file, mode)
            return HashedFile(opened)

    def refuse_read_only(self, paths: Iterable[str]) -> None:
        """Raise DestinationFailedError for a folder of this machine in which this process may not
        make or remove these files."""
        if self._root is None:
            return
        for folder in sorted({path.rpartition("/")[0] for path in paths}):
            place = self._root / folder
            while not place.exists():
                place = place.parent
            if not os.access(place, os.W_OK | os.X_OK):
                raise DestinationFailedError(
                    f"{place}: is read-only; allow writing to it, or choose another --to"
                )

    def move(self, path: str, to: str) -> None:
        """Move a file, over another one with that name."""
        with self.translate_errors():
            self._make_folder_of(to)
            self._files.move(path, to)

    def _make_folder_of(self, path: str) -> None:
        """Make the folder of a file, where there are folders. On S3 it would be an object with a
        name that ends with a slash, in the place of a user's."""
        if self._root is not None and (parent := path.rpartition("/")[0]):
            self._files.create_dir(parent, recursive=True)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self.translate_errors():
            self._files.delete_file(path)

    def prune(self, path: str) -> None:
        """Remove the empty folders below a folder, and itself if nothing is left in it."""
        entries = self.below(path)
        folders = {path, *(entry.path for entry in entries if entry.kind is Kind.FOLDER)}
        for entry in entries:
            if entry.kind is not Kind.FOLDER:
                folders -= set(parents(entry.path))
        self._remove_folders(folders)

    def remove_empty(self, folders: Iterable[str]) -> None:
        """Remove those of these folders that are empty. On S3 an object with the name of a folder
        can be a user's, and stays."""
        if self._root is not None:
            self._remove_folders(folders)

    def _remove_folders(self, folders: Iterable[str]) -> None:
        for folder in sorted(folders, reverse=True):
            if self._root is not None:
                # A user may have put a file there just now.
                with suppress(OSError):
                    (self._root / folder).rmdir()
            elif self.entry(folder):
                with self.translate_errors():
                    self._files.delete_dir(folder)

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise a DestinationFailedError for what fails with a file of the folder."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            first = without_secrets_of(self.place, first_line(error))
            raise DestinationFailedError(
                f"{self.name}: {first}; check the place and what you may do there, or choose "
                "another --to"
            ) from error


class HashedFile:
    """A file that is written, with its size and the hash of its bytes so far."""

    def __init__(self, file: Any) -> None:
        self.bytes = 0
        self.closed = False
        self._is_abandoned = False
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The SHA-256 hash, as `sha256sum` prints it."""
        return self._hash.hexdigest()

    def write(self, content: Any) -> None:
        """Write all the bytes."""
        if self._is_abandoned:
            return
        rest = memoryview(content).cast("B")
        self.bytes += rest.nbytes
        self._hash.update(rest)
        while rest:
            # A file of pyarrow writes all and says nothing; one of the system may write a part.
            written = self._file.write(rest)
            rest = rest[rest.nbytes if written is None else written :]

    def abandon(self) -> None:
        """Ignore what is written from now on."""
        self._is_abandoned = True

    def flush(self) -> None:
        """Leave it to the end."""

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._file.close()


def parents(path: str) -> list[str]:
    """Return the folders that a path is in."""
    return [path[:position] for position, letter in enumerate(path) if letter == "/"]


def _walk(root: Path, path: str) -> Iterator[Entry]:
    """Yield the entries below a folder, by name, each folder before what is in it."""
    waiting = _names(root, path)
    while waiting:
        below = waiting.pop()
        if entry := _of_file(root, below):
            yield entry
            if entry.kind is Kind.FOLDER:
                waiting += _names(root, below)


def _names(root: Path, path: str) -> list[str]:
    """Return the paths of what is in a folder, the last one first."""
    with os.scandir(root / path) as found:
        names = sorted((entry.name for entry in found), reverse=True)
    return [f"{path}/{name}" if path else name for name in names]


def _of_file(root: Path, path: str) -> Entry | None:
    try:
        found = os.lstat(root / path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    kind = (
        Kind.FILE
        if stat.S_ISREG(found.st_mode)
        else Kind.FOLDER
        if stat.S_ISDIR(found.st_mode)
        else Kind.OTHER
    )
    return Entry(path, kind, found.st_size, found.st_mtime_ns)


def _of_info(info: Any) -> Entry:
    kind = Kind.FILE if info.type == fs.FileType.File else Kind.FOLDER
    return Entry(info.path.rstrip("/"), kind, info.size or 0, info.mtime_ns or 0)
