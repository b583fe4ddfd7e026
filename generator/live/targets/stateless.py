"""Targets that cannot keep how far a run is. A file of this machine can, if one is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from generator.live.json_lines import document
from generator.live.targets.target import Target
from generator.schema.arrow import to_arrow
from generator.schema.live import LiveState
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.lock import hold_file

if TYPE_CHECKING:
    from pathlib import Path

    from generator.schema import RawTable


class StatelessTarget(Target):
    """A target with its state in a file. Without one each run begins at its first moment."""

    def __init__(self, state_file: Path | None = None) -> None:
        self._state_file = state_file
        self._release: Callable[[], None] | None = None

    def open(self, tables: Iterable[type[RawTable]]) -> LiveState | None:  # noqa: ARG002
        """Lock the file, and return what it holds."""
        file = self._state_file
        if file is None:
            return None
        try:
            lock = file.with_name(f"{file.name}.lock")
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.touch()
            self._release = hold_file(lock)
            text = file.read_bytes() if file.exists() else b""
        except BlockingIOError as error:
            raise DestinationError(
                f"{file}: another live run has it; wait for its end, or choose another --state"
            ) from error
        except OSError as error:
            raise self._failure(error) from error
        try:
            return LiveState.model_validate_json(text.replace(b'Z"', b'"')) if text else None
        except ValueError as error:
            self.close()
            raise DestinationError(
                f"{file}: is not the state of a live run; choose another --state"
            ) from error

    def keep(self, state: LiveState) -> None:
        """Write how far the run is."""
        if self._state_file is None:
            return
        aside = self._state_file.with_name(f"{self._state_file.name}.part")
        try:
            aside.write_bytes(document(to_arrow(LiveState, [state])))
            os.replace(aside, self._state_file)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> DestinationFailedError:
        return DestinationFailedError(
            f"{self._state_file}: cannot be used: {error.strerror}; choose another --state"
        )

    def close(self) -> None:
        """Let other runs have the file."""
        if self._release is not None:
            self._release()
            self._release = None
