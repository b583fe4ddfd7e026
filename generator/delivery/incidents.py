"""Incidents: what goes wrong in a market by itself, drawn from the seed.

Time is cut into blocks of four weeks. In each, a platform, a device, a vendor, a creative or a
campaign has a spell of an incident or not, so any window can be made alone. An incident changes
odds and demand before the draws: the order of the funnel, budgets, reach and audience stay true.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY, Hours, datetime_of, landing_of
from generator.delivery.quantiles import normal
from generator.delivery.variation import HOURS_A_STEP
from generator.enums import Device, FaultType
from generator.platform.incidents import LONGEST_HOURS, Incidents, Spell
from generator.platform.model import PlatformModel
from generator.randomness import key, uniform, uniforms
from generator.schema import Creative, LineItem

_HOURS_A_YEAR = 365.25 * HOURS_A_DAY


@dataclass(frozen=True)
class Incident:
    """One incident: what happened to which subject, from the hour `first` to before `last`.

    `device` and `creative_id` restrict it, where they are set. `figures` are those of its kind.
    """

    kind: FaultType
    figures: Incidents = field(compare=False, repr=False)
    subject: tuple[int | str, ...]
    first: int
    last: int
    strength: float
    device: Device | None = None
    creative_id: int | None = None

    @property
    def name(self) -> str:
        """The name of the incident in the log."""
        since = datetime_of(self.first).strftime("%Y-%m-%dT%H")
        return " ".join([self.kind.lower(), *map(str, self.subject), since])

    @property
    def keys(self) -> str:
        """What happened, as JSON."""
        figures: dict[str, Any] = {
            "subject": list(self.subject),
            "from": datetime_of(self.first).isoformat(),
            "hours": self.last - self.first,
            "strength": round(self.strength, 3),
        }
        return json.dumps(figures)

    def during(self, hours: Hours) -> slice:
        """Return the positions of consecutive hours in which it happens."""
        start = int(hours[0]) if hours.size else 0
        first, last = (min(max(hour - start, 0), hours.size) for hour in (self.first, self.last))
        return slice(first, last)

    @property
    def log_odds(self) -> dict[str, float]:
        """What it adds to the log-odds of rates."""
        match self.kind:
            case FaultType.AD_SERVER_OUTAGE:
                return {"response": self.figures.ad_server_outage.unanswered}
            case FaultType.APP_RELEASE | FaultType.BAD_CREATIVE:
                return {"render": math.log(self.strength)}
            case FaultType.BOT_BURST:
                return {"invalid": math.log(self.strength), "render": self.lost_to_machines}
        return {}

    @property
    def lost_to_machines(self) -> float:
        """What it adds to the log-odds of render losses because machines watch."""
        return self.figures.bot_burst.not_rendered if self.kind is FaultType.BOT_BURST else 0.0

    @property
    def kept_events(self) -> dict[str, float]:
        """The part of events that is still counted, by name; starts are with all that follows."""
        match self.kind:
            case FaultType.TRACKING_GAP:
                kept = 1.0 - self.strength
                return dict.fromkeys(("start", "measurable", "click", "engagement"), kept)
            case FaultType.VENDOR_GAP:
                return {"measurable": 1.0 - self.strength}
            case FaultType.BAD_CREATIVE:
                never = self.figures.bad_creative.never_started * math.log(self.strength)
                return {"start": max(1.0 - never, 0.0)}
        return {}


def line_item_incidents(
    platform_model: PlatformModel,
    line_item: LineItem,
    creatives: Sequence[Creative],
    hours: Hours,
    seed: int,
) -> tuple[Incident, ...]:
    """Return the incidents that a line item meets at consecutive hours."""
    if not hours.size or not platform_model.life.scale("incidents"):
        return ()
    name = platform_model.name
    subjects: list[tuple[FaultType, tuple[int | str, ...], dict[str, Any]]] = [
        (FaultType.AD_SERVER_OUTAGE, (name,), {}),
        (FaultType.LATE_LOAD, (name,), {}),
        (FaultType.VENDOR_GAP, (name, str(line_item.verification_vendor)), {}),
        (FaultType.BOT_BURST, (line_item.campaign_id,), {}),
    ]
    for device in Device:
        for kind in (FaultType.TRACKING_GAP, FaultType.APP_RELEASE):
            subjects.append((kind, (name, str(device)), {"device": device}))
    for creative_id in [creative.creative_id for creative in creatives]:
        subjects.append((FaultType.BAD_CREATIVE, (creative_id,), {"creative_id": creative_id}))
    first, last = int(hours[0]), int(hours[-1]) + 1
    return tuple(
        Incident(kind, platform_model.incidents, subject, start, end, strength, **part)
        for kind, subject, part in subjects
        for start, end, strength in _spells(platform_model, kind, subject, seed, first, last)
    )


def _spells(
    platform_model: PlatformModel,
    kind: FaultType,
    subject: tuple[int | str, ...],
    seed: int,
    first: int,
    last: int,
) -> Iterator[tuple[int, int, float]]:
    """Yield the first hour, the hour after the last, and the strength of a subject's spells that
    touch the hours from `first` to before `last`."""
    figures: Spell = getattr(platform_model.incidents, kind.lower())
    chance = figures.per_year * LONGEST_HOURS / _HOURS_A_YEAR
    chance *= platform_model.life.scale("incidents")
    least, most = figures.strength
    for block in range(first // LONGEST_HOURS - 1, (last - 1) // LONGEST_HOURS + 1):
        lengths = figures.median_hours, figures.hours_log_sd
        spell = _spell(chance, lengths, seed, (kind, *subject), block)
        if spell is not None:
            start, end, how_bad = spell
            if start < last and end > first:
                yield start, end, least + how_bad * (most - least)


# Line items of a market share platforms, devices and vendors.
@lru_cache(maxsize=16_384)
def _spell(
    chance: float,
    lengths: tuple[float, float],
    seed: int,
    kind_and_subject: tuple[int | str, ...],
    block: int,
) -> tuple[int, int, float] | None:
    """Return the first hour of a subject's spell in a block, the hour after the last, and how bad
    it is, between 0 and 1; None where it has none.

    `lengths` are the median and the log-sd of its hours, `kind_and_subject` what happens to which.
    """
    if uniform(seed, "incident happens", *kind_and_subject, block) >= chance:
        return None
    median_hours, hours_log_sd = lengths
    keys = np.array([key(seed, "incident", *kind_and_subject, block)], dtype=np.uint64)
    when, length, how_bad = uniforms(keys, "start", "length", "strength")[:, 0].tolist()
    start = block * LONGEST_HOURS + int(when * LONGEST_HOURS)
    lengthened = math.exp(hours_log_sd * float(normal(np.array([length]))[0]))
    hours = min(max(round(median_hours * lengthened), 1), LONGEST_HOURS)
    if kind_and_subject[0] is FaultType.LATE_LOAD:
        start -= start % HOURS_A_DAY
        hours = HOURS_A_DAY
    return start, start + hours, how_bad


def kept_demand(incidents: Iterable[Incident], hours: Hours) -> Floats:
    """Return the part of the planned impressions that outages leave at consecutive hours:
    (hours,)."""
    kept = np.ones(hours.size)
    for incident in incidents:
        if incident.kind is FaultType.AD_SERVER_OUTAGE:
            kept[incident.during(hours)] *= 1.0 - incident.strength
    return kept


def first_of_steps(incidents: Iterable[Incident], hours: Hours) -> Int64s:
    """Return the positions of consecutive hours of whole days at which rates may change: every
    quarter of a day, and where an incident begins or ends."""
    marks = np.arange(0, hours.size, HOURS_A_STEP)
    edges = [(incident.during(hours).start, incident.during(hours).stop) for incident in incidents]
    inside = np.array(edges, dtype=np.int64).ravel()
    return np.union1d(marks, inside[inside < hours.size])


def landing_hours(incidents: Iterable[Incident], hours: Hours) -> Hours:
    """Return the hour at which the rows of each of these hours land: same shape."""
    landing = landing_of(hours)
    for incident in incidents:
        if incident.kind is FaultType.LATE_LOAD:
            late = (hours >= incident.first) & (hours < incident.last)
            landing[late] += round(incident.strength)
    return landing
