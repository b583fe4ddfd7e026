"""Ctrl-C, SIGTERM and SIGHUP: the run unwinds and the command ends with one line and code 130."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import NoReturn

from generator.system import POSIX, STOPS

EXIT_INTERRUPTED = 130
_HEARD = STOPS
if POSIX:
    _HEARD += (signal.SIGALRM,)
_SECONDS_UNTIL_AGAIN = 0.01
_LAST_LINE = "interrupted: no partial run is visible; rerun the same command to complete it"
_asked = threading.Event()


class Interrupted(BaseException):
    """A signal asked the command to stop. No Exception, so that nothing on the way catches it.

    A command for which the usual last line is not true catches it and raises one with another."""


def was_asked() -> bool:
    """Return whether this process was asked to stop: then any error is a consequence."""
    return _asked.is_set()


def interruptible(command: Callable[[], None]) -> None:
    """Run a command so that SIGINT, SIGTERM and SIGHUP end it with one line and exit code 130.

    A SIGHUP that is ignored when the command starts stays ignored: that is what `nohup` asks for.

    A library that is interrupted in the middle of a call may raise another error instead
    (DuckDB does), so any error after a signal is taken for the interruption. Where Python drops
    what is raised, as in a `__del__`, it is raised again a moment later; so it is where nothing
    can be raised (`_cannot_stop_here`).
    """
    _asked.clear()
    last_line = _LAST_LINE
    report_dropped = sys.unraisablehook

    def stop(_number: int, frame: FrameType | None) -> None:
        if _asked.is_set():
            return
        if frame and _cannot_stop_here(frame):
            _ask_again()
            return
        _asked.set()
        raise Interrupted

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is not Interrupted:
            report_dropped(dropped)
            return
        _asked.clear()
        _ask_again()

    def no_longer() -> None:
        for number in _HEARD:
            signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook = report_dropped

    try:
        try:
            for number in _HEARD:
                if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, stop)
            sys.unraisablehook = again
            command()
        finally:
            no_longer()
    except BaseException as error:
        if not was_asked():
            raise
        if isinstance(error, Interrupted):
            last_line = str(error) or last_line
    if was_asked():
        no_longer()
        _leave(last_line)


def _cannot_stop_here(frame: FrameType) -> bool:
    """Tell whether what is raised in a frame would do harm.

    An `__exit__` would not be called a second time. A module in C that is being loaded may not
    expect it: DuckDB's aborts the process.
    """
    if frame.f_code.co_name == "__exit__":
        return True
    caller: FrameType | None = frame
    while caller:
        if isinstance(caller.f_locals.get("self"), ExtensionFileLoader):
            return True
        caller = caller.f_back
    return False


def _ask_again() -> None:
    """Raise a stop signal in a moment: the alarm, or Ctrl-C on Windows, which has no alarm."""
    if POSIX:
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_AGAIN)
    else:
        threading.Timer(_SECONDS_UNTIL_AGAIN, signal.raise_signal, [signal.SIGINT]).start()


def _leave(word: str) -> NoReturn:
    """End the process with a word on stderr, past what C calls at an exit: DuckDB after an
    interrupted import leaves something there that needs the interpreter, and crashes without it."""
    with suppress(OSError):
        print(word, file=sys.stderr)
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError):
            stream.flush()
    os._exit(EXIT_INTERRUPTED)
