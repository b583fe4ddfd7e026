"""Odds: how likely each event is, for every creative of a line item on every device.

This is all that a row's draws need to know of the platform, the campaign and the creative. Line
items of one block are drawn together, so their odds are tables that can be joined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.delivery import interaction, video
from generator.delivery.funnel import FunnelOdds, funnel_odds
from generator.enums import Device
from generator.randomness import Floats
from generator.schema import Campaign
from generator.schema.behaviour import Behaviour
from generator.schema.booking import BookedLineItem


@dataclass(frozen=True)
class Odds(FunnelOdds):
    """The funnel's odds and all others by profile, which is creative x devices + device.

    Arrays are (profiles,), `fates` is (profiles, fates).
    """

    fates: Floats
    measurable: Floats
    viewable: Floats
    audible: Floats
    click: Floats
    scan: Floats
    engagement: Floats
    skip: Floats


def line_item_odds(
    behaviour: Behaviour, campaign: Campaign, item: BookedLineItem, seed: int
) -> Odds:
    """The odds of one line item, by creative and device."""
    creatives, devices = item.creatives, len(Device)
    figures, quality = behaviour.interaction, behaviour.quality

    def for_each_device(rates: list[float]) -> Floats:
        return np.tile(np.array(rates), len(creatives))

    skips = behaviour.video.skip_share_of_abandoners
    campaign_id = campaign.campaign_id
    funnel = funnel_odds(behaviour, campaign.buy_type).repeated(len(creatives) * devices)
    return Odds(
        **vars(funnel),
        fates=np.concatenate([video.fates(behaviour.video, each, seed) for each in creatives]),
        measurable=for_each_device(quality.measurable_rate.in_order()),
        viewable=for_each_device(quality.viewability_rate.in_order()),
        audible=for_each_device(quality.audibility_rate.in_order()),
        click=np.concatenate(
            [interaction.click_rates(figures, campaign_id, each, seed) for each in creatives]
        ),
        scan=np.concatenate([interaction.qr_scan_rates(figures, c, seed) for c in creatives]),
        engagement=np.concatenate(
            [interaction.engagement_rates(figures, each, seed) for each in creatives]
        ),
        skip=np.repeat([skips if each.is_skippable else 0.0 for each in creatives], devices),
    )
