"""Packages that not everyone needs: which extra of the distribution brings them, and the sentence
that says so where they are missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

DISTRIBUTION = "streaming-ads"


def do_without_pandas() -> None:
    """Keep pyarrow and DuckDB from importing pandas into this process, where it is installed. They
    look whether a value is one of its series, and none is; the import takes two seconds."""
    if not any(isinstance(finder, _WithoutPandas) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithoutPandas())


class _WithoutPandas:
    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)


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
