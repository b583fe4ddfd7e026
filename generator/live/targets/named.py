"""Where `--to` of a live run points."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from generator.sinks.errors import DestinationError
from generator.sinks.target import label, scheme_and_place

if TYPE_CHECKING:
    from generator.live.targets.target import Target

FORMS = (
    "- for standard output",
    "ndjson:DIR",
    "parquet:DIR",
    "a DuckDB file",
    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    "kafka://HOST:PORT/PREFIX",
    "https://HOST/PATH of a webhook",
)
_ADDRESS = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<place>.*)$", re.DOTALL)


def target_of(address: str, state_file: Path | None = None) -> Target:
    """Return the target of an address. `state_file` keeps how far a run is for a target that cannot
    keep it. Raises DestinationError."""
    if address == "-":
        from generator.live.targets.stdout import StdoutTarget

        return StdoutTarget(state_file)
    if re.match("(?i)^https?://[^/]", address):
        from generator.live.targets.webhook import WebhookTarget

        return WebhookTarget(address, state_file)
    if state_file is not None:
        raise DestinationError(
            f"{label(address)}: keeps how far a run is with the rows; leave --state out"
        )
    match = _ADDRESS.match(address)
    scheme, place = (match["scheme"].lower(), match["place"]) if match else ("", address)
    if scheme in ("ndjson", "parquet") and place.strip():
        from generator.live.targets.folder import NdjsonTarget, ParquetTarget

        return (NdjsonTarget if scheme == "ndjson" else ParquetTarget)(Path(place).expanduser())
    if scheme == "kafka" and place.startswith("//"):
        from generator.live.targets.kafka import KafkaTarget

        return KafkaTarget(address)
    known = "(?i)^(duckdb:|postgres(ql)?://)"
    if match and not re.match(known, address):
        raise DestinationError(
            f"{label(address)}: is not a target of a live run; there are {', '.join(FORMS)}"
        )
    kind, place = scheme_and_place(address)
    if kind == "duckdb":
        from generator.live.targets.duckdb import DuckdbTarget

        return DuckdbTarget(Path(place))
    from generator.live.targets.postgresql import PostgresqlTarget

    return PostgresqlTarget(place)
