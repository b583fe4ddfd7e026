"""How the memory of a process that makes parts is kept."""

from __future__ import annotations

import ctypes
import sys

_MEGABYTE = 2**20
# By the numbers that glibc's malloc.h gives them: how much free memory at the top of the heap is
# kept, how much is asked for at a time, and from which size on an array is a mapping of its own.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = (
    (_M_TRIM_THRESHOLD, 512 * _MEGABYTE),
    (_M_TOP_PAD, 64 * _MEGABYTE),
    (_M_MMAP_THRESHOLD, 256 * _MEGABYTE),
)


def keep_what_is_freed() -> None:
    """Have malloc keep the memory of freed arrays for the next ones, which are as large. To give it
    back to the system and fetch it again takes a tenth of a run. Does nothing without glibc."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for parameter, value in _SETTINGS:
            libc.mallopt(parameter, value)
