"""Tables that a user names."""

from __future__ import annotations

from collections.abc import Iterable

from generator.scenario.errors import bad_input, nearest
from generator.schema import RawTable


def pick_tables(
    names: Iterable[str], tables: Iterable[type[RawTable]]
) -> tuple[type[RawTable], ...]:
    """Return those of the tables that are named, in the order of their names. Raises InputError for
    a name that none has.

    >>> from generator.schema import TABLES
    >>> [table.relation() for table in pick_tables(["budgets", "campaign_lift"], TABLES)]
    ['raw.budgets', 'truth.campaign_lift']
    """
    known = {table.table_name: table for table in tables}
    for name in names:
        if name not in known:
            raise bad_input(f"there is no table {name!r}{nearest(name, known)}")
    return tuple(known[name] for name in names)
