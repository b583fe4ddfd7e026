"""The supply funnel, built upward from the impressions by bounded losses.

Each step adds Binomial(largest loss the platform's floor allows, q) to the step below it, with q
such that the mean is the platform's rate. So responses >= 0.9 requests and the other floors cannot
be broken, not even at counts of 1 or 2, and an hour without impressions is zero throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from generator.delivery.quantiles import binomial
from generator.enums import BuyType
from generator.randomness import Floats, Keys, uniforms
from generator.schema.behaviour import Behaviour

Counts = NDArray[np.int64]

_THOUSAND = 1000


@dataclass(frozen=True)
class SupplySide:
    """The counts on the supply side of the impressions; all of one shape."""

    requests: Counts
    responses: Counts
    eligible_impressions: Counts
    auctions_won: Counts
    invalid_impressions: Counts
    error_count: Counts
    timeout_count: Counts


def supply_side(
    behaviour: Behaviour,
    buy_type: BuyType,
    impressions: Counts,
    competition: Floats,
    keys: Keys,
) -> SupplySide:
    """What it took to deliver these impressions: (rows,) each.

    `competition` is the price level of the row's hour (1 on average): where others pay more, more
    auctions are lost. Invalid traffic and VAST errors are parts of what was won but not rendered,
    time-outs of what was requested but not answered.
    """
    funnel, floor = behaviour.funnel, behaviour.funnel_floor
    win_rate = funnel.win_rate[buy_type]
    ones = np.ones(impressions.shape)
    lost = _loss(impressions, floor.render, funnel.render_rate, ones, keys, "render loss")
    won = impressions + lost
    eligible = won + _loss(won, floor.win, win_rate, competition, keys, "lost auctions")
    responses = eligible + _loss(
        eligible, floor.eligible, funnel.eligibility_rate, ones, keys, "not eligible"
    )
    unanswered = _loss(responses, floor.response, funnel.response_rate, ones, keys, "no response")
    invalid_share = _invalid_share_of_render_loss(behaviour)
    invalid = binomial(uniforms(keys, "invalid"), lost, np.full(lost.shape, invalid_share))
    errors = binomial(
        uniforms(keys, "errors"),
        lost - invalid,
        np.full(lost.shape, funnel.error_share_of_render_loss),
    )
    timeouts = binomial(
        uniforms(keys, "timeouts"),
        unanswered,
        np.full(lost.shape, funnel.timeout_share_of_no_response),
    )
    return SupplySide(
        requests=responses + unanswered,
        responses=responses,
        eligible_impressions=eligible,
        auctions_won=won,
        invalid_impressions=invalid,
        error_count=errors,
        timeout_count=timeouts,
    )


def largest_loss(kept: Counts, floor: Decimal) -> Counts:
    """The most that can be added to `kept` so that kept >= floor x (kept + loss), in whole
    numbers."""
    thousandths = int(floor * _THOUSAND)
    return kept * (_THOUSAND - thousandths) // thousandths


def _loss(
    kept: Counts, floor: Decimal, mean_rate: float, pressure: Floats, keys: Keys, purpose: str
) -> Counts:
    """A loss with mean kept x (1 / mean_rate - 1) x pressure, never above `largest_loss`."""
    most = 1.0 / float(floor) - 1.0
    share = (1.0 / mean_rate - 1.0) / most if most > 0.0 else 0.0
    return binomial(
        uniforms(keys, purpose), largest_loss(kept, floor), np.minimum(share * pressure, 1.0)
    )


def _invalid_share_of_render_loss(behaviour: Behaviour) -> float:
    """The part of the render loss that makes invalid / (impressions + invalid) the platform's
    rate."""
    rate = behaviour.funnel.invalid_traffic_rate
    loss_per_impression = 1.0 / behaviour.funnel.render_rate - 1.0
    if loss_per_impression <= 0.0:
        return 0.0
    return min(1.0, rate / (1.0 - rate) / loss_per_impression)
