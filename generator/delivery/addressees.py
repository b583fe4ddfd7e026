"""The households that a campaign addresses: its cells, their lines, and what its frequency caps let
it deliver to them. All of it is known when the campaign begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.arrays import Floats, Int64s
from generator.clock import HOURS_A_DAY
from generator.delivery.capping import Cap, ImpressionLimits, cap_rates, caps_of, impression_limits
from generator.delivery.history import booked_flights
from generator.delivery.households import (
    Cell,
    cells_of,
    control_households,
    groups_of,
    have_room,
    split_households,
)
from generator.delivery.ledger import Addressed
from generator.delivery.targeting import count_households, targeting_of
from generator.delivery.viewing import CellLimits
from generator.enums import BudgetType, Pacing
from generator.platform.model import PlatformModel
from generator.randomness import key
from generator.schema import Flight
from generator.schema.booking import Booking

# How many times the mean day of a booking its best day may deliver before the cap is near, and the
# part of a day that its best hour has. Where all is taken that comes, a day may have it all.
_HEADROOM = {Pacing.EVEN: 2.0, Pacing.FRONTLOADED: 4.0, Pacing.ASAP: float("inf")}
_PEAK_HOUR = 0.15
_LEAST_OF_CAP, _MOST_OF_CAP = 0.25, 0.95
# How many of the finest dials make one where a campaign has several lines: less to add up, and a
# month's reach is 1 to 2 % more.
_JOINED_DIALS = 2


@dataclass(frozen=True)
class Addressees:
    """The households that a campaign addresses.

    `groups` has the group of each line item, `item_limits` what each may deliver under the caps,
    `cell_limits` what each group may in each cell; None without caps. No hour and no day delivers
    more than `part_of_cap` of what the caps allow. `lines` are what the ledger needs to know: a
    line for each cell, or one for all where cells are too small to keep the caps alone. With an
    experiment, cells have the households of both arms, and lines those of the test arm.
    """

    cells: tuple[Cell, ...]
    groups: tuple[int, ...]
    item_limits: list[ImpressionLimits]
    cell_limits: CellLimits | None
    part_of_cap: float
    lines: tuple[Addressed, ...]

    @property
    def households(self) -> int:
        """The households that may see the campaign, at least one."""
        return max(1, sum(line.households for line in self.lines))


def addressees(booking: Booking, platform_model: PlatformModel, seed: int) -> Addressees:
    """Return the households that a campaign addresses."""
    targetings = [targeting_of(item.line_item) for item in booking.line_items]
    cells = tuple(cells_of(platform_model, targetings))
    groups = groups_of(platform_model, targetings)
    weights = np.bincount(groups, [item.line_item.budget_share for item in booking.line_items])
    in_test = 1.0 - booking.control_share
    by_cell = split_households(cells, weights.tolist()) * in_test
    campaign_days = sum(days_of(flight) for flight in booking.flights)
    caps = caps_of(booking.frequency_caps, campaign_days * HOURS_A_DAY)
    of_group = by_cell.sum(axis=1)
    item_limits = [
        impression_limits(
            caps,
            min(
                in_test * count_households(platform_model, [targeting]),
                of_group[group] * item.line_item.budget_share / weights[group],
            ),
        )
        for item, targeting, group in zip(booking.line_items, targetings, groups, strict=True)
    ]
    part_of_cap = _part_of_cap(booking, item_limits)
    households = [cell.households for cell in cells]
    rounding = weights.size if len(cells) > 1 else 0
    if not have_room([in_test * number for number in households], caps, rounding):
        households, rounding = [sum(households)], 0
    households = [
        number - control_households(number, booking.control_share) for number in households
    ]
    planned = expected_before(booking, len(booking.flights))
    stream = key(seed, "households", booking.campaign.campaign_id)
    lines = tuple(
        Addressed(
            households=number,
            planned=planned * number / max(sum(households), 1),
            caps=caps,
            part_of_cap=part_of_cap,
            stream=key(stream, "line", position) if position else stream,
            rounding=rounding,
            joined=_JOINED_DIALS if len(households) > 1 else 1,
        )
        for position, number in enumerate(households)
    )
    cell_limits = _cell_limits(by_cell, caps, part_of_cap) if len(cells) > 1 else None
    return Addressees(cells, groups, item_limits, cell_limits, part_of_cap, lines)


def _cell_limits(by_cell: Floats, caps: Sequence[Cap], part_of_cap: float) -> CellLimits | None:
    """Return the most impressions of each group in each cell, from the households that are its."""
    if not caps:
        return None
    hour, day = (_whole_parts(part_of_cap * rate * by_cell) for rate in cap_rates(caps))
    return CellLimits(hour, day)


def _whole_parts(amounts: Floats) -> Int64s:
    """Round amounts (groups, cells) to whole ones that add up to no less than whole sums."""
    marks = np.floor(amounts.cumsum(axis=1) + 1e-6).astype(np.int64)
    return np.diff(marks, axis=1, prepend=0)


def _part_of_cap(booking: Booking, limits: Sequence[ImpressionLimits]) -> float:
    """Return the part of what the caps allow that no hour and no day delivers more than.

    It is what the original booking needs, with headroom, since the ledger is set up for it when the
    campaign begins. The less of a cap is used, the more unequal households may be under it.
    """
    planned = expected_before(booking, len(booking.flights))
    per_day = planned / sum(days_of(flight) for flight in booked_flights(booking))
    shares = [item.line_item.budget_share for item in booking.line_items]
    needed = _LEAST_OF_CAP
    for item, limit, share in zip(booking.line_items, limits, shares, strict=True):
        day = per_day * share / sum(shares) * _HEADROOM[item.line_item.pacing]
        for most, wanted in ((limit.day, day), (limit.hour, day * _PEAK_HOUR)):
            if most is not None:
                needed = max(needed, wanted / max(most, 1))
    return min(needed, _MOST_OF_CAP)


def expected_before(booking: Booking, flight_index: int) -> float:
    """Return the impressions that the campaign's earlier flights buy at its target price."""
    days = [days_of(flight) for flight in booked_flights(booking)]
    amount = booking.budget.amount_micros
    days_before = sum(days[:flight_index])
    lifetime = booking.budget.budget_type is BudgetType.LIFETIME
    spent = amount * days_before / sum(days) if lifetime else amount * days_before
    return spent * 1000 / max(booking.campaign.target_cpm_micros, 1)


def days_of(flight: Flight) -> int:
    """Return how many days a flight lasts."""
    return (flight.end_date - flight.start_date).days + 1
