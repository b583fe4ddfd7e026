"""Packages that not everyone needs: which extra of the distribution brings them, and the sentence
that says so where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

DISTRIBUTION = "streaming-ads"


class MissingExtraError(Exception):
    """A package of an extra is not installed: what needs it, and the command that installs it."""


@contextmanager
def packages_of(extra: str, needed_by: str) -> Iterator[None]:
    """Import packages of an extra. Raises MissingExtraError where one of them is not installed."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f"{needed_by} needs the package {error.name}, which is not installed; "
            f'run: pip install "{DISTRIBUTION}[{extra}]"'
        ) from error
