"""What Linux and macOS have and Windows does not, and the signals that ask a process to stop.

Code for the former is within `if POSIX`; `make lint` checks the rest with the types of Windows.
"""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Iterator
from contextlib import contextmanager

POSIX = importlib.util.find_spec("fcntl") is not None

STOPS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# Those that a terminal sends to all of its processes.
OF_TERMINALS = tuple(number for number in STOPS if number != signal.SIGTERM)


@contextmanager
def block_stops() -> Iterator[None]:
    """Let neither this thread nor a process that it starts hear a stop signal. Windows cannot
    block signals: there they are heard."""
    if POSIX:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:
        yield


def unblock_stops() -> None:
    """Let this thread hear the stop signals that were blocked when its process was started."""
    if POSIX:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
