"""How many events of ads a second a live run sends, and how soon a killed one goes on.

`python -m benchmarks.live [PEERS]` sends three days of a panel of `complete` to NDJSON files and
through Kafka's protocol to a broker on this machine, at `--speed max`, and prints a table. What a
run takes before its first event, about the same for a minute as for three days, is shown and left
out of the rates. PEERS is the Python of the environment that `make bench-live` sets up for a peer
that moves viewers through states. A peer that fills in a template runs with the Python of this
program.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.process import Cost, cost
from tests.support import kafka

PANEL = "0.1"
PEER_EVENTS = 300_000
FIRST, MINUTE, LAST, LATER = "2025-11-17", "2025-11-17T00:01", "2025-11-20", "2025-11-20T00:01"
WORKFLOW = ("live", "complete", "--log", PANEL, "--tables", "ad_events", "--speed", "max")


def run(target: str, until: str, cache: Path) -> tuple[Cost, int]:
    """Return what a run costs that keeps what it works out in a folder, and the events that it
    sent."""
    os.environ["ADS_CACHE"] = str(cache)
    span = ("--from", FIRST, "--until", until)
    command = (sys.executable, "-m", "generator", *WORKFLOW, "--to", target, *span, "--json")
    taken = cost(command)
    return taken, json.loads(taken.printed)["events"]


def row(name: str, first: str, whole: str, folder: Path) -> str:
    """Return a row of the table: a run of a minute to one target, one of all days to another, and
    one that goes on there for a minute more."""
    start, few = run(first, MINUTE, folder / f"{name} first")
    taken, events = run(whole, LAST, folder / f"{name} whole")
    again, more = run(whole, LATER, folder / f"{name} whole")
    assert more
    rate = (events - few) / (taken.wall - start.wall)
    work = 1e6 * (taken.cpu - start.cpu) / (events - few)
    return (
        f"| {name} | {events:,} | {rate:,.0f} | {work:.1f} | {taken.memory:,.0f} "
        f"| {start.wall:.1f} | {again.wall:.1f} |"
    )


def peer(name: str, python: str, module: str, file: Path) -> str:
    """Return the row of a peer: a module that writes lines of JSON."""
    command = (python, "-m", f"benchmarks.peers.{module}", file)
    start = cost((*command, "1"))
    taken = cost((*command, str(PEER_EVENTS)))
    with file.open("rb") as lines:
        events = sum(1 for _ in lines)
    assert events == PEER_EVENTS
    rate = events / (taken.wall - start.wall)
    work = 1e6 * (taken.cpu - start.cpu) / events
    return (
        f"| {name}, NDJSON | {events:,} | {rate:,.0f} | {work:.1f} "
        f"| {taken.memory:,.0f} | {start.wall:.1f} | |"
    )


def main(*peers: str) -> None:
    """Print the table."""
    print("| target | events | events/s | CPU µs an event | peak MB | s to the first | s again |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = (f"ndjson:{folder / place}" for place in ("first", "whole"))
        print(row("NDJSON", *files, folder))
        with kafka.broker() as broker:
            topics = (broker.address(place) for place in ("first", "whole"))
            print(row("Kafka's protocol", *topics, folder))
        lines = folder / "peer.ndjson"
        print(peer("a template in Python", sys.executable, "template_events", lines))
        for python in peers:
            print(peer("doge-datagen", python, "machine_events", lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
