"""How the line items of a market are steered: past their goal, short of it, and with errors."""

from __future__ import annotations

import math
from dataclasses import replace

from generator.enums import BuyType
from generator.market.order import Draw
from generator.platform.booking_mix import Control, Rotation
from generator.schema.booking import BookedLineItem, Booking, Optimiser, Steering

_MOST_SHORT = 0.6


def steer(booking: Booking, control: Control, rotation: Rotation, seed: int) -> Booking:
    """Return a booking with line items that are steered as people and programs steer."""
    if control == Control() and rotation == Rotation():
        return booking
    is_guaranteed = booking.campaign.buy_type is not BuyType.PRIVATE_AUCTION
    items = [
        replace(item, steering=_steering(item, is_guaranteed, control, rotation, seed))
        for item in booking.line_items
    ]
    return replace(booking, line_items=tuple(items))


def _steering(
    item: BookedLineItem, is_guaranteed: bool, control: Control, rotation: Rotation, seed: int
) -> Steering:
    """Draw how a line item is steered. Only guaranteed buys aim past their goal, since an auction
    bills each impression."""
    draw = Draw(seed, "market line item", item.line_item.line_item_id)
    ramp, short, past = control.ramp, control.shortfall, control.beyond
    beyond = 0.0
    if draw.happens(short.share, "falls short"):
        part = short.median * math.exp(short.log_sd * draw.normal("shortfall"))
        beyond = -min(part, _MOST_SHORT)
    elif is_guaranteed and draw.happens(past.share, "aims past its goal"):
        beyond = max(past.mean + past.sd * draw.normal("beyond"), 0.0)
    first = min(ramp.first_day * math.exp(ramp.log_sd * draw.normal("ramp")), 1.0)
    return Steering(
        beyond=beyond,
        error_log_sd=control.forecast_error.log_sd,
        error_autocorrelation=control.forecast_error.autocorrelation,
        ramp=tuple(first ** (1 - day / ramp.days) for day in range(ramp.days)),
        optimiser=_optimiser(item, rotation, draw),
    )


def _optimiser(item: BookedLineItem, rotation: Rotation, draw: Draw) -> Optimiser:
    """Draw whether a program moves the rotation of a line item with several creatives."""
    if len(item.creatives) < 2 or not draw.happens(rotation.optimised, "optimised rotation"):
        return Optimiser()
    return Optimiser(gain=rotation.gain, after_days=rotation.after_days, days=rotation.days)
