"""Where `--to` points: a destination as people write it, and the sink that it stands for.

The module of a sink is loaded when it is asked for: a run into a DuckDB file needs no S3 client.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from mimetypes import MimeTypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.masking import MASK, mask
from generator.sinks.errors import DestinationError

if TYPE_CHECKING:
    from generator.schema import RawTable
    from generator.sinks.sink import Sink

# A single letter is a drive of Windows, unless two slashes follow.
_SCHEME = re.compile(
    r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+|[A-Za-z](?=://)):(?P<place>.*)$", re.DOTALL
)
_IN_MEMORY = ":memory:"
_MOTHERDUCK = "; DuckDB copies a file to MotherDuck: ATTACH 'md:', then COPY FROM DATABASE"
_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))
# Files of other programs: a database with such a name would be taken for one of them.
_OTHER_FILES = (
    frozenset(MimeTypes().types_map[True]) | {".log", ".parquet", ".sql", ".toml", ".yaml", ".yml"}
) - {".db"}


@dataclass(frozen=True)
class Scheme:
    """One kind of destination: the module and class of its sink, its form in a sentence, and what
    makes of a target and its place the place that the sink takes, or raises DestinationError.

    An address can hold a secret, a path on this machine cannot.
    """

    module: str
    sink: str
    form: str
    place_of: Callable[[str, str], str]
    is_address: bool = False


def sink_of(target: str, tables: Iterable[type[RawTable]]) -> Sink:
    """Return the sink of a target, for these tables. Raises DestinationError."""
    scheme, place = scheme_and_place(target)
    is_file = scheme == "duckdb"
    sink: Sink = sink_class(scheme)(Path(place) if is_file else place, tables)
    return sink


def sink_class(scheme: str) -> Any:
    """Return the class of the sinks of a scheme."""
    found = SCHEMES[scheme]
    return getattr(import_module(f"generator.sinks.{found.module}"), found.sink)


def database_file(target: str) -> Path:
    """Return the DuckDB file of a target. Raises DestinationError for any other destination."""
    scheme, place = scheme_and_place(target)
    if scheme != "duckdb":
        raise DestinationError(
            f"{label(target)}: this command works on a DuckDB file; name one with --to FILE"
        )
    return Path(place)


def file_size(target: str) -> int | None:
    """Return the bytes of the DuckDB file of a target; None for other destinations."""
    scheme, place = scheme_and_place(target)
    return os.path.getsize(place) if scheme == "duckdb" else None


def short_forms() -> list[str]:
    """Return the forms of destinations other than a DuckDB file, addresses cut short."""
    forms = ", ".join(scheme.form for name, scheme in SCHEMES.items() if name != "duckdb")
    return [short_form(form) for form in forms.split(", ")]


def short_form(form: str) -> str:
    """Return the form of a destination, an address cut short.

    >>> short_form("kafka://HOST:PORT/PREFIX")
    'kafka://…'
    """
    return re.sub("//\\S*", "//…", form)


def label(target: str) -> str:
    """Return a target for messages: a DuckDB file as its path, an address without secrets."""
    match = _SCHEME.match(target)
    scheme = SCHEMES.get(match["scheme"].lower()) if match else None
    is_local = scheme is not None and not scheme.is_address
    if match and not is_local and not match["place"].startswith("//"):
        # No destination, but perhaps USER:PASSWORD@HOST.
        _, at, host = match["place"].rpartition("@")
        target = f"{match['scheme']}:{MASK}@{host}" if at else target
    return mask(target).removeprefix("duckdb:")


def scheme_and_place(target: str) -> tuple[str, str]:
    """Return the scheme of a target, and the place that its sink takes. Raises
    DestinationError."""
    match = _SCHEME.match(target)
    if match is None:
        kind = Path(target).suffix.lower().removeprefix(".")
        if kind in SCHEMES.keys() - {"duckdb"}:
            raise DestinationError(
                f"{label(target)}: would be a DuckDB file; for {kind} files give {kind}:DIR"
            )
        return "duckdb", _file(target, target)
    scheme, place = match["scheme"].lower(), match["place"]
    is_address = place.startswith("//")
    if is_address and scheme == "s3":
        scheme, place, is_address = "parquet", f"s3:{place}", False
    elif is_address and scheme in ("postgresql", "postgres"):
        scheme, place, is_address = "postgresql", target, False
    elif scheme == "postgresql":
        scheme = ""
    if is_address or scheme not in SCHEMES:
        forms = ", ".join(found.form for found in SCHEMES.values())
        hint = _MOTHERDUCK if scheme in ("md", "motherduck") else ""
        raise DestinationError(f"{label(target)}: is not a destination; there are {forms}{hint}")
    return scheme, SCHEMES[scheme].place_of(target, place)


def _file(target: str, place: str) -> str:
    if place.lower().startswith(_IN_MEMORY):
        raise DestinationError(
            f"{label(target)}: a database in memory ends with the command; give the path of a file"
        )
    if mask(place) != place:
        raise DestinationError(
            f"{label(target)}: is not a file; a PostgreSQL database is {SCHEMES['postgresql'].form}"
        )
    place = _expand_home(target, place)
    is_taken = os.path.exists(place) and not os.path.isfile(place)
    if not place.strip() or "\0" in place or is_taken:
        raise DestinationError(f"{label(target)!r}: is not a file; give the path of a DuckDB file")
    if place.endswith(_SEPARATORS):
        raise DestinationError(
            f"{label(target)}: is the path of a folder; give that of a DuckDB file, or parquet:DIR "
            "or csv:DIR"
        )
    kind = Path(place).suffix.lower()
    if kind in _OTHER_FILES and not os.path.exists(place):
        raise DestinationError(
            f"{label(target)}: would be a DuckDB file, and {kind} is the ending of another kind; "
            "let it end in .duckdb"
        )
    return place


def _folder(target: str, place: str) -> str:
    place = _expand_home(target, place)
    is_taken = os.path.exists(place) and not os.path.isdir(place)
    if not place.strip() or "\0" in place or "://" in place or is_taken:
        raise DestinationError(f"{label(target)!r}: is not a folder; give the path of one")
    return place


def _folder_or_bucket(target: str, place: str) -> str:
    if not place.startswith("s3://"):
        return _folder(target, place)
    if not place.removeprefix("s3://").split("/")[0]:
        raise DestinationError(f"{label(target)}: names no bucket; give s3://BUCKET/PREFIX")
    return place


def _local_folder(target: str, place: str) -> str:
    if place.startswith("s3://"):
        raise DestinationError(
            f"{label(target)}: only Parquet files are written to S3; give a folder of this machine"
        )
    return _folder(target, place)


def _expand_home(target: str, place: str) -> str:
    """Return a path with the home folder in place of `~`, as a shell would."""
    found = os.path.expanduser(place)
    if found.startswith("~"):
        raise DestinationError(
            f"{label(target)}: there is no user with this home folder; for a file of that name "
            f"give ./{label(place)}"
        )
    return found


SCHEMES = {
    "duckdb": Scheme("duckdb", "DuckdbSink", "FILE or duckdb:FILE", _file),
    "parquet": Scheme(
        "parquet", "ParquetSink", "parquet:DIR, s3://BUCKET/PREFIX", _folder_or_bucket
    ),
    "csv": Scheme("csv", "CsvSink", "csv:DIR", _local_folder),
    "postgresql": Scheme(
        "postgresql",
        "PostgresqlSink",
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        lambda _target, place: place,
        is_address=True,
    ),
}
