"""The protocol of a destination, and the failures it speaks of in sentences."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from generator.schema import RawTable


class Sink(Protocol):
    """A destination, open for one run. Leaving it without an error makes the run visible, all at
    once; leaving it with one makes everything as it was before."""

    def __enter__(self) -> Self: ...

    def write(self, table: type[RawTable], batch: pa.RecordBatch) -> None:
        """Take rows of a raw table."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class DestinationError(Exception):
    """The destination cannot be written: its name, what is wrong, and what to do."""
