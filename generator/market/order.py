"""One campaign of a market as a scenario: its order, and draws from the mix of its platform.

The order comes from the outline of the market. What the order leaves open is drawn from the seed
and the campaign's id. Targeting is never narrower than the size of the campaign allows, so the
budget can be spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from statistics import NormalDist
from typing import TypeVar

from generator.delivery.noise import log_normal
from generator.enums import (
    AdFormat,
    AdServerType,
    BudgetType,
    BuyType,
    Device,
    GeoTier,
    Industry,
    Objective,
    Placement,
    TargetingKey,
)
from generator.market.money import card_price, even_shares, round_budget
from generator.market.shares import booking_mix_of
from generator.platform.booking_mix import Audience, BookingMix, LineItemDesign, Tier
from generator.platform.figures import relative
from generator.platform.model import PlatformModel
from generator.randomness import uniform
from generator.scenario.models import (
    AdvertiserPlan,
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
_DAYS_A_WEEK = 7
# Assumption: the most of a campaign that lies between its flights.
_MOST_GAPS = 0.3
# Assumptions: line items of shorter campaigns (days) run as long as these; a line item leaves out
# at most this part of the days, since it has to sell its goal on the others.
_SHORTEST_WITH_OWN_DATES = 21
_MOST_OWN_DAYS = 0.15
# Segments of these keys are in an order, so people name neighbours.
_ORDERED = (TargetingKey.AGE_RANGE, TargetingKey.HOUSEHOLD_INCOME)


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

    def happens(self, share: float, *purpose: int | str) -> bool:
        """Return whether something happens that happens as often as its share says."""
        return self.uniform(*purpose) < share

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
    `creatives` has one count per line item, and `advertiser_id`, `advertiser`, `industry` and
    `tier` describe who books it."""

    platform_model: PlatformModel
    advertiser_id: int
    advertiser: AdvertiserPlan
    industry: Industry
    tier: Tier
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

    @property
    def mix(self) -> BookingMix:
        """The mix that it draws from."""
        return booking_mix_of(self.platform_model)


def scenario_of(order: Order, draw: Draw) -> Scenario:
    """Return the order as a scenario."""
    return _Planner(order, draw).scenario()


