"""Changing a file all at once: what changes is a copy, which takes the file's place by one rename.

DuckDB alone cannot promise that much: its checkpoint writes blocks of metadata over those that the
last one left, and a process that is killed within such a write leaves a file that nobody can open.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb

SUFFIX = ".unfinished"
PIECE = 1 << 20


class Replacement:
    """A copy of a DuckDB file that is there, beside it, and a lock that keeps DuckDB in other
    processes away from the file until `take_place` or `discard`.

    The lock is DuckDB's own kind, so whoever has the file open is in the way: BlockingIOError. What
    else fails is an OSError or a duckdb.Error.
    """

    def __init__(self, file: Path) -> None:
        self._file = Path(os.path.realpath(file))
        self.path = self._file.with_name(file.name + SUFFIX)
        self._locked = _locked(self._file)
        try:
            self._remove()
            with self.path.open("wb") as copy:
                shutil.copyfileobj(self._locked, copy, PIECE)
            shutil.copymode(self._file, self.path)
            with suppress(PermissionError):
                owner = os.fstat(self._locked.fileno())
                os.chown(self.path, owner.st_uid, owner.st_gid)
        except BaseException:
            self.discard()
            raise

    def take_place(self) -> None:
        """Put the copy, which nobody has open any more, in the place of the file.

        Raises OSError for a copy that does not hold all: where DuckDB has no room for what is in
        the log, it closes without a word.
        """
        if os.path.exists(write_ahead_log(self.path)):
            raise OSError("no room for all that was written")
        os.replace(self.path, self._file)
        self._locked.close()

    def discard(self) -> None:
        """Leave the file as it was."""
        self._remove()
        self._locked.close()

    def _remove(self) -> None:
        for each in (self.path, write_ahead_log(self.path)):
            each.unlink(missing_ok=True)


def write_ahead_log(file: Path) -> Path:
    """Where DuckDB keeps what is committed and not yet in the file."""
    return file.with_name(file.name + ".wal")


def _locked(file: Path) -> BinaryIO:
    """The file, open and locked, with all that is committed in it."""
    while True:
        opened = file.open("r+b")
        try:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(write_ahead_log(file)):
                _fold_in(file)
            elif os.path.samestat(os.fstat(opened.fileno()), os.stat(file)):
                return opened
        except BaseException:
            opened.close()
            raise
        opened.close()


def _fold_in(file: Path) -> None:
    """What a process that came to a sudden end has left in the log. Ends a lock of this process."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("CHECKPOINT")
        write_ahead_log(file).unlink(missing_ok=True)
