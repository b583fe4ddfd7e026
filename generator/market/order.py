"""One campaign of a market as a scenario: its order, and draws from the mix of its platform.

The order comes from the outline of the market. What the order leaves open is drawn from the seed
and the campaign's id. Targeting is never narrower than the size of the campaign allows, so the
budget can be spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import TypeVar

from generator.delivery.noise import log_normal
from generator.enums import (
    AdFormat,
    BudgetType,
    BuyType,
    Device,
    Objective,
    Placement,
    TargetingKey,
    VerificationVendor,
)
from generator.market.shares import booking_mix_of
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


@dataclass(frozen=True)
class Draw:
    """The draws of one entity; a draw is a function of its purpose."""

    seed: int
    kind: str
    entity_id: int

    def uniform(self, *purpose: int | str) -> float:
        """Return a uniform in (0, 1)."""
        return uniform(self.seed, self.kind, self.entity_id, *purpose)

    def normal(self, *purpose: int | str) -> float:
        """Return a standard normal."""
        return NormalDist().inv_cdf(self.uniform(*purpose))

    def of(self, purpose: str, mix: Mapping[Member, float], *position: int) -> Member:
        """Return a member of a mix, as often as its share says."""
        left = self.uniform(purpose, *position) * sum(mix.values())
        members = [member for member, share in mix.items() if share > 0]
        for member in members:
            left -= mix[member]
            if left < 0:
                return member
        return members[-1]


@dataclass(frozen=True)
class Order:
    """One campaign in the outline of a market; `devices` is a position in the sets of its platform,
    `creatives` has one count per line item."""

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

    @property
    def impressions(self) -> float:
        """The impressions that it is sized to."""
        return self.opportunities * self.share * self.use


def scenario_of(order: Order, brand: str, draw: Draw) -> Scenario:
    """Return the order as a scenario."""
    mix = booking_mix_of(order.platform_model)
    buy_type = draw.of("buy type", mix.buy_type)
    is_auction = buy_type is BuyType.PRIVATE_AUCTION
    target_cpm = _target_cpm(order, buy_type, draw)
    bid_cpm = round(target_cpm * mix.bid_over_target, 2) if is_auction else None
    fits = mix.fitting * mix.won_in_auction if is_auction else mix.fitting
    return Scenario(
        name=SCENARIO,
        description="A campaign of a market",
        campaign=_campaign(order, brand, buy_type, target_cpm, draw),
        line_items=[
            _line_item(order, position, fits, bid_cpm, draw)
            for position in range(len(order.creatives))
        ],
    )


def _target_cpm(order: Order, buy_type: BuyType, draw: Draw) -> float:
    """Draw the price that the campaign aims for: log-normal around the level of its country."""
    mix = booking_mix_of(order.platform_model)
    level = order.platform_model.countries[order.country].cpm_level * mix.cpm_of_buy_type[buy_type]
    spread = float(log_normal(mix.cpm_log_sd, draw.normal("cpm")))
    return max(round(level * spread, 2), 0.01)


def _campaign(
    order: Order, brand: str, buy_type: BuyType, target_cpm: float, draw: Draw
) -> CampaignPlan:
    """Return the campaign of an order, with a budget that buys its impressions."""
    mix = booking_mix_of(order.platform_model)
    objective = draw.of("objective", mix.objective)
    paid_share = mix.paid_in_auction if buy_type is BuyType.PRIVATE_AUCTION else 1.0
    amount = order.impressions * (target_cpm * paid_share) / 1000
    is_daily = draw.uniform("budget type") < mix.daily_budget
    is_awareness = objective is Objective.AWARENESS
    return CampaignPlan(
        name=f"{brand} {objective.lower()} {order.start:%Y-%m} {order.country}",
        platform=order.platform_model.name,
        objective=objective,
        buy_type=buy_type,
        target_cpm=target_cpm,
        currency=order.platform_model.countries[order.country].currency,
        brand_lift_enabled=is_awareness and draw.uniform("brand lift") < mix.brand_lift,
        attention_metrics_enabled=draw.uniform("attention") < mix.attention,
        flights=[FlightPlan(start_date=order.start, end_date=order.end)],
        budget=BudgetPlan(
            amount=max(round(amount / order.days if is_daily else amount, 2), 0.01),
            type=BudgetType.DAILY if is_daily else BudgetType.LIFETIME,
        ),
        max_share_of_voice=order.share,
        frequency_caps=_caps(order, draw),
    )


def _line_item(
    order: Order, position: int, fits: float, bid_cpm: float | None, draw: Draw
) -> LineItemPlan:
    """Return a line item with its creatives; without a bid it pays the target."""
    mix = booking_mix_of(order.platform_model)
    ad_format = draw.of("format", mix.ad_format, position)
    vendors = dict.fromkeys(VerificationVendor, 1.0)
    return LineItemPlan(
        name=f"{ad_format.replace('_', ' ').capitalize()} {position + 1}",
        ad_format=ad_format,
        bid_cpm=bid_cpm,
        pacing=draw.of("pacing", mix.pacing, position),
        verification_vendor=draw.of("verification", vendors, position),
        targeting=TargetingPlan(**_targeting(order, position, fits, draw)),
        creatives=[
            _creative(order, ad_format, position, number, draw)
            for number in range(order.creatives[position])
        ],
    )


def _creative(
    order: Order, ad_format: AdFormat, position: int, number: int, draw: Draw
) -> CreativePlan:
    """Return a creative of a line item; all of them share placement and skippability."""
    if ad_format is AdFormat.PAUSE_AD:
        return CreativePlan(placement=Placement.PAUSE)
    mix = booking_mix_of(order.platform_model)
    placement = draw.of("placement", mix.placement, position)
    return CreativePlan(
        placement=placement,
        duration_seconds=draw.of("duration", mix.duration[placement], position, number),
        is_interactive=ad_format is AdFormat.INTERACTIVE_OVERLAY,
        has_qr_code=draw.uniform("qr code", position, number) < mix.qr_code,
        is_skippable=draw.uniform("skippable", position) < mix.skippable,
    )


def _targeting(order: Order, position: int, fits: float, draw: Draw) -> dict[str, list[str]]:
    """Return the targeting of a line item: its country, its devices unless all, and neighbouring
    segments of the keys that it names.

    A key that would leave too little supply for the line item's part of the campaign is left out.
    `fits` is the part of what fits its targeting that a line item can be sized to.

    An example: a campaign needs 2 % of its country's supply. Its one line item may use a quarter of
    what fits its targeting, and is sized to 0.75 of that: 18.75 %. Drama and comedy, a share of
    0.35, leave 6.6 %. Women, a share of 0.51, leave 3.3 %. Viewers from 25 to 34, a share of 0.22,
    would leave 0.7 %, so the line item names no age.
    """
    supply = order.platform_model.supply
    mix = booking_mix_of(order.platform_model)
    part = 1 / len(order.creatives)
    left = min(supply.max_share_of_voice, supply.room_for_chance * part) * fits
    needed = order.share * order.use * part
    devices = mix.devices[order.devices].devices
    lists = {TargetingKey.GEO_COUNTRY.value: [order.country]}
    if set(devices) != set(Device):
        lists[TargetingKey.DEVICE.value] = [str(device) for device in devices]
    for key, share in mix.targeting.items():
        shares = order.platform_model.segment_shares(key, order.country)
        if shares and draw.uniform("targets", key, position) < share:
            named = _neighbours(list(shares), key, position, draw)
            left_with_key = left * sum(shares[segment] for segment in named)
            if left_with_key >= needed:
                lists[key.value] = named
                left = left_with_key
    return lists


def _neighbours(segments: list[str], key: TargetingKey, position: int, draw: Draw) -> list[str]:
    """Draw up to half of the segments, all next to one another."""
    count = 1 + int(draw.uniform("segments", key, position) * max(1, len(segments) // 2))
    first = int(draw.uniform("segment", key, position) * (len(segments) - count + 1))
    return segments[first : first + count]


def _caps(order: Order, draw: Draw) -> list[FrequencyCapPlan]:
    """Return the cap that is drawn, if it lets the campaign's impressions through with room to
    spare."""
    mix = booking_mix_of(order.platform_model)
    caps = mix.frequency_caps
    cap = draw.of("cap", dict(zip(caps, (choice.share for choice in caps), strict=True)))
    if cap.max_impressions is None or cap.time_unit is None:
        return []
    unit_hours = cap.time_unit.hours
    unit_days = order.days if unit_hours is None else unit_hours / 24
    windows = max(order.days / (unit_days * cap.time_units), 1)
    households = order.platform_model.countries[order.country].households
    if order.impressions > mix.use_of_a_cap * cap.max_impressions * windows * households:
        return []
    return [
        FrequencyCapPlan(
            max_impressions=cap.max_impressions, time_unit=cap.time_unit, time_units=cap.time_units
        )
    ]
