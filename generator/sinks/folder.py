"""A folder, on this machine or on S3, through one file system of pyarrow.

A place is a path or an address `s3://bucket/prefix`, whose credentials, region and endpoint are
those of the usual environment (`AWS_…`), or stand in the address as pyarrow reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from generator.sinks.sink import DestinationFailedError

_SECRET = re.compile(r"(?<=://)[^/@]*@|(?<=secret_key=)[^&]*", re.IGNORECASE)


class Folder:
    """The files of a place, by their paths below it. What fails is a DestinationFailedError."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.name = _SECRET.sub("…", place)
        with self.told():
            if place.startswith("s3://"):
                system, path = fs.FileSystem.from_uri(place)
            else:
                system, path = fs.LocalFileSystem(), str(Path(place).absolute())
            self._files = fs.SubTreeFileSystem(path, system)

    def paths(self, below: str) -> Iterator[str]:
        """The files below a folder, however deep; none if it is not there."""
        for info in self._found(below, recursive=True):
            if info.type == fs.FileType.File:
                yield info.path

    def entries(self, below: str) -> list[str]:
        """The names in a folder."""
        return [info.base_name for info in self._found(below, recursive=False)]

    def size(self, path: str) -> int | None:
        """The bytes of a file; None if it is not there."""
        with self.told():
            info = self._files.get_file_info(path)
        return info.size if info.type == fs.FileType.File else None

    def read(self, path: str) -> bytes:
        """A file's bytes."""
        with self.told(), self._files.open_input_stream(path) as stream:
            return bytes(stream.read())

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in folders that are made if they are not there."""
        with self.told(), self.opened(path) as stream:
            stream.write(content)

    def opened(self, path: str) -> pa.NativeFile:
        """A file to be written, in folders that are made if they are not there."""
        with self.told():
            self._make_room(path)
            return self._files.open_output_stream(path)

    def move(self, path: str, to: str) -> None:
        """Move a file, over another if there is one."""
        with self.told():
            self._make_room(to)
            self._files.move(path, to)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that this leaves empty."""
        with self.told():
            self._files.delete_file(path)
        parent = path.rpartition("/")[0]
        while parent and not self.entries(parent):
            self.remove_all(parent)
            parent = parent.rpartition("/")[0]

    def remove_all(self, below: str) -> None:
        """Remove a folder with all that is in it."""
        with self.told():
            self._files.delete_dir(below)

    def _make_room(self, path: str) -> None:
        if parent := path.rpartition("/")[0]:
            self._files.create_dir(parent, recursive=True)

    def _found(self, below: str, recursive: bool) -> list[Any]:
        with self.told():
            return list(
                self._files.get_file_info(
                    fs.FileSelector(below, recursive=recursive, allow_not_found=True)
                )
            )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raises DestinationError for what fails with a file of the folder."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            first = str(error).splitlines()[0]
            raise DestinationFailedError(
                f"{self.name}: {first}; check the place and what you may do there, or choose "
                "another --to"
            ) from error
