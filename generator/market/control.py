"""How the line items of a market are steered: past their goal, short of it, and with errors."""

from __future__ import annotations

import math
from dataclasses import replace

from generator.enums import BuyType
from generator.market.order import Draw
from generator.platform.booking_mix import Control
from generator.schema.booking import BookedLineItem, Booking, Steering

_MOST_SHORT = 0.6


def steer(booking: Booking, control: Control, seed: int) -> Booking:
    """Return a booking with line items that are steered as people and programs steer."""
    if control == Control():
        return booking
    is_guaranteed = booking.campaign.buy_type is not BuyType.PRIVATE_AUCTION
    items = [
        replace(item, steering=_steering(item, is_guaranteed, control, seed))
        for item in booking.line_items
    ]
    return replace(booking, line_items=tuple(items))


def _steering(item: BookedLineItem, is_guaranteed: bool, control: Control, seed: int) -> Steering:
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
    )
