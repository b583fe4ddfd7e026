"""The mark of a raw table in a database, by which a run knows it for one that the project made: a
comment on the table, with a hash of its columns.

A table with a raw table's name and no such mark is foreign, and so is one with columns that have
changed since. A table exactly as this version makes it needs no mark.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

# Name, type as the database writes it, and whether it may be NULL.
DatabaseColumn = tuple[str, str, bool]


def mark_of(columns: Iterable[DatabaseColumn]) -> str:
    """Return the mark of a table with these columns, in any order."""
    text = repr(sorted((name, kind, bool(nullable)) for name, kind, nullable in columns))
    return f"Made by streaming-ads; columns {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def is_own(comment: str | None, columns: Iterable[DatabaseColumn]) -> bool:
    """Return whether a table with this comment and these columns has the mark of a run."""
    return comment == mark_of(columns)
