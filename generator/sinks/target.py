"""Where `--to` points: a destination as people write it, and the sink that it stands for.

The module of a sink is loaded when it is asked for: a run into a DuckDB file needs no S3 client.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from generator.masking import masked
from generator.schema import RawTable
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.sink import DestinationError, Sink

SCHEMES = ("duckdb", "parquet", "csv", "postgresql")
_CLASSES = {"parquet": "ParquetSink", "csv": "CsvSink", "postgresql": "PostgresqlSink"}
_FORMS = (
    "FILE or duckdb:FILE, parquet:DIR, s3://BUCKET/PREFIX, csv:DIR, "
    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
)
_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<place>.*)$", re.DOTALL)


def sink_of(target: str, tables: Iterable[type[RawTable]]) -> Sink:
    """The sink of a target, for these tables. Raises DestinationError."""
    scheme, place = scheme_and_place(target)
    if scheme == "duckdb":
        return DuckdbSink(_file(target, place), tables)
    if scheme in ("parquet", "csv") and not place.startswith("s3://"):
        _check_folder(target, place)
    elif scheme == "csv":
        raise DestinationError(f"{shown(target)}: CSV is written to folders of this machine only")
    elif scheme == "parquet" and not place.removeprefix("s3://").split("/")[0]:
        raise DestinationError(f"{shown(target)}: names no bucket; give s3://BUCKET/PREFIX")
    sink: Sink = sink_class(scheme)(place, tables)
    return sink


def sink_class(scheme: str) -> Any:
    """The class of the sinks of a scheme."""
    if scheme == "duckdb":
        return DuckdbSink
    return getattr(import_module(f"generator.sinks.{scheme}"), _CLASSES[scheme])


def database_file(target: str) -> Path:
    """The DuckDB file of a target. Raises DestinationError for any other kind of destination."""
    scheme, place = scheme_and_place(target)
    if scheme != "duckdb":
        raise DestinationError(
            f"{shown(target)}: this command works on a DuckDB file; name one with --to FILE"
        )
    return _file(target, place)


def shown(target: str) -> str:
    """A target as it is printed: a DuckDB file as its path, an address without its password."""
    return masked(target.removeprefix("duckdb:"))


def scheme_and_place(target: str) -> tuple[str, str]:
    """Return the scheme of a target and its place, as its sink wants it; or DestinationError."""
    match = _SCHEME.match(target)
    if match is None:
        kind = Path(target).suffix.lower().removeprefix(".")
        if kind in ("parquet", "csv"):
            raise DestinationError(
                f"{shown(target)}: would be a DuckDB file; for {kind} files give {kind}:DIR"
            )
        return "duckdb", target
    scheme, place = match["scheme"].lower(), match["place"]
    if place.startswith("//"):
        if scheme == "s3":
            return "parquet", f"s3:{place}"
        if scheme in ("postgresql", "postgres"):
            return "postgresql", target
    elif scheme in ("duckdb", "parquet", "csv"):
        return scheme, place
    raise DestinationError(f"{shown(target)}: is not a destination; there are {_FORMS}")


def _file(target: str, place: str) -> Path:
    if not place.strip() or "\0" in place or os.path.isdir(place):
        raise DestinationError(f"{shown(target)!r}: is not a file; give the path of a DuckDB file")
    return Path(place)


def _check_folder(target: str, place: str) -> None:
    if not place.strip() or "\0" in place or "://" in place or os.path.isfile(place):
        raise DestinationError(f"{shown(target)!r}: is not a folder; give the path of one")
