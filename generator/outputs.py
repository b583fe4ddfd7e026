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

_MOST_READ = 16 << 20


class OutputError(Exception):
    """A file that cannot be written: what is wrong, and what to do."""


def write_text(file: Path, text: str, is_own: Callable[[str], bool]) -> None:
    """Write a text to a file, in new folders where there are none.

    An existing file is replaced if `is_own` says so of its text, the first 16 MiB of it. Raises
    OutputError for any other one, and for what cannot be written.
    """
    mode = mode_to_keep(file, is_own)
    try:
        real = Path(os.path.realpath(file))
        real.parent.mkdir(parents=True, exist_ok=True)
        _replace(real, text, mode)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}") from error


def has_first_line_of(text: str) -> Callable[[str], bool]:
    """Return whether a file begins with the first line of a text."""
    first = text.partition("\n")[0]
    return lambda head: head.partition("\n")[0] == first


def mode_to_keep(file: Path, is_own: Callable[[str], bool]) -> int | None:
    """Return the permissions of a file that may be replaced, None for one that does not exist.
    Raises OutputError for a file that `is_own` does not know."""
    if not os.path.lexists(file):
        return None
    if not os.path.isfile(file):
        raise OutputError("exists and is not a file; give another name")
    try:
        with file.open("rb") as opened:
            head = opened.read(_MOST_READ)
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}") from error
    if not is_own(head.decode("utf-8", errors="replace").replace("\r\n", "\n")):
        raise OutputError(
            "exists, and is not as this command wrote it; move it, or give another name"
        )
    return mode


def set_mode(descriptor: int, path: str | Path, mode: int) -> None:
    """Set the permissions of a file that is open, by its path where the system needs one."""
    os.chmod(descriptor if os.chmod in os.supports_fd else path, mode)


def _replace(file: Path, text: str, mode: int | None) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            set_mode(descriptor, name, 0o666 & ~_mask() if mode is None else mode)
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
