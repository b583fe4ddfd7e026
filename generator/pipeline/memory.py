"""Memory settings of a process that makes parts."""

from __future__ import annotations

import ctypes
import sys

_MEGABYTE = 2**20
# Parameters as numbered in glibc's malloc.h: how much free memory at the top of the heap is kept,
# how much is requested at a time, and from which size on an array has a mapping to itself.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_SETTINGS = (
    (_M_TRIM_THRESHOLD, 512 * _MEGABYTE),
    (_M_TOP_PAD, 64 * _MEGABYTE),
    (_M_MMAP_THRESHOLD, 256 * _MEGABYTE),
)


def keep_what_is_freed() -> None:
    """Make malloc keep the memory of freed arrays for the next ones, which are as large. Returning
    it to the system and requesting it again takes a tenth of a run. Without glibc, do nothing."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for parameter, value in _SETTINGS:
            libc.mallopt(parameter, value)
