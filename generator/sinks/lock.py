"""One run at a time into a folder.

The system keeps the lock, on the folder itself: nothing is written for it, and it ends with the
process, however that ends, so no lock can be stale. On a file system without locks no
run is kept out. Windows locks no folders: there a file beside it is locked, `NAME.lock`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from generator.sinks.errors import DestinationFailedError
from generator.system import POSIX

if POSIX:
    import fcntl


class Lock:
    """A folder of this machine, made if there is none, and no other run's until `release`."""

    def __init__(self, folder: Path) -> None:
        try:
            release = None
            while release is None:
                folder.mkdir(parents=True, exist_ok=True)
                release = lock_folder(folder)
        except BlockingIOError as error:
            raise DestinationFailedError(
                f"{folder}: another run writes to it; wait for its end, or choose another --to"
            ) from error
        except OSError as error:
            raise DestinationFailedError(
                f"{folder}: cannot be used: {error.strerror}; choose another --to"
            ) from error
        self.release = release


def lock_folder(folder: Path) -> Callable[[], None] | None:
    """Lock a folder, and return what ends the lock; None if the folder went away meanwhile.

    Raises BlockingIOError if another process has the lock, and OSError for a path that is not a
    folder.
    """
    if POSIX:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        release = partial(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            release()
            raise
        except OSError:
            # This file system knows no locks.
            return release
        if _is_still(folder, descriptor):
            return release
        release()
        return None
    return _lock_beside(folder)


def lock_file(opened: BinaryIO) -> None:
    """Lock a file as DuckDB does, until it is closed: Windows lets no DuckDB open an open file.
    Raises BlockingIOError if another process has the lock."""
    if POSIX:
        fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def hold_file(file: Path) -> Callable[[], None]:
    """Keep a file for this process among those that ask for it here, and return what ends that. It
    is another lock than that of DuckDB, which can come and go meanwhile. Raises BlockingIOError if
    another process has it."""
    if POSIX:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:
            pass  # This file system knows no locks.
        return partial(os.close, descriptor)
    return _acquire(file)


def _is_still(folder: Path, descriptor: int) -> bool:
    """Return whether a folder has not been removed while this process waited for it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(folder))
    except FileNotFoundError:
        return False


def _acquire(path: Path) -> Callable[[], None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
    return lock.release


def _lock_beside(folder: Path) -> Callable[[], None] | None:
    release = _acquire(folder)
    if folder.is_dir():
        return release
    release()
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return None
