"""The figures of incidents: what goes wrong by itself, how often, how long and how badly."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from generator.platform.figures import Figures, LogOdds, LogSd, Positive, Share

LONGEST_HOURS = 28 * 24


class Spell(Figures):
    """How often something happens to one of its kind, how long it lasts, and how bad it is.

    `per_year` counts spells of each platform, device, vendor, creative or campaign. Lengths are
    log-normal around `median_hours`, between an hour and four weeks. `strength` is uniform between
    its bounds, in the unit of the incident.
    """

    per_year: Annotated[float, Field(ge=0, le=12)] = 0.0
    median_hours: Annotated[float, Field(ge=1, le=LONGEST_HOURS)] = 1.0
    hours_log_sd: LogSd = 0.0
    strength: Annotated[list[Positive], Field(min_length=2, max_length=2)] = Field(
        default=[1.0, 1.0]
    )

    @model_validator(mode="after")
    def _strength_rises(self) -> Spell:
        if self.strength[1] < self.strength[0]:
            raise ValueError("strength is from the least to the most")
        return self


class PartOfEvents(Spell):
    """A spell that takes a part of something: its strength is at most 1."""

    @model_validator(mode="after")
    def _is_a_part(self) -> PartOfEvents:
        if self.strength[1] > 1.0:
            raise ValueError("strength is a part, at most 1")
        return self


class Outage(PartOfEvents):
    """An outage: `unanswered` is what it adds to the log-odds that a request is not answered."""

    unanswered: LogOdds = 0.0


class BadCreative(Spell):
    """A bad file: `never_started` is the part of impressions that start no video, for each e-fold
    that losses rise by."""

    never_started: Share = 0.0


class BotBurst(Spell):
    """Machines that watch: `not_rendered` is what they add to the log-odds that a won ad does not
    render, since invalid traffic is a part of these."""

    not_rendered: LogOdds = 0.0


class Incidents(Figures):
    """What goes wrong in a market by itself.

    `ad_server_outage`: a platform answers only a part of its requests; strength is the part of
    impressions that are missing. `tracking_gap`: players on a device do not send a part of their
    events. `vendor_gap`: a verification vendor does not measure a part of the impressions.
    `app_release`: an app on a device renders fewer of the ads it wins; strength multiplies the odds
    of a loss. `bad_creative`: a creative's file is slow or broken, likewise. `bot_burst`: machines
    watch a campaign; strength multiplies the odds of invalid traffic. `late_load`: a platform's day
    lands later; strength is in hours.
    """

    ad_server_outage: Outage = Outage()
    tracking_gap: PartOfEvents = PartOfEvents()
    vendor_gap: PartOfEvents = PartOfEvents()
    app_release: Spell = Spell()
    bad_creative: BadCreative = BadCreative()
    bot_burst: BotBurst = BotBurst()
    late_load: Spell = Spell()
