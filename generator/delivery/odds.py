"""Odds: how likely each event is, for every creative on every device, as it moves through time.

A row's draws need to know no more of the platform, the campaign and the creative. The creatives of
campaigns that are delivered together are in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from generator.arrays import Floats, Int64s
from generator.delivery import interaction, variation, video
from generator.delivery.funnel import FunnelOdds, funnel_odds
from generator.delivery.noise import effects
from generator.delivery.quantiles import prepare
from generator.delivery.variation import RATES, Booked
from generator.enums import Device
from generator.platform.model import PlatformModel

# Each creative has an effect on these rates; the names are part of the draws.
_CREATIVE_EFFECTS = ("completion", "creative ctr", "qr", "engagement")

# The rates of `variation` by the odds that they are; completion and abandonment are in the fates.
_VARIED = {
    "click": "click",
    "scan": "scan",
    "engagement": "engagement",
    "viewable": "viewable",
    "measurable": "measurable",
    "audible": "audible",
    "lost_render": "render",
    "lost_eligible": "eligible",
    "lost_response": "response",
    "invalid_of_render_loss": "invalid",
}
_OF_VIEWERS = ("click", "scan", "engagement")


@dataclass(frozen=True)
class Odds(FunnelOdds):
    """The funnel's odds and all others: arrays of one shape."""

    measurable: Floats
    viewable: Floats
    audible: Floats
    click: Floats
    scan: Floats
    engagement: Floats
    skip: Floats


@dataclass(frozen=True)
class OddsTable:
    """The odds of creatives: a profile is the creative's position in the table x devices + device.

    `odds` (profiles,) are the platform's, `log_odds` (rates, profiles) those of the rates that move
    through time, `start` (profiles,) the share of impressions that start a video, and `gone`
    (marks, profiles) the share of leavers that are gone at each quartile. `first_profile` is where
    each creative's first profile is, by its id.
    """

    odds: Odds
    log_odds: Floats
    start: Floats
    gone: Floats
    highest_rate: Floats
    first_profile: dict[int, int]

    @classmethod
    def concatenate(cls, tables: Sequence[OddsTable]) -> OddsTable:
        """Return one table of several, in their order."""
        first_profile: dict[int, int] = {}
        profiles = 0
        for table in tables:
            for creative_id, position in table.first_profile.items():
                first_profile[creative_id] = profiles + position
            profiles += table.start.size
        arrays = {
            field.name: np.concatenate([getattr(table, field.name) for table in tables], axis=-1)
            for field in fields(cls)
            if field.name not in ("odds", "first_profile")
        }
        odds = Odds.concatenate([table.odds for table in tables])
        return cls(odds=odds, **arrays, first_profile=first_profile)

    def clicks_of(self, creative_id: int) -> float:
        """Return the log-odds of a click on a creative, the mean of its devices."""
        first = self.first_profile[creative_id]
        devices: Floats = self.log_odds[RATES.index("click"), first : first + len(Device)]
        return float(devices.mean())

    def in_time(
        self, profiles: Int64s, moves: Floats, machines: Floats | float = 0.0
    ) -> tuple[Odds, Floats]:
        """Return the odds of some profiles at each step: (steps x profiles,), and the chances of an
        impression's fates, (fates, steps x profiles).

        `moves` are (rates, steps, profiles), `machines` what is in them of render losses because
        machines watch, (steps, profiles). Files and apps that lose more lose no more of it to
        invalid traffic.
        """
        steps = moves.shape[1]
        rates = chances(self.log_odds[:, None, profiles] + moves)
        highest = self.highest_rate.take(profiles)
        for name in _OF_VIEWERS:
            np.minimum(rates[RATES.index(name)], highest, out=rates[RATES.index(name)])
        everywhere = np.tile(profiles, steps)
        values = vars(self.odds.take(everywhere))
        for name, rate in _VARIED.items():
            values[name] = rates[RATES.index(rate)].ravel()
        usual = chances(centre(self.odds.lost_render.take(profiles), 0.0) + machines)
        usual = np.broadcast_to(usual, (steps, profiles.size)).ravel()
        lost = values["lost_render"]
        of_usual = np.divide(usual, lost, out=np.ones(lost.size), where=lost > 0.0)
        values["invalid_of_render_loss"] = np.minimum(
            values["invalid_of_render_loss"] * of_usual, 1.0
        )
        completion = rates[RATES.index("completion")].ravel()
        fates = video.fates(
            self.start.take(everywhere), completion, self.gone.take(everywhere, axis=1)
        )
        return Odds(**values), fates


