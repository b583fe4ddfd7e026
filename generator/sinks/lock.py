"""One run at a time into a folder.

The system keeps the lock, on the folder itself: nothing is written for it, and it ends with the
process, however that ends, so no lock can be stale. On a file system without locks no
run is kept out.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from generator.sinks.sink import DestinationFailedError


class Lock:
    """A folder of this machine, made if there is none, and no other run's until `release`."""

    def __init__(self, folder: Path) -> None:
        try:
            descriptor = None
            while descriptor is None:
                folder.mkdir(parents=True, exist_ok=True)
                descriptor = lock_folder(folder)
        except BlockingIOError as error:
            raise DestinationFailedError(
                f"{folder}: another run writes to it; wait for its end, or choose another --to"
            ) from error
        except OSError as error:
            raise DestinationFailedError(
                f"{folder}: cannot be used: {error.strerror}; choose another --to"
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others in."""
        os.close(self._descriptor)


def lock_folder(folder: Path) -> int | None:
    """Return a descriptor of a folder; None if the folder went away meanwhile.

    The lock ends when the descriptor is closed. Raises BlockingIOError if another process has the
    lock, and OSError for a path that is not a folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        # This file system knows no locks.
        return descriptor
    if _is_still(folder, descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _is_still(folder: Path, descriptor: int) -> bool:
    """Return whether a folder has not been removed while this process waited for it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(folder))
    except FileNotFoundError:
        return False
