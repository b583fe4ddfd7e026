"""Writing a text file for people or programs: a new one, or in the place of one of the same kind.

A file that something else has made is never replaced. The new file has the permissions of the one
it replaces, and takes its place in one step.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_HEAD = 4096


class OutputError(Exception):
    """A file that cannot be written: what is wrong, and what to do."""


def write_text(file: Path, text: str, is_own: Callable[[str], bool]) -> None:
    """Write a text to a file, in new folders where there are none.

    An existing file is replaced if `is_own` says so of its first characters. Raises OutputError for
    any other one, and for what cannot be written.
    """
    try:
        mode = _mode_to_keep(file, is_own)
        real = Path(os.path.realpath(file))
        real.parent.mkdir(parents=True, exist_ok=True)
        _replace(real, text, mode)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}") from error


def has_first_line_of(text: str) -> Callable[[str], bool]:
    """Return whether a file begins with the first line of a text."""
    first = text.partition("\n")[0]
    return lambda head: head.partition("\n")[0].rstrip("\r") == first


def _mode_to_keep(file: Path, is_own: Callable[[str], bool]) -> int | None:
    if not os.path.lexists(file):
        return None
    if not os.path.isfile(file):
        raise OutputError("exists and is not a file; give another name")
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    if not is_own(head.decode("utf-8", errors="replace")):
        raise OutputError("exists, and this command did not make it; give another name")
    return stat.S_IMODE(file.stat().st_mode)


def _replace(file: Path, text: str, mode: int | None) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            os.fchmod(descriptor, 0o666 & ~_mask() if mode is None else mode)
            opened.write(text)
        os.replace(name, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _mask() -> int:
    """Return the permissions that new files of this process do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
