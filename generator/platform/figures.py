"""The kinds of figure that a platform file holds: bounds of numbers, curves, mixes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from generator.arrays import Floats
from generator.schema.text_types import Text

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, lt=1e12)]
LogOdds = Annotated[float, Field(ge=-10, le=10)]
LogSd = Annotated[float, Field(ge=0, le=3)]
Autocorrelation = Annotated[float, Field(ge=0, le=0.99)]
Floor = Annotated[Decimal, Field(gt=0, le=1, max_digits=4, decimal_places=3, strict=False)]
DayCurve = Annotated[list[Positive], Field(min_length=24, max_length=24)]
WeekCurve = Annotated[list[Positive], Field(min_length=7, max_length=7)]
YearCurve = Annotated[list[Positive], Field(min_length=12, max_length=12)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


def relative(figures: list[float]) -> Floats:
    """Return the figures of a curve relative to their mean.

    >>> relative([1.0, 3.0]).tolist()
    [0.5, 1.5]
    """
    levels: Floats = np.array(figures) / np.mean(figures)
    return levels


def adds_up_to_one(shares: dict[Any, float]) -> dict[Any, float]:
    """Return the shares. Raises ValueError where they do not add up to 1."""
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"the shares add up to {sum(shares.values()):.6g}, not to 1")
    return shares


Member = TypeVar("Member")
Mix = Annotated[dict[Member, Share], Field(min_length=1), AfterValidator(adds_up_to_one)]
Shares = Annotated[dict[Text, Share], Field(min_length=1), AfterValidator(adds_up_to_one)]


class Figures(BaseModel):
    """Base of everything in a platform file: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True)


class Noise(Figures):
    """Log-normal noise with mean 1 that is correlated in time (an AR(1) of the logarithm)."""

    log_sd: LogSd
    autocorrelation: Autocorrelation

    def times(self, scale: float) -> Noise:
        """Return noise with this many times the spread."""
        return self.model_copy(update={"log_sd": self.log_sd * scale})
