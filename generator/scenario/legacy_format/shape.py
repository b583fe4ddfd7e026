"""What files of the older shape may hold: the models of an entry and of its parts.

Every part may hold other keys, too: those of the project's own scenarios are read, and the rest has
no meaning here.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

HOURS_A_WEEK, MOST_WEEKS = 168, 104

Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Moment = Annotated[date, Field(strict=True)] | Annotated[datetime, Field(strict=True)] | str
Hours = Annotated[int, Field(strict=True, ge=1, le=MOST_WEEKS * HOURS_A_WEEK)]


def _yes_or_no(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


Flag = Annotated[bool, BeforeValidator(_yes_or_no), Field(strict=True)]


class LegacyPart(BaseModel):
    """Base of the older shape."""

    model_config = ConfigDict(extra="allow")

    @property
    def others(self) -> dict[str, Any]:
        """The keys that the model does not name."""
        return self.model_extra or {}


class LegacyAdvertiser(LegacyPart):
    """The company that pays."""

    name: str | None = None
    contact_email: str | None = None
    brand: str | None = None
    agency_name: str | None = None
    industry: str | None = None


class LegacyFlight(LegacyPart):
    """The days of the campaign, both included."""

    start_date: Moment
    end_date: Moment


class LegacyBudget(LegacyPart):
    """The amount, in units of the currency."""

    amount: Number
    type: str | None = None
    currency: str | None = None


class LegacyCampaign(LegacyPart):
    """What is bought; `status` follows from the dates."""

    name: str | None = None
    objective: str
    status: str | None = None
    target_cpm: Number
    dsp_partner: str | None = None
    currency: str = "USD"
    budget_type: str | None = None
    flight: LegacyFlight | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    budget: LegacyBudget | Number
    brand_lift_enabled: Flag | None = None
    attention_metrics_enabled: Flag | None = None


class LegacyCreative(LegacyPart):
    """One ad; the columns of `raw.creatives` that describe its file may be named, and are made."""

    name: str | None = None
    duration_seconds: Whole | None = None
    placement: str | None = None
    qr_code_url: str | None = None
    is_skippable: Flag | None = None
    is_interactive: Flag | None = None
    has_qr_code: Flag | None = None


class LegacyLineItem(LegacyPart):
    """What is bought in one format, with the targeting as JSON in a string, or as a mapping."""

    name: str | None = None
    ad_format: str | None = None
    bid_cpm: Number | None = None
    pacing_pct: Number | None = None
    targeting_json: str | dict[Any, Any] | None = None
    device_targets_json: str | dict[Any, Any] | list[Any] | None = None
    targeting: dict[Any, Any] | None = None
    geo_tier: str | None = None
    duration_seconds: Whole | None = None
    ad_server_type: str | None = None
    pixel_vendor: str | None = None
    creatives: list[LegacyCreative] | None = None


class LegacyPerformance(LegacyPart):
    """How hourly performance was asked for."""

    generate: Any = True
    type: Any = "both"
    seed: Any = None
    hours: Hours | None = None
    replace: Any = None


class LegacyEntry(LegacyPart):
    """One example, profile or test: one campaign."""

    description: str | None = None
    strategy: Any = None
    results: Any = None
    focus: Any = None
    faker_auto: Any = None
    advertiser: LegacyAdvertiser | None = None
    campaign: LegacyCampaign
    line_items: Annotated[list[LegacyLineItem], Field(min_length=1)]
    creatives: list[LegacyCreative] | None = None
    performance: LegacyPerformance | None = None
