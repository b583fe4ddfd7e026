"""Standard output: a line of JSON for each row, which begins with the name of its table."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from generator.live.json_lines import document
from generator.live.targets.stateless import StatelessTarget
from generator.live.targets.target import ReaderLeftError
from generator.sinks.errors import DestinationFailedError

if TYPE_CHECKING:
    from generator.live.timeline import Slice
    from generator.schema import RawTable
    from generator.schema.live import LiveSlice, LiveState
    from generator.sinks.sink import Piece

_STDOUT = 1


class StdoutTarget(StatelessTarget):
    """Standard output."""

    label = "stdout"

    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        """Print rows."""
        for table, batch in pieces:
            self._print(table, pa.Table.from_batches([batch]))
        self.keep(state)

    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:  # noqa: ARG002
        """Print the rows of a slice."""
        for part in piece.rows:
            self._print(part.table, part.rows)
        self.keep(state)

    def _print(self, table: type[RawTable], rows: pa.Table) -> None:
        left = document(rows, table)
        try:
            while left:
                left = left[os.write(_STDOUT, left) :]
        except BrokenPipeError as error:
            raise ReaderLeftError from error
        except OSError as error:
            raise DestinationFailedError(f"stdout: cannot be written: {error.strerror}") from error
