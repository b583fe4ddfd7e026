"""How many events of ads a second a live run sends, and how soon a killed one goes on.

`python -m benchmarks.live` sends three days of a panel of `complete` to NDJSON files and through
Kafka's protocol to a broker on this machine, at `--speed max`, and prints a table. What a run takes
before its first event, about the same for a minute as for three days, is shown and left out of the
rates.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.process import Cost, cost
from tests.support import kafka

PANEL = "0.1"
TEMPLATE_EVENTS = 300_000
FIRST, MINUTE, LAST = "2025-11-17", "2025-11-17T00:01", "2025-11-20"
WORKFLOW = ("live", "complete", "--log", PANEL, "--tables", "ad_events", "--speed", "max")


def run(target: str, until: str) -> tuple[Cost, int]:
    """Return what a run costs, and the events that it sent."""
    span = ("--from", FIRST, "--until", until)
    command = (sys.executable, "-m", "generator", *WORKFLOW, "--to", target, *span, "--json")
    taken = cost(command)
    return taken, json.loads(taken.printed)["events"]


def row(name: str, first: str, whole: str) -> str:
    """Return a row of the table: a run of a minute to one target, one of all days to another, and
    one that finds that there is nothing left to send."""
    start, few = run(first, MINUTE)
    taken, events = run(whole, LAST)
    again, none = run(whole, LAST)
    assert none == 0
    rate = (events - few) / (taken.wall - start.wall)
    work = 1e6 * (taken.cpu - start.cpu) / (events - few)
    return (
        f"| {name} | {events:,} | {rate:,.0f} | {work:.1f} | {taken.memory:,.0f} "
        f"| {start.wall:.1f} | {again.wall:.1f} |"
    )


def template(file: Path) -> str:
    """Return the row of a peer that fills in a template, event by event."""
    module = "benchmarks.peers.template_events"
    start = cost((sys.executable, "-m", module, file, "1"))
    taken = cost((sys.executable, "-m", module, file, str(TEMPLATE_EVENTS)))
    rate = TEMPLATE_EVENTS / (taken.wall - start.wall)
    work = 1e6 * (taken.cpu - start.cpu) / TEMPLATE_EVENTS
    return (
        f"| a template in Python, NDJSON | {TEMPLATE_EVENTS:,} | {rate:,.0f} | {work:.1f} "
        f"| {taken.memory:,.0f} | {start.wall:.1f} | |"
    )


def main() -> None:
    """Print the table."""
    print("| target | events | events/s | CPU µs an event | peak MB | s to the first | s again |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = (f"ndjson:{folder / place}" for place in ("first", "whole"))
        print(row("NDJSON", *files))
        with kafka.broker() as broker:
            topics = (broker.address(place) for place in ("first", "whole"))
            print(row("Kafka's protocol", *topics))
        print(template(folder / "template.ndjson"))


if __name__ == "__main__":
    main()
