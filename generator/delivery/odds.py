"""Odds: how likely each event is, for every creative on every device.

A row's draws need to know no more of the platform, the campaign and the creative. The creatives of
campaigns that are delivered together are in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats
from generator.delivery import interaction, video
from generator.delivery.funnel import FunnelOdds, funnel_odds
from generator.delivery.noise import effects
from generator.delivery.quantiles import prepare
from generator.enums import Device
from generator.platform.model import PlatformModel
from generator.schema import Campaign, Creative

# Each creative has an effect on these rates; the names are part of the draws.
_CREATIVE_EFFECTS = ("completion", "creative ctr", "qr", "engagement")

# Odds that many rows share. Clicks wear out and auctions are lost to a price, so they are not here.
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
        """Return one table of several, in their order."""
        first_profile: dict[int, int] = {}
        profiles = 0
        for table in tables:
            for creative_id, position in table.first_profile.items():
                first_profile[creative_id] = profiles + position
            profiles += table.fates.shape[1]
        return cls(
            Odds.concatenate([table.odds for table in tables]),
            np.concatenate([table.fates for table in tables], axis=1),
            first_profile,
        )


def odds_table(
    platform_model: PlatformModel, booked: Sequence[tuple[Campaign, Creative]], seed: int
) -> OddsTable:
    """Return the odds of creatives, each with its campaign, on one platform."""
    creatives = [creative for _, creative in booked]
    devices = len(Device)
    figures = platform_model.interaction
    quality = platform_model.quality
    campaign_click, effect = _effects(booked, seed)
    by_buy_type = {
        buy_type: funnel_odds(platform_model, buy_type)
        for buy_type in {campaign.buy_type for campaign, _ in booked}
    }
    funnel = FunnelOdds.concatenate([by_buy_type[campaign.buy_type] for campaign, _ in booked])
    skip_share = platform_model.video.skip_share_of_abandoners
    skips = [skip_share if creative.is_skippable else 0.0 for creative in creatives]

    def for_each_creative(by_device: list[float]) -> Floats:
        return np.tile(np.array(by_device), len(creatives))

    odds = Odds(
        **vars(funnel.take(np.repeat(np.arange(len(creatives)), devices))),
        measurable=for_each_creative(quality.measurable_rate.in_order()),
        viewable=for_each_creative(quality.viewability_rate.in_order()),
        audible=for_each_creative(quality.audibility_rate.in_order()),
        click=interaction.click_rates(figures, campaign_click, effect["creative ctr"]).ravel(),
        scan=interaction.qr_scan_rates(figures, creatives, effect["qr"]).ravel(),
        engagement=interaction.engagement_rates(figures, creatives, effect["engagement"]).ravel(),
        skip=np.repeat(skips, devices),
    )
    prepare(np.concatenate([getattr(odds, name)[:devices] for name in _SHARED]))
    fates = video.fates(platform_model.video, creatives, effect["completion"])
    first_profile = {
        creative.creative_id: devices * position for position, creative in enumerate(creatives)
    }
    return OddsTable(odds, fates.reshape(-1, fates.shape[2]).T, first_profile)


def _effects(
    booked: Sequence[tuple[Campaign, Creative]], seed: int
) -> tuple[Floats, dict[str, Floats]]:
    """Draw the effects of creatives, in one go: their campaign's on clicks, and those of each
    creative by name; (creatives,) each."""
    campaigns = list(dict.fromkeys(campaign.campaign_id for campaign, _ in booked))
    of_campaigns = [("ctr", campaign_id) for campaign_id in campaigns]
    of_creatives = [
        (purpose, creative.creative_id) for purpose in _CREATIVE_EFFECTS for _, creative in booked
    ]
    drawn = effects(seed, [*of_campaigns, *of_creatives])
    by_campaign = dict(zip(campaigns, drawn[: len(campaigns)].tolist(), strict=True))
    by_creative = drawn[len(campaigns) :].reshape(len(_CREATIVE_EFFECTS), -1)
    return (
        np.array([by_campaign[campaign.campaign_id] for campaign, _ in booked]),
        dict(zip(_CREATIVE_EFFECTS, by_creative, strict=True)),
    )
