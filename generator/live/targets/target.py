"""The protocol of a target of a live run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from generator.live.timeline import Slice
from generator.schema import RawTable
from generator.schema.live import LiveError, LiveSlice, LiveState
from generator.sinks.errors import DestinationError
from generator.sinks.sink import Piece

MINUTE = 60_000_000


class TargetAwayError(Exception):
    """The target does not answer now and may do so later: what happened, in a sentence."""


class ReaderLeftError(Exception):
    """The reader of the rows has left, like `head`: it has seen what it wanted."""


class Target(ABC):
    """A target. It is opened by one run at a time, and keeps with the rows how far that run is.

    `label` is its name in messages, `least_slice` the shortest slice that it takes, in
    microseconds, and `has_all` says whether it takes all tables by default, or only what happens.
    """

    label: str
    least_slice = 0
    has_all = False

    @abstractmethod
    def open(self, tables: Iterable[type[RawTable]]) -> LiveState | None:
        """Open it for this run alone, and return how far an earlier run is; None before the first
        one. Raises DestinationError if another run has it, or if it holds something else."""

    @abstractmethod
    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        """Take what is sent before the first slice or after the last one, and how far the run is
        with it."""

    @abstractmethod
    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:
        """Take a slice, what is known of it, and how far the run is with it: all, or after an error
        nothing, or (where the target cannot do that) the same slice again. Raises TargetAwayError
        for what may be over in a moment, and DestinationFailedError for what is not."""

    def note(self, error: LiveError) -> None:  # noqa: B027
        """Keep a failure that the run got over."""

    def rest(self) -> None:  # noqa: B027
        """Let others at it until the next slice."""

    @abstractmethod
    def close(self) -> None:
        """Close it."""


def refuse_other_run(label: str, found: LiveState, wanted: str) -> None:
    """Raise DestinationError if a target holds another run than the one of an identity."""
    if found.run_identity != wanted:
        raise DestinationError(
            f"{label}: holds another live run, of workflow {found.workflow} from "
            f"{found.event_time_from:%Y-%m-%d %H:%M} on, or one of other settings or of another "
            "version of the program; choose another --to"
        )
