"""What a folder of files holds of one run, as its `manifest.json` says it: the run, its tables, its
parts, and every file with rows, size and hash.

A manifest is read from a place that others can write to, so every value is checked: a path is one
that a run writes, sums are those of their parts, and nothing else is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from generator.schema import TABLES, Run
from generator.sinks.fingerprint import Tally

MANIFEST = "manifest.json"
# The part of a dataset with the files that have no rows; the only part if there are no others.
NO_ROWS = "no-rows"
ALL = "all"
# A million campaigns are about 300,000 files, with 300 bytes a file in the manifest.
LARGEST_RECORD = 256 << 20

# How the files of a dataset are written: it is also how their names end. Parquet files are many a
# table, in folders; of any other format there is one file a table.
Format = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,19}$")]
PARTITIONED = "parquet"
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
PartName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,99}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=0, lt=2**63)]
Record = TypeVar("Record", bound=BaseModel)

_TABLE = "|".join(table.table_name for table in TABLES)
_PARTITIONED_PATH = re.compile(
    rf"(?P<table>{_TABLE})/(?:month=[0-9]{{4}}-[0-9]{{2}}/)?"
    rf"(?P<part>[a-z][a-z0-9_-]*)-(?P<run>[0-9a-f]{{8}})\.{PARTITIONED}"
)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TableTotals(_Record):
    """Rows of a table and their fingerprint."""

    rows: Number
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """Return the record of a tally."""
        return cls(rows=tally.rows, fingerprint=tally.hexdigest)

    @property
    def tally(self) -> Tally:
        """The tally of the record."""
        return Tally(self.rows, int(self.fingerprint, base=16))


class File(_Record):
    """A file: what it holds, its path in the folder, and the SHA-256 hash of its bytes, as
    `sha256sum` prints it."""

    table: str
    part: PartName
    path: str
    rows: Number
    bytes: Number
    hash: Hash

    def is_of(self, form: Format, identity: str | None) -> bool:
        """Return whether a run of this form writes such a file to its path; this run, if it has an
        identity."""
        found = _path_pattern(form).fullmatch(self.path)
        if not found or found["table"] != self.table:
            return False
        if form != PARTITIONED:
            return self.part == ALL
        return found["part"] == self.part and identity in (None, found["run"])


class Receipt(_Record):
    """A part that is written: what it holds of each table, by name, and its files."""

    tables: dict[str, TableTotals]
    files: list[File]

    @model_validator(mode="after")
    def _has_the_rows_of_its_files(self) -> Self:
        rows = dict.fromkeys(self.tables, 0)
        for file in self.files:
            if file.table not in rows:
                raise ValueError(f"{file.path} is of a table that the part does not have")
            rows[file.table] += file.rows
        if rows != {name: totals.rows for name, totals in self.tables.items()}:
            raise ValueError("the rows are not those of the files")
        return self

    @property
    def tallies(self) -> dict[str, Tally]:
        """What the part holds, by table."""
        return {name: totals.tally for name, totals in self.tables.items()}

    def is_of(self, form: Format, identity: str, part: str) -> bool:
        """Return whether all its files are such as this run writes for this part."""
        return all(file.part == part and file.is_of(form, identity[:8]) for file in self.files)


class Leftovers(_Record):
    """The files of earlier runs that a run has found in a folder, and replaces."""

    files: list[File]


class Manifest(_Record):
    """A whole run: how its files are written, its identity and, if table `runs` is part of it, its
    only row; what each table and each part holds, by name; and all files."""

    format: Format = PARTITIONED
    identity: Identity
    generator_version: Annotated[str, StringConstraints(max_length=100)]
    run: Run | None
    tables: dict[str, TableTotals]
    parts: dict[PartName, dict[str, TableTotals]]
    files: list[File]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        receipts = self.receipts()
        if not all(
            receipt.is_of(self.format, self.identity, part) for part, receipt in receipts.items()
        ):
            raise ValueError("there is a file that such a run does not write")
        if self.tables != sums(receipts.values()):
            raise ValueError("the tables are not the sums of the parts")
        if len({file.path for file in self.files}) < len(self.files):
            raise ValueError("a file is in it twice")
        return self

    def receipts(self) -> dict[str, Receipt]:
        """Return the parts with their files, by name."""
        files: dict[str, list[File]] = {name: [] for name in self.parts}
        for file in self.files:
            if file.part not in files:
                raise ValueError(f"{file.path} is of a part that is not in it")
            files[file.part].append(file)
        return {
            name: Receipt(tables=tables, files=files[name]) for name, tables in self.parts.items()
        }


def sums(receipts: Iterable[Receipt]) -> dict[str, TableTotals]:
    """Return what parts hold of each table together."""
    totals: dict[str, Tally] = {}
    for receipt in receipts:
        for name, tally in receipt.tallies.items():
            totals[name] = totals.get(name, Tally()) + tally
    return {name: TableTotals.of(tally) for name, tally in totals.items()}


def data_table(form: Format, path: str, identity: str | None = None) -> str | None:
    """Return the table of the rows that a run writes to this path; None if no run does, or not the
    one of this identity."""
    found = _path_pattern(form).fullmatch(path)
    if not found or (identity and form == PARTITIONED and found["run"] != identity[:8]):
        return None
    return found["table"]


def table_path(table_name: str, form: Format) -> str:
    """Return the path of a table's file in a format that has one file a table."""
    return f"{table_name}.{form}"


def _path_pattern(form: Format) -> re.Pattern[str]:
    if form == PARTITIONED:
        return _PARTITIONED_PATH
    return re.compile(rf"(?P<table>{_TABLE})\.{form}")


def as_json(record: BaseModel) -> bytes:
    """Return the bytes of a record's file."""
    return record.model_dump_json(indent=1).encode()


def read_record(content: bytes, kind: type[Record]) -> Record | None:
    """Return a record that was read; None if it is not a whole and right one."""
    try:
        return kind.model_validate_json(content)
    except ValidationError:
        return None