@dataclass(frozen=True)
class _Planner:
    """Plans one campaign: draws what its order leaves open."""

    order: Order
    draw: Draw

    @property
    def mix(self) -> BookingMix:
        return self.order.mix

    @cached_property
    def objective(self) -> Objective:
        tilts = self.mix.plans.objective_of_industry.get(self.order.industry, {})
        return self.draw.of("objective", _tilted(self.mix.objective, tilts))

    @cached_property
    def buy_type(self) -> BuyType:
        return self.draw.of("buy type", _tilted(self.mix.buy_type, self.order.tier.buy_type))

    @property
    def is_auction(self) -> bool:
        return self.buy_type is BuyType.PRIVATE_AUCTION

    @cached_property
    def design(self) -> LineItemDesign:
        """In what the line items differ."""
        return self.draw.of("design", self.mix.plans.line_items)

    @cached_property
    def shares(self) -> list[float]:
        """The share of each line item in the budget."""
        spread = self.mix.habits.share_log_sd
        count = len(self.order.creatives)
        if not spread:
            return [1 / count] * count
        weights = [
            float(log_normal(spread, self.draw.normal("budget share", position)))
            for position in range(count)
        ]
        return even_shares(weights, self.mix.habits.share_step)

    @cached_property
    def flights(self) -> list[tuple[date, date]]:
        """The first and the last day of each flight. Several flights are about equally long, and
        one or two weeks lie between them; a campaign that is too short for them has fewer."""
        order, draw = self.order, self.draw
        number = draw.of("flights", self.mix.changes.flights)
        gaps = [
            _DAYS_A_WEEK * (1 + int(2 * draw.uniform("gap", position)))
            for position in range(1, number)
        ]
        while sum(gaps) > _MOST_GAPS * order.days:
            gaps.pop()
        length = (order.days - sum(gaps)) // (len(gaps) + 1)
        flights = []
        start = order.start
        for gap in gaps:
            flights.append((start, start + timedelta(days=length - 1)))
            start += timedelta(days=length + gap)
        return [*flights, (start, order.end)]

    def scenario(self) -> Scenario:
        """Return the campaign with its line items."""
        targetings = [self._targeting(position) for position in range(len(self.order.creatives))]
        return Scenario(
            name=SCENARIO,
            description="A campaign of a market",
            advertiser=self.order.advertiser,
            campaign=self._campaign(),
            line_items=[
                self._line_item(position, targeting)
                for position, targeting in enumerate(targetings)
            ],
        )

    @cached_property
    def target_cpm(self) -> float:
        """The price that the campaign aims for: around the level of its country, by rate card."""
        order, draw, card = self.order, self.draw, self.mix.rate_card
        level = order.platform_model.countries[order.country].cpm_level
        price = level * self.mix.cpm_of_buy_type[self.buy_type]
        ad_format = self._ad_format(0)
        price *= card.ad_format.get(ad_format, 1.0)
        if ad_format is not AdFormat.PAUSE_AD:
            price *= card.duration.get(self._duration(0, 0), 1.0)
        names_audience = self._audience(0) is not None
        price *= card.targeting_key if names_audience else 1.0
        price *= card.twice_the_size ** (order.tier.log_size / 0.6931)
        booked_for = relative(order.platform_model.price.month)[order.start.month - 1]
        price *= float(booked_for) ** self.mix.demand.price_follows
        customer = Draw(draw.seed, "market advertiser", order.advertiser_id)
        price *= float(log_normal(card.advertiser_log_sd, customer.normal("rate")))
        price *= float(log_normal(self.mix.cpm_log_sd, draw.normal("cpm")))
        return card_price(price, draw.of("cpm step", self.mix.habits.cpm_steps), level)

    @cached_property
    def bid_cpm(self) -> float | None:
        """The bid of each line item; without one they pay the target."""
        if not self.is_auction:
            return None
        step = self.draw.of("bid step", self.mix.habits.cpm_steps)
        place = self.order.platform_model.countries[self.order.country]
        return card_price(self.target_cpm * self.mix.bid_over_target, step, place.cpm_level)

    def _campaign(self) -> CampaignPlan:
        """Return the campaign of an order, with a budget that buys its impressions."""
        order, draw, mix = self.order, self.draw, self.mix
        is_awareness = self.objective is Objective.AWARENESS
        measures_lift = is_awareness and draw.happens(mix.brand_lift, "brand lift")
        return CampaignPlan(
            platform=order.platform_model.name,
            objective=self.objective,
            buy_type=self.buy_type,
            dsp_partner=(
                None if self.buy_type is BuyType.DIRECT_IO else draw.of("dsp", mix.plans.dsp)
            ),
            target_cpm=self.target_cpm,
            currency=order.platform_model.countries[order.country].currency,
            content_tier=self._optional("content tier", mix.plans.content_tier),
            brand_lift_enabled=measures_lift,
            attention_metrics_enabled=draw.happens(mix.attention, "attention"),
            clean_room_provider=self._optional("clean room", mix.plans.clean_room),
            measurement_partner=(
                self._optional("measurement", mix.plans.measurement) if measures_lift else None
            ),
            external_ref=self._order_number(),
            flights=[FlightPlan(start_date=start, end_date=end) for start, end in self.flights],
            budget=self._budget(),
            max_share_of_voice=order.share,
            frequency_caps=self._caps(),
        )

    def _optional(self, purpose: str, mix: Mapping[Member, float]) -> Member | None:
        """Draw a member of a mix, or None for the rest of it."""
        left = self.draw.uniform(purpose)
        for member, share in mix.items():
            left -= share
            if left < 0:
                return member
        return None

    def _order_number(self) -> str | None:
        """Return the number of the buyer's order, in the form that its buyer uses."""
        if not self.mix.habits.missing or self.draw.happens(self.mix.habits.missing, "no number"):
            return None
        customer = Draw(self.draw.seed, "market advertiser", self.order.advertiser_id)
        number = self.draw.entity_id + 10_000 + int(customer.uniform("number") * 80_000)
        forms = (
            f"IO-{self.order.start:%y}-{number:06d}",
            f"PO{4_500_000_000 + number}",
            f"{number}/A",
        )
        return forms[int(customer.uniform("number form") * len(forms))]

    def _budget(self) -> BudgetPlan:
        """Return a round budget that buys the campaign's impressions."""
        order, draw, mix = self.order, self.draw, self.mix
        cpm = self.target_cpm * (mix.paid_in_auction if self.is_auction else 1.0)
        days = sum((end - start).days + 1 for start, end in self.flights)
        amount = order.impressions * cpm / 1000 * (days / order.days)
        windows = days if self.is_daily else 1
        currency = order.platform_model.countries[order.country].currency
        digits = draw.of("budget digits", mix.habits.budget_digits)
        most = amount * max(mix.most_of_share / order.use, 1.0)
        return BudgetPlan(
            amount=round_budget(amount / windows, digits, currency, most / windows),
            type=BudgetType.DAILY if self.is_daily else BudgetType.LIFETIME,
        )

    @property
    def is_daily(self) -> bool:
        """Whether the budget is one for each day."""
        return self.draw.happens(self.mix.daily_budget, "budget type")

    def _own_dates(self, position: int) -> tuple[date | None, date | None]:
        """Return the first and the last day of a line item that begins later or ends earlier than
        the only flight of its campaign, None for that of the campaign."""
        order, draw, own = self.order, self.draw, self.mix.plans.own_dates
        is_long = order.days >= _SHORTEST_WITH_OWN_DATES and len(self.flights) == 1
        has_own = is_long and not self.is_daily and position > 0
        if not has_own or not draw.happens(own.share, "own dates", position):
            return None, None
        least, most = own.days
        number = least + int(draw.uniform("days", position) * (most - least + 1))
        days = timedelta(days=min(number, int(_MOST_OWN_DAYS * order.days)))
        if draw.happens(0.5, "begins later", position):
            return order.start + days, None
        return None, order.end - days

    def _part_of_days(self, position: int) -> float:
        """Return the part of the campaign's days on which a line item runs."""
        start, end = self._own_dates(position)
        days = ((end or self.order.end) - (start or self.order.start)).days + 1
        return days / self.order.days

    def _line_item(self, position: int, targeting: dict[str, list[str]]) -> LineItemPlan:
        """Return a line item with its creatives."""
        draw, plans = self.draw, self.mix.plans
        names_region = TargetingKey.GEO_DMA.value in targeting
        knows = not draw.happens(self.mix.habits.missing, "geo tier", position)
        tier = GeoTier.DMA if names_region else GeoTier.COUNTRY
        is_direct = self.buy_type is BuyType.DIRECT_IO
        ad_server = draw.of("ad server", plans.ad_server, position)
        start, end = self._own_dates(position)
        return LineItemPlan(
            start_date=start,
            end_date=end,
            ad_format=self._ad_format(position),
            bid_cpm=self.bid_cpm,
            budget_share=self.shares[position],
            pacing=draw.of("pacing", self.mix.pacing, position),
            pacing_pct=draw.of("pacing pct", plans.pacing_pct),
            ad_server_type=AdServerType.PLATFORM_HOSTED if is_direct else ad_server,
            verification_vendor=draw.of("verification", plans.verification),
            geo_tier=tier if self.mix.habits.missing and knows else None,
            targeting=TargetingPlan(**targeting),
            creatives=[
                self._creative(position, number) for number in range(self.order.creatives[position])
            ],
        )

    def _ad_format(self, position: int) -> AdFormat:
        """Draw the format of a line item; without a plan by format all of them have the same."""
        plans = self.mix.plans
        tilts = plans.ad_format_of_objective.get(self.objective, {})
        of_industry = plans.ad_format_of_industry.get(self.order.industry, {})
        mix = _tilted(_tilted(self.mix.ad_format, tilts), of_industry)
        differs = self.design is LineItemDesign.BY_FORMAT
        return self.draw.of("format", mix, position if differs else 0)

    def _placement(self, position: int) -> Placement:
        differs = self.design is LineItemDesign.BY_FORMAT
        return self.draw.of("placement", self.mix.placement, position if differs else 0)

    def _duration(self, position: int, number: int) -> int:
        """Draw the length of a creative. The creatives of a line item have the same one, if line
        items differ in it; else they are cuts of several lengths."""
        mix = self.mix.duration[self._placement(position)]
        if self.design is LineItemDesign.BY_LENGTH:
            return self.draw.of("duration", mix, position, 0)
        return self.draw.of("duration", mix, 0, number)

    def _creative(self, position: int, number: int) -> CreativePlan:
        """Return a creative of a line item; all of them share placement and skippability."""
        ad_format = self._ad_format(position)
        if ad_format is AdFormat.PAUSE_AD:
            return CreativePlan(placement=Placement.PAUSE)
        return CreativePlan(
            placement=self._placement(position),
            duration_seconds=self._duration(position, number),
            is_interactive=ad_format is AdFormat.INTERACTIVE_OVERLAY,
            has_qr_code=self.draw.happens(self.mix.qr_code, "qr code", position, number),
            is_skippable=self.draw.happens(self.mix.skippable, "skippable", position),
        )

    def _audience(self, position: int) -> Audience | None:
        """Draw the audience that a line item names. Those of one campaign name the same, unless
        they differ by audience; a line item that prospects names none."""
        plans = self.mix.plans
        if self.design is LineItemDesign.PROSPECT_AND_RETARGET:
            if position == 0 and len(self.order.creatives) > 1:
                return None
            position = 1
        elif self.design is not LineItemDesign.BY_AUDIENCE:
            position = 0
        if not plans.audiences or not self.draw.happens(plans.targeted, "targeted", position):
            return None
        weights = {
            name: audience.share
            * audience.industry.get(self.order.industry, 1.0)
            * audience.objective.get(self.objective, 1.0)
            for name, audience in plans.audiences.items()
        }
        return plans.audiences[self.draw.of("audience", weights, position)]

    def _targeting(self, position: int) -> dict[str, list[str]]:
        """Return the targeting of a line item: its country, its devices unless all, the segments of
        its audience, and those of other keys that it names.

        A key that would leave too little supply for the line item's part of the campaign is left
        out. So is one that would leave so few households that they meet the campaign too often,
        but for the regions that a local advertiser books in.

        An example: a campaign needs 2 % of its country's supply. Its one line item may use a
        quarter of what fits its targeting, and is sized to 0.75 of that: 18.75 %. Drama and comedy,
        a share of 0.35, leave 6.6 %. Women, a share of 0.51, leave 3.3 %. Viewers from 25 to 34, a
        share of 0.22, would leave 0.7 %, so the line item names no age.
        """
        order, mix = self.order, self.mix
        supply = order.platform_model.supply
        room = supply.room_for_chance / len(order.creatives)
        left = min(supply.max_share_of_voice, room) * mix.fitting
        left *= mix.won_in_auction if self.is_auction else 1.0
        needed = order.share * order.use * self.shares[position] / self._part_of_days(position)
        households = float(order.platform_model.countries[order.country].households)
        fewest = order.impressions / mix.most_per_household
        at_home = self._home_regions()
        devices = mix.devices[order.devices].devices
        lists = {TargetingKey.GEO_COUNTRY.value: [order.country]}
        if set(devices) != set(Device):
            lists[TargetingKey.DEVICE.value] = [str(device) for device in devices]
        for key, wanted in self._wanted(position).items():
            shares = order.platform_model.segment_shares(key, order.country)
            named = [segment for segment in wanted if shares.get(segment)]
            part = sum(shares[segment] for segment in named)
            has_households = key in at_home or households * part >= fewest
            if named and left * part >= needed and has_households:
                lists[key.value] = named
                left *= part
                households *= part
        return lists

    def _wanted(self, position: int) -> dict[TargetingKey, list[str]]:
        """Return the segments that a line item would like to name, the most important key first."""
        wanted = self._home_regions()
        audience = self._audience(position)
        if audience is not None:
            for key, segments in audience.segments.items():
                wanted[key] = self._but_one(key, segments, position)
        for key, share in self.mix.targeting.items():
            shares = self.order.platform_model.segment_shares(key, self.order.country)
            if key not in wanted and shares and self.draw.happens(share, "targets", key, position):
                wanted[key] = self._segments(shares, key, position)
        return wanted

    def _home_regions(self) -> dict[TargetingKey, list[str]]:
        """Return the regions that the advertiser books in: the same in all of its campaigns."""
        customer = Draw(self.draw.seed, "market advertiser", self.order.advertiser_id)
        regions = self.order.platform_model.segment_shares(TargetingKey.GEO_DMA, self.order.country)
        if not regions or not customer.happens(self.order.tier.regional, "regional"):
            return {}
        first = customer.of("region", regions)
        others = [customer.of("region", regions, number) for number in range(1, 4)]
        count = 1 + int(customer.uniform("regions") * 3)
        chosen = {first, *others[: count - 1]}
        return {TargetingKey.GEO_DMA: [region for region in regions if region in chosen]}

    def _but_one(self, key: TargetingKey, segments: list[str], position: int) -> list[str]:
        """Return the segments of an audience, without one of them if the planner left it out."""
        left_out = self.mix.plans.segment_left_out
        if len(segments) < 3 or not self.draw.happens(left_out, "left out", key, position):
            return segments
        gone = int(self.draw.uniform("which left out", key, position) * len(segments))
        return segments[:gone] + segments[gone + 1 :]

    def _segments(self, shares: Mapping[str, float], key: TargetingKey, position: int) -> list[str]:
        """Draw up to half of the segments of a key: neighbours where they have an order, else
        rather the large ones."""
        segments = list(shares)
        count = 1 + int(self.draw.uniform("segments", key, position) * max(1, len(segments) // 2))
        if key in _ORDERED:
            last = len(segments) - count
            first = int(self.draw.uniform("segment", key, position) * (last + 1))
            return segments[first : first + count]
        chance = {
            segment: self.draw.uniform("segment", key, position, segment) ** (1 / share)
            for segment, share in shares.items()
            if share > 0
        }
        chosen = sorted(chance, key=lambda segment: -chance[segment])[:count]
        return [segment for segment in segments if segment in chosen]

    def _caps(self) -> list[FrequencyCapPlan]:
        """Return the cap that is drawn, if it lets the campaign's impressions through with room to
        spare."""
        order, mix = self.order, self.mix
        caps = mix.frequency_caps
        cap = self.draw.of("cap", dict(zip(caps, (one.share for one in caps), strict=True)))
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
                max_impressions=cap.max_impressions,
                time_unit=cap.time_unit,
                time_units=cap.time_units,
            )
        ]


def _tilted(mix: Mapping[Member, float], tilts: Mapping[Member, float]) -> dict[Member, float]:
    """Return a mix with shares that count several times as much, or less."""
    return {member: share * tilts.get(member, 1.0) for member, share in mix.items()}
