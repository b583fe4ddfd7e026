"""Odds: how likely each event is, for every creative on every device.

This is all that a row's draws need to know of the platform, the campaign and the creative. The
creatives of campaigns that are delivered together are in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats
from generator.delivery import interaction, video
from generator.delivery.funnel import FunnelOdds, funnel_odds
from generator.delivery.quantiles import prepare
from generator.delivery.video import effects
from generator.enums import Device
from generator.platform.model import PlatformModel
from generator.schema import Campaign, Creative

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
    """The funnel's odds and all others, (profiles,) each; a profile is the creative's position
    in the table x devices + device."""

    measurable: Floats
    viewable: Floats
    audible: Floats
    click: Floats
    scan: Floats
    engagement: Floats
    skip: Floats


@dataclass(frozen=True)
class OddsTable:
    """The odds of creatives, `odds` (profiles,) and `fates` (fates, profiles) of an impression, and
    where each creative's first profile is, by its id."""

    odds: Odds
    fates: Floats
    first_profile: dict[int, int]

    @classmethod
    def concatenate(cls, tables: Sequence[OddsTable]) -> OddsTable:
        """One table of several, in their order."""
        first_profile: dict[int, int] = {}
        before = 0
        for table in tables:
            first_profile |= {each: before + own for each, own in table.first_profile.items()}
            before += table.fates.shape[1]
        return cls(
            Odds.concatenate([table.odds for table in tables]),
            np.concatenate([table.fates for table in tables], axis=1),
            first_profile,
        )


def odds_table(
    platform_model: PlatformModel, shown: Sequence[tuple[Campaign, Creative]], seed: int
) -> OddsTable:
    """The odds of creatives, each with its campaign, on one platform."""
    creatives, devices = [creative for _, creative in shown], len(Device)
    figures, quality = platform_model.interaction, platform_model.quality
    campaigns = list(dict.fromkeys(campaign.campaign_id for campaign, _ in shown))
    whose = [(purpose, each.creative_id) for purpose in _OWN for each in creatives]
    drawn = effects(seed, [*(("ctr", each) for each in campaigns), *whose])
    of_campaign = dict(zip(campaigns, drawn[: len(campaigns)].tolist(), strict=True))
    completion, click, scan, engagement = drawn[len(campaigns) :].reshape(len(_OWN), -1)
    of_campaigns = np.array([of_campaign[campaign.campaign_id] for campaign, _ in shown])
    funnels = {each: funnel_odds(platform_model, each) for each in {c.buy_type for c, _ in shown}}
    funnel = FunnelOdds.concatenate([funnels[campaign.buy_type] for campaign, _ in shown])
    skips = platform_model.video.skip_share_of_abandoners

    def for_each_device(rates: list[float]) -> Floats:
        return np.tile(np.array(rates), len(creatives))

    odds = Odds(
        **vars(funnel.of(np.repeat(np.arange(len(creatives)), devices))),
        measurable=for_each_device(quality.measurable_rate.in_order()),
        viewable=for_each_device(quality.viewability_rate.in_order()),
        audible=for_each_device(quality.audibility_rate.in_order()),
        click=interaction.click_rates(figures, of_campaigns, click).ravel(),
        scan=interaction.qr_scan_rates(figures, creatives, scan).ravel(),
        engagement=interaction.engagement_rates(figures, creatives, engagement).ravel(),
        skip=np.repeat([skips if each.is_skippable else 0.0 for each in creatives], devices),
    )
    prepare(np.concatenate([getattr(odds, name)[:devices] for name in _SHARED]))
    fates = video.fates(platform_model.video, creatives, completion)
    first_profile = {each.creative_id: devices * own for own, each in enumerate(creatives)}
    return OddsTable(odds, fates.reshape(-1, fates.shape[2]).T, first_profile)
