"""Ctrl-C and SIGTERM: the run unwinds, whatever it is in, and the command ends with one line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130


class Interrupted(BaseException):
    """Somebody asked the command to stop. Not an Exception, so that nothing on the way keeps it."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Run a command so that SIGINT and SIGTERM end it with one line and exit code 130.

    A library that is interrupted in the middle of a call may raise an error of its own instead
    (DuckDB does), so whatever comes out after a signal is taken for the interruption.
    """
    seen = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if not seen:
            seen = True
            raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        yield
    except BaseException:
        if not seen:
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    if seen:
        print("interrupted; no half of a run was kept", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
