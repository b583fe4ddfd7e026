"""Failures that no command foresaw, as one sentence: what is wrong, and what to do."""

from __future__ import annotations

import errno
import logging
import os
import traceback

from generator.masking import mask

_NO_MEMORY = "not enough memory: close other programs, or give fewer --jobs"
_NO_THREAD = (
    "the system cannot start another thread or process: raise its limit (`ulimit -u`, or "
    "`pids.max` of a container), or give --jobs 1"
)
_MESSAGES = (
    # The messages of libraries' own exceptions when a limit of the system is reached.
    ("can't start new thread", _NO_THREAD),
    ("failed to launch worker thread", _NO_THREAD),
    ("cannot allocate memory", _NO_MEMORY),
    ("failed to map segment", _NO_MEMORY),
    ("bad_alloc", _NO_MEMORY),
)

log = logging.getLogger("generator")


def sentence(error: BaseException) -> str:
    """Return one sentence about an error that nothing on its way has caught.

    The traceback is logged with the level DEBUG.
    """
    lines = "".join(traceback.format_exception(error)).rstrip().split("\n")
    log.debug("%s", "\n".join(map(mask, lines)))
    message = mask(" ".join(str(error).split()))
    if isinstance(error, MemoryError):
        return _NO_MEMORY
    for part, known in _MESSAGES:
        if part in message.lower():
            return known
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return place + _system_error(error)
    return (
        f"{type(error).__name__}: {message}. This is a fault of the program: please report it with "
        "the traceback, which ADS_LOG_LEVEL=DEBUG shows"
    )


def _system_error(error: OSError) -> str:
    if not _is_in_a_folder():
        return "the current folder no longer exists: change to another one"
    if error.errno == errno.EAGAIN:
        return _NO_THREAD
    if error.errno == errno.ENOMEM:
        return _NO_MEMORY
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files: raise the limit (`ulimit -n`), or give --jobs 1"
    return f"the system says: {error.strerror}"


def _is_in_a_folder() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False
