"""One run at a time into a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from generator.sinks.sink import DestinationFailedError


class Lock:
    """A folder of this machine, made if it is not there, and no other run's until `release`.

    The system keeps the lock, on the folder itself: nothing is written for it, and it ends with the
    process, however that ends, so no lock can be stale. A file system that knows no locks keeps
    nobody out.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise DestinationFailedError(
                f"{folder}: cannot be used: {error.strerror}; choose another --to"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise DestinationFailedError(
                f"{folder}: another run writes to it; wait for its end, or choose another --to"
            ) from error
        except OSError:
            pass

    def release(self) -> None:
        """Let others in."""
        os.close(self._descriptor)
