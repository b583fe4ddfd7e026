"""Work in another thread, waited for in short turns, so that signals are heard meanwhile. A process
that ends does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_SECONDS_BETWEEN_LOOKS = 0.1

Result = TypeVar("Result")


class Background(Generic[Result]):
    """Work that has begun in another thread.

    >>> Background(lambda: 6 * 7).result()
    42
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:
            self._error = error

    def ends_within(self, seconds: float = _SECONDS_BETWEEN_LOOKS) -> bool:
        """Wait so long at most, and return whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> Result:
        """Wait for its end, and return or raise what it returned or raised."""
        while not self.ends_within():
            pass
        if self._error is not None:
            raise self._error
        return self._results[0]
