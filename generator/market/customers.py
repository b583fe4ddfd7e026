"""The customers of a market: which advertisers there are, where and how much they book, and when
their first and last orders are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from generator.arrays import Floats, Int64s, Mask
from generator.clock import day_number
from generator.market.draws import normals_of, pick, uniforms_of
from generator.platform.booking_mix import BookingMix
from generator.scenario.models import MarketPlan
from generator.world.office_hours import DAYS_FROM_SIGNING_TO_START, office_moments

_CAMPAIGNS_AN_ADVERTISER = 5
_DAYS_A_YEAR = 365.25
# Assumption: those that are customers when the market opens have been so for some days, at least
# and at most.
_CUSTOMER_BEFORE = (60, 2200)
# Assumption: the first campaign of a new customer begins within a number of days.
_SOON = 28
# Assumption: an advertiser that is lost has been a customer for some days of the market.
_LEAST_DAYS_SEEN = 45


@dataclass(frozen=True)
class Customers:
    """All advertisers of a market in the order in which they signed; arrays are by advertiser, and
    its id is its position + 1.

    `tier` and `industry` are positions in the tiers and the industries of the mix. `is_in`
    (advertisers, countries) says where they book, `home` is the position of the first of these
    countries. `signed` is when they became customers (UTC minutes since the epoch). `opens` and
    `closes` are the first and the last day on which a campaign of theirs can start (day numbers).
    `is_lost` says whether they stop. `campaigns` is how many campaigns they book relative to
    others, `log_size` how much larger these are.
    """

    tier: Int64s
    industry: Int64s
    is_in: Mask
    home: Int64s
    signed: Int64s
    opens: Int64s
    closes: Int64s
    is_lost: Mask
    campaigns: Floats
    log_size: Floats

    def in_order(self, order: Int64s) -> Customers:
        """Return the customers in another order."""
        arrays = {field.name: getattr(self, field.name)[order] for field in fields(self)}
        return replace(self, **arrays)


def count_advertisers(plan: MarketPlan) -> int:
    """Return how many advertisers a market has."""
    return plan.advertisers or max(1, plan.campaigns // _CAMPAIGNS_AN_ADVERTISER)


def customers_of(
    plan: MarketPlan, mix: BookingMix, pull: Floats, zones: Sequence[str], seed: int
) -> Customers:
    """Draw the advertisers of a market. `pull` (countries,) is how many campaigns each country
    draws, `zones` their time zones."""
    figures = mix.customers
    ids = np.arange(1, count_advertisers(plan) + 1, dtype=np.int64)
    tiers = list(figures.tiers.values())
    tier = pick([one.share for one in tiers], seed, "market tier", ids)
    is_in, home = _countries(np.array([one.countries for one in tiers])[tier], pull, seed, ids)
    first = day_number(plan.start_date)
    last = day_number(plan.end_date)
    years = (last - first + 1) / _DAYS_A_YEAR
    is_new = uniforms_of(seed, "market new", ids) < min(figures.new_per_year * years, 1.0)
    is_lost = uniforms_of(seed, "market lost", ids) < min(figures.lost_per_year * years, 1.0)
    when = uniforms_of(seed, "market opens", ids)
    opens = np.where(is_new, first + np.floor(when * (last - first + 1)).astype(np.int64), 0)
    least, most = _CUSTOMER_BEFORE
    before = least + np.floor(uniforms_of(seed, "market signed", ids) * (most - least))
    days = np.where(is_new, opens - DAYS_FROM_SIGNING_TO_START, first - before.astype(np.int64))
    signed = office_moments(days, zones, home, uniforms_of(seed, "market signed at", ids))
    seen = np.minimum(np.maximum(opens, first) + _LEAST_DAYS_SEEN, last)
    leaves = uniforms_of(seed, "market closes", ids) * (last - seen + 1)
    drawn = Customers(
        tier=tier,
        industry=pick(mix.industry.values(), seed, "market industry", ids),
        is_in=is_in,
        home=home,
        signed=signed,
        opens=opens,
        closes=np.where(is_lost, seen + np.floor(leaves).astype(np.int64), last),
        is_lost=is_lost,
        campaigns=np.array([one.campaigns for one in tiers])[tier]
        * np.exp(figures.campaigns_log_sd * normals_of(seed, "market campaigns", ids)),
        log_size=np.array([one.log_size for one in tiers])[tier]
        + figures.size_log_sd * normals_of(seed, "market advertiser size", ids),
    )
    return drawn.in_order(np.argsort(signed, kind="stable"))


def _countries(from_to: Int64s, pull: Floats, seed: int, ids: Int64s) -> tuple[Mask, Int64s]:
    """Draw the countries of each advertiser, without repeats and those with more pull more often.
    Returns whether it is in a country (advertisers, countries), and its home.

    Each country waits for an exponential time, shorter with more pull. An advertiser is in those
    that come first, and the very first is its home (Efraimidis and Spirakis, 2006).
    """
    with np.errstate(divide="ignore"):
        waits = np.stack(
            [
                -np.log(uniforms_of(seed, f"market country {position}", ids)) / of_country
                for position, of_country in enumerate(pull)
            ],
            axis=1,
        )
    least, most = from_to.T
    count = least + np.floor(
        uniforms_of(seed, "market countries", ids) * (most - least + 1)
    ).astype(np.int64)
    rank = waits.argsort(axis=1).argsort(axis=1)
    is_in = (rank < count[:, None]) & np.isfinite(waits)
    return is_in, waits.argmin(axis=1)


def buyers_of(customers: Customers, first_day: int, lots: Int64s, seed: int) -> Int64s:
    """Draw the advertiser of each campaign, as a position: each advertiser has one, and the others
    fall to those that book more and are customers for longer. `first_day` is the market's."""
    advertisers = customers.tier.size
    days = customers.closes - np.maximum(customers.opens, first_day) + 1
    drawn = pick(customers.campaigns * days, seed, "market advertiser", lots)
    return np.where(lots <= advertisers, np.minimum(lots, advertisers) - 1, drawn)


def closing_days(customers: Customers, buyer: Int64s, lots: Int64s) -> Int64s:
    """Return the last day on which each campaign can start: a new customer does not wait long with
    its first."""
    closes = customers.closes[buyer]
    is_first = (lots <= customers.tier.size) & (customers.opens[buyer] > 0)
    soon = np.minimum(customers.opens[buyer] + _SOON, closes)
    return np.where(is_first, soon, closes)


def markets_of(
    customers: Customers, buyer: Int64s, pull: Floats, lots: Int64s, seed: int
) -> Int64s:
    """Draw the country of each campaign among those of its buyer: positions."""
    country = customers.home[buyer]
    abroad = np.flatnonzero(customers.is_in[buyer].sum(axis=1) > 1)
    weights: Floats = customers.is_in[buyer[abroad]] * pull
    edges = weights.cumsum(axis=1)
    chance = uniforms_of(seed, "market abroad", lots[abroad])[:, None] * edges[:, -1:]
    country[abroad] = (edges <= chance).sum(axis=1)
    return country
