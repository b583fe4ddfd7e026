"""Odds: how likely each event is, for every creative of a line item on every device.

This is all that a row's draws need to know of the platform, the campaign and the creative. Line
items of one block are drawn together, so their odds are tables that can be joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from generator.delivery import interaction, video
from generator.delivery.funnel import FunnelOdds, funnel_odds
from generator.delivery.quantiles import prepare
from generator.delivery.video import effects
from generator.enums import Device
from generator.randomness import Floats
from generator.schema import Campaign, Creative
from generator.schema.behaviour import Behaviour
from generator.schema.booking import BookedLineItem

Part = TypeVar("Part")
# What each creative has an effect of its own on; the names are part of the draws.
_OWN = ("completion", "creative ctr", "qr", "engagement")

# What is as likely for many rows: not the clicks, which wear out, or auctions, lost to a price.
_SHARED = (
    "lost_render",
    "lost_eligible",
    "lost_response",
    "invalid_of_render_loss",
    "errors_of_render_loss",
    "timeouts_of_no_response",
    "measurable",
    "viewable",
    "audible",
)


@dataclass(frozen=True)
class Odds(FunnelOdds):
    """The funnel's odds and all others, (profiles,) each; a profile is creative x devices +
    device."""

    measurable: Floats
    viewable: Floats
    audible: Floats
    click: Floats
    scan: Floats
    engagement: Floats
    skip: Floats


def line_item_odds(
    behaviour: Behaviour, campaign: Campaign, item: BookedLineItem, seed: int
) -> tuple[Odds, Floats]:
    """The odds of one line item, and those of an impression's fates: (profiles, fates)."""
    creatives, devices = item.creatives, len(Device)
    figures, quality = behaviour.interaction, behaviour.quality
    whose = [(purpose, each.creative_id) for purpose in _OWN for each in creatives]
    campaigns, *own = effects(seed, [("ctr", campaign.campaign_id), *whose])
    completion, click, scan, engagement = np.reshape(own, (len(_OWN), len(creatives)))

    def for_each_device(rates: list[float]) -> Floats:
        return np.tile(np.array(rates), len(creatives))

    def for_each_creative(
        rates: Callable[[Part, Creative, float], Floats], figures: Part, own: Floats
    ) -> Floats:
        return np.concatenate([rates(figures, *each) for each in zip(creatives, own, strict=True)])

    skips = behaviour.video.skip_share_of_abandoners
    funnel = funnel_odds(behaviour, campaign.buy_type).repeated(len(creatives) * devices)
    odds = Odds(
        **vars(funnel),
        measurable=for_each_device(quality.measurable_rate.in_order()),
        viewable=for_each_device(quality.viewability_rate.in_order()),
        audible=for_each_device(quality.audibility_rate.in_order()),
        click=np.concatenate([interaction.click_rates(figures, campaigns, each) for each in click]),
        scan=for_each_creative(interaction.qr_scan_rates, figures, scan),
        engagement=for_each_creative(interaction.engagement_rates, figures, engagement),
        skip=np.repeat([skips if each.is_skippable else 0.0 for each in creatives], devices),
    )
    prepare(np.concatenate([getattr(odds, name)[:devices] for name in _SHARED]))
    return odds, for_each_creative(video.fates, behaviour.video, completion)
