"""Events of viewers that move through states by chance, as eventsim makes those of listeners: with
doge-datagen, in which a state machine moves each subject once a tick. Each tick is an event here.

`python -m benchmarks.peers.machine_events FILE EVENTS` writes lines of JSON with the columns of
`ad_events`.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from doge_datagen import DataOnlineGenerator, EventSink, SubjectFactory, Transition

from benchmarks.peers.template_events import BEGIN, DEVICES

VIEWERS = 1_000
TICK_MILLISECONDS = 7_500
# From each event to the next ones, with chances in percent.
PATHS = {
    "impression": {"start": 98, "error": 2},
    "start": {"firstQuartile": 97, "impression": 3},
    "firstQuartile": {"midpoint": 98, "impression": 2},
    "midpoint": {"thirdQuartile": 98, "impression": 2},
    "thirdQuartile": {"complete": 99, "impression": 1},
    "complete": {"impression": 100},
    "error": {"impression": 100},
}


class Viewer:
    """A household at a device, and the ad that it sees."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.household_id, self.device_id = draw.getrandbits(62), draw.getrandbits(62)
        self.device = draw.choice(DEVICES)
        self.see_another()

    def see_another(self) -> None:
        """Begin with another ad."""
        draw = self.draw
        self.ad_id = UUID(int=draw.getrandbits(128)).hex
        self.session_id = draw.getrandbits(62)
        self.campaign_id = draw.randrange(1, 8)


class Viewers(SubjectFactory):
    """Makes viewers."""

    def __init__(self) -> None:
        self.draw = random.Random(7)

    def create(self) -> Viewer:
        """Return another viewer."""
        return Viewer(self.draw)


class Lines(EventSink):
    """Writes each transition as a line."""

    def __init__(self, lines: IO[str]) -> None:
        self.lines = lines

    def collect(self, timestamp: int, subject: Any, transition: Transition) -> None:
        """Write the event to which a viewer goes."""
        name = transition.to_state
        if name == "impression":
            subject.see_another()
        when = datetime.fromtimestamp(timestamp / 1000, UTC)
        event = {
            "event_id": f"{subject.ad_id}:{name}",
            "event_name": name,
            "event_ts": when.isoformat(),
            "ad_id": subject.ad_id,
            "campaign_id": subject.campaign_id,
            "line_item_id": 100 * subject.campaign_id,
            "creative_id": 10_000 * subject.campaign_id,
            "advertiser_id": subject.campaign_id,
            "household_id": subject.household_id,
            "device_id": subject.device_id,
            "session_id": subject.session_id,
            "device": subject.device,
            "activity_date": f"{when:%Y-%m-%d}",
            "vast_error_code": 900 if name == "error" else None,
        }
        self.lines.write(json.dumps(event) + "\n")


def main(file: str, events: int) -> None:
    """Write events in the order of time."""
    logging.disable()
    viewers = min(VIEWERS, events)
    with open(file, "w") as lines:
        sink = Lines(lines)
        machine = DataOnlineGenerator(
            list(PATHS),
            "impression",
            Viewers(),
            viewers,
            TICK_MILLISECONDS,
            events // viewers,
            round(BEGIN.replace(tzinfo=UTC).timestamp() * 1000),
        )
        for event, following in PATHS.items():
            for name, chance in following.items():
                machine.add_transition(name, event, name, chance, event_sinks=[sink])
        machine.start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
