"""Standard streams that cannot end a command: what their encoding lacks is spelled out, and what
they do not take (a full disk, a reader that has left) is dropped."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any

_SPELLED_OUT = "generator.spelled_out"
_PLAIN = {"→": "->", "…": "...", "–": "-", "—": "-", "’": "'", "×": "x", "≥": ">=", "≤": "<="}


class _Stream(io.FileIO):
    """A stream that reports every write as done, and remembers the first error."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write what the system takes of the data now; after an error, nothing more."""
        if self.error is None:
            try:
                return super().write(data) or 0
            except OSError as error:
                self.error = error
        return len(data)


def install() -> None:
    """Make stdout and stderr of this process such streams.

    Where one of the three standard streams is closed, the system's null device takes its number:
    a database would be the next file to get it, and receive what is printed.
    """
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.dup2(null := os.open(os.devnull, os.O_RDWR), number)
        if null > 2:
            os.close(null)
    codecs.register_error(_SPELLED_OUT, _spell_out)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:
            lenient = io.TextIOWrapper(
                io.BufferedWriter(_Stream(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                errors=_SPELLED_OUT,
                line_buffering=name == "stderr" or stream.line_buffering,
            )
            setattr(sys, name, lenient)


def failure() -> str | None:
    """Return why stdout could not be written, or None; asked again, None.

    A reader that has left, like `head`, does not count: it has seen what it wanted.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return None
    sys.stdout.flush()
    raw = getattr(sys.stdout.buffer, "raw", None)
    if not isinstance(raw, _Stream) or raw.error is None or raw.error.errno == errno.EPIPE:
        return None
    error, raw.error = raw.error, None
    os.dup2(null := os.open(os.devnull, os.O_WRONLY), raw.fileno())
    os.close(null)
    return error.strerror


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """Replace one character that the encoding lacks by its like in ASCII, or by its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    plain = _PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode()
    return plain, error.start + 1
