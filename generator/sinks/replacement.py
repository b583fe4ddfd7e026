"""Changing a file all at once: what changes is a copy, which takes the file's place by one rename.

DuckDB alone cannot promise that much: its checkpoint writes blocks of metadata over those that the
last one left, and a process that is killed within such a write leaves a file that no one can open.

The copy lies in a folder beside the file, `NAME.unfinished`, with DuckDB's log and temporary files.
Only its owner can look into the folder. A file in it, `_run`, marks the folder as the project's
own: what a killed run has left there is removed by the next one, and a file or folder of a user
else with that name is refused.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb

from generator.outputs import set_mode
from generator.sinks.errors import DestinationError
from generator.sinks.lock import lock_file, lock_folder
from generator.system import POSIX

SUFFIX = ".unfinished"
PIECE = 1 << 20
_PRIVATE = 0o700
_MARK = "_run"
_MARKED = b"A run of streaming-ads works here on a copy of the file beside it.\n"


class Replacement:
    """What will be a DuckDB file: a copy of the one there is, or nothing yet; and locks that keep
    other runs away, and DuckDB in other processes, until `take_place` or `discard`.

    The lock on the file is DuckDB's own kind, so a process that has it open is in the way:
    BlockingIOError. Raises DestinationError for what is foreign, and an OSError or a
    duckdb.Error for what else fails.
    """

    def __init__(self, file: Path) -> None:
        if os.path.islink(file) and not os.path.exists(file):
            raise DestinationError(
                f"{file}: is a link to nothing; remove it, or choose another --database"
            )
        self._file = Path(os.path.realpath(file))
        self._folder = self._file.with_name(self._file.name + SUFFIX)
        self.path = self._folder / self._file.name
        self._locked: BinaryIO | None = None
        self._release: Callable[[], None] | None = None
        try:
            self._begin()
        except BaseException:
            self.discard()
            raise

    @property
    def is_new(self) -> bool:
        """Whether there is no database yet: no file, or one without a byte."""
        return self._locked is None or os.fstat(self._locked.fileno()).st_size == 0

    def take_place(self) -> None:
        """Put the copy, which no process has open any more, in the place of the file.

        Raises OSError for a copy that does not hold all: where DuckDB has no room for what is in
        the log, it closes without a word.
        """
        if os.path.exists(write_ahead_log(self.path)):
            raise OSError("no room for all that was written")
        if self._locked:
            found = os.fstat(self._locked.fileno())
            if POSIX:
                with suppress(PermissionError):
                    os.chown(self.path, found.st_uid, found.st_gid)
            else:
                # Windows replaces no file that is open.
                self._locked.close()
            os.chmod(self.path, stat.S_IMODE(found.st_mode))
        elif os.path.lexists(self._file):
            raise OSError("another process has put a file there during the run")
        os.replace(self.path, self._file)
        # What is done is done: a folder that cannot be removed is the next run's to remove.
        with suppress(OSError):
            self.discard()

    def discard(self) -> None:
        """Leave the file unchanged."""
        try:
            if self._release:
                try:
                    self._remove_folder()
                except BaseException:
                    # An interruption comes once, and what it has cut short is done again.
                    with suppress(OSError):
                        self._remove_folder()
                    raise
        finally:
            if self._release:
                self._release()
                self._release = None
            if self._locked:
                self._locked.close()
                self._locked = None

    def _begin(self) -> None:
        if not os.path.exists(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self._locked = _open_locked(self._file) if os.path.exists(self._file) else None
            self._claim()
            if (self._locked is None) != os.path.exists(self._file):
                break
            self.discard()
        self._refuse_log()
        self._empty()
        (self._folder / _MARK).write_bytes(_MARKED)
        if self._locked and not self.is_new:
            with self.path.open("wb") as copy:
                set_mode(copy.fileno(), self.path, stat.S_IRUSR | stat.S_IWUSR)
                shutil.copyfileobj(self._locked, copy, PIECE)

    def _claim(self) -> None:
        """Make the folder, or take one that a run has left; lock it."""
        while self._release is None:
            with suppress(FileExistsError):
                self._folder.mkdir(mode=_PRIVATE)
                # A umask may have taken rights of the owner.
                self._folder.chmod(_PRIVATE)
            if self._folder.is_symlink() or self._folder.is_file():
                raise _is_strange(self._folder, "no run has made it")
            self._release = lock_folder(self._folder)
        if not self._is_own():
            self._release()
            self._release = None
            raise _is_strange(self._folder, "no run has made it")

    def _is_own(self) -> bool:
        """Return whether the folder is marked, with nothing in it but what a run and DuckDB write,
        or is as a run makes it."""
        names = set(os.listdir(self._folder))
        if not names:
            # No bit beyond these: the folder around it may hand down its setgid bit.
            others = stat.S_IRWXG | stat.S_IRWXO if POSIX else 0
            return not self._folder.stat().st_mode & others
        written = {_MARK, self.path.name, write_ahead_log(self.path).name, self._temporary.name}
        mark = self._folder / _MARK
        if not names <= written or mark.is_symlink() or not mark.is_file():
            return False
        if mark.stat().st_size > len(_MARKED):
            return False
        marked = mark.read_bytes()
        # A run that was killed here may have written a part of the mark, and nothing else.
        return marked == _MARKED or (_MARKED.startswith(marked) and names == {_MARK})

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(self.path.name + ".tmp")

    def _empty(self) -> None:
        for path in (self.path, write_ahead_log(self.path)):
            path.unlink(missing_ok=True)
        if self._temporary.is_dir() and not self._temporary.is_symlink():
            shutil.rmtree(self._temporary)

    def _remove_folder(self) -> None:
        self._empty()
        (self._folder / _MARK).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self._folder.rmdir()

    def _refuse_log(self) -> None:
        """Raise DestinationError for a file with the name of the log, and no log of a file."""
        log = write_ahead_log(self._file)
        if self._locked is None and os.path.lexists(log):
            raise _is_strange(log, "is not the log of that database")


def write_ahead_log(file: Path) -> Path:
    """Return where DuckDB keeps what is committed and not yet in the file."""
    return file.with_name(file.name + ".wal")


def _is_strange(path: Path, reason: str) -> DestinationError:
    return DestinationError(
        f"{path}: exists, and {reason}; move it away, or choose another --database"
    )


def _open_locked(file: Path) -> BinaryIO:
    """Return the file, open and locked, with all that is committed in it. Raises DestinationError
    for a device, a pipe, or anything else that is not a regular file."""
    while True:
        if os.path.exists(file) and not file.is_file():
            raise DestinationError(f"{file}: is not a file; choose another --database")
        opened = file.open("r+b")
        try:
            lock_file(opened)
            if os.path.lexists(write_ahead_log(file)):
                if not POSIX:
                    opened.close()
                _fold_in(file)
            elif os.path.samestat(os.fstat(opened.fileno()), os.stat(file)):
                return opened
        except BaseException:
            opened.close()
            raise
        opened.close()


def _fold_in(file: Path) -> None:
    """Put what a process that came to a sudden end has left in the log into the file. Ends a lock
    of this process. Raises DestinationError for a log that is none."""
    log = write_ahead_log(file)
    if log.is_symlink() or not log.is_file():
        raise _is_strange(log, "is not the log of that database")
    if log.stat().st_size and file.stat().st_size:
        with duckdb.connect(str(file)) as connection:
            connection.execute("CHECKPOINT")
    if not log.exists():
        return
    if log.stat().st_size:
        raise _is_strange(log, "is not the log of that database")
    log.unlink()
