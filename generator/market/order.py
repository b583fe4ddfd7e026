"""One campaign of a market as a scenario: what its order says, drawn from the mix of its platform.

The order comes from the sketch of the market; what it leaves open is drawn from the seed and the
campaign's id. Targeting is never narrower than the size of the campaign allows, so the budget is
one that can be spent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import TypeVar

from generator.enums import (
    AdFormat,
    BudgetType,
    BuyType,
    Device,
    Objective,
    Placement,
    TargetingKey,
    TimeUnit,
    VerificationVendor,
)
from generator.market.outline import figures_of
from generator.platform.model import PlatformModel
from generator.randomness import uniform
from generator.scenario.models import (
    BudgetPlan,
    CampaignPlan,
    CreativePlan,
    FlightPlan,
    FrequencyCapPlan,
    LineItemPlan,
    Scenario,
    TargetingPlan,
)

Member = TypeVar("Member")

SCENARIO = "market"
# Of the supply that fits its targeting, what a line item is sized to; what a bid wins of that, and
# what it pays of the target. [M]
_FITS = 0.75
_WON_IN_AUCTION = 0.5
_PAID_IN_AUCTION = 0.8
_LINE_ITEMS_ROOM = 0.8
# How much of what a frequency cap lets through a campaign may need for the cap to be booked. [M]
_USE_OF_A_CAP = 0.4
_DAYS = {TimeUnit.HOUR: 1 / 24, TimeUnit.DAY: 1, TimeUnit.WEEK: 7, TimeUnit.MONTH: 30}
_BRAND_LIFT, _ATTENTION = 0.2, 0.1


@dataclass(frozen=True)
class Draw:
    """Draws for one entity, each by its purpose."""

    seed: int
    kind: str
    entity_id: int

    def uniform(self, *purpose: int | str) -> float:
        """A uniform in (0, 1)."""
        return uniform(self.seed, self.kind, self.entity_id, *purpose)

    def normal(self, *purpose: int | str) -> float:
        """A standard normal."""
        return NormalDist().inv_cdf(self.uniform(*purpose))

    def of(self, purpose: str, mix: Mapping[Member, float], *position: int) -> Member:
        """A member of a mix, as often as its share says."""
        left = self.uniform(purpose, *position) * sum(mix.values())
        members = [member for member, share in mix.items() if share > 0]
        for member in members:
            left -= mix[member]
            if left < 0:
                return member
        return members[-1]


@dataclass(frozen=True)
class Order:
    """What the sketch of a market says of one campaign; `devices` is a position in the sets of its
    platform, `creatives` has one count per line item."""

    platform_model: PlatformModel
    country: str
    devices: int
    start: date
    end: date
    creatives: list[int]
    opportunities: float
    share: float
    use: float

    @property
    def days(self) -> int:
        """The days of its flight."""
        return (self.end - self.start).days + 1


def scenario_of(order: Order, brand: str, draw: Draw) -> Scenario:
    """The order as a scenario."""
    figures = figures_of(order.platform_model)
    place = order.platform_model.countries[order.country]
    objective = draw.of("objective", figures.objective)
    buy_type = draw.of("buy type", figures.buy_type)
    level = place.cpm_level * figures.cpm_of_buy_type[buy_type]
    spread = figures.cpm_log_sd
    target_cpm = max(round(level * _log_normal(draw.normal("cpm"), spread), 2), 0.01)
    fits = _FITS if buy_type is not BuyType.PRIVATE_AUCTION else _FITS * _WON_IN_AUCTION
    items = [_line_item(order, position, fits, draw) for position in range(len(order.creatives))]
    impressions = order.opportunities * order.share * order.use
    paid = target_cpm * (_PAID_IN_AUCTION if buy_type is BuyType.PRIVATE_AUCTION else 1.0)
    amount = impressions * paid / 1000
    daily = draw.uniform("budget type") < figures.daily_budget
    plan = CampaignPlan(
        name=f"{brand} {objective.lower()} {order.start:%Y-%m} {order.country}",
        platform=order.platform_model.name,
        objective=objective,
        buy_type=buy_type,
        target_cpm=target_cpm,
        currency=place.currency,
        brand_lift_enabled=objective is Objective.AWARENESS
        and draw.uniform("brand lift") < _BRAND_LIFT,
        attention_metrics_enabled=draw.uniform("attention") < _ATTENTION,
        flights=[FlightPlan(start_date=order.start, end_date=order.end)],
        budget=BudgetPlan(
            amount=max(round(amount / order.days if daily else amount, 2), 0.01),
            type=BudgetType.DAILY if daily else BudgetType.LIFETIME,
        ),
        max_share_of_voice=order.share,
        frequency_caps=_caps(order, impressions, draw),
    )
    return Scenario(
        name=SCENARIO,
        description="A campaign of a market",
        campaign=plan,
        line_items=[
            item.model_copy(update={"bid_cpm": round(target_cpm * figures.bid_over_target, 2)})
            if buy_type is BuyType.PRIVATE_AUCTION
            else item
            for item in items
        ],
    )


def _log_normal(normal: float, log_sd: float) -> float:
    """A log-normal factor with mean 1."""
    return float(math.exp(log_sd * normal - 0.5 * log_sd * log_sd))


def _line_item(order: Order, position: int, fits: float, draw: Draw) -> LineItemPlan:
    figures = figures_of(order.platform_model)
    ad_format = draw.of("format", figures.ad_format, position)
    return LineItemPlan(
        name=f"{ad_format.replace('_', ' ').capitalize()} {position + 1}",
        ad_format=ad_format,
        pacing=draw.of("pacing", figures.pacing, position),
        verification_vendor=draw.of(
            "verification", dict.fromkeys(VerificationVendor, 1.0), position
        ),
        targeting=TargetingPlan(**_targeting(order, position, fits, draw)),
        creatives=[
            _creative(order, ad_format, position, number, draw)
            for number in range(order.creatives[position])
        ],
    )


def _creative(
    order: Order, ad_format: AdFormat, position: int, number: int, draw: Draw
) -> CreativePlan:
    if ad_format is AdFormat.PAUSE_AD:
        return CreativePlan(placement=Placement.PAUSE)
    figures = figures_of(order.platform_model)
    placement = draw.of("placement", figures.placement, position)
    return CreativePlan(
        placement=placement,
        duration_seconds=draw.of("duration", figures.duration[placement], position, number),
        is_interactive=ad_format is AdFormat.INTERACTIVE_OVERLAY,
        has_qr_code=draw.uniform("qr code", position, number) < figures.qr_code,
        is_skippable=draw.uniform("skippable", position) < figures.skippable,
    )


def _targeting(order: Order, position: int, fits: float, draw: Draw) -> dict[str, list[str]]:
    """The lists of a line item: its country, its devices unless all, and neighbouring segments of
    the keys that it names. A key that would leave too little for its part of the campaign is left
    out; `fits` is the part of what fits its targeting that a line item can be sized to."""
    part = 1 / len(order.creatives)
    most = min(order.platform_model.supply.max_share_of_voice, _LINE_ITEMS_ROOM * part) * fits
    needed = order.share * order.use * part
    figures = figures_of(order.platform_model)
    devices = figures.devices[order.devices].devices
    lists = {TargetingKey.GEO_COUNTRY.value: [order.country]}
    if set(devices) != set(Device):
        lists[TargetingKey.DEVICE.value] = [str(each) for each in devices]
    for key, share in figures.targeting.items():
        shares = _shares(order, key)
        if shares and draw.uniform("targets", key, position) < share:
            count = 1 + int(draw.uniform("segments", key, position) * max(1, len(shares) // 2))
            first = int(draw.uniform("segment", key, position) * (len(shares) - count + 1))
            named = list(shares)[first : first + count]
            left = most * sum(shares[each] for each in named)
            if left >= needed:
                lists[key.value], most = named, left
    return lists


def _shares(order: Order, key: TargetingKey) -> dict[str, float]:
    """The segments of a targeting key and their part of viewing."""
    if key is TargetingKey.CONTENT_GENRE:
        return {name: genre.share for name, genre in order.platform_model.genres.items()}
    if key is TargetingKey.GEO_DMA:
        regions = order.platform_model.countries[order.country].regions
        return {code: region.share for code, region in regions.items()}
    shares: dict[str, float] = getattr(order.platform_model.audience, key)
    return shares


def _caps(order: Order, impressions: float, draw: Draw) -> list[FrequencyCapPlan]:
    """The cap that is booked, if it lets the campaign's impressions through with room to spare."""
    mix = figures_of(order.platform_model).frequency_caps
    cap = draw.of("cap", dict(zip(mix, (each.share for each in mix), strict=True)))
    if cap.max_impressions is None or cap.time_unit is None:
        return []
    windows = order.days / (_DAYS.get(cap.time_unit, order.days) * cap.time_units)
    households = order.platform_model.countries[order.country].households
    if impressions > _USE_OF_A_CAP * cap.max_impressions * max(windows, 1) * households:
        return []
    return [
        FrequencyCapPlan(
            max_impressions=cap.max_impressions, time_unit=cap.time_unit, time_units=cap.time_units
        )
    ]
