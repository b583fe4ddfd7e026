"""The supply funnel, built upward from the impressions by bounded losses.

Each step adds Binomial(largest loss the platform's floor allows, q) to the step below it, with q
such that the mean is the platform's rate where counts are large; a handful of impressions allows
few whole losses, so small hours lose less. So responses >= 0.9 requests and the other floors cannot
be broken, not even at counts of 1 or 2, and an hour without impressions is zero throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Self

import numpy as np

from generator.arrays import Floats, Int64s, Keys, WholeFloats
from generator.delivery.quantiles import binomial_shares
from generator.enums import BuyType
from generator.platform.model import PlatformModel

_THOUSAND = 1000


@dataclass(frozen=True)
class FunnelOdds:
    """What each step of the funnel may and will lose; arrays of one shape.

    `floor_*` are thousandths that a step keeps at least, `lost_*` the part of the largest loss that
    is lost on average, the rest parts of a loss.
    """

    floor_render: WholeFloats
    floor_win: WholeFloats
    floor_eligible: WholeFloats
    floor_response: WholeFloats
    lost_render: Floats
    lost_win: Floats
    lost_eligible: Floats
    lost_response: Floats
    invalid_of_render_loss: Floats
    errors_of_render_loss: Floats
    timeouts_of_no_response: Floats

    def of(self, positions: Int64s) -> Self:
        """The odds at these positions."""
        return type(self)(*(getattr(self, each.name).take(positions) for each in fields(self)))

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """One table of several, in their order."""
        return cls(
            *(np.concatenate([getattr(t, each.name) for t in tables]) for each in fields(cls))
        )


def funnel_odds(platform_model: PlatformModel, buy_type: BuyType) -> FunnelOdds:
    """The odds of a platform and a way to buy: arrays of shape (1,)."""
    funnel, floor = platform_model.funnel, platform_model.funnel_floor
    steps = (
        (floor.render, funnel.render_rate),
        (floor.win, funnel.win_rate[buy_type]),
        (floor.eligible, funnel.eligibility_rate),
        (floor.response, funnel.response_rate),
    )
    thousandths = [np.array([float(int(each * _THOUSAND))]) for each, _ in steps]
    lost = [np.array([_mean_loss(each, mean)]) for each, mean in steps]
    parts = (
        _invalid_share_of_render_loss(platform_model),
        funnel.error_share_of_render_loss,
        funnel.timeout_share_of_no_response,
    )
    return FunnelOdds(*thousandths, *lost, *(np.array([part]) for part in parts))


@dataclass(frozen=True)
class SupplySide:
    """The counts on the supply side of the impressions; all of one shape."""

    requests: WholeFloats
    responses: WholeFloats
    eligible_impressions: WholeFloats
    auctions_won: WholeFloats
    invalid_impressions: WholeFloats
    error_count: WholeFloats
    timeout_count: WholeFloats


def supply_side(
    odds: FunnelOdds,
    impressions: WholeFloats,
    spare: WholeFloats,
    competition: Floats,
    keys: Keys,
) -> SupplySide:
    """What it took to deliver these impressions: (rows,) each.

    `spare` is the most slots that can be won beside those of the impressions. `competition` is the
    price level of the row's hour (1 on average): where others pay more, more auctions are lost.
    Invalid traffic and VAST errors are parts of what was won but not rendered, time-outs of what
    was requested but not answered.
    """

    most = largest_loss(impressions, odds.floor_render)
    (not_rendered,) = binomial_shares(keys, ("render loss", most, odds.lost_render))
    not_rendered = np.minimum(not_rendered, spare)
    won = impressions + not_rendered
    most = largest_loss(won, odds.floor_win)
    under_pressure = np.minimum(odds.lost_win * competition, 1.0)
    lost, invalid = binomial_shares(
        keys,
        ("lost auctions", most, under_pressure),
        ("invalid", not_rendered, odds.invalid_of_render_loss),
    )
    eligible = won + lost
    most = largest_loss(eligible, odds.floor_eligible)
    not_eligible, errors = binomial_shares(
        keys,
        ("not eligible", most, odds.lost_eligible),
        ("errors", not_rendered - invalid, odds.errors_of_render_loss),
    )
    responses = eligible + not_eligible
    most = largest_loss(responses, odds.floor_response)
    (unanswered,) = binomial_shares(keys, ("no response", most, odds.lost_response))
    (timeouts,) = binomial_shares(keys, ("timeouts", unanswered, odds.timeouts_of_no_response))
    return SupplySide(
        requests=responses + unanswered,
        responses=responses,
        eligible_impressions=eligible,
        auctions_won=won,
        invalid_impressions=invalid,
        error_count=errors,
        timeout_count=timeouts,
    )


def largest_loss(kept: WholeFloats, thousandths: WholeFloats | float) -> WholeFloats:
    """The most that can be added to `kept` so that 1000 kept >= thousandths x (kept + loss)."""
    return np.floor(kept * (_THOUSAND - thousandths) / thousandths)


def _mean_loss(floor: Decimal, mean_rate: float) -> float:
    """The part of the largest loss that makes kept / (kept + loss) the mean rate."""
    most = 1.0 / float(floor) - 1.0
    return min(1.0, (1.0 / mean_rate - 1.0) / most) if most > 0.0 else 0.0


def _invalid_share_of_render_loss(platform_model: PlatformModel) -> float:
    """The part of the render loss that makes invalid / (impressions + invalid) the platform's
    rate."""
    rate = platform_model.funnel.invalid_traffic_rate
    loss_per_impression = 1.0 / platform_model.funnel.render_rate - 1.0
    if loss_per_impression <= 0.0:
        return 0.0
    return min(1.0, rate / (1.0 - rate) / loss_per_impression)
