"""What is logged of a run: the impressions of no household, of a share of them, or of all."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_WORDS = {"none": 0.0, "all": 1.0}


def _share_of_word(value: Any) -> Any:
    return _WORDS.get(value, value) if isinstance(value, str) else value


class LogPlan(BaseModel):
    """The share of the households with a log of their impressions, and that of the devices without
    an id.

    >>> LogPlan(households="all").households
    1.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    households: Annotated[
        float, Field(strict=True, ge=0, le=1), BeforeValidator(_share_of_word)
    ] = 0.0
    missing_ids: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0

    def __bool__(self) -> bool:
        return self.households > 0


NO_LOG = LogPlan()
