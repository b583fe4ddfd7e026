"""What all processes of a run look at: arrays in one file without a name, which each process maps
instead of keeping a copy. The file is gone with the last of them, however that ends."""

from __future__ import annotations

import mmap
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from generator.system import POSIX

_ALIGNED = 64


@dataclass(frozen=True)
class Shared:
    """An object with its arrays in a file: its pickle without them, and where each one starts and
    ends."""

    pickled: bytes
    spans: tuple[tuple[int, int], ...]


@contextmanager
def nameless_file() -> Iterator[int]:
    """Return the descriptor of a new file without a name, in memory where the system has such
    files."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("generator", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_arrays(thing: Any, descriptor: int) -> Shared:
    """Write the arrays of something that can be pickled to a file that is empty. Windows passes no
    open file to other processes, so there it has no use."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
    known: dict[tuple[int, int], tuple[int, int]] = {}
    spans, end = [], 0
    for buffer in buffers:
        array = np.frombuffer(buffer.raw(), dtype=np.uint8)
        # Arrays that are views of the same memory are written once.
        place = (array.ctypes.data, array.size)
        if place not in known:
            start = -(-end // _ALIGNED) * _ALIGNED
            end = start + array.size
            known[place] = (start, end)
            os.ftruncate(descriptor, end)
            rest, at = array.data, start
            if POSIX:
                while rest:
                    count = os.pwrite(descriptor, rest, at)
                    rest, at = rest[count:], at + count
        spans.append(known[place])
    return Shared(pickled, tuple(spans))


def map_arrays(shared: Shared, descriptor: int) -> Any:
    """Return what was written, with arrays that lie in the file and cannot be changed; the
    descriptor can be closed."""
    if not any(end for _, end in shared.spans):
        return pickle.loads(shared.pickled, buffers=[b""] * len(shared.spans))
    memory = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    return pickle.loads(shared.pickled, buffers=[memory[start:end] for start, end in shared.spans])
