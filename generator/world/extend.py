"""Additions to an existing world: one more campaign, or one more advertiser.

An addition continues the ids and uses the seed and the as-of day of the run that made the rest. So
it equals the same scenario as the last of that run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from generator.enums import Currency, Objective
from generator.platform.model import PlatformModel
from generator.scenario.errors import bad_input, nearest
from generator.scenario.log import NO_LOG, LogPlan
from generator.scenario.models import AdvertiserPlan, Scenario
from generator.schema import Advertiser, Run
from generator.schema.existing import Holdings
from generator.world import names
from generator.world.build import (
    FirstOrder,
    book,
    booked_by_hand,
    first_order_of,
    platform_row,
    refuse_shared_addresses,
    sign,
)
from generator.world.world import World, identity_of, outline_of

_MOST_SHOWN = 5


def with_campaign(
    holdings: Holdings,
    run: Run,
    scenario: Scenario,
    platform_model: PlatformModel,
    advertiser: Advertiser | None = None,
) -> World:
    """Return the world of one more campaign, for an existing advertiser or the scenario's.

    Raises InputError where the scenario's advertiser has the address of another one, and where a
    flight begins before the advertiser was a customer.
    """
    plan = scenario.advertiser
    pools = names.pools(run.seed)
    buyer = advertiser or advertiser_by_name(holdings, plan.name)
    buyer_id = buyer.advertiser_id if buyer else holdings.last_advertiser_id + 1
    since = buyer.created_at if buyer else datetime.min
    campaign_id = holdings.last_campaign_id + 1

    def booked(first_day: date) -> datetime:
        return booked_by_hand(first_day, plan.time_zone, since, run, campaign_id)

    booking = book(scenario, campaign_id, buyer_id, run, pools, booked)
    if buyer:
        booking = replace(booking, industry=buyer.industry)
    if buyer and booking.flights[0].start_date <= since.date():
        raise bad_input(
            f"advertiser {buyer.advertiser_id} {buyer.name!r} is a customer since {since.date()}, "
            f"and a flight begins {booking.flights[0].start_date}; start it later, or book it for "
            "another advertiser"
        )
    new = () if buyer else (sign(plan, buyer_id, first_order_of([booking.campaign]), run, pools),)
    refuse_shared_addresses((*holdings.advertisers, *new))
    is_known = platform_model.name in holdings.platforms
    return World(
        identity=identity_of(run, booking),
        run=run,
        platform_models={platform_model.name: platform_model},
        platforms=() if is_known else (platform_row(platform_model),),
        advertisers=new,
        bookings=(booking,),
        outline=outline_of([booking], {platform_model.name: platform_model}),
        log=log_of(run),
    )


def with_advertiser(
    holdings: Holdings, run: Run, plan: AdvertiserPlan, currency: Currency
) -> World:
    """Return the world of one more advertiser, set up before the run's as-of day.

    Raises InputError where another advertiser has its name or address.
    """
    if known := advertiser_by_name(holdings, plan.name):
        raise bad_input(f"there is an advertiser {known.name!r} already, {known.advertiser_id}")
    day_before = datetime.combine(run.as_of_date - timedelta(days=1), time(12))
    advertiser_id = holdings.last_advertiser_id + 1
    first = FirstOrder(day_before, currency)
    new = sign(plan, advertiser_id, first, run, names.pools(run.seed))
    refuse_shared_addresses((*holdings.advertisers, new))
    return World(
        identity=identity_of(run, new),
        run=run,
        platform_models={},
        platforms=(),
        advertisers=(new,),
        bookings=(),
        outline=outline_of([], {}),
    )


def log_of(run: Run) -> LogPlan:
    """Return what is logged of a run."""
    if run.log_share is None:
        return NO_LOG
    return LogPlan(households=run.log_share, missing_ids=run.log_missing_ids or 0.0)


def advertiser_of(holdings: Holdings, id_or_name: str) -> Advertiser:
    """Return the advertiser of an id or a name. Raises InputError that lists similar ones."""
    by_id = {str(advertiser.advertiser_id): advertiser for advertiser in holdings.advertisers}
    if found := by_id.get(id_or_name) or advertiser_by_name(holdings, id_or_name):
        return found
    raise bad_input(f"there is no advertiser {id_or_name!r}{_near(holdings, id_or_name)}")


def advertiser_by_name(holdings: Holdings, name: str | None) -> Advertiser | None:
    """Return the advertiser of a name, None for none."""
    return next(
        (advertiser for advertiser in holdings.advertisers if advertiser.name == name), None
    )


def different_details(buyer: Advertiser, plan: AdvertiserPlan) -> list[str]:
    """Return a notice where a scenario describes an existing advertiser differently."""
    differing = [
        f"{field} {getattr(buyer, field)}, not {getattr(plan, field)}"
        for field in sorted(plan.model_fields_set)
        if getattr(plan, field) not in (None, getattr(buyer, field))
    ]
    if not differing:
        return []
    who = f"advertiser {buyer.advertiser_id} {buyer.name!r} exists and stays unchanged"
    return [f"{who}: {'; '.join(differing)}"]


def pick_profile(profiles: dict[str, Objective], holdings: Holdings, run: Run) -> str:
    """Pick a profile by the seed and the next campaign id. Raises InputError without profiles."""
    if not profiles:
        raise bad_input("no profile has this objective; name one with --profile")
    return names.pick(sorted(profiles), run.seed, "profile", holdings.last_campaign_id + 1)


def _near(holdings: Holdings, wanted: str) -> str:
    if not holdings.advertisers:
        return "; there is none yet: create-advertiser adds one"
    if wanted.isdecimal():
        nearest_first = sorted(
            holdings.advertisers,
            key=lambda advertiser: abs(advertiser.advertiser_id - int(wanted[:18])),
        )
        shown = [
            f"{advertiser.advertiser_id} {advertiser.name!r}"
            for advertiser in nearest_first[:_MOST_SHOWN]
        ]
        return f"; near it: {', '.join(shown)}"
    return nearest(wanted, {advertiser.name for advertiser in holdings.advertisers})
