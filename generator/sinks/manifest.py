"""What a folder of Parquet files holds of one run, as its `manifest.json` says it: the run, its
tables, its parts, and every file with rows, size and hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel

from generator.schema import Run
from generator.sinks.fingerprint import Tally


class Held(BaseModel):
    """Rows of a table and their fingerprint."""

    rows: int
    fingerprint: str

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """A tally, written down."""
        return cls(rows=tally.rows, fingerprint=tally.hexdigest)

    @property
    def tally(self) -> Tally:
        """The tally that was written down."""
        return Tally(self.rows, int(self.fingerprint, base=16))


class File(BaseModel):
    """A file: what it holds, its path in the folder, and the SHA-256 hash of its bytes, as
    `sha256sum` prints it."""

    table: str
    part: str
    path: str
    rows: int
    bytes: int
    hash: str


class Receipt(BaseModel):
    """A part that is written: what it holds of each table, by name, and its files."""

    tables: dict[str, Held]
    files: list[File]

    @property
    def tallies(self) -> dict[str, Tally]:
        """What the part holds, by table."""
        return {name: held.tally for name, held in self.tables.items()}


class Manifest(BaseModel):
    """A whole run: its identity and, if table `runs` is part of it, its only row; what each table
    and each part holds, by name; and all files."""

    identity: str
    generator_version: str
    run: Run | None
    tables: dict[str, Held]
    parts: dict[str, dict[str, Held]]
    files: list[File]

    def receipts(self) -> dict[str, Receipt]:
        """The parts with their files, by name."""
        found = {name: Receipt(tables=held, files=[]) for name, held in self.parts.items()}
        for file in self.files:
            found[file.part].files.append(file)
        return found


def sums(receipts: Mapping[str, Receipt]) -> dict[str, Held]:
    """What parts hold of each table together."""
    totals: dict[str, Tally] = {}
    for receipt in receipts.values():
        for name, tally in receipt.tallies.items():
            totals[name] = totals.get(name, Tally()) + tally
    return {name: Held.of(tally) for name, tally in totals.items()}


def digest(content: bytes) -> str:
    """The hash of a file's bytes."""
    return hashlib.sha256(content).hexdigest()