def odds_table(platform_model: PlatformModel, booked: Sequence[Booked], seed: int) -> OddsTable:
    """Return the odds of creatives, each with its campaign, on one platform."""
    creatives = [row.creative for row in booked]
    devices = len(Device)
    figures = platform_model.interaction
    quality = platform_model.quality
    campaign_click, effect = _effects(booked, seed)
    by_buy_type = {
        buy_type: funnel_odds(platform_model, buy_type)
        for buy_type in {row.campaign.buy_type for row in booked}
    }
    funnel = FunnelOdds.concatenate([by_buy_type[row.campaign.buy_type] for row in booked])
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
    completion = video.completion_rates(platform_model.video, creatives, effect["completion"])
    start, gone = video.starts_and_leaving(platform_model.video, creatives)

    random, variance = variation.entity_effects(platform_model, booked, seed)
    shift = random + variation.reasons(platform_model, booked, seed)[:, :, None]
    shift = shift.reshape(len(RATES), -1)
    log_odds = np.zeros(shift.shape)
    bases = {rate: getattr(odds, name) for name, rate in _VARIED.items()}
    bases["completion"] = completion.ravel()
    for rate, base in bases.items():
        row = RATES.index(rate)
        log_odds[row] = centre(base, variance[row]) + shift[row]
    row = RATES.index("abandonment")
    gone = chances(centre(gone, variance[row]) + shift[row])
    if platform_model.life.scale("variation") == 0.0:
        prepare(chances(log_odds[:, :devices]).ravel())
    return OddsTable(
        odds=odds,
        log_odds=log_odds,
        start=start,
        gone=gone,
        highest_rate=np.full(start.size, figures.highest_rate),
        first_profile={
            creative.creative_id: devices * position for position, creative in enumerate(creatives)
        },
    )


def centre(rates: Floats, variance: float) -> Floats:
    """Return log-odds around which normals of this variance have these rates as their mean, to
    the second order: same shape.

    >>> log_odds = centre(np.array([0.97]), variance=0.16)
    >>> float(chances(log_odds + np.array([-0.4, 0.4])).mean().round(3))
    0.97
    """
    with np.errstate(divide="ignore"):
        log_odds: Floats = np.log(rates) - np.log1p(-rates)
    return log_odds - 0.5 * variance * (1.0 - 2.0 * rates)


def chances(log_odds: Floats) -> Floats:
    """Return log-odds as probabilities: same shape."""
    odds = np.exp(np.negative(log_odds))
    odds += 1.0
    result: Floats = np.reciprocal(odds, out=odds)
    return result


def _effects(booked: Sequence[Booked], seed: int) -> tuple[Floats, dict[str, Floats]]:
    """Draw the effects of creatives, in one go: their campaign's on clicks, and those of each
    creative by name; (creatives,) each."""
    campaigns = list(dict.fromkeys(row.campaign.campaign_id for row in booked))
    of_campaigns = [("ctr", campaign_id) for campaign_id in campaigns]
    of_creatives = [
        (purpose, row.creative.creative_id) for purpose in _CREATIVE_EFFECTS for row in booked
    ]
    drawn = effects(seed, [*of_campaigns, *of_creatives])
    by_campaign = dict(zip(campaigns, drawn[: len(campaigns)].tolist(), strict=True))
    by_creative = drawn[len(campaigns) :].reshape(len(_CREATIVE_EFFECTS), -1)
    return (
        np.array([by_campaign[row.campaign.campaign_id] for row in booked]),
        dict(zip(_CREATIVE_EFFECTS, by_creative, strict=True)),
    )
