"""Where `--to` points: a destination written as `scheme:place`, or the path of a DuckDB file."""

from __future__ import annotations

import re
from pathlib import Path

from generator.masking import masked
from generator.sinks.duckdb import DuckdbSink
from generator.sinks.sink import DestinationError

SINKS = {"duckdb": DuckdbSink}
_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<place>.*)$", re.DOTALL)


def database_file(target: str) -> Path:
    """The DuckDB file of a target. Raises DestinationError for any other kind of destination."""
    match = _SCHEME.match(target)
    if match is None:
        place = target
    elif match["scheme"].lower() in SINKS:
        place = match["place"]
    else:
        known = ", ".join(f"{scheme}:FILE" for scheme in SINKS)
        raise DestinationError(
            f"{masked(target)}: {match['scheme']}: is not a destination; there is {known}, "
            "or a plain path"
        )
    if not place.strip() or "\0" in place or Path(place).is_dir():
        raise DestinationError(f"{masked(target)!r}: is not a file; give the path of a DuckDB file")
    return Path(place)
