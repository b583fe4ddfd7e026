"""The supply funnel, built upward from the impressions by bounded losses.

Each step adds Binomial(largest loss the platform's floor allows, q) to the step below it, with q
such that the mean is the platform's rate where counts are large. A handful of impressions allows
few whole losses, so small hours lose less. So no row can break a floor such as responses >= 0.9
requests, not even at counts of 1 or 2. An hour without impressions is zero throughout.
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
    """The losses of each step of the funnel; arrays of one shape.

    `floor_*` are thousandths that a step keeps at least, `lost_*` the share of the largest loss
    that is lost on average, the rest shares of a loss.
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

    def take(self, positions: Int64s) -> Self:
        """Return the odds at these positions."""
        return type(self)(*(getattr(self, field.name).take(positions) for field in fields(self)))

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """Return one table of several, in their order."""
        return cls(
            *(
                np.concatenate([getattr(table, field.name) for table in tables])
                for field in fields(cls)
            )
        )


def funnel_odds(platform_model: PlatformModel, buy_type: BuyType) -> FunnelOdds:
    """Return the odds of a platform and a way to buy: arrays of shape (1,)."""
    funnel = platform_model.funnel
    floor = platform_model.funnel_floor
    win_rate = funnel.win_rate[buy_type]
    odds = {
        "floor_render": _thousandths(floor.render),
        "floor_win": _thousandths(floor.win),
        "floor_eligible": _thousandths(floor.eligible),
        "floor_response": _thousandths(floor.response),
        "lost_render": _mean_loss(floor.render, funnel.render_rate),
        "lost_win": _mean_loss(floor.win, win_rate),
        "lost_eligible": _mean_loss(floor.eligible, funnel.eligibility_rate),
        "lost_response": _mean_loss(floor.response, funnel.response_rate),
        "invalid_of_render_loss": _invalid_share_of_render_loss(platform_model),
        "errors_of_render_loss": funnel.error_share_of_render_loss,
        "timeouts_of_no_response": funnel.timeout_share_of_no_response,
    }
    return FunnelOdds(**{name: np.array([value]) for name, value in odds.items()})


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
    contest: Floats,
    timeouts: Floats,
    keys: Keys,
) -> SupplySide:
    """Draw the counts that it took to deliver these impressions: (rows,) each.

    `spare` is the most slots that can be won beside those of the impressions. `contest` multiplies
    the odds to lose an auction (1 on average): where others pay more, more are lost. `timeouts`
    multiplies the requests that time out likewise: under load, more do.
    Invalid traffic and VAST errors are parts of what was won but not rendered, time-outs of what
    was requested but not answered.
    """
    most = largest_loss(impressions, odds.floor_render)
    (not_rendered,) = binomial_shares(keys, ("render loss", most, odds.lost_render))
    not_rendered = np.minimum(not_rendered, spare)
    won = impressions + not_rendered
    most = largest_loss(won, odds.floor_win)
    lost_win = odds.lost_win * contest / (1.0 + odds.lost_win * (contest - 1.0))
    lost, invalid = binomial_shares(
        keys,
        ("lost auctions", most, lost_win),
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
    timed_out = odds.timeouts_of_no_response * timeouts
    grown = timed_out + (1.0 - odds.timeouts_of_no_response)
    not_answered = np.minimum(odds.lost_response * grown, 1.0)
    (unanswered,) = binomial_shares(keys, ("no response", most, not_answered))
    (late,) = binomial_shares(keys, ("timeouts", unanswered, timed_out / grown))
    return SupplySide(
        requests=responses + unanswered,
        responses=responses,
        eligible_impressions=eligible,
        auctions_won=won,
        invalid_impressions=invalid,
        error_count=errors,
        timeout_count=late,
    )


def largest_loss(kept: WholeFloats, thousandths: WholeFloats | float) -> WholeFloats:
    """Return the most that `kept` may have lost, so that 1000 kept >= thousandths x (kept + loss).

    >>> largest_loss(np.array([9.0, 100.0]), 900).tolist()
    [1.0, 11.0]
    """
    return np.floor(kept * (_THOUSAND - thousandths) / thousandths)


def _thousandths(floor: Decimal) -> float:
    return float(int(floor * _THOUSAND))


def _mean_loss(floor: Decimal, mean_rate: float) -> float:
    """Return the share of the largest loss that makes kept / (kept + loss) the mean rate."""
    most = 1.0 / float(floor) - 1.0
    return min(1.0, (1.0 / mean_rate - 1.0) / most) if most > 0.0 else 0.0


def _invalid_share_of_render_loss(platform_model: PlatformModel) -> float:
    """Return the share of the render loss that makes invalid / (impressions + invalid) the
    platform's rate."""
    rate = platform_model.funnel.invalid_traffic_rate
    loss_per_impression = 1.0 / platform_model.funnel.render_rate - 1.0
    if loss_per_impression <= 0.0:
        return 0.0
    return min(1.0, rate / (1.0 - rate) / loss_per_impression)
