"""A sink that keeps what it takes, for tests of engines."""

from __future__ import annotations

from collections.abc import Mapping

from generator.sinks.fingerprint import Tally
from generator.sinks.sink import Piece, as_batches


class Basket:
    """A sink that keeps what it takes, in parts of the size asked for."""

    packs_files = False

    def __init__(self, rows_a_part: int, held: Mapping[str, Mapping[str, Tally]] = {}) -> None:
        self.rows_a_part = rows_a_part
        self.packer = as_batches
        self.parts: dict[str, dict[str, Tally]] = {}
        self._held = held

    def __enter__(self) -> Basket:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def existing_parts(self, _identity: str, _parts: object) -> Mapping[str, Mapping[str, Tally]]:
        return self._held

    def take(self, part: str, packed: list[Piece], tallies: dict[str, Tally]) -> None:
        rows: dict[str, int] = {}
        for table, batch in packed:
            rows[table.table_name] = rows.get(table.table_name, 0) + batch.num_rows
        assert rows == {name: tally.rows for name, tally in tallies.items()}
        self.parts[part] = tallies
