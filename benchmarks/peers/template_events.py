"""Events from a template, as generators of test streams make them: each field is drawn on its own,
and each event becomes a line of JSON. Nothing adds up, and no one watches to the end.

`python -m benchmarks.peers.template_events FILE EVENTS` writes the lines.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import datetime, timedelta
from uuid import UUID

NAMES = ("impression", "start", "firstQuartile", "midpoint", "thirdQuartile", "complete", "error")
DEVICES = ("CTV", "MOBILE", "DESKTOP", "TABLET")
BEGIN = datetime(2025, 11, 17)


def main(file: str, events: int) -> None:
    """Write events in the order of time."""
    draw = random.Random(7)
    step = timedelta(days=3) / events
    with open(file, "w") as lines:
        for number in range(events):
            ad_id = UUID(int=draw.getrandbits(128)).hex
            name = draw.choice(NAMES)
            event = {
                "event_id": f"{ad_id}:{name}",
                "event_name": name,
                "event_ts": (BEGIN + number * step).isoformat(),
                "ad_id": ad_id,
                "campaign_id": draw.randrange(1, 8),
                "line_item_id": draw.randrange(100, 800),
                "creative_id": draw.randrange(10_000, 80_000),
                "advertiser_id": draw.randrange(1, 8),
                "household_id": draw.getrandbits(62),
                "device_id": draw.getrandbits(62),
                "session_id": draw.getrandbits(62),
                "device": draw.choice(DEVICES),
                "activity_date": f"{BEGIN + number * step:%Y-%m-%d}",
                "vast_error_code": None,
            }
            lines.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
