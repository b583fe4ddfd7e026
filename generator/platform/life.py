"""Life: how strongly each force acts that makes data look like real campaigns.

The figures of a force are in the platform file. A scale of 0 switches it off, 1 takes its figures,
and 2 doubles its spread.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Preset(StrEnum):
    """One scale for all forces: none at all, the platform's figures, or nearly twice their
    spread."""

    CALM = "calm"
    REALISTIC = "realistic"
    ROUGH = "rough"


_SCALES = {Preset.CALM: 0.0, Preset.REALISTIC: 1.0, Preset.ROUGH: 1.8}

LARGEST_SCALE = 3.0
Scale = Annotated[float, Field(ge=0, le=LARGEST_SCALE)] | None


class Life(BaseModel):
    """A preset, and the scales of forces that differ from it.

    >>> calm = Life(preset=Preset.CALM, market_noise=0.5)
    >>> calm.scale("market_noise"), calm.scale("price_noise")
    (0.5, 0.0)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    preset: Annotated[Preset, Field(strict=False)] = Preset.REALISTIC
    market_noise: Scale = None
    demand_noise: Scale = None
    price_noise: Scale = None
    variation: Scale = None
    effects: Scale = None
    booking: Scale = None
    customers: Scale = None
    demand: Scale = None
    planning: Scale = None
    rate_card: Scale = None
    control: Scale = None
    competition: Scale = None
    reach: Scale = None
    audience: Scale = None
    habits: Scale = None
    changes: Scale = None
    incidents: Scale = None
    releases: Scale = None
    load: Scale = None
    rotation: Scale = None

    def scale(self, force: str) -> float:
        """Return how strongly a force acts."""
        scale: float | None = getattr(self, force)
        return _SCALES[self.preset] if scale is None else scale

    def over(self, other: Life) -> Life:
        """Return the other life with what was set here on top of it. A preset that was set here
        replaces all of it."""
        if "preset" in self.model_fields_set:
            return self
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        return other.model_copy(update=changes)


UNCHANGED = Life()
